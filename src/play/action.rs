//! Which module a task calls, and with which arguments.

use super::fields::malformed;
use super::keywords::{self, Place};
use super::split::{self, KeyValues};
use crate::diag::{Diag, Exit, Result, SourceMap, Span};
use crate::modules::{self, Entry};
use crate::value::{Key, Kind, Map, Text, Trust, Value};

/// What a task does.
pub(super) struct Action {
    /// The module as written, or its full name where `collections` helped to find it.
    pub module: String,
    /// `None` where the name is a template.
    pub entry: Option<&'static Entry>,
    /// Where the name stands.
    pub span: Span,
    /// The key of the task that named the module.
    pub key: String,
    /// A dict, or a template that must become one.
    pub args: Value,
    /// `local_action`.
    pub local: bool,
}

/// The key under which a template for further arguments stands in a dict of arguments.
const MORE: &str = "_variable_params";

/// Command modules keep `k=v` text that is none of their options.
const COMMANDS: &[&str] = &["command", "shell", "script", "raw"];

/// The key of free text that the module has no option for. What becomes of it shows when the task
/// runs.
pub(super) const RAW: &str = "_raw_params";

/// Reads the action of a task.
///
/// # Errors
/// `no-action`, `conflicting-actions`, `unknown-module`, `unknown-keyword`, `bad-arguments`.
pub(super) fn read(
    task: &Map,
    span: Span,
    place: Place,
    collections: &[String],
    sources: &SourceMap,
) -> Result<Action> {
    let named = name(task, span, place, collections)?;
    let reader = Reader {
        sources,
        entry: named.entry,
        module: &named.module,
    };
    let more = task.get("args");
    let args = match named.value {
        Some(value) => reader.arguments(value, span)?,
        None => Arguments::default(),
    };
    let args = with_more(args, more)?;
    Ok(Action {
        module: named.module,
        entry: named.entry,
        span: named.span,
        key: named.key,
        args,
        local: named.local,
    })
}

struct Named {
    module: String,
    entry: Option<&'static Entry>,
    span: Span,
    key: String,
    value: Option<Value>,
    local: bool,
}

fn name(task: &Map, span: Span, place: Place, collections: &[String]) -> Result<Named> {
    let mut found: Option<Named> = None;
    for word in ["action", "local_action"] {
        let Some((key, value)) = task.get_entry(word) else {
            continue;
        };
        if found.is_some() {
            return Err(malformed(
                "conflicting-actions",
                "`action` and `local_action` exclude each other",
                key.span,
            ));
        }
        found = Some(old_style(word, key, value, collections, place)?);
    }
    let mut stranger = None;
    for (key, value) in task {
        let word = key.to_value().to_text();
        let known = keywords::find(&word, Place::Task).is_some()
            || keywords::find(&word, Place::Handler).is_some()
            || word.starts_with("with_")
            || word == "static";
        if known {
            continue;
        }
        let Some(entry) = find(&word, collections) else {
            stranger = stranger.or(Some(key));
            continue;
        };
        if let Some(first) = &found {
            return Err(malformed(
                "conflicting-actions",
                format!(
                    "a task has one action, here are `{}` and `{word}`",
                    first.module
                ),
                key.span,
            )
            .at(first.span, "the first one"));
        }
        found = Some(Named {
            module: spelt(&word, entry),
            entry: Some(entry),
            span: key.span,
            key: word,
            value: Some(value.clone()),
            local: false,
        });
    }
    match (found, stranger) {
        (Some(_), Some(key)) => Err(keywords::unknown(key, place)),
        (Some(found), None) => Ok(found),
        (None, Some(key)) => {
            let word = key.to_value().to_text();
            Err(keywords::unknown_module(&word, key, place))
        }
        (None, None) => Err(malformed("no-action", "the task has no module", span)
            .help("name a module, such as `ansible.builtin.copy:`, with its options")),
    }
}

/// A module by its name, or by a short name within `collections`.
fn find(name: &str, collections: &[String]) -> Option<&'static Entry> {
    modules::find(name).or_else(|| {
        let short = !name.contains('.');
        short
            .then(|| {
                collections
                    .iter()
                    .find_map(|c| modules::find(&format!("{c}.{name}")))
            })
            .flatten()
    })
}

