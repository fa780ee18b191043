//! Templates with Ansible's rules.

use crate::diag::Result;
use crate::modules::RenderOptions;
use crate::sys::Known;
use crate::value::Value;
use crate::vars::SharedScope;

/// Renders values, conditions and files. Cheap to clone and shared by all host threads; compiled
/// templates are cached in it.
///
/// Everywhere: an undefined variable is an error that names it and its place; what depends on an
/// unknown value is unknown; text that is data ([`crate::value::Trust::Plain`]) is never rendered.
#[derive(Clone)]
pub struct Engine {}

/// Where lookups, `first_found` and relative files start from, and what they may use.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Directories searched for files, nearest first (role directory, directory of the task file,
    /// playbook directory).
    pub search: Vec<std::path::PathBuf>,
}

impl Engine {
    /// Renders a value deeply: strings that are templates, lists, dicts (keys too). A string that
    /// is one `{{ expression }}` gives the expression's own type, anything else a string. The
    /// result holds no templates; parts that are unknown are unknown in place.
    pub fn render(&self, _value: &Value, _scope: &SharedScope, _at: &Context) -> Result<Value> {
        unimplemented!()
    }

    /// Evaluates a condition (`when`, `until`, `changed_when`): an expression without braces, a
    /// boolean, or a template. ansible-core 2.19's rules for what counts as a boolean.
    pub fn condition(
        &self,
        _value: &Value,
        _scope: &SharedScope,
        _at: &Context,
    ) -> Result<Known<bool>> {
        unimplemented!()
    }

    /// Renders the text of a template file; `None` where it depends on an unknown value.
    pub fn file(
        &self,
        _name: &std::path::Path,
        _text: &str,
        _options: &RenderOptions,
        _scope: &SharedScope,
        _at: &Context,
    ) -> Result<Option<String>> {
        unimplemented!()
    }

    /// Runs a lookup for `with_NAME: terms`: the list to loop over.
    pub fn lookup(
        &self,
        _name: &str,
        _terms: &Value,
        _scope: &SharedScope,
        _at: &Context,
    ) -> Result<Value> {
        unimplemented!()
    }

    /// Checks the syntax of a template string, or of a bare expression, without evaluating it.
    pub fn check(&self, _text: &Value, _bare_expression: bool) -> Result<()> {
        unimplemented!()
    }
}
