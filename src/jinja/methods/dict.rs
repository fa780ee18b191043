//! Methods of `dict`.

use crate::jinja::args::Args;
use crate::jinja::container::{Dict, key_obj, to_key};
use crate::jinja::functions::fill;
use crate::jinja::obj::Obj;
use crate::jinja::stop::{Res, Stop};

pub const NAMES: &[&str] = &[
    "items",
    "keys",
    "values",
    "get",
    "update",
    "pop",
    "copy",
    "setdefault",
    "clear",
    "popitem",
    "fromkeys",
];

pub fn call(dict: &Dict, name: &str, args: &Args) -> Res<Obj> {
    Ok(match name {
        "items" => dict
            .entries()?
            .into_iter()
            .map(|(k, v)| Obj::tuple(vec![k, v]))
            .collect::<Vec<_>>()
            .into(),
        "keys" => dict.keys().into(),
        "values" => dict
            .entries()?
            .into_iter()
            .map(|(_, v)| v)
            .collect::<Vec<_>>()
            .into(),
        "get" => {
            let [key, default] = args.bind(["key", "default"])?;
            let key = to_key(&key.ok_or_else(|| args.missing("key"))?)?;
            match dict.get(&key)? {
                Some(found) => found,
                None => default.unwrap_or_else(Obj::none),
            }
        }
        "update" => {
            if let Some(other) = args.pos.first() {
                fill(dict, other)?;
            }
            for (key, value) in &args.kw {
                dict.set(key.as_ref().into(), value.clone());
            }
            Obj::none()
        }
        "pop" => {
            let [key, default] = args.bind(["key", "default"])?;
            let key = key.ok_or_else(|| args.missing("key"))?;
            match dict.take(&to_key(&key)?)?.or(default) {
                Some(found) => found,
                None => return Err(Stop::fail(key.repr()?)),
            }
        }
        "setdefault" => {
            let [key, default] = args.bind(["key", "default"])?;
            let key = to_key(&key.ok_or_else(|| args.missing("key"))?)?;
            match dict.get(&key)? {
                Some(found) => found,
                None => {
                    let value = default.unwrap_or_else(Obj::none);
                    dict.set(key, value.clone());
                    value
                }
            }
        }
        "popitem" => match dict.raw_keys().pop() {
            Some(key) => {
                let value = dict.take(&key)?.unwrap_or_else(Obj::none);
                Obj::tuple(vec![key_obj(&key), value])
            }
            None => return Err(Stop::fail("'popitem(): dictionary is empty'")),
        },
        "clear" => {
            for key in dict.raw_keys() {
                dict.take(&key)?;
            }
            Obj::none()
        }
        "fromkeys" => {
            let [keys, value] = args.bind(["iterable", "value"])?;
            let made = Dict::default();
            for key in keys.ok_or_else(|| args.missing("iterable"))?.items()? {
                made.set(to_key(&key)?, value.clone().unwrap_or_else(Obj::none));
            }
            made.into()
        }
        _ => dict.pairs()?.into_iter().collect::<Dict>().into(),
    })
}
