//! A pattern of Python's in the syntax of `fancy_regex`.
//!
//! They differ in what `$`, `\Z`, `\<` and octal escapes mean, in when `{` and `]` are literal, and
//! in sets inside classes (`[[`, `&&`), which Python does not have.

use super::Flags;
use std::fmt::Write;

/// Translates a pattern.
///
/// # Errors
/// Python's message for what it refuses and the engine might accept.
pub(super) fn translate(pattern: &str, flags: Flags) -> Result<String, String> {
    let mut t = Translator {
        chars: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len() + 8),
        flags,
        depth: Vec::new(),
        repeatable: false,
    };
    if flags.ignore_case {
        t.out.push_str("(?i)");
    }
    while t.at < t.chars.len() {
        t.step()?;
    }
    match t.depth.last() {
        Some((start, _)) => Err(format!(
            "missing ), unterminated subpattern at position {start}"
        )),
        None => Ok(t.out),
    }
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    /// Flags to go back to at the end of each open group.
    depth: Vec<(usize, Flags)>,
    /// Something stands before this place that can be repeated.
    repeatable: bool,
}

impl Translator {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(i, c)| self.peek(i) == Some(c))
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
    }

    fn step(&mut self) -> Result<(), String> {
        let c = self.chars[self.at];
        if matches!(c, '*' | '+' | '?') && !self.repeatable {
            return Err(format!("nothing to repeat at position {}", self.at));
        }
        self.repeatable = !matches!(c, '|' | '(');
        match c {
            '\\' => return self.escape(),
            '[' => return self.class(),
            '(' => return self.open(),
            '{' => {
                self.brace();
                return Ok(());
            }
            ')' => {
                let Some((_, outer)) = self.depth.pop() else {
                    return Err(format!("unbalanced parenthesis at position {}", self.at));
                };
                self.flags = outer;
                self.out.push(')');
            }
            '}' | ']' => self.literal(c),
            '^' => self.out.push_str(if self.flags.multiline {
                "(?m:^)"
            } else {
                "(?-m:^)"
            }),
            '$' => self.out.push_str(if self.flags.multiline {
                "(?m:$)"
            } else {
                r"(?=\n?\z)"
            }),
            '.' => self.out.push_str(if self.flags.dotall {
                "(?s:.)"
            } else {
                "(?-s:.)"
            }),
            '#' if self.flags.verbose => {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                return Ok(());
            }
            c if self.flags.verbose && c.is_whitespace() => {}
            '*' | '+' | '?' | '|' => self.out.push(c),
            c => self.literal(c),
        }
        self.at += 1;
        Ok(())
    }

    /// `{2}`, `{2,}`, `{,3}` repeat; any other brace is itself.
    fn brace(&mut self) {
        let inner: String = self.chars[self.at + 1..]
            .iter()
            .take_while(|c| **c != '}')
            .collect();
        let end = self.at + 1 + inner.chars().count();
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let closed = self.chars.get(end) == Some(&'}');
        let (min, max) = match inner.split_once(',') {
            Some((min, max)) => (min, Some(max)),
            None => (inner.as_str(), None),
        };
        let repeats =
            closed && !inner.is_empty() && digits(min) && max.is_none_or(digits) && inner != ",";
        let all = closed && inner == ",";
        if !repeats && !all {
            self.literal('{');
            self.at += 1;
            return;
        }
        let min = if min.is_empty() { "0" } else { min };
        // Writing to a String cannot fail.
        let _ = match max {
            Some(max) => write!(self.out, "{{{min},{max}}}"),
            None => write!(self.out, "{{{min}}}"),
        };
        self.at = end + 1;
    }

    fn open(&mut self) -> Result<(), String> {
        if self.starts_with("(?#") {
            while self.peek(0).is_some_and(|c| c != ')') {
                self.at += 1;
            }
            self.at += 1;
            return Ok(());
        }
        if self.starts_with("(?P=") || self.starts_with("(?(") {
            // A back reference by name, a condition: both end with the next parenthesis.
            let conditional = self.starts_with("(?(");
            while let Some(c) = self.peek(0) {
                self.out.push(c);
                self.at += 1;
                if c == ')' {
                    break;
                }
            }
            if conditional {
                self.depth.push((self.at, self.flags));
            }
            return Ok(());
        }
        if self.starts_with("(?P<") || self.starts_with("(?<=") || self.starts_with("(?<!") {
            self.depth.push((self.at, self.flags));
            let by_name = self.starts_with("(?P<");
            let end = if by_name { '>' } else { '<' };
            while let Some(c) = self.peek(0) {
                self.out.push(c);
                self.at += 1;
                if c == end {
                    break;
                }
            }
            if !by_name && let Some(c) = self.peek(0) {
                self.out.push(c);
                self.at += 1;
            }
            return Ok(());
        }
        if self.starts_with("(?")
            && self
                .peek(2)
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '-')
        {
            return self.inline_flags();
        }
        self.depth.push((self.at, self.flags));
        self.out.push('(');
        self.at += 1;
        if self.peek(0) == Some('?') {
            // `(?:`, `(?=`, `(?!`, `(?>`
            for _ in 0..2 {
                if let Some(c) = self.peek(0) {
                    self.out.push(c);
                    self.at += 1;
                }
            }
        }
        Ok(())
    }

    /// `(?im)` for the whole pattern, `(?i-s:` for a group. Only `i` is left to the engine.
    fn inline_flags(&mut self) -> Result<(), String> {
        let start = self.at;
        self.at += 2;
        let mut flags = self.flags;
        let mut on = true;
        let mut case = None;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                'i' => case = Some(on),
                'm' => flags.multiline = on,
                's' => flags.dotall = on,
                'x' => flags.verbose = on,
                'a' | 'u' | 'L' => {}
                '-' => on = false,
                ')' => {
                    self.flags = flags;
                    if case == Some(true) {
                        self.out.push_str("(?i)");
                    }
                    return Ok(());
                }
                ':' => {
                    self.depth.push((self.at, self.flags));
                    self.flags = flags;
                    self.out.push_str(match case {
                        Some(true) => "(?i:",
                        Some(false) => "(?-i:",
                        None => "(?:",
                    });
                    return Ok(());
                }
                _ => return Err(format!("unknown extension ?{c} at position {}", start + 1)),
            }
        }
        Err(format!(
            "missing ), unterminated subpattern at position {start}"
        ))
    }

    fn escape(&mut self) -> Result<(), String> {
        let start = self.at;
        let Some(c) = self.peek(1) else {
            return Err(format!("bad escape (end of pattern) at position {start}"));
        };
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'A' => {
                self.out.push('\\');
                self.out.push(c);
                self.at += 2;
            }
            'Z' => {
                self.out.push_str(r"\z");
                self.at += 2;
            }
            '1'..='9' if !self.is_octal() => {
                // Kept apart from a digit that follows.
                let two = self.peek(2).filter(char::is_ascii_digit);
                let _ = match two {
                    Some(d) => write!(self.out, "(?:\\{c}{d})"),
                    None => write!(self.out, "(?:\\{c})"),
                };
                self.at += if two.is_some() { 3 } else { 2 };
            }
            _ => {
                let c = self.escaped_char()?;
                self.literal(c);
            }
        }
        Ok(())
    }

    /// Three octal digits after the backslash.
    fn is_octal(&self) -> bool {
        (1..=3).all(|i| self.peek(i).is_some_and(|c| c.is_digit(8)))
    }

    /// The single character that the escape at this place stands for.
    fn escaped_char(&mut self) -> Result<char, String> {
        let start = self.at;
        let c = self.peek(1).unwrap_or('\\');
        self.at += 2;
        let named = match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => return self.number(16, 2, start),
            'u' => return self.number(16, 4, start),
            'U' => return self.number(16, 8, start),
            '0'..='7' => {
                self.at -= 1;
                let digits = (0..3)
                    .take_while(|i| self.peek(*i).is_some_and(|c| c.is_digit(8)))
                    .count();
                return self.number(8, digits, start);
            }
            c if c.is_ascii_alphanumeric() => {
                return Err(format!("bad escape \\{c} at position {start}"));
            }
            c => c,
        };
        Ok(named)
    }

    fn number(&mut self, radix: u32, digits: usize, start: usize) -> Result<char, String> {
        let text: String = (0..digits).filter_map(|i| self.peek(i)).collect();
        let code = u32::from_str_radix(&text, radix)
            .ok()
            .filter(|_| text.len() == digits);
        self.at += digits;
        code.and_then(char::from_u32)
            .ok_or_else(|| format!("incomplete escape at position {start}"))
    }

    fn class(&mut self) -> Result<(), String> {
        let start = self.at;
        self.at += 1;
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut first = true;
        loop {
            let Some(c) = self.peek(0) else {
                return Err(format!("unterminated character set at position {start}"));
            };
            if c == ']' && !first {
                self.at += 1;
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let Some(low) = self.class_item()? else {
                continue;
            };
            self.class_literal(low);
            // A range needs a character on both sides.
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']') {
                self.at += 1;
                let Some(high) = self.class_item()? else {
                    return Err(format!("bad character range at position {start}"));
                };
                if high < low {
                    return Err(format!(
                        "bad character range {low}-{high} at position {start}"
                    ));
                }
                self.out.push('-');
                self.class_literal(high);
            }
        }
    }

    /// One member of a class: `None` for `\w` and its like, which are written out at once.
    fn class_item(&mut self) -> Result<Option<char>, String> {
        let c = self.chars[self.at];
        if c != '\\' {
            self.at += 1;
            return Ok(Some(c));
        }
        match self.peek(1) {
            Some(c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                self.out.push('\\');
                self.out.push(c);
                self.at += 2;
                Ok(None)
            }
            Some(_) => self.escaped_char().map(Some),
            None => Err(format!(
                "bad escape (end of pattern) at position {}",
                self.at
            )),
        }
    }

    fn class_literal(&mut self, c: char) {
        if matches!(c, '-' | '&' | '~') {
            self.out.push('\\');
            self.out.push(c);
        } else {
            self.literal(c);
        }
    }
}

fn push_literal(out: &mut String, c: char) {
    match c {
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
            out.push('\\');
            out.push(c);
        }
        c if c.is_control() => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}
