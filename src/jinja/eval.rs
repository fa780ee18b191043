//! The engine: renders values, conditions and files.

use super::bridge::{self, Frame, Root};
use super::{Decrypt, errors, filters, function, lookups, sources, syntax, tests};
use crate::diag::{Diag, Result, SourceMap};
use crate::modules::RenderOptions;
use crate::sys::Known;
use crate::value::{Kind, Map, Text, Trust, Value};
use crate::vars::SharedScope;
use minijinja::{Environment, UndefinedBehavior};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Where lookups and relative files start from, and what they may use.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Directories searched for files, nearest first (role directory, directory of the task file,
    /// playbook directory).
    pub search: Vec<PathBuf>,
}

/// Renders values, conditions and files. Cheap to clone and shared by all host threads; compiled
/// templates are cached in it.
///
/// Everywhere: an undefined variable is an error that names it and its place; what depends on an
/// unknown value is unknown; text that is data ([`Trust::Plain`]) is never rendered.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    sources: SourceMap,
    decrypt: Decrypt,
    /// One environment for each set of delimiters and options.
    environments: RwLock<HashMap<String, &'static Environment<'static>>>,
    expressions: RwLock<HashMap<(String, bool), CompiledExpression>>,
}

type CompiledExpression = Arc<minijinja::Expression<'static, 'static>>;

impl Engine {
    /// An engine that opens vaulted variables with `decrypt`.
    pub fn new(sources: SourceMap, decrypt: Decrypt) -> Engine {
        Engine {
            inner: Arc::new(Inner {
                sources,
                decrypt,
                environments: RwLock::default(),
                expressions: RwLock::default(),
            }),
        }
    }

    /// Renders a value deeply: strings that are templates, lists, dicts (keys too). A string that
    /// is one `{{ expression }}` gives the expression's own type, anything else a string. The
    /// result holds no templates; parts that are unknown are unknown in place; parts that are
    /// `omit` are left out.
    ///
    /// # Errors
    /// `undefined-variable`, `template`, at the place of the text.
    pub fn render(&self, value: &Value, scope: &SharedScope, at: &Context) -> Result<Value> {
        let frame = Frame::new(self.clone(), scope.clone(), at.clone());
        frame.resolve(value)
    }

