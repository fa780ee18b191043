//! Python's `%` and `str.format`.

use super::obj::{O, Obj};
use super::ops;
use super::stop::{Res, Stop};
use crate::value::{exponent, float_repr, general};
use std::sync::Arc;

/// How one value is to be laid out.
#[derive(Default, Clone)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    comma: bool,
    precision: Option<usize>,
    kind: Option<char>,
}

/// `"%03d" % n`, for the sequence lookup.
pub fn percent_int(format: &str, n: i64) -> Result<String, String> {
    percent(&format.into(), &n.into())
        .and_then(|o| o.text())
        .map_err(super::function::message)
}

/// `"%s ..." % values`
pub fn percent(format: &Obj, values: &Obj) -> Res<Obj> {
    let format = format.str()?;
    let mut args = match &values.kind {
        O::Tuple(list) => list.items()?,
        _ => vec![values.clone()],
    }
    .into_iter();
    let mut used_names = false;
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut next = || {
        args.next()
            .ok_or_else(|| Stop::fail("not enough arguments for format string"))
    };
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut named = None;
        if chars.next_if_eq(&'(').is_some() {
            let name: String = chars.by_ref().take_while(|c| *c != ')').collect();
            used_names = true;
            named = Some(ops::item(values, &name.into())?);
        }
        let mut spec = Spec {
            align: Some('>'),
            ..Spec::default()
        };
        while let Some(flag) = chars.next_if(|c| "-+ #0".contains(*c)) {
            match flag {
                '-' => spec.align = Some('<'),
                '#' => spec.alternate = true,
                '0' => spec.zero = true,
                sign => spec.sign = Some(sign),
            }
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Res<usize> {
            if chars.next_if_eq(&'*').is_some() {
                return Ok(usize::try_from(next()?.int()?).unwrap_or(0));
            }
            let mut digits = String::new();
            while let Some(d) = chars.next_if(char::is_ascii_digit) {
                digits.push(d);
            }
            Ok(digits.parse().unwrap_or(0))
        };
        spec.width = number(&mut chars)?;
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(&mut chars)?);
        }
        let kind = chars
            .next()
            .ok_or_else(|| Stop::fail("incomplete format"))?;
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match named {
            Some(value) => value,
            None => next()?,
        };
        if spec.align == Some('<') {
            spec.zero = false;
        }
        out.push_str(&percent_one(&value, kind, spec)?);
    }
    if !used_names && args.next().is_some() && !matches!(values.kind, O::Dict(_)) {
        return Err(Stop::fail(
            "not all arguments converted during string formatting",
        ));
    }
    Ok(out.into())
}

fn percent_one(value: &Obj, kind: char, mut spec: Spec) -> Res<String> {
    let text = match kind {
        's' => Some(value.text()?),
        'r' | 'a' => Some(value.repr()?),
        'c' => Some(match &value.kind {
            O::Str(s) => s.to_string(),
            _ => char::from_u32(u32::try_from(value.int()?).unwrap_or(0))
                .map_or_else(String::new, String::from),
        }),
        _ => None,
    };
    if let Some(mut text) = text {
        if let Some(precision) = spec.precision {
            text = text.chars().take(precision).collect();
        }
        spec.zero = false;
        return Ok(pad(&text, &spec, '>'));
    }
    let number = value.use_it()?.as_number().ok_or_else(|| {
        Stop::fail(format!(
            "%{kind} format: a real number is required, not {}",
            value.type_name()
        ))
    })?;
    match kind {
        'd' | 'i' | 'u' => {
            let whole = match value.kind {
                O::Float(_) => number.trunc() as i64,
                _ => value.int()?,
            };
            spec.kind = Some('d');
            whole_number(whole, &spec)
        }
        'x' | 'X' | 'o' => {
            spec.kind = Some(kind);
            whole_number(value.int()?, &spec)
        }
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
            spec.kind = Some(kind);
            real_number(number, &spec)
        }
        other => Err(Stop::fail(format!(
            "unsupported format character '{other}'"
        ))),
    }
}

