//! Choosing and mapping.

use super::Family;
use crate::jinja::args::Args;
use crate::jinja::obj::{O, Obj};
use crate::jinja::stop::{Res, Stop};
use crate::jinja::{ops, tests};

pub const FAMILY: Family = &[
    ("map", map),
    ("select", |a| select(a, true, false)),
    ("reject", |a| select(a, false, false)),
    ("selectattr", |a| select(a, true, true)),
    ("rejectattr", |a| select(a, false, true)),
    ("first", first),
    ("last", last),
    ("extract", extract),
];

/// An attribute path (`a.b.0`) of an item.
pub fn by_path(item: &Obj, path: &Obj) -> Res<Obj> {
    let O::Str(text) = &path.kind else {
        return ops::item(item, path);
    };
    let mut value = item.clone();
    for part in text.split('.') {
        let key: Obj = match part.parse::<i64>() {
            Ok(n) if part.bytes().all(|b| b.is_ascii_digit()) => n.into(),
            _ => part.into(),
        };
        value = ops::item(&value, &key)?;
    }
    Ok(value)
}

fn map(args: &Args) -> Res<Obj> {
    let items = args.input()?.items()?;
    let mut out = Vec::with_capacity(items.len());
    if let Some(path) = args.kwarg("attribute").filter(|_| args.pos.len() == 1) {
        let default = args.kwarg("default");
        for item in items {
            let found = by_path(&item, path)?;
            out.push(match (found.is_undefined(), default) {
                (true, Some(default)) => default.clone(),
                _ => found,
            });
        }
        return Ok(out.into());
    }
    let name = args
        .pos
        .get(1)
        .ok_or_else(|| Stop::fail("map requires a filter argument"))?
        .str()?;
    let rest = args.pos.get(2..).unwrap_or(&[]);
    for item in items {
        let mut pos = vec![item];
        pos.extend_from_slice(rest);
        out.push(super::by_name(&name, args.with(&name, pos))?);
    }
    Ok(out.into())
}

fn select(args: &Args, keep: bool, attribute: bool) -> Res<Obj> {
    let mut rest = args.rest().iter();
    let path = match attribute {
        true => Some(rest.next().ok_or_else(|| args.missing("attribute"))?),
        false => None,
    };
    let test = rest.next().map(|t| t.str()).transpose()?;
    let rest: Vec<Obj> = rest.cloned().collect();
    let mut out = Vec::new();
    for item in args.input()?.items()? {
        let subject = match path {
            Some(path) => by_path(&item, path)?,
            None => item.clone(),
        };
        let held = match &test {
            Some(test) => {
                let mut pos = vec![subject];
                pos.extend_from_slice(&rest);
                tests::by_name(test, args.with(test, pos))?.truth()?
            }
            None => subject.truth()?,
        };
        if held == keep {
            out.push(item);
        }
    }
    Ok(out.into())
}

fn first(args: &Args) -> Res<Obj> {
    let value = args.input()?;
    let found = match &value.use_it()?.kind {
        O::List(l) | O::Tuple(l) => l.get(0)?,
        _ => value.items()?.into_iter().next(),
    };
    Ok(found.unwrap_or_else(|| Obj::undefined("No first item, sequence was empty.")))
}

fn last(args: &Args) -> Res<Obj> {
    let value = args.input()?;
    let found = match &value.use_it()?.kind {
        O::List(l) | O::Tuple(l) => match l.len() {
            0 => None,
            n => l.get(n - 1)?,
        },
        _ => value.items()?.pop(),
    };
    Ok(found.unwrap_or_else(|| Obj::undefined("No last item, sequence was empty.")))
}

fn extract(args: &Args) -> Res<Obj> {
    let [item, container, more] = args.bind(["item", "container", "morekeys"])?;
    let item = item.ok_or_else(|| args.missing("item"))?;
    let container = container.ok_or_else(|| args.missing("container"))?;
    let mut value = ops::item(&container, &item)?;
    if let Some(more) = more.filter(|m| !m.is_none()) {
        let keys = match &more.kind {
            O::List(_) | O::Tuple(_) => more.items()?,
            _ => vec![more],
        };
        for key in keys {
            value = ops::item(&value, &key)?;
        }
    }
    Ok(value)
}
