//! Lookups: data from the control side, one file for each family.

mod files;
mod lists;
mod variables;

use super::bridge::Frame;
use crate::value::{Map, Value};

/// What a lookup is asked.
pub struct Ask<'a> {
    /// The evaluation it is part of.
    pub frame: &'a Frame,
    /// Terms.
    pub terms: &'a [Value],
    /// Options.
    pub options: &'a Map,
}

impl Ask<'_> {
    /// A text option.
    pub fn text(&self, name: &str) -> Option<String> {
        self.options.get(name).map(Value::to_text)
    }

    /// A boolean option.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.options
            .get(name)
            .map_or(default, super::function::truthy)
    }
}

/// A lookup: the list it finds.
pub type Lookup = fn(&Ask<'_>) -> Result<Vec<Value>, String>;

fn tables() -> impl Iterator<Item = &'static (&'static str, Lookup)> {
    [files::LOOKUPS, lists::LOOKUPS, variables::LOOKUPS]
        .into_iter()
        .flatten()
}

/// Runs a lookup by name, short or full.
pub fn run(
    frame: &Frame,
    name: &str,
    terms: &[Value],
    options: &Map,
) -> Result<Vec<Value>, String> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .or_else(|| name.strip_prefix("community.general."))
        .unwrap_or(name);
    match tables().find(|(known, _)| *known == short) {
        Some((_, lookup)) => lookup(&Ask {
            frame,
            terms,
            options,
        }),
        None => {
            let near = crate::diag::nearest(short, tables().map(|(name, _)| *name));
            let hint = near
                .map(|near| format!(" (did you mean {near:?}?)"))
                .unwrap_or_default();
            Err(format!("The lookup plugin '{name}' was not found.{hint}"))
        }
    }
}