fn spelt(word: &str, entry: &'static Entry) -> String {
    match modules::find(word) {
        Some(_) => word.to_owned(),
        None => entry.fqcn.to_owned(),
    }
}

/// `action: copy src=a`, `local_action: {module: copy, src: a}`.
fn old_style(
    word: &str,
    key: &Key,
    value: &Value,
    collections: &[String],
    place: Place,
) -> Result<Named> {
    let unbalanced = || unbalanced(value.span);
    let (first, rest, dict) = match &value.kind {
        Kind::Str(text) => {
            let mut pieces = split::split_args(&text.text).ok_or_else(unbalanced)?;
            if pieces.is_empty() {
                return Err(malformed(
                    "no-action",
                    format!("`{word}` names no module"),
                    value.span.or(key.span),
                ));
            }
            let first = pieces.remove(0);
            let rest: Vec<String> = pieces.into_iter().map(|p| p.text).collect();
            (first.text.trim().to_owned(), rest.join(" "), None)
        }
        Kind::Map(map) => {
            let Some(module) = map.get("module").and_then(Value::as_str) else {
                return Err(malformed(
                    "no-action",
                    format!("`{word}` needs a `module`"),
                    value.span,
                ));
            };
            let mut pieces = split::split_args(module).ok_or_else(unbalanced)?;
            if pieces.is_empty() {
                return Err(malformed("no-action", "`module` is empty", value.span));
            }
            let first = pieces.remove(0).text.trim().to_owned();
            let rest: Vec<String> = pieces.into_iter().map(|p| p.text).collect();
            let mut dict = Map::clone(map);
            dict.remove("module");
            (first, rest.join(" "), Some(dict))
        }
        _ => {
            return Err(malformed(
                "bad-arguments",
                format!("`{word}` must be a string, not a {}", value.type_name()),
                value.span.or(key.span),
            ));
        }
    };
    let template = first.contains("{{");
    let entry = find(&first, collections);
    if entry.is_none() && !template {
        let mut at = key.clone();
        at.span = value.span.or(key.span);
        return Err(keywords::unknown_module(&first, &at, place));
    }
    let value = match dict {
        None if rest.is_empty() => None,
        None => Some(Value::template(rest).at(value.span)),
        Some(dict) => {
            let mut all = dict.clone();
            let inner = all.remove("args");
            for (key, value) in pairs(&rest, value.span)? {
                all.insert(key, value);
            }
            match inner.map(|v| v.kind) {
                Some(Kind::Map(more)) => {
                    for (key, value) in more.iter() {
                        all.insert(key.clone(), value.clone());
                    }
                }
                Some(Kind::Str(text)) => {
                    for (key, value) in pairs(&text.text, value.span)? {
                        all.insert(key, value);
                    }
                }
                _ => {}
            }
            Some(Value::map(all).at(value.span))
        }
    };
    Ok(Named {
        module: entry.map_or(first.clone(), |entry| spelt(&first, entry)),
        entry,
        span: value.as_ref().map_or(key.span, |v| v.span).or(key.span),
        key: word.to_owned(),
        value,
        local: word == "local_action",
    })
}

fn unbalanced(span: Span) -> Box<Diag> {
    malformed(
        "unbalanced",
        "a quote or a template block is not closed",
        span,
    )
}

fn pairs(text: &str, span: Span) -> Result<Vec<(String, Value)>> {
    let found = split::parse_kv(text, false).ok_or_else(|| unbalanced(span))?;
    Ok(found
        .pairs
        .into_iter()
        .map(|pair| (pair.key, Value::template(pair.value).at(span)))
        .collect())
}

/// Arguments so far: a dict, and a template that stands for a dict.
#[derive(Default)]
struct Arguments {
    dict: Map,
    template: Option<Value>,
    span: Span,
}

struct Reader<'a> {
    sources: &'a SourceMap,
    entry: Option<&'static Entry>,
    module: &'a str,
}

