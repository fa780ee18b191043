//! Python's methods on values: `text.split()`, `dict.items()`, `list.index(x)`.

use super::strings::split_text;
use crate::jinja::bridge;
use crate::value::{Kind, Map, Value};
use minijinja::{Error, ErrorKind, State, Value as Jinja};

/// Calls a method.
pub fn call(
    _state: &mut State<'_, '_>,
    subject: &Jinja,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    // Containers stay lazy where a method only looks into them.
    if subject.kind() == minijinja::value::ValueKind::Map
        && let Some(found) = dict(subject, name, args)?
    {
        return Ok(found);
    }
    let value = bridge::to_value(subject).map_err(bridge::carry)?;
    let mut given = Vec::new();
    let mut kwargs = Map::new();
    for arg in args {
        let converted = bridge::to_value(arg).map_err(bridge::carry)?;
        match (&converted.kind, arg.is_kwargs()) {
            (Kind::Map(map), true) => kwargs = Map::clone(map),
            _ => given.push(converted),
        }
    }
    let result = match &value.kind {
        Kind::Str(text) => string(&text.text, name, &given, &kwargs),
        Kind::List(items) => list(items, name, &given),
        _ => None,
    };
    match result {
        Some(Ok(value)) => Ok(bridge::from_value(&value)),
        Some(Err(message)) => Err(Error::new(ErrorKind::InvalidOperation, message)),
        None => Err(Error::new(
            ErrorKind::UnknownMethod,
            format!(
                "object of type '{}' has no attribute '{name}'",
                value.type_name()
            ),
        )),
    }
}

