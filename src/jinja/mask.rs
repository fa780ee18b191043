//! String literals of a template as Python reads them.
//!
//! minijinja refuses some escapes that Python allows (`'C:\users'`), so its parser gets the text
//! with the escapes masked, byte for byte; literals are then read from the real text.

use minijinja::syntax::SyntaxConfig;
use std::borrow::Cow;

/// The text with backslashes in string literals, and what they escape, replaced by `x`.
pub fn mask<'t>(text: &'t str, syntax: &SyntaxConfig, bare: bool) -> Cow<'t, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    if bare {
        mask_code(text, 0, None, &mut bytes);
    } else {
        mask_template(text, syntax, &mut bytes);
    }
    match String::from_utf8(bytes) {
        Ok(masked) => Cow::Owned(masked),
        Err(_) => Cow::Borrowed(text),
    }
}

fn mask_template(text: &str, syntax: &SyntaxConfig, bytes: &mut [u8]) {
    let (block, variable, comment) = (
        syntax.block_delimiters(),
        syntax.variable_delimiters(),
        syntax.comment_delimiters(),
    );
    let mut at = 0;
    while let Some((start, (open, close))) = [comment, block, variable]
        .into_iter()
        .filter_map(|d| Some((at + text.get(at..)?.find(d.0)?, d)))
        .min_by_key(|(start, d)| (*start, usize::MAX - d.0.len()))
    {
        let inside = start + open.len();
        if open == comment.0 {
            at = find(text, inside, close);
        } else if open == block.0 && is_raw(&text[inside..]) {
            let mut end = inside;
            loop {
                end = find(text, end, block.0);
                let rest = text.get(end..).unwrap_or_default();
                let tag = rest.trim_start_matches(['-', '+']).trim_start();
                if rest.is_empty() || tag.starts_with("endraw") {
                    break;
                }
            }
            at = end;
        } else {
            at = mask_code(text, inside, Some(close), bytes);
        }
    }
}

fn find(text: &str, from: usize, what: &str) -> usize {
    text.get(from..)
        .and_then(|rest| rest.find(what))
        .map_or(text.len(), |n| from + n + what.len())
}

fn is_raw(tag: &str) -> bool {
    let tag = tag.trim_start_matches(['-', '+']).trim_start();
    tag.strip_prefix("raw")
        .is_some_and(|rest| rest.trim_start().starts_with(['-', '+', '%']))
}

/// Masks the literals of one `{{ }}` or `{% %}` and returns where it ends.
fn mask_code(text: &str, from: usize, close: Option<&str>, bytes: &mut [u8]) -> usize {
    let source = text.as_bytes();
    let mut depth = 0usize;
    let mut at = from;
    while at < source.len() {
        if let Some(close) = close
            && depth == 0
            && source[at..].starts_with(close.as_bytes())
        {
            return at + close.len();
        }
        match source[at] {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            quote @ (b'\'' | b'"') => {
                at += 1;
                while at < source.len() && source[at] != quote {
                    if source[at] == b'\\' {
                        bytes[at] = b'x';
                        at += 1;
                        if source.get(at).is_some_and(u8::is_ascii) {
                            bytes[at] = b'x';
                        }
                    }
                    at += 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    source.len()
}

/// The value of one or more adjacent string literals. With `verbatim`, backslashes stand for
/// themselves (as in Ansible's `{{ }}` in YAML), except before the quote that they protect.
pub fn unquote(literals: &str, verbatim: bool) -> String {
    let mut out = String::new();
    let mut rest = literals.trim_start();
    while let Some(quote) = rest.chars().next().filter(|c| *c == '\'' || *c == '"') {
        let body = &rest[1..];
        let mut end = body.len();
        let mut escaped = false;
        for (i, c) in body.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        let literal = &body[..end];
        if verbatim || !literal.contains('\\') {
            out.push_str(literal);
        } else {
            unescape(literal, &mut out);
        }
        rest = body.get(end + 1..).unwrap_or_default().trim_start();
    }
    out
}

/// Python's `unicode-escape`: unknown escapes stay as they are.
pub fn unescape(text: &str, out: &mut String) {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let rest = chars.as_str();
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\\') => out.push('\\'),
            Some('\'') => out.push('\''),
            Some('"') => out.push('"'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some('\n') => {}
            Some(kind @ ('x' | 'u' | 'U')) => {
                let digits = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code = rest.get(1..1 + digits);
                match code.and_then(|h| char::from_u32(u32::from_str_radix(h, 16).ok()?)) {
                    Some(decoded) => {
                        out.push(decoded);
                        chars = rest[1 + digits..].chars();
                    }
                    None => {
                        out.push('\\');
                        out.push(kind);
                    }
                }
            }
            Some('0'..='7') => {
                let len = rest
                    .bytes()
                    .take(3)
                    .take_while(|b| (b'0'..=b'7').contains(b))
                    .count();
                let code = u32::from_str_radix(&rest[..len], 8).unwrap_or(0);
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                chars = rest[len..].chars();
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
}
