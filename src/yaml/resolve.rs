//! What a plain scalar is: PyYAML's implicit resolvers (YAML 1.1), not those of YAML 1.2.

use crate::value::Kind;

/// The value of an untagged plain scalar, or `None` if it is a string.
///
/// Timestamps stay strings: whatever Ansible does with one turns it back into its text.
pub fn plain(text: &str) -> Option<Kind> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Kind::Null),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Some(Kind::Bool(true));
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Some(Kind::Bool(false));
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if let Some(int) = int(text) {
        return Some(int);
    }
    float(text).map(Kind::Float)
}

/// True if a plain scalar of this text would be no string: also timestamps, `=` and `<<`, which
/// [`plain`] keeps as text but which a string must be quoted for.
pub fn is_special(text: &str) -> bool {
    plain(text).is_some() || matches!(text, "=" | "<<") || looks_octal(text) || timestamp(text)
}

/// `0_`, which PyYAML takes for an octal number without digits.
fn looks_octal(text: &str) -> bool {
    let body = sign(text).1;
    body.len() > 1 && body.starts_with('0') && body.bytes().skip(1).all(|b| b == b'_')
}

/// `2001-12-14`, or with a time of day behind `T`, `t` or spaces, a fraction and a time zone.
fn timestamp(text: &str) -> bool {
    static FORM: std::sync::LazyLock<Option<fancy_regex::Regex>> = std::sync::LazyLock::new(|| {
        fancy_regex::Regex::new(
            r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$",
        )
        .ok()
    });
    text.starts_with(|c: char| c.is_ascii_digit())
        && FORM
            .as_ref()
            .is_some_and(|form| form.is_match(text).unwrap_or(false))
}

/// Splits a sign off.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `[-+]?0b[0-1_]+ | [-+]?0[0-7_]+ | [-+]?(?:0|[1-9][0-9_]*) | [-+]?0x[0-9a-fA-F_]+ |
/// [-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+`
fn int(text: &str) -> Option<Kind> {
    let (negative, body) = sign(text);
    let digits = |s: &str| s.replace('_', "");
    let all = |s: &str, f: fn(u8) -> bool| !s.is_empty() && s.bytes().all(|b| b == b'_' || f(b));
    let (radix, number) = if let Some(rest) = body.strip_prefix("0b") {
        all(rest, |b| matches!(b, b'0' | b'1')).then(|| (2, digits(rest)))?
    } else if let Some(rest) = body.strip_prefix("0x") {
        all(rest, |b| b.is_ascii_hexdigit()).then(|| (16, digits(rest)))?
    } else if body == "0" {
        (10, "0".to_owned())
    } else if let Some(rest) = body.strip_prefix('0') {
        all(rest, |b| matches!(b, b'0'..=b'7')).then(|| (8, digits(rest)))?
    } else if body.contains(':') {
        return sexagesimal_int(body).map(|n| Kind::Int(if negative { -n } else { n }));
    } else {
        let first = body.bytes().next()?;
        (first.is_ascii_digit() && all(body, |b| b.is_ascii_digit())).then(|| (10, digits(body)))?
    };
    if number.is_empty() {
        // `0_`: PyYAML takes it for an octal number without digits and fails; a string is kinder.
        return None;
    }
    let signed = if negative {
        format!("-{number}")
    } else {
        number
    };
    match i64::from_str_radix(&signed, radix) {
        Ok(n) => Some(Kind::Int(n)),
        // Beyond 64 bits: Python goes on, we keep the magnitude.
        Err(_) => signed.parse().ok().map(Kind::Float),
    }
}

fn sexagesimal_int(body: &str) -> Option<i64> {
    let mut parts = body.split(':');
    let first = parts.next()?;
    if !first.starts_with(|c: char| matches!(c, '1'..='9'))
        || !first.bytes().all(|b| b == b'_' || b.is_ascii_digit())
    {
        return None;
    }
    parts.try_fold(
        first.replace('_', "").parse::<i64>().ok()?,
        |total, part| {
            let ok = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
            let n: i64 = part.parse().ok().filter(|n| ok && *n < 60)?;
            total.checked_mul(60)?.checked_add(n)
        },
    )
}

/// `[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)? | \.[0-9][0-9_]*(?:[eE][-+][0-9]+)? |
/// [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]* | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)`
fn float(text: &str) -> Option<f64> {
    let (negative, body) = sign(text);
    let signed = |f: f64| if negative { -f } else { f };
    match body {
        ".inf" | ".Inf" | ".INF" => return Some(signed(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if body == text => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    if let Some(exponent) = exponent {
        // An exponent without a sign makes it a string in YAML 1.1.
        let digits = exponent.strip_prefix(['-', '+'])?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.')?;
    if !fraction.bytes().all(|b| b == b'_' || b.is_ascii_digit()) {
        return None;
    }
    if whole.contains(':') {
        return (exponent.is_none()).then(|| sexagesimal_float(whole, fraction).map(signed))?;
    }
    if whole.is_empty() {
        if body != text {
            return None;
        }
        if !fraction.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
    } else if !whole.starts_with(|c: char| c.is_ascii_digit())
        || !whole.bytes().all(|b| b == b'_' || b.is_ascii_digit())
    {
        return None;
    }
    body.replace('_', "").parse().ok().map(signed)
}

fn sexagesimal_float(whole: &str, fraction: &str) -> Option<f64> {
    let mut total = 0.0;
    for (i, part) in whole.split(':').enumerate() {
        let n: f64 = part.replace('_', "").parse().ok()?;
        if i > 0 && (part.len() > 2 || n >= 60.0) {
            return None;
        }
        total = total * 60.0 + n;
    }
    let fraction = format!("0.{}", fraction.replace('_', ""));
    Some(total + fraction.parse::<f64>().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::plain;
    use crate::value::Value;

    #[test]
    fn resolves_as_pyyaml() {
        let shown = |text: &str| plain(text).map_or("str".to_owned(), |k| Value::new(k).repr());
        for (text, expected) in [
            ("yes", "True"),
            ("y", "str"),
            ("off", "False"),
            ("~", "None"),
            ("0644", "420"),
            ("0o644", "str"),
            ("08", "str"),
            ("644", "644"),
            ("1_000", "1000"),
            ("0x1F", "31"),
            ("-0b11", "-3"),
            ("1:30", "90"),
            ("1:30:5", "5405"),
            ("12:61", "str"),
            ("1.5", "1.5"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("1e3", "str"),
            ("1.0e3", "str"),
            ("1.0e+3", "1000.0"),
            ("1.2.3", "str"),
            (".inf", "inf"),
            ("2001-01-01", "str"),
            ("-", "str"),
            ("+1", "1"),
            ("1:30.5", "90.5"),
            ("+.5", "str"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
