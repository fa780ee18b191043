//! Sequences and numbers of Jinja's own.

use super::seeded::Seeded;
use super::{Family, pick, sorting};
use crate::jinja::args::Args;
use crate::jinja::container::Dict;
use crate::jinja::format;
use crate::jinja::ir::Op;
use crate::jinja::obj::{O, Obj};
use crate::jinja::ops;
use crate::jinja::stop::{Res, Stop};
use std::rc::Rc;

pub const FAMILY: Family = &[
    ("unique", unique),
    ("sum", sum),
    ("batch", batch),
    ("slice", slice),
    ("items", items),
    ("round", round),
    ("abs", abs),
    ("format", format_),
    ("pprint", |a| Ok(a.input()?.repr()?.into())),
    ("urlencode", urlencode),
    ("xmlattr", xmlattr),
    ("random_mac", random_mac),
    ("to_datetime", to_datetime),
];

fn unique(args: &Args) -> Res<Obj> {
    let [value, case, attribute] = args.bind(["value", "case_sensitive", "attribute"])?;
    let given = |option: &Option<Obj>| option.as_ref().is_some_and(|o| !o.is_none());
    let strict = given(&case) || given(&attribute);
    let case = case
        .filter(|c| !c.is_none())
        .map_or(Ok(false), |c| c.truth())?;
    let path = attribute.filter(|a| !a.is_none());
    let mut seen: Vec<Obj> = Vec::new();
    let mut out = Vec::new();
    'items: for item in value.ok_or_else(|| args.missing("value"))?.items()? {
        let key = match &path {
            Some(path) => pick::by_path(&item, path)?,
            None => item.clone(),
        };
        let key = sorting::folded(key, case);
        key.use_it()?;
        if strict && matches!(key.kind, O::Dict(_)) {
            let message = format!(
                "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it \
                 does not support the parameters supplied: unhashable type: '{}'",
                key.type_name()
            );
            return Err(Stop::fail(message));
        }
        for other in &seen {
            if ops::equal(other, &key)? {
                continue 'items;
            }
        }
        seen.push(key);
        out.push(item);
    }
    Ok(out.into())
}

fn sum(args: &Args) -> Res<Obj> {
    let [value, attribute, start] = args.bind(["iterable", "attribute", "start"])?;
    let mut total = start.unwrap_or_else(|| 0i64.into());
    let path = attribute.filter(|a| !a.is_none());
    for item in value.ok_or_else(|| args.missing("iterable"))?.items()? {
        let item = match &path {
            Some(path) => pick::by_path(&item, path)?,
            None => item,
        };
        total = ops::binary(Op::Add, &total, &item)?;
    }
    Ok(total)
}

fn count(value: Option<Obj>, args: &Args, name: &str) -> Res<usize> {
    let n = value.ok_or_else(|| args.missing(name))?.int()?;
    match usize::try_from(n) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(args.fail(format!("{name} must be positive"))),
    }
}

fn batch(args: &Args) -> Res<Obj> {
    let [value, size, fill] = args.bind(["value", "linecount", "fill_with"])?;
    let items = value.ok_or_else(|| args.missing("value"))?.items()?;
    let size = count(size, args, "linecount")?;
    let rows = items.chunks(size).map(|row| {
        let mut row = row.to_vec();
        if let Some(fill) = fill.as_ref().filter(|f| !f.is_none()) {
            row.resize(size, fill.clone());
        }
        Obj::from(row)
    });
    Ok(rows.collect::<Vec<_>>().into())
}

fn slice(args: &Args) -> Res<Obj> {
    let [value, slices, fill] = args.bind(["value", "slices", "fill_with"])?;
    let items = value.ok_or_else(|| args.missing("value"))?.items()?;
    let slices = count(slices, args, "slices")?;
    let (each, more) = (items.len() / slices, items.len() % slices);
    let mut out: Vec<Obj> = Vec::new();
    let mut at = 0;
    for i in 0..slices {
        let end = at + each + usize::from(i < more);
        let mut column = items[at..end].to_vec();
        if let Some(fill) = fill
            .as_ref()
            .filter(|f| !f.is_none() && i >= more && more > 0)
        {
            column.push(fill.clone());
        }
        out.push(column.into());
        at = end;
    }
    Ok(out.into())
}

fn items(args: &Args) -> Res<Obj> {
    let dict: Rc<Dict> = args.input()?.dict()?;
    let pairs = dict
        .entries()?
        .into_iter()
        .map(|(k, v)| Obj::tuple(vec![k, v]));
    Ok(pairs.collect::<Vec<_>>().into())
}

fn round(args: &Args) -> Res<Obj> {
    let [value, precision, method] = args.bind(["value", "precision", "method"])?;
    let value = value.ok_or_else(|| args.missing("value"))?;
    let number = value.use_it()?.as_number().ok_or_else(|| {
        Stop::fail(format!(
            "type {} doesn't define __round__ method",
            value.type_name()
        ))
    })?;
    let precision = precision.map_or(Ok(0), |p| p.int())? as i32;
    let scale = 10f64.powi(precision);
    let done = match method
        .map_or(Ok("common".to_owned()), |m| m.text())?
        .as_str()
    {
        "common" if precision >= 0 => format!("{number:.*}", precision as usize)
            .parse()
            .unwrap_or(number),
        "common" => (number * scale).round_ties_even() / scale,
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        _ => return Err(args.fail("method must be common, ceil or floor")),
    };
    match value.kind {
        O::Int(_) if precision >= 0 => Ok(value),
        _ => Ok(done.into()),
    }
}

