//! Methods of `str`.

use crate::jinja::args::Args;
use crate::jinja::format;
use crate::jinja::obj::{O, Obj};
use crate::jinja::stop::{Res, Stop};
use std::sync::Arc;

pub const NAMES: &[&str] = &[
    "split",
    "rsplit",
    "splitlines",
    "partition",
    "rpartition",
    "startswith",
    "endswith",
    "strip",
    "lstrip",
    "rstrip",
    "format",
    "format_map",
    "join",
    "replace",
    "find",
    "rfind",
    "index",
    "rindex",
    "count",
    "upper",
    "lower",
    "title",
    "capitalize",
    "swapcase",
    "casefold",
    "zfill",
    "ljust",
    "rjust",
    "center",
    "isdigit",
    "isdecimal",
    "isnumeric",
    "isalpha",
    "isalnum",
    "isspace",
    "isupper",
    "islower",
    "istitle",
    "isidentifier",
    "isascii",
    "isprintable",
    "encode",
    "expandtabs",
    "removeprefix",
    "removesuffix",
    "translate",
];

pub fn call(s: &Arc<str>, name: &str, args: &Args) -> Res<Obj> {
    Ok(match name {
        "upper" => s.to_uppercase().into(),
        "lower" | "casefold" => s.to_lowercase().into(),
        "title" => title(s).into(),
        "capitalize" => capitalize(s).into(),
        "swapcase" => s.chars().map(swap).collect::<String>().into(),
        "split" | "rsplit" => split(s, name == "rsplit", args)?,
        "splitlines" => {
            let [keep] = args.bind(["keepends"])?;
            lines(s, keep.map_or(Ok(false), |k| k.truth())?).into()
        }
        "partition" | "rpartition" => partition(s, name == "rpartition", args)?,
        "startswith" | "endswith" => ends(s, name == "startswith", args)?.into(),
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = args.bind(["chars"])?;
            let chars = chars
                .filter(|c| !c.is_none())
                .map(|c| c.str())
                .transpose()?;
            strip(s, chars.as_deref(), name != "rstrip", name != "lstrip").into()
        }
        "format" => format::str_format(s, &args.pos, &args.kw)?.into(),
        "format_map" => {
            let kw: Vec<_> = args
                .input()?
                .dict()?
                .pairs()?
                .into_iter()
                .map(|(k, v)| (k.to_value().to_text().into(), v))
                .collect();
            format::str_format(s, &[], &kw)?.into()
        }
        "join" => {
            let mut parts = Vec::new();
            for (i, item) in args.input()?.items()?.iter().enumerate() {
                match &item.use_it()?.kind {
                    O::Str(part) => parts.push(part.to_string()),
                    _ => {
                        return Err(Stop::fail(format!(
                            "sequence item {i}: expected str instance, {} found",
                            item.type_name()
                        )));
                    }
                }
            }
            parts.join(s).into()
        }
        "replace" => {
            let [old, new, count] = args.bind(["old", "new", "count"])?;
            let old = old.ok_or_else(|| args.missing("old"))?.str()?;
            let new = new.ok_or_else(|| args.missing("new"))?.str()?;
            match count.map_or(Ok(-1), |c| c.int())? {
                n if n < 0 => s.replace(&*old, &new).into(),
                n => s.replacen(&*old, &new, n as usize).into(),
            }
        }
        "find" | "rfind" | "index" | "rindex" => find(s, name, args)?,
        "count" => {
            let part = args.input()?.str()?;
            let text = part_of(s, args.rest())?.1;
            match part.is_empty() {
                true => (text.chars().count() + 1).into(),
                false => text.matches(&*part).count().into(),
            }
        }
        "zfill" => zfill(s, width(args)?).into(),
        "ljust" | "rjust" | "center" => justify(s, name, args)?.into(),
        "isdigit" | "isdecimal" | "isnumeric" => every(s, char::is_numeric),
        "isalpha" => every(s, char::is_alphabetic),
        "isalnum" => every(s, char::is_alphanumeric),
        "isspace" => every(s, char::is_whitespace),
        "isascii" => s.is_ascii().into(),
        "isprintable" => (!s.chars().any(char::is_control)).into(),
        "isupper" => cased(s, char::is_lowercase, char::is_uppercase),
        "islower" => cased(s, char::is_uppercase, char::is_lowercase),
        "istitle" => (s.chars().any(char::is_alphabetic) && title(s) == **s).into(),
        "isidentifier" => {
            let ok =
                |(i, c): (usize, char)| c == '_' || c.is_alphabetic() || (i > 0 && c.is_numeric());
            (!s.is_empty() && s.chars().enumerate().all(ok)).into()
        }
        "encode" => O::Bytes(s.as_bytes().into()).into(),
        "expandtabs" => {
            let [size] = args.bind(["tabsize"])?;
            expand_tabs(s, size.map_or(Ok(8), |n| n.int())?).into()
        }
        "removeprefix" => {
            let part = args.input()?.str()?;
            s.strip_prefix(&*part).unwrap_or(s).into()
        }
        "removesuffix" => {
            let part = args.input()?.str()?;
            s.strip_suffix(&*part).unwrap_or(s).into()
        }
        _ => translate(s, args)?,
    })
}