fn pad(text: &str, spec: &Spec, default: char) -> String {
    let len = text.chars().count();
    let missing = spec.width.saturating_sub(len);
    let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
    let fills = |n: usize| std::iter::repeat_n(fill, n).collect::<String>();
    let align = spec.align.unwrap_or(default);
    if spec.zero && spec.fill.is_none() || align == '=' {
        let sign = text.len() - text.trim_start_matches(['-', '+', ' ']).len();
        return format!("{}{}{}", &text[..sign], fills(missing), &text[sign..]);
    }
    match align {
        '<' => format!("{text}{}", fills(missing)),
        '^' => format!(
            "{}{text}{}",
            fills(missing / 2),
            fills(missing - missing / 2)
        ),
        _ => format!("{}{text}", fills(missing)),
    }
}

fn signed(digits: String, negative: bool, spec: &Spec) -> String {
    match (negative, spec.sign) {
        (true, _) => format!("-{digits}"),
        (false, Some(sign @ ('+' | ' '))) => format!("{sign}{digits}"),
        _ => digits,
    }
}

fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out + rest
}

fn whole_number(n: i64, spec: &Spec) -> Res<String> {
    let magnitude = n.unsigned_abs();
    let digits = match spec.kind {
        Some('x') => format!("{}{magnitude:x}", if spec.alternate { "0x" } else { "" }),
        Some('X') => format!("{}{magnitude:X}", if spec.alternate { "0X" } else { "" }),
        Some('o') => format!("{}{magnitude:o}", if spec.alternate { "0o" } else { "" }),
        Some('b') => format!("{}{magnitude:b}", if spec.alternate { "0b" } else { "" }),
        _ if spec.comma => grouped(&magnitude.to_string()),
        _ => magnitude.to_string(),
    };
    let digits = match spec.precision {
        Some(p) if digits.len() < p => format!("{}{digits}", "0".repeat(p - digits.len())),
        _ => digits,
    };
    Ok(pad(&signed(digits, n < 0, spec), spec, '>'))
}

fn real_number(n: f64, spec: &Spec) -> Res<String> {
    let magnitude = n.abs();
    let precision = spec.precision.unwrap_or(6);
    let digits = if !n.is_finite() {
        float_repr(magnitude)
    } else {
        match spec.kind {
            Some('e') => exponent(magnitude, precision),
            Some('E') => exponent(magnitude, precision).to_uppercase(),
            Some('g') => general(magnitude, precision, spec.alternate),
            Some('G') => general(magnitude, precision, spec.alternate).to_uppercase(),
            Some('%') => format!("{:.precision$}%", magnitude * 100.0),
            Some(_) => format!("{magnitude:.precision$}"),
            None => match spec.precision {
                Some(p) => general(magnitude, p, false),
                None => float_repr(magnitude),
            },
        }
    };
    let digits = if spec.comma { grouped(&digits) } else { digits };
    Ok(pad(
        &signed(digits, n.is_sign_negative() && n != 0.0, spec),
        spec,
        '>',
    ))
}

fn parse_spec(text: &str) -> Res<Spec> {
    let mut spec = Spec::default();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>^=".contains(*c));
    if is_align(chars.get(1)) {
        spec.fill = Some(chars[0]);
        spec.align = Some(chars[1]);
        at = 2;
    } else if is_align(chars.first()) {
        spec.align = Some(chars[0]);
        at = 1;
    }
    let mut take = |wanted: &str| {
        let c = *chars.get(at)?;
        wanted.contains(c).then(|| {
            at += 1;
            c
        })
    };
    spec.sign = take("+- ");
    spec.alternate = take("#").is_some();
    spec.zero = take("0").is_some();
    let digits = |take: &mut dyn FnMut(&str) -> Option<char>| {
        let mut text = String::new();
        while let Some(d) = take("0123456789") {
            text.push(d);
        }
        text
    };
    spec.width = digits(&mut take).parse().unwrap_or(0);
    spec.comma = take(",_").is_some();
    if take(".").is_some() {
        spec.precision = digits(&mut take).parse().ok();
    }
    spec.kind = take("sdxXobeEfFgGcn%");
    if at < chars.len() {
        return Err(Stop::fail("Invalid format specifier"));
    }
    Ok(spec)
}