    /// Evaluates a condition (`when`, `until`, `changed_when`): an expression without braces, a
    /// boolean, or a template. ansible-core 2.19's rules for what counts as a boolean.
    ///
    /// # Errors
    /// As [`Engine::render`]; `not-a-condition` if the result is no boolean.
    pub fn condition(
        &self,
        value: &Value,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Known<bool>> {
        let frame = Frame::new(self.clone(), scope.clone(), at.clone());
        let result = frame.condition(value)?;
        match &result.kind {
            Kind::Unknown(_) => Ok(Known::Unknown),
            Kind::Bool(b) => Ok(Known::Known(*b)),
            _ => Err(not_a_condition(value, &result)),
        }
    }

    /// Renders the text of a template file; `None` where it depends on an unknown value. A
    /// `#jinja2:` line at its beginning changes the options and is not part of the output.
    ///
    /// # Errors
    /// `undefined-variable`, `template`, at the place in the file.
    pub fn file(
        &self,
        name: &Path,
        text: &str,
        options: &RenderOptions,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Option<String>> {
        let (text, options) = sources::header(text, options);
        let frame = Frame::new(self.clone(), scope.clone(), at.clone());
        frame.file(name, text, &options)
    }

    /// Runs a lookup for `with_NAME: terms`: the list to loop over.
    ///
    /// # Errors
    /// `unknown-lookup`, and those of the lookup.
    pub fn lookup(
        &self,
        name: &str,
        terms: &Value,
        scope: &SharedScope,
        at: &Context,
    ) -> Result<Value> {
        let frame = Frame::new(self.clone(), scope.clone(), at.clone());
        let terms = frame.resolve(terms)?;
        if matches!(terms.kind, Kind::Unknown(_)) {
            return Ok(terms);
        }
        let list = match &terms.kind {
            Kind::List(items) => items.to_vec(),
            _ => vec![terms.clone()],
        };
        lookups::run(&frame, name, &list, &Map::new())
            .map(Value::list)
            .map_err(|message| Diag::error("lookup", message).at(terms.span, ""))
    }

    /// Checks the syntax of a template string, or of a bare expression, without evaluating it.
    ///
    /// # Errors
    /// `template`, at the place of the fault.
    pub fn check(&self, value: &Value, bare_expression: bool) -> Result<()> {
        let Some(text) = value.as_str() else {
            return Ok(());
        };
        if syntax::is_template(text) {
            let env = self.environment(&RenderOptions::default(), false);
            return env
                .template_from_named_str("<check>", text)
                .map(|_| ())
                .map_err(|e| errors::explain(&e, text, value.span, &self.inner.sources));
        }
        if bare_expression && !text.trim().is_empty() {
            self.expression(text, false)
                .map_err(|e| errors::explain(&e, text, value.span, &self.inner.sources))?;
        }
        Ok(())
    }

    pub(super) fn sources(&self) -> &SourceMap {
        &self.inner.sources
    }

    pub(super) fn decrypt(&self, envelope: &str) -> Result<String> {
        (self.inner.decrypt)(envelope)
    }

    /// The environment for a set of options. `lenient` lets attributes of undefined values be
    /// undefined: `a.b.c | default(1)`.
    pub(super) fn environment(
        &self,
        options: &RenderOptions,
        lenient: bool,
    ) -> &'static Environment<'static> {
        let key = format!("{options:?}{lenient}");
        {
            let known = self
                .inner
                .environments
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(env) = known.get(&key) {
                return env;
            }
        }
        let mut env = Environment::new();
        configure(&mut env, options, lenient);
        // Compiled templates and expressions borrow from it for as long as the process lives; there
        // are a handful of them.
        let env: &'static Environment<'static> = Box::leak(Box::new(env));
        self.inner
            .environments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_insert(env)
    }

    /// True for functions that every template can call.
    fn is_global(&self, name: &str) -> bool {
        let env = self.environment(&RenderOptions::default(), false);
        env.globals().any(|(global, _)| global == name)
    }

    /// A compiled expression.
    pub(super) fn expression(
        &self,
        text: &str,
        lenient: bool,
    ) -> Result<CompiledExpression, minijinja::Error> {
        let key = (text.to_owned(), lenient);
        {
            let known = self
                .inner
                .expressions
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(expression) = known.get(&key) {
                return Ok(expression.clone());
            }
        }
        let env = self.environment(&RenderOptions::default(), lenient);
        let compiled = Arc::new(env.compile_expression_owned(text.to_owned())?);
        self.inner
            .expressions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, compiled.clone());
        Ok(compiled)
    }
}

fn configure(env: &mut Environment<'static>, options: &RenderOptions, lenient: bool) {
    env.set_undefined_behavior(if lenient {
        UndefinedBehavior::Chainable
    } else {
        UndefinedBehavior::Strict
    });
    env.set_debug(true);
    env.set_auto_reload(false);
    env.set_recursion_limit(400);
    env.set_syntax(sources::syntax(options));
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_formatter(bridge::format);
    env.set_unknown_method_callback(function::method);
    env.set_path_join_callback(sources::join);
    env.set_loader(sources::load);
    filters::add(env);
    tests::add(env);
    function::add(env);
}

fn not_a_condition(value: &Value, result: &Value) -> Box<Diag> {
    Diag::error(
        "not-a-condition",
        format!(
            "Conditional result ({}) was derived from value of type '{}'. Conditionals must have a boolean result.",
            if result.truthy() { "True" } else { "False" },
            result.type_name()
        ),
    )
    .at(value.span, "its result is no boolean")
    .help("compare it, or convert it with `| bool` or `is truthy`")
}

impl Frame {
    /// The rendered form of a value. Containers are rendered all through.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value> {
        let kind = match &value.kind {
            Kind::Str(text) => return Ok(self.text(value, text)?),
            Kind::List(items) => {
                let mut rendered = Vec::with_capacity(items.len());
                for item in items.iter() {
                    let item = self.resolve(item)?;
                    if !bridge::is_omit(&item) {
                        rendered.push(item);
                    }
                }
                Kind::List(Arc::new(rendered))
            }
            Kind::Map(map) => {
                let mut rendered = Map::new();
                for (key, item) in map.iter() {
                    let item = self.resolve(item)?;
                    if bridge::is_omit(&item) {
                        continue;
                    }
                    rendered.insert(self.key(key)?, item);
                }
                Kind::Map(Arc::new(rendered))
            }
            other => other.clone(),
        };
        Ok(Value {
            kind,
            span: value.span,
        })
    }

