//! Methods of Python's values.

mod dict;
mod list;
pub mod text;

use super::args::Args;
use super::functions::first_undefined;
use super::obj::{Native, O, Obj};
use super::stop::{Res, Stop};
use std::sync::Arc;

/// True if the object has such a method.
pub fn has(obj: &Obj, name: &str) -> bool {
    match &obj.kind {
        O::Str(_) => text::NAMES.contains(&name),
        O::List(_) => list::NAMES.contains(&name),
        O::Tuple(_) => matches!(name, "count" | "index"),
        O::Dict(_) => dict::NAMES.contains(&name),
        O::Bytes(_) => matches!(name, "decode" | "hex"),
        O::Float(_) => name == "is_integer",
        O::Int(_) => name == "bit_length",
        _ => false,
    }
}

/// Calls a method that [`has`] knows.
pub fn call(obj: &Obj, name: &Arc<str>, mut args: Args) -> Res<Obj> {
    args.name = name.clone();
    // Only list and dict methods may store an undefined value.
    if matches!(obj.kind, O::Str(_))
        && let Some(bad) = first_undefined(&args)
    {
        return Ok(bad);
    }
    match &obj.kind {
        O::Str(s) => text::call(s, name, &args),
        O::List(l) | O::Tuple(l) => list::call(l, name, &args),
        O::Dict(d) => dict::call(d, name, &args),
        O::Bytes(b) => Ok(match &**name {
            "decode" => String::from_utf8_lossy(b).as_ref().into(),
            _ => b
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
                .into(),
        }),
        O::Float(f) => Ok((f.fract() == 0.0).into()),
        O::Int(n) => Ok(i64::from(64 - n.unsigned_abs().leading_zeros()).into()),
        _ => Err(Stop::fail(format!("no method {name}"))),
    }
}

/// A method taken without calling it (`dict.items`).
pub fn bound(obj: &Obj, name: &str) -> Obj {
    Obj::native(Bound(obj.clone(), name.into()))
}

struct Bound(Obj, Arc<str>);

impl Native for Bound {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn callable(&self) -> bool {
        true
    }

    fn call(&self, args: Args) -> Res<Obj> {
        call(&self.0, &self.1, args)
    }
}
