//! Filters, one file for each family; each file has a table of names.

mod base;
mod collections;
pub mod crypt;
pub mod dates;
mod encoding;
mod galaxy;
mod hashing;
pub mod inner;
mod numbers;
mod paths;
mod pick;
mod seeded;
mod seq;
pub mod sorting;
mod strings;
mod text;
mod vaults;

pub use collections::pairs as collections_pairs;

use super::args::Args;
use super::function::{Call, Function, from_value};
use super::functions::first_undefined;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A filter on objects: the input is the first positional argument.
pub type OnObjects = fn(&Args) -> Res<Obj>;

/// The name of a filter on finished values and what it does.
pub type Row = (&'static str, Function);

/// The name of a filter on objects and what it does.
pub type Family = &'static [(&'static str, OnObjects)];

/// A filter.
#[derive(Clone, Copy)]
pub struct Filter {
    name: &'static str,
    body: Body,
    /// Takes undefined arguments itself (`default`).
    lenient: bool,
}

#[derive(Clone, Copy)]
enum Body {
    Objects(OnObjects),
    Values(Function),
}

/// Filters that are there to deal with undefined input.
const LENIENT: &[&str] = &[
    "default",
    "d",
    "mandatory",
    "ternary",
    "type_debug",
    "ansible._protomatter.true_type",
];

static ALL: LazyLock<HashMap<&'static str, Filter>> = LazyLock::new(|| {
    let values = [
        collections::FILTERS,
        crypt::FILTERS,
        dates::FILTERS,
        encoding::FILTERS,
        galaxy::FILTERS,
        hashing::FILTERS,
        numbers::FILTERS,
        paths::FILTERS,
        strings::FILTERS,
    ];
    let objects = [
        base::FAMILY,
        inner::FAMILY,
        pick::FAMILY,
        seq::FAMILY,
        sorting::FAMILY,
        text::FAMILY,
        vaults::FAMILY,
    ];
    let values = values
        .into_iter()
        .flatten()
        .map(|(name, body)| (*name, Body::Values(*body)));
    let objects = objects
        .into_iter()
        .flatten()
        .map(|(name, body)| (*name, Body::Objects(*body)));
    values
        .chain(objects)
        .map(|(name, body)| {
            let lenient = LENIENT.contains(&name);
            (
                name,
                Filter {
                    name,
                    body,
                    lenient,
                },
            )
        })
        .collect()
});

/// The filter of that name, with or without its collection.
pub fn find(name: &str) -> Option<Filter> {
    super::lookups::named(&ALL, name).copied()
}

/// All names, for suggestions.
pub fn names() -> Vec<&'static str> {
    ALL.keys().copied().collect()
}

/// Applies a filter. With an undefined argument the result is undefined, with an unknown one
/// unknown.
pub fn apply(filter: Filter, args: Args) -> Res<Obj> {
    if !filter.lenient
        && let Some(bad) = first_undefined(&args)
    {
        return Ok(bad);
    }
    for arg in args.pos.iter().chain(args.kw.iter().map(|(_, v)| v)) {
        if let O::Unknown(why, _) = &arg.kind {
            return Err(Stop::Unknown(why.clone()));
        }
    }
    let result = match filter.body {
        Body::Objects(body) => body(&args),
        Body::Values(body) => {
            let call = Call::new(&args)?;
            body(&call)
                .map(|value| from_value(&value))
                .map_err(Stop::fail)
        }
    };
    result.map_err(|stop| match stop {
        Stop::Fail(mut diag) if diag.code == "template-error" && diag.labels.is_empty() => {
            diag.code = "filter".to_owned();
            let name = filter.name;
            diag.message = format!(
                "The filter plugin 'ansible.builtin.{name}' failed: {}",
                diag.message
            );
            Stop::Fail(diag)
        }
        other => other,
    })
}

/// Applies a filter by name, for `map`.
pub fn by_name(name: &str, args: Args) -> Res<Obj> {
    match find(name) {
        Some(filter) => apply(filter, args),
        None => Err(Stop::fail(format!("No filter named '{name}'."))),
    }
}

#[cfg(test)]
mod laws {
    use super::*;

    #[test]
    fn each_name_is_found() {
        for name in names() {
            assert!(find(name).is_some(), "{name}");
            assert!(find(&format!("ansible.builtin.{name}")).is_some(), "{name}");
        }
        assert!(find("ansible._protomatter.nothing").is_none());
    }
}
