//! `%(name)s`: Python's formatting with a dict, as far as options use it.

use crate::value::{exponent, general, quote_repr};
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
            let (text, name) = (quote_repr(text), quote_repr(&name));
            format!(
                "Format string {text} for '{option}' contains names ({name}) which cannot be expanded. Available names: {known}"
            )
        }
        Bad::Format(why) => {
            let text = quote_repr(text);
            format!("Format string {text} for '{option}' is badly formatted: {why}")
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
    alternate: bool,
    zero: bool,
    left: bool,
    sign: Option<char>,
    width: usize,
    precision: Option<usize>,
}

/// No field is wider.
const MAX_WIDTH: usize = 4096;

type Chars<'t> = std::iter::Peekable<std::iter::Enumerate<std::str::Chars<'t>>>;

fn format(text: &str, names: &Names) -> Result<String, Bad> {
    let mut out = String::new();
    let mut chars = text.chars().enumerate().peekable();
    while let Some((_, c)) = chars.next() {
        if c != '%' {
            out.push(c);
        } else if chars.next_if(|(_, c)| *c == '%').is_some() {
            out.push('%');
        } else {
            out.push_str(&one(&mut chars, names)?);
        }
    }
    Ok(out)
}

/// What a conversion comes to; `chars` stand behind its `%`.
fn one(chars: &mut Chars<'_>, names: &Names) -> Result<String, Bad> {
    let bad = |why: &str| Bad::Format(why.to_owned());
    let word = match chars.next_if(|(_, c)| *c == '(') {
        Some(_) => {
            let name = key(chars)?;
            Some(names.get(&name).ok_or(Bad::Name(name))?)
        }
        None => None,
    };
    let mut layout = Layout::default();
    while let Some((_, flag)) = chars.next_if(|(_, c)| "#0- +".contains(*c)) {
        match flag {
            '#' => layout.alternate = true,
            '0' => layout.zero = true,
            '-' => layout.left = true,
            '+' => layout.sign = Some('+'),
            _ => layout.sign = layout.sign.or(Some(' ')),
        }
    }
    layout.width = number(chars, word)?;
    if chars.next_if(|(_, c)| *c == '.').is_some() {
        layout.precision = Some(number(chars, word)?);
    }
    let _ = chars.next_if(|(_, c)| "hlL".contains(*c));
    let Some((index, conversion)) = chars.next() else {
        return Err(bad("incomplete format"));
    };
    if !"diouxXeEfFgGcrsa".contains(conversion) {
        return Err(Bad::Format(format!(
            "unsupported format character '{conversion}' (0x{:x}) at index {index}",
            conversion as u32
        )));
    }
    match word {
        Some(word) => convert(word, conversion, &layout),
        // Python would write its whole table of names.
        None if "rsa".contains(conversion) => Err(bad("not enough arguments for format string")),
        None => Err(Bad::Format(unfit(conversion, "dict"))),
    }
}

/// The name up to its closing bracket.
fn key(chars: &mut Chars<'_>) -> Result<String, Bad> {
    let mut key = String::new();
    let mut depth = 0;
    for (_, c) in chars {
        match c {
            ')' if depth == 0 => return Ok(key),
            ')' => depth -= 1,
            '(' => depth += 1,
            _ => {}
        }
        key.push(c);
    }
    Err(Bad::Format("incomplete format key".into()))
}

/// A width or precision; 0 where none is written.
fn number(chars: &mut Chars<'_>, word: Option<&Word>) -> Result<usize, Bad> {
    let bad = |why: &str| Err(Bad::Format(why.to_owned()));
    if chars.next_if(|(_, c)| *c == '*').is_some() {
        return match word {
            Some(Word::Number(_)) => bad("not enough arguments for format string"),
            _ => bad("* wants int"),
        };
    }
    let mut n = 0_usize;
    while let Some((_, digit)) = chars.next_if(|(_, c)| c.is_ascii_digit()) {
        n = n * 10 + digit.to_digit(10).unwrap_or(0) as usize;
        if n > MAX_WIDTH {
            return bad("width too big");
        }
    }
    Ok(n)
}

/// Python's words for a value that the conversion does not take.
fn unfit(conversion: char, found: &str) -> String {
    match conversion {
        'c' => "%c requires int or char".into(),
        'o' | 'x' | 'X' => format!("%{conversion} format: an integer is required, not {found}"),
        'd' | 'i' | 'u' => {
            format!("%{conversion} format: a real number is required, not {found}")
        }
        _ => format!("must be real number, not {found}"),
    }
}