/// Python's `format(value, spec)`.
pub fn format_value(value: &Obj, spec: &str) -> Res<String> {
    if spec.is_empty() {
        return value.text();
    }
    let spec = parse_spec(spec)?;
    match &value.use_it()?.kind {
        O::Int(n) => match spec.kind {
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => real_number(*n as f64, &spec),
            _ => whole_number(*n, &spec),
        },
        O::Float(f) => real_number(*f, &spec),
        _ => {
            let mut text = value.text()?;
            if let Some(p) = spec.precision {
                text = text.chars().take(p).collect();
            }
            Ok(pad(&text, &spec, '<'))
        }
    }
}

/// `"...".format(*pos, **kw)`
pub fn str_format(format: &str, pos: &[Obj], kw: &[(Arc<str>, Obj)]) -> Res<String> {
    let mut auto = 0;
    let mut manual = false;
    format_fields(format, pos, kw, &mut auto, &mut manual)
}

fn format_fields(
    format: &str,
    pos: &[Obj],
    kw: &[(Arc<str>, Obj)],
    auto: &mut usize,
    manual: &mut bool,
) -> Res<String> {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            out.push_str(brace);
            rest = &rest[1..];
            continue;
        }
        if brace == "}" {
            return Err(Stop::fail("Single '}' encountered in format string"));
        }
        let mut depth = 1;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
                depth == 0
            })
            .map(|(i, _)| i)
            .ok_or_else(|| Stop::fail("expected '}' before end of string"))?;
        let field = &rest[..end];
        rest = &rest[end + 1..];
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = name.split_once('!').unwrap_or((name, ""));
        let mut value = lookup(name, pos, kw, auto, manual)?;
        match conversion {
            "r" | "a" => value = value.repr()?.into(),
            "s" => value = value.text()?.into(),
            _ => {}
        }
        let spec = match spec.contains('{') {
            true => format_fields(spec, pos, kw, auto, manual)?,
            false => spec.to_owned(),
        };
        out.push_str(&format_value(&value, &spec)?);
    }
    out.push_str(rest);
    Ok(out)
}

fn lookup(
    field: &str,
    pos: &[Obj],
    kw: &[(Arc<str>, Obj)],
    auto: &mut usize,
    manual: &mut bool,
) -> Res<Obj> {
    let end = field.find(['.', '[']).unwrap_or(field.len());
    let (name, mut path) = field.split_at(end);
    let mut value = if let Ok(index) = name.parse::<usize>() {
        if *auto > 0 {
            return Err(Stop::fail(
                "cannot switch from automatic field numbering to manual field specification",
            ));
        }
        *manual = true;
        pos.get(index).cloned()
    } else if name.is_empty() {
        if *manual {
            return Err(Stop::fail(
                "cannot switch from manual field specification to automatic field numbering",
            ));
        }
        *auto += 1;
        pos.get(*auto - 1).cloned()
    } else {
        let found = kw.iter().find(|(k, _)| &**k == name);
        return match found {
            Some((_, v)) => follow(v.clone(), path),
            None => Err(Stop::fail(format!("'{name}'"))),
        };
    }
    .ok_or_else(|| Stop::fail("Replacement index out of range for positional args tuple"))?;
    value = follow(value, std::mem::take(&mut path))?;
    Ok(value)
}

fn follow(mut value: Obj, mut path: &str) -> Res<Obj> {
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            value = ops::attribute(&value, &rest[..end].into())?;
            path = &rest[end..];
        } else {
            let end = path.find(']').unwrap_or(path.len() - 1);
            let key = &path[1..end];
            let key = key.parse::<i64>().map_or_else(|_| key.into(), Obj::from);
            value = ops::item(&value, &key)?;
            path = &path[end + 1..];
        }
        value.use_it()?;
    }
    Ok(value)
}
