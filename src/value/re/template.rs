//! Replacement templates of `re.sub`: `\1`, `\g<1>`, `\g<name>`, `\n`.

use super::{Found, Pattern};

/// A replacement, checked against the pattern whose groups it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Python's message: `bad escape \D at position 0`, `invalid group reference 3 at position 1`.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Template, String> {
        let chars: Vec<char> = text.chars().collect();
        let mut parts = Template(Vec::new());
        let mut at = 0;
        while at < chars.len() {
            if chars[at] == '\\' {
                at = parts.escape(&chars, at, pattern)?;
            } else {
                parts.push(chars[at]);
                at += 1;
            }
        }
        Ok(parts)
    }

    /// A template that is taken as it is.
    pub fn literal(text: &str) -> Template {
        Template(vec![Part::Text(text.to_owned())])
    }

    /// Appends the replacement for one match; a group that took no part is empty.
    pub fn expand(&self, found: &Found, text: &str, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(n) => out.push_str(found.group(text, *n).unwrap_or_default()),
            }
        }
    }

    fn push(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.0.push(Part::Text(c.to_string())),
        }
    }

    fn group(&mut self, n: usize, pattern: &Pattern, at: usize) -> Result<(), String> {
        if n > pattern.group_count() {
            return Err(format!("invalid group reference {n} at position {at}"));
        }
        self.0.push(Part::Group(n));
        Ok(())
    }

    /// Reads the escape at `at`; returns where it ends.
    fn escape(&mut self, chars: &[char], at: usize, pattern: &Pattern) -> Result<usize, String> {
        let Some(&c) = chars.get(at + 1) else {
            return Err(format!("bad escape (end of pattern) at position {at}"));
        };
        match c {
            'g' => return self.named(chars, at, pattern),
            '0'..='9' => return self.digits(chars, at, pattern),
            'a' => self.push('\u{7}'),
            'b' => self.push('\u{8}'),
            'f' => self.push('\u{c}'),
            'n' => self.push('\n'),
            'r' => self.push('\r'),
            't' => self.push('\t'),
            'v' => self.push('\u{b}'),
            '\\' => self.push('\\'),
            c if c.is_ascii_alphabetic() => {
                return Err(format!("bad escape \\{c} at position {at}"));
            }
            c => {
                self.push('\\');
                self.push(c);
            }
        }
        Ok(at + 2)
    }

    fn named(&mut self, chars: &[char], at: usize, pattern: &Pattern) -> Result<usize, String> {
        if chars.get(at + 2) != Some(&'<') {
            return Err(format!("missing < at position {}", at + 2));
        }
        let Some(length) = chars[at + 3..].iter().position(|c| *c == '>') else {
            return Err(format!(
                "missing >, unterminated name at position {}",
                at + 3
            ));
        };
        let name: String = chars[at + 3..at + 3 + length].iter().collect();
        match name.parse() {
            Ok(n) => self.group(n, pattern, at + 3)?,
            Err(_) => match pattern.group_number(&name) {
                Some(n) => self.0.push(Part::Group(n)),
                None => return Err(format!("unknown group name '{name}'")),
            },
        }
        Ok(at + 4 + length)
    }

    /// `\0` and three octal digits are characters; one or two digits name a group.
    fn digits(&mut self, chars: &[char], at: usize, pattern: &Pattern) -> Result<usize, String> {
        let octal = |i: usize| chars.get(i).and_then(|c| c.to_digit(8));
        let decimal = |i: usize| chars.get(i).and_then(|c| c.to_digit(10));
        let first = decimal(at + 1).unwrap_or(0);
        if first == 0 {
            let mut code = 0;
            let mut end = at + 2;
            while end < at + 4 {
                let Some(digit) = octal(end) else { break };
                code = code * 8 + digit;
                end += 1;
            }
            self.push(char::from_u32(code).unwrap_or('\0'));
            return Ok(end);
        }
        let Some(second) = decimal(at + 2) else {
            self.group(first as usize, pattern, at + 1)?;
            return Ok(at + 2);
        };
        if let (Some(a), Some(b), Some(c)) = (octal(at + 1), octal(at + 2), octal(at + 3)) {
            let code = a * 64 + b * 8 + c;
            if code > 0o377 {
                return Err(format!(
                    "octal escape value \\{a}{b}{c} outside of range 0-0o377 at position {at}"
                ));
            }
            self.push(char::from_u32(code).unwrap_or('\0'));
            return Ok(at + 4);
        }
        self.group((first * 10 + second) as usize, pattern, at + 1)?;
        Ok(at + 3)
    }
}
