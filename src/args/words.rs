//! What results say of wrong arguments: ansible-core's words, which playbooks and its own tests look
//! for (observed: ansible-core 2.19.14). The diagnosis itself says it in ours.

use crate::diag::Diag;
use crate::value::{Kind, Value};
use schemars::Schema;
use serde_json::{Value as Json, json};

/// The key of a diagnosis' data that stands for the message in results.
const MSG: &str = "msg";
/// Stands for the option's name until it is known.
const NAME: &str = "{}";

/// A value that no choice is, so far without the option's name.
pub(super) fn no_choice(choices: &[&str], got: &str) -> String {
    let choices = choices.join(", ");
    format!("value of {NAME} must be one of: {choices}, got: {got}")
}

/// A value that cannot be converted to `wanted`, so far without the option's name.
pub(super) fn no_conversion(value: &Value, wanted: Type) -> String {
    let is = python_type(value);
    let name = wanted.name();
    let class = || {
        format!(
            "<class '{is}'> cannot be converted to a{} {name}",
            wanted.n()
        )
    };
    let is_text = matches!(value.kind, Kind::Str(_));
    let is_plain = !matches!(value.kind, Kind::List(_) | Kind::Map(_) | Kind::Null);
    let why = match wanted {
        Type::Bool if is_plain => format!(
            "The value {} is not a valid boolean. Valid booleans include: 0, 1, '0', '1', 'f', \
             'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
            value.repr()
        ),
        Type::Int if is_plain => format!("\"{}\" cannot be converted to an int", value.repr()),
        Type::Dict if is_text => {
            "dictionary requested, could not parse JSON or key=value".to_owned()
        }
        _ => class(),
    };
    format!("argument '{NAME}' is of type {is} and we were unable to convert to {name}: {why}")
}

/// What an option is converted to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    Float,
    List,
    Dict,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::List => "list",
            Type::Dict => "dict",
        }
    }

    fn n(self) -> &'static str {
        if self == Type::Int { "n" } else { "" }
    }
}

fn python_type(value: &Value) -> &'static str {
    match &value.kind {
        Kind::Null => "NoneType",
        Kind::Bool(_) => "bool",
        Kind::Int(_) => "int",
        Kind::Float(_) => "float",
        Kind::List(_) => "list",
        Kind::Map(_) => "dict",
        _ => "str",
    }
}

/// Puts the option's name into the words of an error.
pub(super) fn name(diag: &mut Diag, option: &str) {
    if let Some(Json::String(text)) = diag.data.get_mut(MSG)
        && text.contains(NAME)
    {
        *text = text.replacen(NAME, option, 1);
    }
}

/// The words of an error in an element of a list.
pub(super) fn element(diag: &mut Diag) {
    let Some(Json::String(text)) = diag.data.get_mut(MSG) else {
        return;
    };
    if let Some(rest) = text.strip_prefix("argument '{}' ") {
        *text = format!("Elements value for option '{NAME}' {rest}");
    } else if let Some(rest) = text.strip_prefix("value of {} must be one of: ")
        && let Some((choices, got)) = rest.rsplit_once(", got: ")
    {
        *text =
            format!("value of {NAME} must be one or more of: {choices}. Got no match for: {got}");
    }
}

/// Gives an error of [`super::check`] the words that need to know all options.
pub fn complete(mut diag: Box<Diag>, module: &str, args: &Value, schema: &Schema) -> Box<Diag> {
    let options = Options::of(schema);
    let given: Vec<String> = args
        .as_map()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, _)| key.to_value().to_text())
        .collect();
    let words = match diag.code.as_str() {
        "missing-option" => options.missing(&given),
        "unknown-option" => options
            .missing(&given)
            .or_else(|| diag.data.get(MSG).and_then(Json::as_str).map(str::to_owned))
            .or_else(|| options.unsupported(module, &given)),
        _ => None,
    };
    if let Some(words) = words {
        diag.data.insert(MSG.to_owned(), json!(words));
    }
    diag
}

/// The options of a module, as its schema describes them.
struct Options {
    /// With the aliases that the description names.
    names: Vec<(String, Vec<String>)>,
    required: Vec<String>,
}