fn dict(subject: &Jinja, name: &str, args: &[Jinja]) -> Result<Option<Jinja>, Error> {
    let keys = || -> Result<Vec<Jinja>, Error> { Ok(subject.try_iter()?.collect()) };
    Ok(Some(match name {
        "keys" | "iterkeys" => Jinja::from(keys()?),
        "values" | "itervalues" => Jinja::from(
            keys()?
                .iter()
                .map(|key| subject.get_item(key))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        "items" | "iteritems" => Jinja::from(
            keys()?
                .into_iter()
                .map(|key| Ok(Jinja::from(vec![key.clone(), subject.get_item(&key)?])))
                .collect::<Result<Vec<_>, Error>>()?,
        ),
        "get" => {
            let Some(key) = args.first() else {
                return Err(Error::new(
                    ErrorKind::MissingArgument,
                    "get expected at least 1 argument",
                ));
            };
            let found = subject.get_item(key)?;
            if found.is_undefined() {
                args.get(1).cloned().unwrap_or(Jinja::from(()))
            } else {
                found
            }
        }
        "copy" => subject.clone(),
        _ => return Ok(None),
    }))
}

type Answer = Option<Result<Value, String>>;

fn list(items: &[Value], name: &str, args: &[Value]) -> Answer {
    Some(match (name, args) {
        ("index", [item]) => items
            .iter()
            .position(|i| i == item)
            .map(|at| Value::from(at as i64))
            .ok_or_else(|| format!("{} is not in list", item.repr())),
        ("count", [item]) => Ok(Value::from(
            items.iter().filter(|i| *i == item).count() as i64
        )),
        ("copy", []) => Ok(Value::list(items.to_vec())),
        _ => return None,
    })
}

fn string(text: &str, name: &str, args: &[Value], kwargs: &Map) -> Answer {
    let arg = |i: usize| args.get(i).map(Value::to_text);
    let int = |i: usize| args.get(i).and_then(Value::as_int);
    let b = |yes: bool| Ok(Value::from(yes));
    let all = |f: fn(char) -> bool| b(!text.is_empty() && text.chars().all(f));
    let words = |parts: Vec<&str>| Ok(Value::list(parts.into_iter().map(Value::str).collect()));
    Some(match name {
        "upper" => Ok(Value::str(text.to_uppercase())),
        "lower" | "casefold" => Ok(Value::str(text.to_lowercase())),
        "capitalize" => Ok(Value::str(capitalize(text))),
        "title" => Ok(Value::str(title(text))),
        "swapcase" => Ok(Value::str(
            text.chars()
                .map(|c| {
                    if c.is_uppercase() {
                        c.to_ascii_lowercase()
                    } else {
                        c.to_ascii_uppercase()
                    }
                })
                .collect::<String>(),
        )),
        "strip" | "lstrip" | "rstrip" => Ok(Value::str(strip(text, name, arg(0).as_deref()))),
        "split" => {
            let most = int(1)
                .or_else(|| kwargs.get("maxsplit").and_then(Value::as_int))
                .unwrap_or(-1);
            let separator = args
                .first()
                .filter(|a| !a.is_null())
                .map(Value::to_text)
                .or_else(|| kwargs.get("sep").map(Value::to_text));
            words(split_text(text, separator.as_deref(), most))
        }
        "rsplit" => words(rsplit(text, arg(0).as_deref(), int(1).unwrap_or(-1))),
        "splitlines" => words(text.lines().collect()),
        "startswith" => b(affixes(args).iter().any(|p| text.starts_with(p))),
        "endswith" => b(affixes(args).iter().any(|p| text.ends_with(p))),
        "replace" => match (arg(0), arg(1)) {
            (Some(old), Some(new)) => Ok(Value::str(match int(2) {
                Some(count) if count >= 0 => text.replacen(&old, &new, count as usize),
                _ => text.replace(&old, &new),
            })),
            _ => Err("replace expected at least 2 arguments".to_owned()),
        },
        "join" => match args.first().map(crate::jinja::function::items) {
            Some(Ok(parts)) => Ok(Value::str(
                parts
                    .iter()
                    .map(Value::to_text)
                    .collect::<Vec<_>>()
                    .join(text),
            )),
            _ => Err("can only join an iterable".to_owned()),
        },
        "find" | "index" | "rfind" | "rindex" => {
            let needle = arg(0).unwrap_or_default();
            let at = if name.starts_with('r') {
                text.rfind(&needle)
            } else {
                text.find(&needle)
            };
            match at {
                Some(at) => Ok(Value::from(text[..at].chars().count() as i64)),
                None if name.ends_with("find") => Ok(Value::from(-1)),
                None => Err("substring not found".to_owned()),
            }
        }
        "count" => Ok(Value::from(
            text.matches(&arg(0).unwrap_or_default()).count() as i64,
        )),
        "format" => braces(text, args, kwargs).map(Value::str),
        "zfill" => Ok(Value::str(zfill(text, int(0).unwrap_or(0).max(0) as usize))),
        "ljust" | "rjust" | "center" => {
            let width = int(0).unwrap_or(0).max(0) as usize;
            let fill = arg(1).and_then(|f| f.chars().next()).unwrap_or(' ');
            let missing = width.saturating_sub(text.chars().count());
            let pad = |n: usize| fill.to_string().repeat(n);
            Ok(Value::str(match name {
                "ljust" => format!("{text}{}", pad(missing)),
                "rjust" => format!("{}{text}", pad(missing)),
                _ => format!("{}{text}{}", pad(missing / 2), pad(missing - missing / 2)),
            }))
        }
        "partition" | "rpartition" => {
            let separator = arg(0).unwrap_or_default();
            let parts = if name == "partition" {
                text.split_once(&separator)
                    .map(|(a, c)| vec![a, &separator, c])
                    .unwrap_or(vec![text, "", ""])
            } else {
                text.rsplit_once(&separator)
                    .map(|(a, c)| vec![a, &separator, c])
                    .unwrap_or(vec!["", "", text])
            };
            words(parts)
        }
        "removeprefix" => Ok(Value::str(
            text.strip_prefix(&arg(0).unwrap_or_default())
                .unwrap_or(text),
        )),
        "removesuffix" => Ok(Value::str(
            text.strip_suffix(&arg(0).unwrap_or_default())
                .unwrap_or(text),
        )),
        "isdigit" | "isdecimal" | "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isupper" => {
            b(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
        }
        "islower" => {
            b(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
        }
        "encode" | "decode" => Ok(Value::str(text)),
        "expandtabs" => Ok(Value::str(
            text.replace('\t', &" ".repeat(int(0).unwrap_or(8).max(0) as usize)),
        )),
        _ => return None,
    })
}

fn affixes(args: &[Value]) -> Vec<String> {
    match args.first().map(|a| &a.kind) {
        Some(Kind::List(items)) => items.iter().map(Value::to_text).collect(),
        Some(_) => vec![args[0].to_text()],
        None => Vec::new(),
    }
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first
            .to_uppercase()
            .chain(chars.flat_map(char::to_lowercase))
            .collect(),
        None => String::new(),
    }
}

fn title(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .flat_map(|c| {
            let out: Vec<char> = if inside {
                c.to_lowercase().collect()
            } else {
                c.to_uppercase().collect()
            };
            inside = c.is_alphabetic();
            out
        })
        .collect()
}

fn strip<'a>(text: &'a str, name: &str, chars: Option<&str>) -> &'a str {
    let is = |c: char| chars.map_or(c.is_whitespace(), |set| set.contains(c));
    match name {
        "strip" => text.trim_matches(is),
        "lstrip" => text.trim_start_matches(is),
        _ => text.trim_end_matches(is),
    }
}

fn rsplit<'a>(text: &'a str, separator: Option<&str>, most: i64) -> Vec<&'a str> {
    let mut parts: Vec<&str> = match separator {
        Some(s) if most >= 0 => text.rsplitn(most as usize + 1, s).collect(),
        Some(s) => text.rsplit(s).collect(),
        None => text.split_whitespace().rev().collect(),
    };
    parts.reverse();
    parts
}

fn zfill(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    match text.strip_prefix(['-', '+']) {
        Some(rest) => format!("{}{}{rest}", &text[..1], "0".repeat(missing)),
        None => "0".repeat(missing) + text,
    }
}

