//! Methods of `list`.

use crate::jinja::args::Args;
use crate::jinja::container::List;
use crate::jinja::filters::sorting;
use crate::jinja::obj::Obj;
use crate::jinja::ops;
use crate::jinja::stop::{Res, Stop};

pub const NAMES: &[&str] = &[
    "append", "insert", "remove", "pop", "extend", "index", "count", "sort", "reverse", "copy",
    "clear",
];

pub fn call(list: &List, name: &str, args: &Args) -> Res<Obj> {
    match name {
        "append" => {
            let item = args.input()?.clone();
            list.edit(|items| {
                items.push(item);
                Ok(Obj::none())
            })
        }
        "extend" => {
            let more = args.input()?.items()?;
            list.edit(|items| {
                items.extend(more);
                Ok(Obj::none())
            })
        }
        "insert" => {
            let [at, item] = args.bind(["index", "object"])?;
            let at = at.ok_or_else(|| args.missing("index"))?.int()?;
            let item = item.ok_or_else(|| args.missing("object"))?;
            list.edit(|items| {
                let len = items.len() as i64;
                let at = if at < 0 { at + len } else { at }.clamp(0, len);
                items.insert(at as usize, item);
                Ok(Obj::none())
            })
        }
        "remove" => {
            let at = position(list, args.input()?)?
                .ok_or_else(|| Stop::fail("list.remove(x): x not in list"))?;
            list.edit(|items| {
                items.remove(at);
                Ok(Obj::none())
            })
        }
        "pop" => {
            let [at] = args.bind(["index"])?;
            let at = at.map_or(Ok(-1), |a| a.int())?;
            list.edit(|items| match ops::index(at, items.len()) {
                Some(at) => Ok(items.remove(at)),
                None if items.is_empty() => Err(Stop::fail("pop from empty list")),
                None => Err(Stop::fail("pop index out of range")),
            })
        }
        "index" => match position(list, args.input()?)? {
            Some(at) => Ok(at.into()),
            None => Err(Stop::fail(format!(
                "{} is not in list",
                args.input()?.repr()?
            ))),
        },
        "count" => {
            let mut count = 0i64;
            for item in list.items()? {
                count += i64::from(ops::equal(&item, args.input()?)?);
            }
            Ok(count.into())
        }
        "sort" => {
            let reverse = args.kwarg("reverse").map_or(Ok(false), Obj::truth)?;
            list.edit(|items| {
                *items = sorting::sorted(std::mem::take(items), |o| Ok(o.clone()), reverse)?;
                Ok(Obj::none())
            })
        }
        "reverse" => list.edit(|items| {
            items.reverse();
            Ok(Obj::none())
        }),
        "clear" => list.edit(|items| {
            items.clear();
            Ok(Obj::none())
        }),
        _ => Ok(list.items()?.into()),
    }
}

fn position(list: &List, wanted: &Obj) -> Res<Option<usize>> {
    for (i, item) in list.items()?.iter().enumerate() {
        if ops::equal(item, wanted)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}