impl Options {
    fn of(schema: &Schema) -> Options {
        let part = |name: &str| schema.get(name);
        let mut names: Vec<(String, Vec<String>)> = part("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .map(|(name, about)| {
                let text = about["description"].as_str().unwrap_or_default();
                (name.clone(), aliases(text))
            })
            .collect();
        names.sort_unstable();
        let mut required: Vec<String> = part("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        required.sort_unstable();
        Options { names, required }
    }

    fn missing(&self, given: &[String]) -> Option<String> {
        let is_given = |option: &&String| {
            let mut names = self.names.iter().filter(|(name, _)| name == *option);
            given.contains(option)
                || names.any(|(_, aliases)| aliases.iter().any(|a| given.contains(a)))
        };
        let missing: Vec<&str> = self
            .required
            .iter()
            .filter(|option| !is_given(option))
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| format!("missing required arguments: {}", missing.join(", ")))
    }

    fn unsupported(&self, module: &str, given: &[String]) -> Option<String> {
        let is_known = |name: &str| {
            let mut all = self.names.iter();
            all.any(|(option, aliases)| option == name || aliases.iter().any(|a| a == name))
        };
        let mut strange: Vec<&str> = given
            .iter()
            .map(String::as_str)
            .filter(|name| !is_known(name))
            .collect();
        strange.sort_unstable();
        if strange.is_empty() {
            return None;
        }
        let names: Vec<&str> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        let mut aliases: Vec<&str> = self
            .names
            .iter()
            .flat_map(|(_, aliases)| aliases.iter().map(String::as_str))
            .collect();
        aliases.sort_unstable();
        let aliases = match aliases.as_slice() {
            [] => String::new(),
            aliases => format!(" ({})", aliases.join(", ")),
        };
        Some(format!(
            "Unsupported parameters for ({module}) module: {}. Supported parameters include: \
             {}{aliases}.",
            strange.join(", "),
            names.join(", ")
        ))
    }
}

/// `Alias: x` or `Aliases: a, b` at the end of a description.
fn aliases(description: &str) -> Vec<String> {
    let flat = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = flat
        .rsplit_once("Aliases: ")
        .or(flat.rsplit_once("Alias: "));
    let names = list.map(|(_, names)| names.split(", ").map(|n| n.trim_end_matches('.')));
    names.into_iter().flatten().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::value::from_json;

    fn said(module: &str, args: Json) -> String {
        let entry = crate::modules::find(module).map(|entry| entry.check);
        let result = entry.map(|check| check(&from_json(&args), &SourceMap::default()));
        match result {
            Some(Err(diag)) => diag.data[MSG].as_str().unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }

    #[test]
    fn wrong_arguments_are_told_in_the_words_of_the_original() {
        for (module, args, words) in [
            (
                "get_url",
                json!({"foo": 1}),
                "missing required arguments: dest, url",
            ),
            (
                "unarchive",
                json!({"src": "x"}),
                "missing required arguments: dest",
            ),
            (
                "dpkg_selections",
                json!({"name": "x", "selection": "hold", "b": 1, "a": 2}),
                "Unsupported parameters for (dpkg_selections) module: a, b. Supported parameters \
                 include: name, selection.",
            ),
            (
                "file",
                json!({"path": "x", "state": "foo"}),
                "value of state must be one of: absent, directory, file, hard, link, touch, got: foo",
            ),
            (
                "deb822_repository",
                json!({"name": "x", "types": ["rpm"]}),
                "value of types must be one or more of: deb, deb-src. Got no match for: rpm",
            ),
            (
                "uri",
                json!({"url": "x", "timeout": "abc"}),
                "argument 'timeout' is of type str and we were unable to convert to int: \
                 \"'abc'\" cannot be converted to an int",
            ),
            (
                "uri",
                json!({"url": "x", "status_code": ["abc"]}),
                "Elements value for option 'status_code' is of type str and we were unable to \
                 convert to int: \"'abc'\" cannot be converted to an int",
            ),
            (
                "find",
                json!({"paths": {"a": 1}}),
                "argument 'paths' is of type dict and we were unable to convert to list: <class \
                 'dict'> cannot be converted to a list",
            ),
        ] {
            assert_eq!(said(module, args), words, "{module}");
        }
        assert!(said("make", json!({"chdir": "x", "foo": 1})).contains("(make) module: foo."));
        let aliased = said("alternatives", json!({"name": "x", "foo": 1}));
        assert!(
            aliased.ends_with("state, subcommands (slaves)."),
            "{aliased}"
        );
    }
}
