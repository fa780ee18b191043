//! Tests: `x is changed`, `v is version('2', '>=')`.

mod results;
mod types;
pub mod values;
pub mod versions;

use super::args::Args;
use super::function::Call;
use super::functions::first_undefined;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use crate::diag::Diag;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A test on objects.
pub type OnObjects = fn(&Args) -> Res<bool>;

/// A test on finished values.
pub type OnValues = fn(&Call) -> Result<bool, String>;

/// A test.
#[derive(Clone, Copy)]
pub struct Test(Body);

#[derive(Clone, Copy)]
enum Body {
    /// `defined` and `undefined`: the flag says which.
    Defined(bool),
    Objects(OnObjects),
    Values(OnValues),
}

static ALL: LazyLock<HashMap<&'static str, Test>> = LazyLock::new(|| {
    let mut all = HashMap::from([
        ("defined", Test(Body::Defined(true))),
        ("undefined", Test(Body::Defined(false))),
    ]);
    all.extend(
        values::FAMILY
            .iter()
            .map(|(n, t)| (*n, Test(Body::Values(*t)))),
    );
    for family in [results::FAMILY, types::FAMILY] {
        all.extend(family.iter().map(|(n, t)| (*n, Test(Body::Objects(*t)))));
    }
    all
});

/// The test of that name, with or without its collection.
pub fn find(name: &str) -> Option<Test> {
    super::lookups::named(&ALL, name).copied()
}

/// All names, for suggestions.
pub fn names() -> Vec<&'static str> {
    ALL.keys().copied().collect()
}

/// Applies a test. With an undefined argument the result is undefined, with an unknown one unknown,
/// except that an unknown variable is surely defined.
pub fn apply(test: Test, args: Args) -> Res<Obj> {
    if let Body::Defined(wanted) = test.0 {
        return Ok(match &args.input()?.kind {
            O::Unknown(why, false) => return Err(Stop::Unknown(why.clone())),
            O::Undefined(_) => (!wanted).into(),
            _ => wanted.into(),
        });
    }
    if let Some(bad) = first_undefined(&args) {
        return Ok(bad);
    }
    for arg in args.pos.iter().chain(args.kw.iter().map(|(_, v)| v)) {
        if let O::Sealed(_) = arg.kind {
            // The test sees what it is, or fails as it looks into it.
            continue;
        }
        arg.use_it()?;
    }
    let held = match test.0 {
        Body::Objects(body) => body(&args),
        Body::Values(body) => body(&Call::new(&args)?).map_err(Stop::fail),
        Body::Defined(wanted) => Ok(wanted),
    };
    held.map(Obj::from).map_err(|stop| match stop {
        Stop::Fail(diag) if diag.code == "template-error" && diag.labels.is_empty() => {
            let name = super::lookups::short(&args.name);
            let text = format!(
                "The test plugin 'ansible.builtin.{name}' failed: {}",
                diag.message
            );
            Stop::Fail(Diag::error("test", text))
        }
        other => other,
    })
}

/// Applies a test by name, for `select`.
pub fn by_name(name: &str, args: Args) -> Res<Obj> {
    match find(name) {
        Some(test) => apply(test, args),
        None => Err(Stop::fail(format!("No test named '{name}'."))),
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