    fn key(&self, key: &crate::value::Key) -> Result<crate::value::Key> {
        let Some(text) = key.as_str().filter(|text| syntax::is_template(text)) else {
            return Ok(key.clone());
        };
        let rendered = self.resolve(&Value::template(text).at(key.span))?;
        let rendered = crate::value::Key::from_value(&rendered).unwrap_or_else(|| key.clone());
        Ok(crate::value::Key {
            kind: rendered.kind,
            span: key.span,
        })
    }

    /// A string: as it is, decrypted, or rendered.
    fn text(&self, value: &Value, text: &Text) -> Result<Value> {
        match text.trust {
            Trust::Plain => Ok(value.clone()),
            Trust::Vault => {
                let open = self
                    .engine
                    .decrypt(&text.text)
                    .map_err(|e| e.at_if_none(value.span))?;
                Ok(Value::str(open).at(value.span))
            }
            Trust::Template if !syntax::is_template(&text.text) => {
                Ok(Value::str(text.text.clone()).at(value.span))
            }
            Trust::Template => self.template(&text.text, value),
        }
    }

    fn template(&self, text: &str, value: &Value) -> Result<Value> {
        let Some(expression) = syntax::single_expression(text) else {
            let rendered = self.render_text(text, value)?;
            return Ok(rendered.at(value.span));
        };
        if syntax::is_name(expression)
            && let Some(found) = self.scope.get(expression)
            && !bridge::is_special(expression)
        {
            // The variable itself, with the place of its definition.
            let inner = self.deeper().map_err(|e| e.at_if_none(value.span))?;
            let resolved = inner.resolve(&found)?;
            let span = resolved.span.or(value.span);
            return Ok(resolved.at(span));
        }
        let result = self.expression(expression, value)?;
        let span = result.span.or(value.span);
        Ok(result.at(span))
    }

    /// Evaluates an expression; first strictly, then (where it asks for undefined values itself)
    /// with undefined attributes let through.
    fn expression(&self, text: &str, value: &Value) -> Result<Value> {
        let span = value.span;
        let explain = |e: &minijinja::Error| errors::explain(e, text, span, self.engine.sources());
        let attempt = |lenient: bool| -> Result<Result<Value>, minijinja::Error> {
            let expression = self.engine.expression(text, lenient)?;
            let frame = self.clone();
            let seen = bridge::Seen::start();
            let missing = bridge::Missing::start();
            let result = expression.eval(minijinja::Value::from_object(Root(frame)));
            if let Some(why) = seen.unknown()
                && !errors::only_asks_whether_defined(text)
            {
                return Ok(Ok(Value::unknown(why)));
            }
            let result = result?;
            if !errors::deals_with_undefined(text)
                && let Some(name) = missing.first(|name| self.engine.is_global(name))
            {
                return Err(errors::undefined_result(&name));
            }
            if result.is_undefined() {
                return Err(errors::undefined_result(text));
            }
            Ok(bridge::to_value(&result))
        };
        let first = attempt(false);
        let result = match &first {
            Err(e) if errors::may_be_lenient(e, text) => match attempt(true) {
                Ok(value) => Ok(value),
                Err(_) => first,
            },
            _ => first,
        };
        match result {
            Ok(value) => value.map_err(|e| e.at_if_none(span)),
            Err(e) => Err(explain(&e)),
        }
    }