/// `str.format` with positions, names and the common format specifications.
fn braces(text: &str, args: &[Value], kwargs: &Map) -> Result<String, String> {
    let mut out = String::new();
    let mut next = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = rest.as_bytes()[at];
        if rest.as_bytes().get(at + 1) == Some(&brace) {
            out.push(brace as char);
            rest = &rest[at + 2..];
            continue;
        }
        if brace == b'}' {
            return Err("Single '}' encountered in format string".to_owned());
        }
        let end = rest[at..]
            .find('}')
            .ok_or("expected '}' before end of string")?
            + at;
        let field = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let name = name.split('!').next().unwrap_or_default();
        let value = if name.is_empty() {
            next += 1;
            args.get(next - 1)
        } else if let Ok(index) = name.parse::<usize>() {
            args.get(index)
        } else {
            kwargs.get(name)
        };
        let value = value.ok_or_else(|| format!("no argument for '{{{field}}}'"))?;
        out.push_str(&spec_format(value, spec));
    }
    out.push_str(rest);
    Ok(out)
}

fn spec_format(value: &Value, spec: &str) -> String {
    let (align, spec) = match spec.char_indices().nth(1) {
        Some((at, c)) if "<>^".contains(c) => ((spec.chars().next(), Some(c)), &spec[at + 1..]),
        _ => match spec.chars().next() {
            Some(c) if "<>^".contains(c) => ((None, Some(c)), &spec[1..]),
            _ => ((None, None), spec),
        },
    };
    let zero = spec.starts_with('0');
    let kind = spec.chars().last().filter(char::is_ascii_alphabetic);
    let digits = spec.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (width, precision) = digits.split_once('.').unwrap_or((digits, ""));
    let width: usize = width.parse().unwrap_or(0);
    let number = || value.to_text().parse::<f64>().unwrap_or(0.0);
    let text = match (kind, precision.parse::<usize>()) {
        (Some('f'), p) => format!("{:.*}", p.unwrap_or(6), number()),
        (Some('x'), _) => format!("{:x}", number() as i64),
        (Some('o'), _) => format!("{:o}", number() as i64),
        (Some('b'), _) => format!("{:b}", number() as i64),
        (Some('%'), p) => format!("{:.*}%", p.unwrap_or(6), number() * 100.0),
        (_, Ok(p)) if value.as_str().is_some() => value.to_text().chars().take(p).collect(),
        _ => value.to_text(),
    };
    let missing = width.saturating_sub(text.chars().count());
    let fill = align.0.unwrap_or(if zero { '0' } else { ' ' });
    let pad = |n: usize| fill.to_string().repeat(n);
    let numeric = value.as_str().is_none();
    match align.1 {
        Some('<') => text + &pad(missing),
        Some('^') => format!("{}{text}{}", pad(missing / 2), pad(missing - missing / 2)),
        Some(_) => pad(missing) + &text,
        None if numeric || zero => pad(missing) + &text,
        None => text + &pad(missing),
    }
}

/// `'%s %03d' % (...)`: Python's printf.
pub fn percent(text: &str, args: &[Value], kwargs: &Map) -> Result<String, String> {
    let mut out = String::new();
    let mut next = args.iter();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut name = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            name = Some(chars.by_ref().take_while(|c| *c != ')').collect::<String>());
        }
        let mut spec = String::new();
        let kind = loop {
            match chars.next() {
                Some(c) if "0123456789.-+ #".contains(c) => spec.push(c),
                Some(c) => break c,
                None => return Err("incomplete format".to_owned()),
            }
        };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match &name {
            Some(name) => kwargs
                .get(name)
                .or_else(|| args.first().and_then(|a| a.get(name))),
            None => next.next(),
        };
        let value = value.ok_or("not enough arguments for format string")?;
        out.push_str(&printf(value, &spec, kind)?);
    }
    Ok(out)
}

fn printf(value: &Value, spec: &str, kind: char) -> Result<String, String> {
    let left = spec.starts_with('-');
    let plus = spec.contains('+');
    let digits = spec.trim_start_matches(['-', '+', ' ', '#']);
    let zero = digits.starts_with('0') && !left;
    let (width, precision) = digits.split_once('.').unwrap_or((digits, ""));
    let width: usize = width.parse().unwrap_or(0);
    let precision = precision.parse::<usize>().ok();
    let number = || {
        value.to_text().parse::<f64>().map_err(|_| {
            format!(
                "%{kind} format: a real number is required, not {}",
                value.type_name()
            )
        })
    };
    let mut text = match kind {
        's' => value
            .to_text()
            .chars()
            .take(precision.unwrap_or(usize::MAX))
            .collect(),
        'r' => value.repr(),
        'd' | 'i' | 'u' => format!("{}", number()?.trunc() as i64),
        'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), number()?),
        'x' => format!("{:x}", number()? as i64),
        'X' => format!("{:X}", number()? as i64),
        'o' => format!("{:o}", number()? as i64),
        'e' | 'g' | 'G' => crate::value::float_repr(number()?),
        'c' => value.to_text(),
        other => return Err(format!("unsupported format character '{other}'")),
    };
    if plus && "dif".contains(kind) && !text.starts_with('-') {
        text.insert(0, '+');
    }
    let missing = width.saturating_sub(text.chars().count());
    Ok(if left {
        text + &" ".repeat(missing)
    } else if zero && kind != 's' {
        zfill(&text, width)
    } else {
        " ".repeat(missing) + &text
    })
}