fn abs(args: &Args) -> Res<Obj> {
    match args.input()?.use_it()?.kind {
        O::Int(n) => Ok(n
            .checked_abs()
            .map_or_else(|| (n as f64).abs().into(), Obj::from)),
        O::Float(f) => Ok(f.abs().into()),
        O::Bool(b) => Ok(i64::from(b).into()),
        _ => Err(Stop::fail(format!(
            "bad operand type for abs(): '{}'",
            args.input()?.type_name()
        ))),
    }
}

fn format_(args: &Args) -> Res<Obj> {
    let values = match args.kw.is_empty() {
        true => Obj::tuple(args.rest().to_vec()),
        false => {
            let dict: Dict = args
                .kw
                .iter()
                .map(|(k, v)| (k.as_ref(), v.clone()))
                .collect();
            dict.into()
        }
    };
    format::percent(&args.input()?.text()?.into(), &values)
}

fn quoted(text: &str, slash: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"_.-~".contains(&b) => out.push(b as char),
            b'/' if slash => out.push('/'),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn urlencode(args: &Args) -> Res<Obj> {
    let value = args.input()?;
    let pairs: Vec<Obj> = match &value.use_it()?.kind {
        O::Dict(dict) => {
            let pairs = dict.entries()?.into_iter();
            pairs.map(|(k, v)| Obj::tuple(vec![k, v])).collect()
        }
        O::List(list) | O::Tuple(list) => list.items()?,
        _ => return Ok(quoted(&value.text()?, true).into()),
    };
    let mut parts = Vec::new();
    for pair in pairs {
        let [key, value] = &pair.items()?[..] else {
            return Err(args.fail("pairs of key and value are needed"));
        };
        let both = [key.text()?, value.text()?].map(|t| quoted(&t, false).replace("%20", "+"));
        parts.push(both.join("="));
    }
    Ok(parts.join("&").into())
}

fn xmlattr(args: &Args) -> Res<Obj> {
    let [value, space] = args.bind(["d", "autospace"])?;
    let mut parts = Vec::new();
    for (key, value) in value.ok_or_else(|| args.missing("d"))?.dict()?.entries()? {
        if !value.is_none() && !value.is_undefined() {
            let text = super::text::html_escape(&value.text()?);
            parts.push(format!(
                "{}=\"{text}\"",
                super::text::html_escape(&key.text()?)
            ));
        }
    }
    let space = !parts.is_empty() && space.map_or(Ok(true), |s| s.truth())?;
    Ok(format!("{}{}", if space { " " } else { "" }, parts.join(" ")).into())
}

/// A MAC address with the given first bytes; the same one for the same seed.
fn random_mac(args: &Args) -> Res<Obj> {
    let [prefix, seed] = args.bind(["value", "seed"])?;
    let prefix = prefix
        .ok_or_else(|| args.missing("value"))?
        .str()?
        .to_lowercase();
    let mut bytes = Vec::new();
    for part in prefix.split(':').filter(|p| !p.is_empty()) {
        match u8::from_str_radix(part, 16) {
            Ok(byte) if part.len() == 2 => bytes.push(byte),
            _ => {
                return Err(Stop::fail(format!(
                    "Invalid value ({prefix}) for random_mac: {part} not hexa byte"
                )));
            }
        }
    }
    if bytes.is_empty() || bytes.len() > 5 {
        return Err(Stop::fail(format!(
            "Invalid value ({prefix}) for random_mac: 1 to 5 bytes are needed"
        )));
    }
    // Eleven digits, the first of which is not 0, of which the first ones are taken.
    const LEAST: u64 = 1 << 36;
    let width = (1 << 40) - LEAST;
    let number = LEAST
        + match seed.filter(|s| !s.is_none()) {
            Some(seed) => Seeded::new(&seed.to_value()?).below(width),
            None => rand::random::<u64>() % width,
        };
    let digits = format!("{number:x}");
    let rest = digits.as_bytes().chunks(2).take(6 - bytes.len());
    let known = bytes.iter().map(|byte| format!("{byte:02x}"));
    let parts: Vec<String> = known
        .chain(rest.map(|pair| String::from_utf8_lossy(pair).into_owned()))
        .collect();
    Ok(parts.join(":").into())
}

fn to_datetime(args: &Args) -> Res<Obj> {
    let [value, format] = args.bind(["string", "format"])?;
    let text = value.ok_or_else(|| args.missing("string"))?.text()?;
    let format = format.map_or(Ok("%Y-%m-%d %H:%M:%S".to_owned()), |f| f.text())?;
    Ok(crate::jinja::dates::object(crate::jinja::dates::strptime(
        &text, &format,
    )?))
}