    /// Renders a text of several parts to a string.
    fn render_text(&self, text: &str, value: &Value) -> Result<Value> {
        let attempt = |lenient: bool| -> Result<Value, minijinja::Error> {
            let env = self.engine.environment(&RenderOptions::default(), lenient);
            let template = env.get_template(&sources::text_name(text))?;
            let seen = bridge::Seen::start();
            let result = template.render(minijinja::Value::from_object(Root(self.clone())));
            if let Some(why) = seen.unknown() {
                return Ok(Value::unknown(why));
            }
            result.map(Value::str)
        };
        let first = attempt(false);
        let result = match &first {
            Err(e) if errors::may_be_lenient(e, text) => attempt(true).or(first),
            _ => first,
        };
        result.map_err(|e| errors::explain(&e, text, value.span, self.engine.sources()))
    }

    fn file(&self, name: &Path, text: &str, options: &RenderOptions) -> Result<Option<String>> {
        let attempt = |lenient: bool| -> Result<Option<String>, minijinja::Error> {
            let env = self.engine.environment(options, lenient);
            let id = sources::file_name(&self.at.search, name, text);
            let template = env.get_template(&id)?;
            let seen = bridge::Seen::start();
            let result = template.render(minijinja::Value::from_object(Root(self.clone())));
            if seen.unknown().is_some() {
                return Ok(None);
            }
            result.map(Some)
        };
        let first = attempt(false);
        let result = match &first {
            Err(e) if errors::may_be_lenient(e, text) => attempt(true).or(first),
            _ => first,
        };
        let result =
            result.map_err(|e| errors::explain_file(&e, name, text, self.engine.sources()))?;
        Ok(result.map(|out| match &options.newline {
            Some(newline) if newline != "\n" => out.replace('\n', newline),
            _ => out,
        }))
    }

