//! `-e`: `key=value` words, JSON or YAML dicts, `@files`.

use crate::diag::{Diag, Exit, Result, SourceMap};
use crate::inventory::{Decryptor, file_vars};
use crate::output::Secrets;
use crate::play::split;
use crate::value::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// All extra variables; later ones win.
///
/// # Errors
/// `extra-vars`, and those of the files.
pub fn read(given: &[String], sources: &SourceMap, decrypt: &Decryptor) -> Result<Map> {
    let mut vars = Map::new();
    for text in given {
        let more = one(text, sources, decrypt)?;
        for (key, value) in more {
            vars.insert(key, value);
        }
    }
    Ok(vars)
}

fn one(text: &str, sources: &SourceMap, decrypt: &Decryptor) -> Result<Map> {
    if let Some(file) = text.strip_prefix('@') {
        return file_vars(sources, Path::new(file), decrypt.as_ref());
    }
    if text.trim_start().starts_with(['{', '[', '-']) {
        let value = crate::yaml::load(sources, Path::new("<command line>"), text)?;
        return match value.as_map() {
            Some(map) => Ok(map.clone()),
            None => Err(bad(text)),
        };
    }
    let words = split::parse_kv(text, false).ok_or_else(|| bad(text))?;
    if words.free.is_some() {
        return Err(bad(text));
    }
    Ok(words
        .pairs
        .into_iter()
        .map(|pair| (pair.key, Value::template(pair.value)))
        .collect())
}

/// What of `-e` can be written down.
pub struct Kept {
    /// The values, in order.
    pub words: Vec<String>,
    /// Names of variables that are left out.
    pub withheld: Vec<String>,
}

/// Leaves out variables whose names, or the names within them, speak of secrets; notes their texts.
///
/// # Errors
/// `extra-vars`.
pub fn without_secrets(given: &[String], secrets: &Secrets) -> Result<Kept> {
    let mut kept = Kept {
        words: Vec::new(),
        withheld: Vec::new(),
    };
    let never: Decryptor = Arc::new(|_, bytes| Ok(bytes.to_vec()));
    for text in given {
        if text.starts_with('@') {
            kept.words.push(text.clone());
            continue;
        }
        let vars = one(text, &SourceMap::default(), &never)?;
        let mut public = serde_json::Map::new();
        for (name, value) in &vars {
            let (name, value) = (name.to_value().to_text(), value.to_json());
            if is_secret(&name, &value) {
                note(&value, secrets);
                kept.withheld.push(name);
            } else {
                public.insert(name, value);
            }
        }
        if public.len() == vars.len() {
            kept.words.push(text.clone());
        } else if !public.is_empty() {
            kept.words
                .push(serde_json::Value::Object(public).to_string());
        }
    }
    Ok(kept)
}

/// Whether a name, or one within the value, is one that secrets have.
fn is_secret(name: &str, value: &serde_json::Value) -> bool {
    const PARTS: [&str; 9] = [
        "auth", "cred", "key", "pass", "private", "pwd", "secret", "token", "vault",
    ];
    let name = name.to_ascii_lowercase();
    let within = |(name, value): (&String, &serde_json::Value)| is_secret(name, value);
    PARTS.iter().any(|part| name.contains(part))
        || value.as_object().is_some_and(|map| map.iter().any(within))
        || value
            .as_array()
            .is_some_and(|items| items.iter().any(|item| is_secret("", item)))
}

fn note(value: &serde_json::Value, secrets: &Secrets) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| note(item, secrets)),
        serde_json::Value::Object(map) => map.values().for_each(|value| note(value, secrets)),
        serde_json::Value::String(text) => secrets.add(text),
        other => secrets.add(&other.to_string()),
    }
}

fn bad(text: &str) -> Box<Diag> {
    Diag::error(
        "extra-vars",
        format!("Invalid extra vars data supplied. {text:?} could not be made into a dictionary"),
    )
    .exit(Exit::Failed)
    .help("write key=value, a dict in JSON or YAML, or @file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_of_secrets_is_left_out() {
        let given = [
            "version=1.2 db_password=hunter2",
            "@vars.yml",
            "{\"app\": {\"port\": 80, \"api_token\": \"abcdef\"}}",
            "SECRET=topsecret",
            "a=1 b='{{ a }}'",
        ];
        let secrets = Secrets::default();
        let kept = without_secrets(&given.map(str::to_owned), &secrets).unwrap();
        assert_eq!(
            kept.words,
            ["{\"version\":\"1.2\"}", "@vars.yml", "a=1 b='{{ a }}'"]
        );
        assert_eq!(kept.withheld, ["db_password", "app", "SECRET"]);
        assert_eq!(
            secrets.mask("hunter2 abcdef topsecret 1.2"),
            "******** ******** ******** 1.2"
        );
    }
}
