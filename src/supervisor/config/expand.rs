//! `%(name)s`: Python's formatting with a dict, as far as options use it.

use std::collections::BTreeMap;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// Text.
    Text(String),
    /// A number, for `%(process_num)02d`.
    Number(i64),
}

/// The names an option may use.
pub type Names = BTreeMap<String, Word>;

/// Formats `text`; `option` is how errors call it. The errors are supervisord's texts.
pub fn expand(text: &str, names: &Names, option: &str) -> Result<String, String> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    format(text, names).map_err(|fault| match fault {
        Bad::Name(name) => {
            let known: Vec<&str> = names.keys().map(String::as_str).collect();
            let known = known.join(", ");
            format!(
                "Format string '{text}' for '{option}' contains names ('{name}') which cannot be expanded. Available names: {known}"
            )
        }
        Bad::Format(why) => {
            format!("Format string '{text}' for '{option}' is badly formatted: {why}")
        }
    })
}

enum Bad {
    Name(String),
    Format(String),
}

/// Flags, width and precision of a conversion.
#[derive(Default)]
struct Layout {
    zero: bool,
    left: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

/// No field is wider.
const MAX_WIDTH: usize = 4096;

fn format(text: &str, names: &Names) -> Result<String, Bad> {
    let mut out = String::new();
    let mut chars = text.chars().enumerate().peekable();
    while let Some((_, c)) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut name = None;
        if chars.next_if(|(_, c)| *c == '(').is_some() {
            let mut key = String::new();
            loop {
                match chars.next() {
                    Some((_, ')')) => break,
                    Some((_, c)) => key.push(c),
                    None => return Err(Bad::Format("incomplete format key".into())),
                }
            }
            name = Some(key);
        }
        let mut layout = Layout::default();
        while let Some((_, flag)) = chars.next_if(|(_, c)| "#0- +".contains(*c)) {
            layout.zero |= flag == '0';
            layout.left |= flag == '-';
            layout.plus |= flag == '+';
        }
        let number = |chars: &mut _| {
            let mut n = 0_usize;
            while let Some((_, c)) = next_digit(chars) {
                n = (n * 10 + c as usize).min(MAX_WIDTH);
            }
            n
        };
        layout.width = number(&mut chars);
        if chars.next_if(|(_, c)| *c == '.').is_some() {
            layout.precision = Some(number(&mut chars));
        }
        while chars.next_if(|(_, c)| "hlL".contains(*c)).is_some() {}
        let Some((index, conversion)) = chars.next() else {
            return Err(Bad::Format("incomplete format".into()));
        };
        if conversion == '%' {
            out.push('%');
            continue;
        }
        if !"diouxXeEfFgGcrsa".contains(conversion) {
            return Err(Bad::Format(format!(
                "unsupported format character '{conversion}' (0x{:x}) at index {index}",
                conversion as u32
            )));
        }
        let Some(name) = name else {
            return Err(Bad::Format("not enough arguments for format string".into()));
        };
        let word = names.get(&name).ok_or(Bad::Name(name))?;
        out.push_str(&convert(word, conversion, &layout)?);
    }
    Ok(out)
}

fn next_digit(
    chars: &mut std::iter::Peekable<std::iter::Enumerate<std::str::Chars<'_>>>,
) -> Option<(usize, u32)> {
    let (at, c) = *chars.peek()?;
    let digit = c.to_digit(10)?;
    chars.next();
    Some((at, digit))
}

fn convert(word: &Word, conversion: char, layout: &Layout) -> Result<String, Bad> {
    let body = match (conversion, word) {
        ('s', Word::Text(t)) => cut(t, layout),
        ('s', Word::Number(n)) => cut(&n.to_string(), layout),
        ('r' | 'a', Word::Text(t)) => cut(&crate::value::quote_repr(t), layout),
        ('r' | 'a', Word::Number(n)) => cut(&n.to_string(), layout),
        ('d' | 'i' | 'u', Word::Number(n)) => {
            return Ok(pad(&signed(*n, layout), layout, layout.zero));
        }
        ('x', Word::Number(n)) => return Ok(pad(&format!("{n:x}"), layout, layout.zero)),
        ('X', Word::Number(n)) => return Ok(pad(&format!("{n:X}"), layout, layout.zero)),
        ('o', Word::Number(n)) => return Ok(pad(&format!("{n:o}"), layout, layout.zero)),
        ('c', Word::Number(n)) => u32::try_from(*n)
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(|| Bad::Format("%c arg not in range(0x110000)".into()))?,
        (_, Word::Number(n)) => {
            let decimals = layout.precision.unwrap_or(6);
            return Ok(pad(&format!("{n:.decimals$}"), layout, layout.zero));
        }
        (c, Word::Text(_)) => {
            return Err(Bad::Format(format!(
                "%{c} format: a real number is required, not str"
            )));
        }
    };
    Ok(pad(&body, layout, false))
}

fn signed(n: i64, layout: &Layout) -> String {
    let digits = n.unsigned_abs().to_string();
    let least = layout.precision.unwrap_or(0);
    let sign = match (n < 0, layout.plus) {
        (true, _) => "-",
        (false, true) => "+",
        (false, false) => "",
    };
    format!("{sign}{digits:0>least$}")
}

fn cut(text: &str, layout: &Layout) -> String {
    match layout.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    }
}

fn pad(text: &str, layout: &Layout, zero: bool) -> String {
    let width = layout.width;
    match (layout.left, zero) {
        (true, _) => format!("{text:<width$}"),
        (false, false) => format!("{text:>width$}"),
        (false, true) => {
            let (sign, digits) = match text.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", text),
            };
            let width = width.saturating_sub(sign.len());
            format!("{sign}{digits:0>width$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> Names {
        let mut names = Names::new();
        names.insert("process_num".into(), Word::Number(3));
        names.insert("program_name".into(), Word::Text("cat".into()));
        names
    }

    #[test]
    fn conversions() {
        for (text, expected) in [
            ("%(program_name)s_%(process_num)02d", "cat_03"),
            ("100%%", "100%"),
            ("%(process_num)s", "3"),
            ("[%(program_name)-5s|%(program_name)5s]", "[cat  |  cat]"),
        ] {
            assert_eq!(expand(text, &names(), "x").unwrap(), expected);
        }
        for (text, expected) in [
            (
                "%(foo)s",
                "Format string '%(foo)s' for 'x' contains names ('foo') which cannot be expanded. Available names: process_num, program_name",
            ),
            (
                "%(foo",
                "Format string '%(foo' for 'x' is badly formatted: incomplete format key",
            ),
            (
                "5%",
                "Format string '5%' for 'x' is badly formatted: incomplete format",
            ),
            (
                "%y",
                "Format string '%y' for 'x' is badly formatted: unsupported format character 'y' (0x79) at index 1",
            ),
        ] {
            assert_eq!(expand(text, &names(), "x").unwrap_err(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_format_makes_it_panic(text in "[%()a-z0-9. -]{0,30}") {
            let _ = expand(&text, &names(), "x");
        }
    }
}