fn convert(word: &Word, conversion: char, layout: &Layout) -> Result<String, Bad> {
    let n = match (conversion, word) {
        ('r' | 's' | 'a', Word::Number(n)) => return Ok(text(&n.to_string(), layout)),
        ('s', Word::Text(t)) => return Ok(text(t, layout)),
        ('r', Word::Text(t)) => return Ok(text(&quote_repr(t), layout)),
        ('a', Word::Text(t)) => return Ok(text(&ascii(&quote_repr(t)), layout)),
        ('c', Word::Text(t)) if t.chars().count() == 1 => return Ok(text(t, layout)),
        (_, Word::Text(_)) => return Err(Bad::Format(unfit(conversion, "str"))),
        (_, Word::Number(n)) => *n,
    };
    let precision = layout.precision.unwrap_or(6);
    let (size, real) = (n.unsigned_abs(), (n as f64).abs());
    let whole =
        |digits: String| format!("{digits:0>least$}", least = layout.precision.unwrap_or(0));
    let prefix = |it: &'static str| if layout.alternate { it } else { "" };
    let digits = match conversion {
        'c' => {
            let c = u32::try_from(n).ok().and_then(char::from_u32);
            let c = c.ok_or_else(|| Bad::Format("%c arg not in range(0x110000)".into()))?;
            return Ok(pad("", &c.to_string(), layout, false));
        }
        'x' => prefix("0x").to_owned() + &whole(format!("{size:x}")),
        'X' => prefix("0X").to_owned() + &whole(format!("{size:X}")),
        'o' => prefix("0o").to_owned() + &whole(format!("{size:o}")),
        'd' | 'i' | 'u' => whole(size.to_string()),
        'e' => exponent(real, precision),
        'E' => exponent(real, precision).to_uppercase(),
        'g' => general(real, precision, layout.alternate),
        'G' => general(real, precision, layout.alternate).to_uppercase(),
        _ => format!("{real:.precision$}"),
    };
    let sign = match n {
        ..0 => "-".to_owned(),
        _ => layout.sign.map(String::from).unwrap_or_default(),
    };
    Ok(pad(&sign, &digits, layout, layout.zero))
}

/// Python's `ascii()` of what `repr()` left.
fn ascii(text: &str) -> String {
    let escape = |c: char| match c as u32 {
        0..0x80 => c.to_string(),
        n @ 0x80..0x100 => format!("\\x{n:02x}"),
        n @ 0x100..0x1_0000 => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    };
    text.chars().map(escape).collect()
}

fn text(text: &str, layout: &Layout) -> String {
    let most = layout.precision.unwrap_or(usize::MAX);
    let cut: String = text.chars().take(most).collect();
    pad("", &cut, layout, false)
}

fn pad(sign: &str, text: &str, layout: &Layout, zero: bool) -> String {
    let width = layout.width.saturating_sub(sign.len());
    let width_all = layout.width;
    match (layout.left, zero) {
        (true, _) => format!("{:<width_all$}", format!("{sign}{text}")),
        (false, false) => format!("{:>width_all$}", format!("{sign}{text}")),
        (false, true) => match text.split_at_checked(2) {
            Some((prefix @ ("0x" | "0X" | "0o"), digits)) => {
                let width = width.saturating_sub(2);
                format!("{sign}{prefix}{digits:0>width$}")
            }
            _ => format!("{sign}{text:0>width$}"),
        },
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
            ("%(process_num)+05d|%(process_num)-5d|", "+0003|3    |"),
            ("%(process_num) d %(process_num)#08x", " 3 0x000003"),
            ("%(process_num).2f %(process_num)e", "3.00 3.000000e+00"),
            ("%(process_num)g %(process_num).3o", "3 003"),
            ("%(program_name).2s|%(program_name)r", "ca|'cat'"),
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
                "%(program_name)x",
                "Format string '%(program_name)x' for 'x' is badly formatted: %x format: an integer is required, not str",
            ),
            (
                "%d",
                "Format string '%d' for 'x' is badly formatted: %d format: a real number is required, not dict",
            ),
            (
                "%5%",
                "Format string '%5%' for 'x' is badly formatted: unsupported format character '%' (0x25) at index 2",
            ),
            (
                "%(a(b)c)s",
                "Format string '%(a(b)c)s' for 'x' contains names ('a(b)c') which cannot be expanded. Available names: process_num, program_name",
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