fn every(s: &str, test: fn(char) -> bool) -> Obj {
    (!s.is_empty() && s.chars().all(test)).into()
}

fn cased(s: &str, not: fn(char) -> bool, some: fn(char) -> bool) -> Obj {
    (!s.chars().any(not) && s.chars().any(some)).into()
}

fn swap(c: char) -> char {
    let other = if c.is_uppercase() {
        c.to_lowercase().next()
    } else {
        c.to_uppercase().next()
    };
    other.unwrap_or(c)
}

/// Python's `str.title()`: a capital after everything that is not a letter.
pub fn title(s: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for c in s.chars() {
        match inside {
            true => out.extend(c.to_lowercase()),
            false => out.extend(c.to_uppercase()),
        }
        inside = c.is_alphabetic();
    }
    out
}

/// Python's `str.capitalize()`.
pub fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase(),
        None => String::new(),
    }
}

/// Python's `str.strip()` family.
pub fn strip<'s>(s: &'s str, chars: Option<&str>, left: bool, right: bool) -> &'s str {
    let gone = |c: char| match chars {
        Some(chars) => chars.contains(c),
        None => c.is_whitespace(),
    };
    let s = if left { s.trim_start_matches(gone) } else { s };
    if right { s.trim_end_matches(gone) } else { s }
}

fn split(s: &str, from_right: bool, args: &Args) -> Res<Obj> {
    let [sep, max] = args.bind(["sep", "maxsplit"])?;
    let max = max.map_or(Ok(-1), |m| m.int())?;
    let max = usize::try_from(max).ok();
    let sep = sep.filter(|s| !s.is_none()).map(|s| s.str()).transpose()?;
    Ok(split_text(s, sep.as_deref(), max, from_right)?.into())
}

/// Python's `str.split()` and `rsplit()`.
pub fn split_text(
    s: &str,
    sep: Option<&str>,
    max: Option<usize>,
    from_right: bool,
) -> Res<Vec<Obj>> {
    let parts: Vec<&str> = match (sep, max) {
        (Some(""), _) => return Err(Stop::fail("empty separator")),
        (Some(sep), None) => s.split(sep).collect(),
        (Some(sep), Some(max)) if from_right => {
            let mut parts: Vec<&str> = s.rsplitn(max + 1, sep).collect();
            parts.reverse();
            parts
        }
        (Some(sep), Some(max)) => s.splitn(max + 1, sep).collect(),
        (None, None) => s.split_whitespace().collect(),
        (None, Some(max)) => return Ok(split_words(s, max, from_right)),
    };
    Ok(parts.into_iter().map(Obj::from).collect())
}

fn split_words(s: &str, max: usize, from_right: bool) -> Vec<Obj> {
    let mut parts = Vec::new();
    let mut rest = s.trim();
    while !rest.is_empty() {
        let cut = match from_right {
            true => rest.rfind(char::is_whitespace),
            false => rest.find(char::is_whitespace),
        };
        let Some(cut) = cut.filter(|_| parts.len() < max) else {
            parts.push(rest);
            break;
        };
        if from_right {
            parts.push(rest[cut..].trim_start());
            rest = rest[..cut].trim_end();
        } else {
            parts.push(&rest[..cut]);
            rest = rest[cut..].trim_start();
        }
    }
    if from_right {
        parts.reverse();
    }
    parts.into_iter().map(Obj::from).collect()
}

/// Python's `str.splitlines()`.
pub fn lines(s: &str, keep_ends: bool) -> Vec<Obj> {
    let mut out = Vec::new();
    let mut rest = s;
    while !rest.is_empty() {
        let at = rest.find(['\n', '\r', '\x0b', '\x0c', '\u{85}', '\u{2028}', '\u{2029}']);
        let Some(at) = at else {
            out.push(rest.into());
            break;
        };
        let len = match rest[at..].starts_with("\r\n") {
            true => 2,
            false => rest[at..].chars().next().map_or(1, char::len_utf8),
        };
        out.push(rest[..if keep_ends { at + len } else { at }].into());
        rest = &rest[at + len..];
    }
    out
}

