//! Defaults and conversions.

use super::Family;
use crate::diag::Diag;
use crate::jinja::args::Args;
use crate::jinja::container::Dict;
use crate::jinja::obj::{O, Obj};
use crate::jinja::stop::{Res, Stop};

pub const FAMILY: Family = &[
    ("default", default),
    ("ternary", ternary),
    ("d", default),
    ("mandatory", mandatory),
    ("bool", bool_),
    ("int", int),
    ("float", float),
    ("string", |a| Ok(a.input()?.text()?.into())),
    ("list", list),
    ("length", |a| Ok(a.input()?.len()?.into())),
    ("count", |a| Ok(a.input()?.len()?.into())),
    ("type_debug", type_debug),
    ("attr", attr),
    ("safe", |a| Ok(a.input()?.clone())),
    ("dict", dict),
];

fn default(args: &Args) -> Res<Obj> {
    let [value, default, boolean] = args.bind(["value", "default_value", "boolean"])?;
    let value = value.ok_or_else(|| args.missing("value"))?;
    let missing =
        value.is_undefined() || boolean.map_or(Ok(false), |b| b.truth())? && !value.truth()?;
    Ok(match missing {
        true => default.unwrap_or_else(|| "".into()),
        false => value,
    })
}

fn mandatory(args: &Args) -> Res<Obj> {
    let [value, msg] = args.bind(["value", "msg"])?;
    let value = value.ok_or_else(|| args.missing("value"))?;
    let O::Undefined(undef) = &value.kind else {
        return Ok(value);
    };
    let message = match (msg.filter(|m| !m.is_none()), &undef.name) {
        (Some(msg), _) => msg.text()?,
        (None, Some(name)) => format!("Mandatory variable '{name}' not defined."),
        (None, None) => "Mandatory variable not defined.".to_owned(),
    };
    Err(Stop::Fail(
        Diag::error("mandatory-variable", message).at(undef.span, ""),
    ))
}

/// The words that Ansible takes for a truth value.
fn truth_word(obj: &Obj) -> Option<bool> {
    match &obj.kind {
        O::Bool(b) => Some(*b),
        O::Int(1) => Some(true),
        O::Int(0) => Some(false),
        O::Float(f) if *f == 1.0 => Some(true),
        O::Float(f) if *f == 0.0 => Some(false),
        O::Str(s) => match s.trim().to_lowercase().as_str() {
            "yes" | "on" | "1" | "true" => Some(true),
            "no" | "off" | "0" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// `ternary(value, true_val, false_val, none_val=None)`: the one that is not picked may be undefined.
fn ternary(args: &Args) -> Res<Obj> {
    let [value, yes, no, none] = args.bind(["value", "true_val", "false_val", "none_val"])?;
    let value = value.ok_or_else(|| args.missing("value"))?;
    if value.use_it()?.is_none()
        && let Some(none) = none.filter(|none| !none.is_none())
    {
        return Ok(none);
    }
    match value.truth()? {
        true => yes.ok_or_else(|| args.missing("true_val")),
        false => no.ok_or_else(|| args.missing("false_val")),
    }
}

fn bool_(args: &Args) -> Res<Obj> {
    let value = args.input()?.use_it()?;
    Ok(truth_word(value).unwrap_or(false).into())
}

fn int(args: &Args) -> Res<Obj> {
    let [value, default, base] = args.bind(["value", "default", "base"])?;
    let value = value.ok_or_else(|| args.missing("value"))?;
    let base = base.map_or(Ok(10), |b| b.int())?;
    let made = match &value.use_it()?.kind {
        O::Int(n) => Some((*n).into()),
        O::Bool(b) => Some(i64::from(*b).into()),
        O::Float(f) if f.is_finite() => Some((f.trunc() as i64).into()),
        O::Str(s) => parse_int(s, base as u32).or_else(|| {
            s.trim()
                .parse::<f64>()
                .ok()
                .filter(|f| f.is_finite())
                .map(|f| (f.trunc() as i64).into())
        }),
        _ => None,
    };
    Ok(made.or(default).unwrap_or_else(|| 0i64.into()))
}

fn parse_int(text: &str, base: u32) -> Option<Obj> {
    let text = text.trim().replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1i128, rest.to_owned()),
        None => (1, text.strip_prefix('+').unwrap_or(&text).to_owned()),
    };
    let lower = digits.to_lowercase();
    let digits = match (base, lower.get(..2)) {
        (16, Some("0x")) | (8, Some("0o")) | (2, Some("0b")) => &digits[2..],
        _ => &digits,
    };
    if !(2..=36).contains(&base) || digits.is_empty() {
        return None;
    }
    if let Ok(n) = i64::from_str_radix(digits, base) {
        return Some(((sign * i128::from(n)) as i64).into());
    }
    // Beyond 64 bits: as a float, as far as that reaches.
    let mut value = 0f64;
    for c in digits.chars() {
        value = value * f64::from(base) + f64::from(c.to_digit(base)?);
    }
    Some((value * sign as f64).into())
}

fn float(args: &Args) -> Res<Obj> {
    let [value, default] = args.bind(["value", "default"])?;
    let value = value.ok_or_else(|| args.missing("value"))?;
    let made = match &value.use_it()?.kind {
        O::Str(s) => s.trim().replace('_', "").parse::<f64>().ok(),
        _ => value.as_number(),
    };
    Ok(match made {
        Some(f) => f.into(),
        None => default.unwrap_or_else(|| 0.0.into()),
    })
}

fn list(args: &Args) -> Res<Obj> {
    Ok(args.input()?.items()?.into())
}

fn type_debug(args: &Args) -> Res<Obj> {
    let value = args.input()?;
    Ok(match &value.kind {
        O::Undefined(_) => "AnsibleUndefined".into(),
        _ => value.use_it()?.type_name().into(),
    })
}

fn attr(args: &Args) -> Res<Obj> {
    let [value, name] = args.bind(["obj", "name"])?;
    let value = value.ok_or_else(|| args.missing("obj"))?;
    let name = name.ok_or_else(|| args.missing("name"))?.str()?;
    if let O::Dict(_) = value.kind
        && !crate::jinja::methods::has(&value, &name)
    {
        return crate::jinja::container::no_attribute(&value, &O::Str(name).into());
    }
    crate::jinja::ops::attribute(&value, &name)
}

fn dict(args: &Args) -> Res<Obj> {
    let dict = Dict::default();
    crate::jinja::functions::fill(&dict, args.input()?)?;
    Ok(dict.into())
}
