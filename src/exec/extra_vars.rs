//! `-e`: `key=value` words, JSON or YAML dicts, `@files`.

use crate::diag::{Diag, Exit, Result, SourceMap};
use crate::inventory::{Decryptor, file_vars};
use crate::play::split;
use crate::value::{Map, Value};
use std::path::Path;

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

fn bad(text: &str) -> Box<Diag> {
    Diag::error(
        "extra-vars",
        format!("Invalid extra vars data supplied. {text:?} could not be made into a dictionary"),
    )
    .exit(Exit::Failed)
    .help("write key=value, a dict in JSON or YAML, or @file")
}
