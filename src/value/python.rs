//! Values as Python prints them: what templates and messages show.

use super::{Kind, Value};
use std::fmt::Write;

impl Value {
    /// Python's `repr()`: `None`, `True`, `'it''s'` rules for quotes, `{'a': [1, 2.0]}`.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        write_repr(self, &mut out);
        out
    }

    /// Python's `str()`: as `repr()`, but a string is its own text.
    pub fn to_text(&self) -> String {
        match &self.kind {
            Kind::Str(t) => t.text.to_string(),
            _ => self.repr(),
        }
    }
}

fn write_repr(value: &Value, out: &mut String) {
    match &value.kind {
        Kind::Null => out.push_str("None"),
        Kind::Bool(b) => out.push_str(if *b { "True" } else { "False" }),
        Kind::Int(n) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{n}");
        }
        Kind::Float(f) => out.push_str(&float_repr(*f)),
        Kind::Str(t) => out.push_str(&quote_repr(&t.text)),
        Kind::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_repr(item, out);
            }
            out.push(']');
        }
        Kind::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_repr(&key.to_value(), out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
        Kind::Unknown(_) => out.push_str("(known after apply)"),
    }
}

/// Python's `repr(float)`: shortest digits that read back, exponent form outside 1e-4..1e16.
pub fn float_repr(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.into();
    }
    if f == 0.0 {
        return if f.is_sign_negative() { "-0.0" } else { "0.0" }.into();
    }
    let scientific = format!("{f:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{f}");
        if plain.contains('.') {
            plain
        } else {
            plain + ".0"
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

/// Python's `%e`: at least two digits of exponent.
pub fn exponent(n: f64, precision: usize) -> String {
    let text = format!("{n:.precision$e}");
    let (digits, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let exp: i32 = exp.parse().unwrap_or(0);
    let sign = if exp < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exp.abs())
}

/// Python's `%g`; with `alternate` (`%#g`) zeros at the end stay.
pub fn general(n: f64, precision: usize, alternate: bool) -> String {
    let precision = precision.max(1);
    if n == 0.0 {
        return "0".into();
    }
    let scientific = exponent(n, precision - 1);
    let exp: i32 = scientific
        .rsplit_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0);
    let trim = |s: &str| match s.contains('.') && !alternate {
        true => s.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => s.to_owned(),
    };
    if exp < -4 || exp >= precision as i32 {
        let (digits, rest) = scientific.split_at(scientific.find('e').unwrap_or(scientific.len()));
        return trim(digits) + rest;
    }
    let decimals = usize::try_from(precision as i32 - 1 - exp).unwrap_or(0);
    trim(&format!("{n:.decimals$}"))
}

/// Whether Python calls it white space: Unicode's, and the four separators of ASCII.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Python's `str.strip()`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Python's `repr(str)`: single quotes unless only single ones occur inside; `\n`, `\x00`, `\\`.
pub fn quote_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if (0x80..0xa1).contains(&(c as u32)) || c as u32 == 0xad => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_invisible(c as u32) => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Spaces, separators, format and private characters outside of Latin-1, which `repr()` escapes.
fn is_invisible(code: u32) -> bool {
    matches!(code,
        0x1680 | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000
        | 0xe000..=0xf8ff | 0xfeff | 0xfff9..=0xfffb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;

    #[test]
    fn prints_like_python() {
        let map: Map = [
            ("a", Value::null()),
            (
                "b",
                Value::from(vec![1.0.into(), true.into(), "it's".into()]),
            ),
            ("c", Value::from(1e16)),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            Value::map(map).repr(),
            r#"{'a': None, 'b': [1.0, True, "it's"], 'c': 1e+16}"#
        );
        assert_eq!(float_repr(1e-5), "1e-05");
        assert_eq!(float_repr(123456.75), "123456.75");
        assert_eq!(quote_repr("a'\"\n"), r#"'a\'"\n'"#);
    }
}