fn partition(s: &str, from_right: bool, args: &Args) -> Res<Obj> {
    let sep = args.input()?.str()?;
    let found = match from_right {
        true => s.rsplit_once(&*sep),
        false => s.split_once(&*sep),
    };
    let parts: [&str; 3] = match found {
        Some((a, b)) => [a, &sep, b],
        None if from_right => ["", "", s],
        None => [s, "", ""],
    };
    Ok(Obj::tuple(parts.into_iter().map(Obj::from).collect()))
}

fn ends(s: &str, start: bool, args: &Args) -> Res<bool> {
    let parts = match &args.input()?.kind {
        O::Tuple(_) | O::List(_) => args.input()?.items()?,
        _ => vec![args.input()?.clone()],
    };
    let text = part_of(s, args.rest())?.1;
    for part in parts {
        let part = part.str()?;
        if (start && text.starts_with(&*part)) || (!start && text.ends_with(&*part)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `s[start:end]` with its offset in characters.
fn part_of<'s>(s: &'s str, bounds: &[Obj]) -> Res<(usize, &'s str)> {
    if bounds.is_empty() {
        return Ok((0, s));
    }
    let count = s.chars().count() as i64;
    let clamp = |n: i64| if n < 0 { n + count } else { n }.clamp(0, count) as usize;
    let start = bounds.first().map_or(Ok(0), Obj::int).map(clamp)?;
    let end = bounds.get(1).map_or(Ok(count), Obj::int).map(clamp)?;
    let byte = |n: usize| s.char_indices().nth(n).map_or(s.len(), |(i, _)| i);
    Ok((start, s.get(byte(start)..byte(end)).unwrap_or("")))
}

fn find(s: &str, name: &str, args: &Args) -> Res<Obj> {
    let part = args.input()?.str()?;
    let (start, text) = part_of(s, args.rest())?;
    let found = match name.starts_with('r') {
        true => text.rfind(&*part),
        false => text.find(&*part),
    };
    match found {
        Some(at) => Ok((start + text[..at].chars().count()).into()),
        None if name.ends_with("index") => Err(Stop::fail("substring not found")),
        None => Ok((-1i64).into()),
    }
}

fn width(args: &Args) -> Res<usize> {
    Ok(usize::try_from(args.input()?.int()?).unwrap_or(0))
}

fn zfill(s: &str, width: usize) -> String {
    let (sign, digits) = match s.strip_prefix(['-', '+']) {
        Some(digits) => (&s[..1], digits),
        None => ("", s),
    };
    let missing = width.saturating_sub(s.chars().count());
    format!("{sign}{}{digits}", "0".repeat(missing))
}

fn justify(s: &str, how: &str, args: &Args) -> Res<String> {
    let fill = args
        .rest()
        .first()
        .map_or_else(|| Ok(" ".into()), Obj::str)?;
    let missing = width(args)?.saturating_sub(s.chars().count());
    Ok(match how {
        "ljust" => format!("{s}{}", fill.repeat(missing)),
        "rjust" => format!("{}{s}", fill.repeat(missing)),
        _ => center(s, width(args)?, &fill),
    })
}

/// Python's `str.center()`.
pub fn center(s: &str, width: usize, fill: &str) -> String {
    let missing = width.saturating_sub(s.chars().count());
    let left = missing / 2 + (missing & width & 1);
    format!("{}{s}{}", fill.repeat(left), fill.repeat(missing - left))
}

fn expand_tabs(s: &str, size: i64) -> String {
    let size = usize::try_from(size).unwrap_or(0);
    let mut column = 0;
    let mut out = String::new();
    for c in s.chars() {
        match c {
            '\t' => {
                let n = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(n));
                column += n;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

fn translate(s: &str, args: &Args) -> Res<Obj> {
    let table = args.input()?.dict()?;
    let mut out = String::new();
    for c in s.chars() {
        let key = crate::value::Key::from_value(&crate::value::Value::from(i64::from(c as u32)));
        match key.map(|k| table.get(&k)).transpose()?.flatten() {
            Some(to) if to.is_none() => {}
            Some(to) => match to.as_str() {
                Some(text) => out.push_str(text),
                None => out.extend(u32::try_from(to.int()?).ok().and_then(char::from_u32)),
            },
            None => out.push(c),
        }
    }
    Ok(out.into())
}
