//! Filters, one file for each family; each file has a table of names.

mod collections;
pub mod dates;
mod encoding;
mod hashing;
pub mod methods;
mod numbers;
mod paths;
mod strings;

pub use collections::pairs as collections_pairs;

use super::function::{self, Function};
use minijinja::value::Rest;
use minijinja::{Environment, State, Value as Jinja};

/// A filter's name and what it does.
pub type Row = (&'static str, Function);

fn tables() -> impl Iterator<Item = &'static Row> {
    [
        collections::FILTERS,
        dates::FILTERS,
        encoding::FILTERS,
        hashing::FILTERS,
        numbers::FILTERS,
        paths::FILTERS,
        strings::FILTERS,
    ]
    .into_iter()
    .flatten()
}

/// Filters of minijinja's that are right as they are.
const BUILTIN: &[&str] = &[
    "default",
    "d",
    "lower",
    "upper",
    "title",
    "capitalize",
    "trim",
    "length",
    "count",
    "dictsort",
    "items",
    "reverse",
    "round",
    "abs",
    "attr",
    "batch",
    "slice",
    "first",
    "last",
    "min",
    "max",
    "sort",
    "list",
    "indent",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "map",
    "groupby",
    "unique",
    "sum",
    "urlencode",
    "pprint",
    "escape",
    "e",
    "safe",
];

/// All names, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    tables()
        .map(|(name, _)| *name)
        .chain(BUILTIN.iter().copied())
}

/// Adds the filters of all families under their short and full names.
pub fn add(env: &mut Environment<'static>) {
    for &(name, filter) in tables() {
        let short = move |state: &State, args: Rest<Jinja>| function::call(filter, state, &args);
        env.add_filter(name, short);
        env.add_filter(format!("ansible.builtin.{name}"), short);
    }
    for (full, short) in [
        ("community.general.json_query", "json_query"),
        ("galaxyproject.general.ordered", "ordered"),
        ("community.general.dict", "dict"),
    ] {
        if let Some(&(_, filter)) = tables().find(|(name, _)| *name == short) {
            env.add_filter(full, move |state: &State, args: Rest<Jinja>| {
                function::call(filter, state, &args)
            });
        }
    }
}
