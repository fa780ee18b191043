//! Templates with Ansible's rules: minijinja's syntax, Python's values, ansible-core 2.19's
//! results (observed: ansible-core 2.19.14).

mod args;
mod compile;
mod condition;
mod container;
mod dates;
mod engine;
mod env;
mod eval;
mod exec;
mod files;
mod filters;
mod format;
mod function;
mod functions;
mod header;
mod ir;
mod locals;
mod lookups;
mod loops;
mod macros;
mod marks;
mod mask;
mod methods;
mod obj;
mod ops;
mod stop;
mod tests;

pub use files::template_vars;

/// Opens a vaulted variable.
pub type Decrypt = Arc<dyn Fn(&str) -> Result<String> + Send + Sync>;

use crate::diag::{Diag, Result, SourceMap, Span};
use crate::modules::RenderOptions;
use crate::sys::Known;
use crate::value::{Kind, Map, Trust, Value};
use crate::vars::SharedScope;
use compile::Mode;
use env::Env;
use obj::{O, Obj};
use std::rc::Rc;
use std::sync::Arc;
use stop::Stop;

/// Renders values, conditions and files. Cheap to clone and shared by all host threads; compiled
/// templates are cached in it.
///
/// Everywhere: an undefined variable is an error that names it and its place; what depends on an
/// unknown value is unknown; text that is data ([`crate::value::Trust::Plain`]) is never rendered.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<engine::Inner>,
}

/// Where lookups, `first_found` and relative files start from, and what they may use.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Directories searched for files, nearest first (role directory, directory of the task file,
    /// playbook directory).
    pub search: Vec<std::path::PathBuf>,
}

impl Engine {
    /// An engine whose errors point into `sources` and which reads vaulted values with `decrypt`.
    pub fn new(sources: SourceMap, decrypt: Decrypt) -> Engine {
        Engine {
            inner: Arc::new(engine::Inner::new(sources, decrypt)),
        }
    }

