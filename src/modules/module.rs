//! What a module is.

use crate::args::Raw;
use crate::diag::{Result, Span};
use crate::sys::{Blob, Op, Outcome, View};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// How often a module plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Describes a state: planned again after its operations until nothing is left to do.
    Resource,
    /// Does something each time it is called: planned once.
    Action,
}

/// Which side a module works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Planned and performed by the agent on the host.
    Host,
    /// Carried out by the control side itself (`debug`, `set_fact`, `include_tasks`): here only its
    /// options are described; its meaning is in `exec`.
    Control,
}

/// One module. A file under `modules/` holds the type, its `Args` and this implementation.
///
/// The doc comment of the `Args` type is the module's description and that of each field the
/// option's, in `gxdeploy doc`. Aliases are `#[serde(alias = "...")]` and stand in the field's doc
/// comment as `Alias: name`.
pub trait Module: 'static {
    /// Short name, such as `copy`.
    const NAME: &'static str;
    /// Full name, such as `ansible.builtin.copy`.
    const FQCN: &'static str;
    /// Further names, short or full.
    const ALIASES: &'static [&'static str] = &[];
    /// Where it works.
    const SIDE: Side = Side::Host;
    /// The option that takes free-form text (`command: echo hi`).
    const FREE_FORM: Option<&'static str> = None;
    /// Whether its result has `ansible_facts`. Any variable may be one of them, so that nothing is
    /// rendered for later tasks before they are there.
    const BRINGS_FACTS: bool = false;
    /// Typed options.
    type Args: DeserializeOwned + Serialize + JsonSchema + Send + Sync;

    /// Resource or Action, possibly depending on the arguments.
    fn kind(_args: &Self::Args) -> Kind {
        Kind::Resource
    }

    /// Works on the control side before the step is sent: reads local files, renders templates,
    /// checks what only all options together can tell.
    fn prepare(args: Self::Args, _control: &dyn Control) -> Result<Self::Args> {
        Ok(args)
    }

    /// Decides what to do. The only place that decides; reads through the view and nothing else.
    fn plan(_args: &Self::Args, _view: &dyn View) -> Result<Vec<Op>> {
        Ok(Vec::new())
    }

    /// Decides what is left to do within the same step, after the operations that led to `done`. A
    /// Resource plans anew and an Action is through, unless a module knows better (`apt` looks for
    /// packages once more after it has updated the lists, but does not update them again).
    fn plan_more(args: &Self::Args, view: &dyn View, _done: &[Outcome]) -> Result<Vec<Op>> {
        match Self::kind(args) {
            Kind::Resource => Self::plan(args, view),
            Kind::Action => Ok(Vec::new()),
        }
    }

    /// What the result tells of the host before the operations and of the plan itself (`line
    /// added`, `backup_file`): a JSON object, called with the first plan and the view that led to
    /// it. The keys of [`Module::result`] come on top. With `diff` the user wants to see
    /// differences: an object that has a `diff` key replaces the differences of the operations.
    fn explain(_args: &Self::Args, _view: &dyn View, _planned: &[Op], _diff: bool) -> Result<Json> {
        Ok(Json::Object(serde_json::Map::new()))
    }

    /// What `register` sees, after the operations: a JSON object with Ansible's names. `changed`
    /// (were there operations?), `failed`, `msg` and `diff` are added where absent. An object with
    /// `"failed": true` and `"msg"` fails the step. `done` holds the outcomes of all rounds.
    fn result(_args: &Self::Args, _view: &dyn View, _done: &[Outcome]) -> Result<Json> {
        Ok(Json::Object(serde_json::Map::new()))
    }
}

/// Where a module's local file is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSearch {
    /// `files/` of the role and the playbook, then beside the tasks and the playbook.
    Files,
    /// `templates/`, likewise.
    Templates,
}

/// What `prepare` may use of the control side.
pub trait Control {
    /// Finds a local file as Ansible does (role, then playbook; absolute paths as they are).
    ///
    /// # Errors
    /// `file-not-found` with all places that were tried.
    fn find(&self, search: FileSearch, name: &str) -> Result<PathBuf>;

    /// Reads a local file; vaulted ones are decrypted unless `decrypt` is false.
    fn read(&self, path: &Path, decrypt: bool) -> Result<Vec<u8>>;

    /// Renders the text of a template file with the task's variables. `overrides` are Jinja
    /// settings (`trim_blocks`, `variable_start_string` ...). `None` where the result depends on
    /// something that only apply will tell.
    fn render(&self, path: &Path, text: &str, overrides: &RenderOptions) -> Result<Option<String>>;

    /// Names a content, so that the host can ask for it.
    fn blob(&self, bytes: Vec<u8>) -> Blob;

    /// Names the content of a local file, as [`Control::read`] and [`Control::blob`] would, without
    /// holding a large one in memory. Its SHA-1 is there if the module needs it (`sha1`), or
    /// somebody will see the result of the task.
    ///
    /// # Errors
    /// As [`Control::read`].
    fn blob_of_file(&self, path: &Path, decrypt: bool, _sha1: bool) -> Result<Blob> {
        Ok(self.blob(self.read(path, decrypt)?))
    }

    /// The value of an option with its place, for errors: `control.span("src")`.
    fn span(&self, option: &str) -> Span;
}

/// Jinja settings that the `template` module may change; absent ones keep Ansible's defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderOptions {
    /// `trim_blocks` (default true).
    pub trim_blocks: Option<bool>,
    /// `lstrip_blocks` (default false).
    pub lstrip_blocks: Option<bool>,
    /// `block_start_string` and `block_end_string`.
    pub block: Option<(String, String)>,
    /// `variable_start_string` and `variable_end_string`.
    pub variable: Option<(String, String)>,
    /// `comment_start_string` and `comment_end_string`.
    pub comment: Option<(String, String)>,
    /// `line_statement_prefix`
    pub line_statement: Option<String>,
    /// `line_comment_prefix`
    pub line_comment: Option<String>,
    /// `newline_sequence` (default `\n`).
    pub newline: Option<String>,
}

/// Options of modules that take anything (`set_fact`).
pub type Anything = Raw;
