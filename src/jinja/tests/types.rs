//! Jinja's own tests: types and comparisons.

use super::OnObjects;
use crate::jinja::args::Args;
use crate::jinja::filters::inner::tags;
use crate::jinja::ir::Op;
use crate::jinja::obj::{O, Obj};
use crate::jinja::ops;
use crate::jinja::stop::Res;
use std::rc::Rc;

pub const FAMILY: &[(&str, OnObjects)] = &[
    ("ansible._protomatter.tagged", |a| {
        Ok(!tags(a.input()?).is_empty())
    }),
    ("ansible._protomatter.tagged_with", |a| {
        let name = other(a)?.str()?;
        Ok(tags(a.input()?).contains(&&*name))
    }),
    ("vault_encrypted", |a| {
        Ok(match &a.input()?.kind {
            O::Sealed(_) => true,
            O::Str(text) => a.env.engine.was_in_envelope(text),
            _ => false,
        })
    }),
    ("none", |a| Ok(a.input()?.is_none())),
    ("boolean", |a| Ok(matches!(a.input()?.kind, O::Bool(_)))),
    ("true", |a| Ok(matches!(a.input()?.kind, O::Bool(true)))),
    ("false", |a| Ok(matches!(a.input()?.kind, O::Bool(false)))),
    ("integer", |a| Ok(matches!(a.input()?.kind, O::Int(_)))),
    ("float", |a| Ok(matches!(a.input()?.kind, O::Float(_)))),
    ("number", |a| Ok(a.input()?.as_number().is_some())),
    ("string", |a| Ok(matches!(a.input()?.kind, O::Str(_)))),
    ("mapping", |a| Ok(matches!(a.input()?.kind, O::Dict(_)))),
    ("iterable", |a| Ok(iterable(a.input()?))),
    ("sequence", |a| Ok(a.input()?.len().is_ok())),
    ("callable", |a| {
        Ok(matches!(&a.input()?.kind, O::Native(n) if n.callable()))
    }),
    ("sameas", same),
    ("escaped", |_| Ok(false)),
    ("odd", |a| Ok(a.input()?.int()?.rem_euclid(2) == 1)),
    ("even", |a| Ok(a.input()?.int()?.rem_euclid(2) == 0)),
    ("divisibleby", |a| {
        Ok(!ops::binary(Op::Rem, a.input()?, other(a)?)?.truth()?)
    }),
    ("lower", |a| {
        let text = a.input()?.text()?;
        Ok(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
    }),
    ("upper", |a| {
        let text = a.input()?.text()?;
        Ok(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
    }),
    ("in", |a| ops::contains(other(a)?, a.input()?)),
    ("eq", |a| compare(a, Op::Eq)),
    ("equalto", |a| compare(a, Op::Eq)),
    ("ne", |a| compare(a, Op::Ne)),
    ("lt", |a| compare(a, Op::Lt)),
    ("lessthan", |a| compare(a, Op::Lt)),
    ("le", |a| compare(a, Op::Le)),
    ("gt", |a| compare(a, Op::Gt)),
    ("greaterthan", |a| compare(a, Op::Gt)),
    ("ge", |a| compare(a, Op::Ge)),
    ("==", |a| compare(a, Op::Eq)),
    ("!=", |a| compare(a, Op::Ne)),
    ("<", |a| compare(a, Op::Lt)),
    ("<=", |a| compare(a, Op::Le)),
    (">", |a| compare(a, Op::Gt)),
    (">=", |a| compare(a, Op::Ge)),
    ("filter", |a| {
        Ok(crate::jinja::filters::find(&a.input()?.text()?).is_some())
    }),
    ("test", |a| Ok(super::find(&a.input()?.text()?).is_some())),
];

fn other(args: &Args) -> Res<&Obj> {
    args.pos.get(1).ok_or_else(|| args.missing("other"))
}

fn compare(args: &Args, op: Op) -> Res<bool> {
    ops::binary(op, args.input()?, other(args)?)?.truth()
}

fn iterable(value: &Obj) -> bool {
    match &value.kind {
        O::Str(_) | O::Bytes(_) | O::List(_) | O::Tuple(_) | O::Dict(_) => true,
        O::Native(native) => native.items().is_some(),
        _ => false,
    }
}

/// Python's `is`: the same object; small values are the same if they are equal and of one type.
fn same(args: &Args) -> Res<bool> {
    let (a, b) = (args.input()?, other(args)?);
    Ok(match (&a.kind, &b.kind) {
        (O::List(x), O::List(y)) | (O::Tuple(x), O::Tuple(y)) => Rc::ptr_eq(x, y),
        (O::Dict(x), O::Dict(y)) => Rc::ptr_eq(x, y),
        (O::Native(x), O::Native(y)) => Rc::ptr_eq(x, y),
        _ => a.type_name() == b.type_name() && ops::equal(a, b)?,
    })
}
