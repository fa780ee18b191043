//! Values of keywords as the tree keeps them.

use super::ast::Common;
use crate::diag::{Diag, Exit, Result, Span};
use crate::value::{Kind, Map, Value};

/// An error of the playbook's form.
pub(super) fn malformed(code: &str, message: impl Into<String>, span: Span) -> Box<Diag> {
    Diag::error(code, message).at(span, "").exit(Exit::Parser)
}

/// Refuses lists and dicts where a string belongs.
pub(super) fn text(keyword: &str, value: &Value) -> Result<Option<Value>> {
    match value.kind {
        Kind::Null => Ok(None),
        Kind::List(_) | Kind::Map(_) => Err(malformed(
            "wrong-type",
            format!("`{keyword}` must be a string, not a {}", value.type_name()),
            value.span,
        )),
        _ => Ok(Some(value.clone())),
    }
}

/// A list as it is; anything else as a list of one; nothing as an empty list.
pub(super) fn list(value: &Value) -> Vec<Value> {
    match &value.kind {
        Kind::Null => Vec::new(),
        Kind::List(items) => items.to_vec(),
        _ => vec![value.clone()],
    }
}

/// Tags: a list, or a string with commas.
pub(super) fn tags(value: &Value) -> Result<Vec<Value>> {
    match &value.kind {
        Kind::List(items) => Ok(items.to_vec()),
        Kind::Str(text) if text.text.contains("{{") => Ok(vec![value.clone()]),
        Kind::Str(text) => Ok(text
            .text
            .split(',')
            .map(|tag| Value::template(tag.trim()).at(value.span))
            .collect()),
        _ => {
            let message = format!("tags must be a list or a string, not {}", value.repr());
            Err(malformed("wrong-type", message, value.span).exit(Exit::Failed))
        }
    }
}

/// True for a name that a variable may have.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `vars:`.
pub(super) fn vars(value: &Value) -> Result<Map> {
    let map = match &value.kind {
        Kind::Null => return Ok(Map::new()),
        Kind::Map(map) => map,
        _ => {
            let message = format!("`vars` must be a dict, not a {}", value.type_name());
            return Err(malformed("wrong-type", message, value.span));
        }
    };
    for key in map.keys() {
        if !key.as_str().is_some_and(is_identifier) {
            let name = key.to_value().to_text();
            let message = format!("{name:?} is not a name for a variable");
            return Err(malformed("bad-variable-name", message, key.span)
                .note("names are letters, digits and underscores, and do not begin with a digit")
                .exit(Exit::Failed));
        }
    }
    Ok(Map::clone(map))
}

/// Groups of modules that `module_defaults` knows without a collection's name.
const GROUPS: &[&str] = &[
    "acme", "aws", "azure", "cpm", "docker", "gcp", "k8s", "os", "ovirt", "vmware",
];

fn module_defaults(value: &Value) -> Result<Vec<Value>> {
    let levels = list(value);
    for level in &levels {
        let Some(map) = level.as_map() else {
            let message = "`module_defaults` must be a dict of modules";
            return Err(malformed("wrong-type", message, level.span));
        };
        for key in map.keys() {
            let name = key.to_value().to_text();
            let known = match name.strip_prefix("group/") {
                Some(group) => group.contains('.') || GROUPS.contains(&group),
                None => crate::modules::find(&name).is_some(),
            };
            if !known {
                let message = format!("there is no module `{name}` to have defaults");
                return Err(malformed("unknown-module", message, key.span)
                    .did_you_mean(&name, sorted_names()));
            }
        }
    }
    Ok(levels)
}

fn sorted_names() -> Vec<&'static str> {
    let mut names: Vec<_> = crate::modules::names().collect();
    names.sort_unstable();
    names
}

impl Common {
    /// Takes a keyword that is inherited; false if it is none.
    pub(super) fn set(&mut self, keyword: &str, value: &Value) -> Result<bool> {
        let some = || (!value.is_null()).then(|| value.clone());
        match keyword {
            "when" => self.when = list(value),
            "vars" => self.vars = vars(value)?,
            "environment" => self.environment = list(value),
            "tags" => self.tags = tags(value)?,
            "module_defaults" => self.module_defaults = module_defaults(value)?,
            "collections" => self.collections = list(value),
            "become" => self.r#become = some(),
            "become_user" => self.become_user = text(keyword, value)?,
            "become_method" => self.become_method = text(keyword, value)?,
            "become_flags" => self.become_flags = text(keyword, value)?,
            "become_exe" => self.become_exe = text(keyword, value)?,
            "connection" => self.connection = text(keyword, value)?,
            "port" => self.port = some(),
            "remote_user" | "user" => self.remote_user = text(keyword, value)?,
            "delegate_to" => self.delegate_to = text(keyword, value)?,
            "delegate_facts" => self.delegate_facts = some(),
            "run_once" => self.run_once = some(),
            "ignore_errors" => self.ignore_errors = some(),
            "ignore_unreachable" => self.ignore_unreachable = some(),
            "any_errors_fatal" => self.any_errors_fatal = some(),
            "no_log" => self.no_log = some(),
            "check_mode" => self.check_mode = some(),
            "diff" => self.diff = some(),
            "throttle" => self.throttle = some(),
            "timeout" => self.timeout = some(),
            "debugger" => self.debugger = text(keyword, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