impl Reader<'_> {
    fn arguments(&self, value: Value, span: Span) -> Result<Arguments> {
        let mut args = Arguments {
            span: value.span,
            ..Arguments::default()
        };
        match &value.kind {
            Kind::Null => {}
            Kind::Map(map) => args.dict = Map::clone(map),
            Kind::Str(text) if text.trust == Trust::Vault => self.free(&mut args, value.clone())?,
            Kind::Str(text) => self.string(&mut args, &text.text, value.span)?,
            Kind::List(_) => return Err(self.bad(&value, span)),
            // `meta: 5`, `command: 5`: as the original, numbers are no arguments.
            _ => return Err(self.bad(&value, span)),
        }
        for key in args.dict.keys() {
            if key.as_str().is_some_and(|k| k.starts_with("_ansible_")) {
                let key_name = key.to_value().to_text();
                let message = format!(
                    "Invalid parameter specified beginning with keyword '_ansible_' for action \
                     '{}': '{key_name}'. The prefix '_ansible_' is reserved for internal use only.",
                    self.module
                );
                return Err(malformed("bad-arguments", message, key.span).exit(Exit::Failed));
            }
        }
        Ok(args)
    }

    fn bad(&self, value: &Value, span: Span) -> Box<Diag> {
        malformed(
            "bad-arguments",
            format!(
                "the arguments of `{}` must be a dict or a string, not a {}",
                self.module,
                value.type_name()
            ),
            value.span.or(span),
        )
    }

    fn is_command(&self) -> bool {
        self.entry.is_some_and(|e| COMMANDS.contains(&e.name))
    }

    fn string(&self, args: &mut Arguments, text: &str, span: Span) -> Result<()> {
        let found = split::parse_kv(text, self.is_command()).ok_or_else(|| unbalanced(span))?;
        let KeyValues { pairs, free } = found;
        let offset = self.offset(text, span);
        for pair in pairs {
            let (key_span, value_span) = match offset {
                Some(offset) => {
                    let from = offset + pair.start;
                    let equals = (from + pair.key.len()).min(from + pair.len);
                    (
                        span.part(from, equals),
                        span.part(equals + 1, from + pair.len),
                    )
                }
                None => (span, span),
            };
            let mut key = Key::from(pair.key);
            key.span = key_span;
            args.dict
                .insert(key, Value::template(pair.value).at(value_span));
        }
        match free {
            Some(free) if self.is_command() => self.free(args, Value::template(free).at(span)),
            Some(free) if !free.trim().is_empty() => {
                self.free(args, Value::template(free.trim()).at(span))
            }
            _ => Ok(()),
        }
    }

    /// Where the text begins within its span, if it stands there letter by letter.
    fn offset(&self, text: &str, span: Span) -> Option<usize> {
        let written = self.sources.text(span)?;
        if written == text {
            return Some(0);
        }
        let inner = written.get(1..written.len().checked_sub(1)?)?;
        (inner == text).then_some(1)
    }

    /// Free-form text: the module's option for it, or a template that becomes a dict.
    fn free(&self, args: &mut Arguments, value: Value) -> Result<()> {
        if let Some(option) = self.entry.and_then(|entry| entry.free_form) {
            args.dict.insert(option, value);
            return Ok(());
        }
        if is_all_template(&value) {
            args.template = Some(value);
        } else {
            args.dict.insert(RAW, value);
        }
        Ok(())
    }
}

/// True for text that is one template from its first to its last letter.
pub(super) fn is_all_template(value: &Value) -> bool {
    let Kind::Str(Text { text, .. }) = &value.kind else {
        return false;
    };
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}")
}

/// Adds the `args:` keyword, which the arguments of the action itself override.
fn with_more(args: Arguments, more: Option<&Value>) -> Result<Value> {
    let mut dict = Map::new();
    let mut template = args.template;
    match more {
        None => {}
        Some(value) => match &value.kind {
            Kind::Null => {}
            Kind::Map(map) => dict = Map::clone(map),
            Kind::Str(_) if is_all_template(value) => template = Some(value.clone()),
            _ => {
                return Err(malformed(
                    "bad-arguments",
                    "`args` must be a dict, or a template that becomes one",
                    value.span,
                ));
            }
        },
    }
    for (key, value) in args.dict {
        dict.insert(key, value);
    }
    match template {
        Some(template) if dict.is_empty() => Ok(template),
        Some(template) => {
            dict.insert(MORE, template);
            Ok(Value::map(dict).at(args.span))
        }
        None => Ok(Value::map(dict).at(args.span)),
    }
}