    /// The same engine, before anything was rendered, with conditions that need not be booleans
    /// (`allow_broken_conditionals`): whatever Python calls true holds, and so does an empty text.
    #[must_use]
    pub fn with_lenient_conditions(mut self, lenient: bool) -> Engine {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.lenient_conditions = lenient;
        }
        self
    }

    /// An engine that refuses vaulted values: for runs without any vault secret.
    pub fn without_vault(sources: SourceMap) -> Engine {
        Engine::new(
            sources,
            Arc::new(|_| {
                Err(Diag::error(
                    "vault-no-secret",
                    "Attempting to decrypt but no vault secrets found",
                ))
            }),
        )
    }

    /// Renders a value deeply: strings that are templates, lists, dicts (their keys stay). A string that
    /// is one `{{ expression }}` gives the expression's own type, anything else a string. The
    /// result holds no templates; parts that are unknown are unknown in place; entries and items
    /// that are `omit` are left out.
    pub fn render(&self, value: &Value, scope: &SharedScope, at: &Context) -> Result<Value> {
        if container::is_plain(value) {
            return Ok(value.clone());
        }
        let env = Env::new(&self.inner, scope, at);
        render_value(&env, value)
            .and_then(|v| v.ok_or_else(container::omitted))
            .map_err(|stop| to_diag(stop, value.span, TEMPLATE))
    }

    /// As [`Engine::render`], but `None` where the value itself is `omit`.
    pub fn render_unless_omitted(
        &self,
        value: &Value,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Option<Value>> {
        let env = Env::new(&self.inner, scope, at);
        render_value(&env, value).map_err(|stop| to_diag(stop, value.span, TEMPLATE))
    }

    /// Evaluates a condition (`when`, `until`, `changed_when`): an expression without braces, a
    /// boolean, or a template. ansible-core 2.19's rules for what counts as a boolean.
    pub fn condition(
        &self,
        value: &Value,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Known<bool>> {
        let env = Env::new(&self.inner, scope, at);
        match condition::evaluate(&env, value) {
            Ok(truth) => Ok(Known::Known(truth)),
            Err(Stop::Unknown(_)) => Ok(Known::Unknown),
            Err(stop) => {
                let mut diag = to_diag(stop, value.span, EXPRESSION);
                if diag.code == "undefined-variable" {
                    diag.message = format!("Error while evaluating conditional: {}", diag.message);
                }
                Err(diag)
            }
        }
    }

    /// Renders the text of a template file; `None` where it depends on an unknown value.
    pub fn file(
        &self,
        name: &std::path::Path,
        text: &str,
        options: &RenderOptions,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Option<String>> {
        let (text, options) = header::split(text, options)?;
        let done = self
            .run_file(name, text, &options, scope, at)
            .and_then(|obj| exec::Out::One(obj).text());
        match done {
            Ok(text) => Ok(Some(match &options.newline {
                Some(newline) if newline != "\n" => text.replace('\n', newline),
                _ => text,
            })),
            Err(Stop::Unknown(_)) => Ok(None),
            Err(stop) => Err(to_diag(stop, Span::NONE, TEMPLATE)),
        }
    }

    /// Renders a template file to a value: a file that is one `{{ expression }}` gives the
    /// expression's own type, as the `template` lookup does.
    fn file_value(
        &self,
        name: &std::path::Path,
        text: &str,
        options: &RenderOptions,
        scope: &SharedScope,
        at: &Context,
    ) -> stop::Res<Value> {
        let (text, options) = header::split(text, options)?;
        self.run_file(name, text, &options, scope, at)?.to_value()
    }

    fn run_file(
        &self,
        name: &std::path::Path,
        text: &str,
        options: &RenderOptions,
        scope: &SharedScope,
        at: &Context,
    ) -> stop::Res<Obj> {
        let text: Arc<str> = text.replace("\r\n", "\n").replace('\r', "\n").into();
        let (template, span) = self.inner.compiled_file(name, &text, options)?;
        let env = Env::new(&self.inner, scope, at);
        env.options.replace(options.clone());
        let mut out = exec::Out::default();
        let run = eval::Run {
            env,
            template,
            span,
            marks: None,
        };
        run.root(&Rc::default(), &mut out, exec::Blocks::default())?;
        Ok(exec::with_newlines(&text, out.object()?))
    }

    /// Runs a lookup for `with_NAME: terms`: the list to loop over.
    pub fn lookup(
        &self,
        name: &str,
        terms: &Value,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Value> {
        let env = Env::new(&self.inner, scope, at);
        let done = env.realize(terms).and_then(|terms| {
            let found = lookups::for_loop(&env, name, &terms)?;
            Obj::from(found).to_value()
        });
        match done {
            Ok(value) => Ok(value.at(terms.span)),
            Err(Stop::Unknown(why)) => Ok(Value::unknown(why).at(terms.span)),
            Err(stop) => Err(to_diag(stop, terms.span, TEMPLATE)),
        }
    }

    /// Checks the syntax of a template string, or of a bare expression, without evaluating it.
    /// Filters and tests that do not exist are errors too.
    pub fn check(&self, text: &Value, bare_expression: bool) -> Result<()> {
        let Kind::Str(string) = &text.kind else {
            return Ok(());
        };
        if string.trust != Trust::Template
            || (!bare_expression && !container::has_template(&string.text))
        {
            return Ok(());
        }
        let bare = bare_expression && !string.text.trim_start().starts_with("{{");
        let mode = if bare { Mode::Bare } else { Mode::Inline };
        let template = self.inner.compiled(&string.text, mode, text.span)?;
        let Some(missing) = template.missing.first() else {
            return Ok(());
        };
        let known = match missing.what {
            "filter" => filters::names(),
            _ => tests::names(),
        };
        let place = if bare { "expression" } else { "template" };
        let message = format!(
            "Syntax error in {place}: No {} named '{}'.",
            missing.what, missing.name
        );
        let place = self.inner.place(text.span, &string.text, missing.at);
        Err(Diag::error("template-syntax", message)
            .at(place, "")
            .did_you_mean(&missing.name, known))
    }
}

/// Renders a value as the user wrote it; `None` for `omit`.
fn render_value(env: &Rc<Env>, value: &Value) -> stop::Res<Option<Value>> {
    let kind = match &value.kind {
        Kind::List(items) => {
            let mut done = Vec::with_capacity(items.len());
            for item in items.iter() {
                done.extend(render_value(env, item)?);
            }
            Kind::List(Arc::new(done))
        }
        Kind::Map(map) => {
            let mut done = Map::new();
            for (key, item) in map.iter() {
                if let Some(item) = render_value(env, item)? {
                    done.insert(key.clone(), item);
                }
            }
            Kind::Map(Arc::new(done))
        }
        _ => {
            let obj = env.realize(value).map_err(|s| s.at(value.span))?;
            return match obj.kind {
                O::Omit => Ok(None),
                _ => obj.to_value().map_err(|s| s.at(value.span)).map(Some),
            };
        }
    };
    Ok(Some(Value {
        kind,
        span: value.span,
    }))
}

/// What ansible-core says was being done where Python's own errors come up.
const TEMPLATE: &str = "Error rendering template";
const EXPRESSION: &str = "Error rendering expression";

fn to_diag(stop: Stop, span: Span, doing: &str) -> Box<Diag> {
    match stop {
        Stop::Fail(diag) if diag.code == "template-error" && diag.doing.is_empty() => {
            diag.at_if_none(span).doing(doing)
        }
        Stop::Fail(diag) => diag.at_if_none(span),
        Stop::Undefined(undef) => undef.diag().at_if_none(span),
        Stop::Unknown(why) => Diag::error(
            "unknown-value",
            format!("this is only known after apply: {why}"),
        )
        .at_if_none(span),
        Stop::Break | Stop::Continue => {
            Diag::error("template-error", "break or continue outside of a loop").at_if_none(span)
        }
    }
}

#[cfg(test)]
mod unit;