    /// A condition's value.
    fn condition(&self, value: &Value) -> Result<Value> {
        let Kind::Str(text) = &value.kind else {
            return Ok(match &value.kind {
                // An empty condition holds (observed: ansible-core 2.19.14).
                Kind::Null => Value::from(true),
                _ => self.resolve(value)?,
            });
        };
        if text.trust == Trust::Template && syntax::is_template(&text.text) {
            let rendered = self.resolve(value)?;
            // The rendered text is data; where it is a name or literal of a boolean it counts.
            return Ok(match rendered.as_str() {
                Some("True" | "true") => Value::from(true),
                Some("False" | "false") => Value::from(false),
                _ => rendered,
            });
        }
        let expression = text.text.trim();
        if expression.is_empty() {
            return Ok(Value::from(true));
        }
        if text.trust == Trust::Plain {
            return Ok(value.clone());
        }
        self.expression(expression, value)
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn scope() -> SharedScope {
        let text = "
name: web
port: 80
url: 'http://{{ name }}:{{ port }}'
list: [3, 1, 2]
dict: {a: 1, b: '{{ port + 1 }}', bad: '{{ nothing }}'}
loop_a: '{{ loop_b }}'
loop_b: '{{ loop_a }}'
result: {changed: true, rc: 0, stdout: ok}
mode: 0644
raw: !unsafe '{{ name }}'
";
        let value = crate::yaml::load(&SourceMap::default(), Path::new("vars.yml"), text).unwrap();
        let mut map = value.as_map().unwrap().clone();
        let mut unknown = Map::new();
        unknown.insert("changed", true);
        unknown.insert("stdout", Value::unknown("stdout"));
        map.insert("later", Value::map(unknown));
        Arc::new(map)
    }

    fn engine() -> Engine {
        Engine::new(SourceMap::default(), Arc::new(|_| Ok(String::new())))
    }

    fn render(text: &str) -> String {
        match engine().render(&Value::template(text), &scope(), &Context::default()) {
            Ok(value) => value.repr(),
            Err(diag) => format!("error: {}", diag.message),
        }
    }

    fn condition(text: &str) -> String {
        match engine().condition(&Value::template(text), &scope(), &Context::default()) {
            Ok(Known::Known(b)) => b.to_string(),
            Ok(Known::Unknown) => "unknown".to_owned(),
            Err(diag) => format!("error: {}", diag.message),
        }
    }

    #[test]
    fn renders_with_native_types_lazily() {
        for (text, expected) in [
            ("{{ port }}", "80"),
            ("x{{ port }}", "'x80'"),
            ("{{ url }}", "'http://web:80'"),
            ("{{ list }}", "[3, 1, 2]"),
            ("{{ list | sort }}", "[1, 2, 3]"),
            ("{{ dict.b }}", "81"),
            ("{{ dict.a }}", "1"),
            ("{{ {'a': true, 'b': none} }}", "{'a': True, 'b': None}"),
            ("a {{ [true, none, 1.0] }}", "'a [True, None, 1.0]'"),
            ("{{ raw }}", "'{{ name }}'"),
            ("{{ nothing | default('x') }}", "'x'"),
            ("{{ dict.nothing.deeper | default('x') }}", "'x'"),
            ("{{ name.upper().split('E') }}", "['W', 'B']"),
            ("{{ dict.items() | list | length }}", "3"),
            ("{{ 'a' if port == 80 else 'b' }}", "'a'"),
            ("{% for i in list %}{{ i }},{% endfor %}", "'3,1,2,'"),
            ("{{ lookup('vars', 'name') }}", "'web'"),
            ("{{ 'abc' | regex_replace('(b)', '[\\\\1]') }}", "'a[b]c'"),
            ("{{ [1, 2] | map('string') | join('-') }}", "'1-2'"),
            (
                "{{ 7 // 2 }} {{ 2 ** 3 }} {{ 7 % 4 }} {{ 7 / 2 }}",
                "'3 8 3 3.5'",
            ),
            ("{{ '%03d' | format(7) }}", "'007'"),
            ("{{ true }}", "True"),
            ("{{ 'a' ~ port }}", "'a80'"),
        ] {
            assert_eq!(render(text), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, expected) in [
            ("{{ nothing }}", "error: 'nothing' is undefined"),
            ("a {{ nothing }}", "error: 'nothing' is undefined"),
            (
                "{{ dict.nothing }}",
                "error: object of type 'dict' has no attribute 'nothing'",
            ),
            (
                "{{ loop_a }}",
                "error: recursive loop detected in template: a variable needs itself",
            ),
            (
                "{{ name | nofilter }}",
                "error: Could not load \"nofilter\": no such filter",
            ),
        ] {
            assert_eq!(render(text), expected, "{text}");
        }
        assert!(render("{{ name ").starts_with("error: Syntax error"));
    }

    #[test]
    fn conditions_are_booleans_and_unknown_spreads() {
        for (text, expected) in [
            ("port == 80", "true"),
            ("result is changed", "true"),
            ("result is failed", "false"),
            ("nothing is defined", "false"),
            ("nothing is defined and nothing > 1", "false"),
            ("name in ['web', 'db']", "true"),
            ("not (port > 80)", "true"),
            ("later is changed", "true"),
            ("later.stdout == 'x'", "unknown"),
            ("'x' in later.stdout", "unknown"),
            ("later.stdout is defined", "true"),
            ("false and later.stdout == 'x'", "false"),
            ("'2.10' is version('2.9', '>')", "true"),
            ("{{ port == 80 }}", "true"),
            ("'abc' is match('a')", "true"),
        ] {
            assert_eq!(condition(text), expected, "{text}");
        }
        assert!(condition("name").starts_with("error: Conditional result (True)"));
        assert_eq!(condition("nothing == 1"), "error: 'nothing' is undefined");
    }
}
