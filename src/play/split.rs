//! `k=v` strings: `copy: src=a dest="b c"`.
//!
//! Spaces inside quotes and inside `{{ }}`, `{% %}` and `{# #}` do not separate. The rules,
//! odd ones included, are ansible-core 2.19.14's (observed; the tests hold recorded answers).

/// A piece of the text with the offset of its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The piece, whitespace that follows it included where it must be kept.
    pub text: String,
    /// Where it starts.
    pub start: usize,
}

/// `key=value` pairs and what is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValues {
    /// In the order written; a later one of the same name wins.
    pub pairs: Vec<Pair>,
    /// The rest, joined again.
    pub free: Option<String>,
}

/// One `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Left of the first `=` that is not escaped.
    pub key: String,
    /// Right of it, without quotes around it.
    pub value: String,
    /// Where the pair starts in the text.
    pub start: usize,
    /// Its length in the text.
    pub len: usize,
}

/// Options that the command family takes out of its free-form text.
const COMMAND_OPTIONS: &[&str] = &[
    "creates",
    "removes",
    "chdir",
    "executable",
    "warn",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
];

/// Splits on whitespace outside of quotes and template blocks. `None` if one is left open.
pub fn split_args(text: &str) -> Option<Vec<Piece>> {
    let mut splitter = Splitter::default();
    let mut offset = 0;
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let continued = splitter.line(line, offset);
        if number + 1 < lines.len() && !continued {
            splitter.append(offset + line.len(), "\n");
        }
        offset += line.len() + 1;
    }
    splitter.is_closed().then_some(splitter.pieces)
}

#[derive(Default)]
struct Splitter {
    pieces: Vec<Piece>,
    quote: Option<char>,
    depths: [usize; 3],
}

const BLOCKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

impl Splitter {
    fn is_closed(&self) -> bool {
        self.quote.is_none() && !self.in_block()
    }

    fn in_block(&self) -> bool {
        self.depths.iter().any(|d| *d > 0)
    }

    fn push(&mut self, start: usize, token: &str) {
        self.pieces.push(Piece {
            text: token.to_owned(),
            start,
        });
    }

    fn append(&mut self, start: usize, text: &str) {
        match self.pieces.last_mut() {
            Some(last) => last.text.push_str(text),
            None => self.push(start, text),
        }
    }

    /// Takes one line; true if it ends in a lone backslash.
    fn line(&mut self, line: &str, mut offset: usize) -> bool {
        let mut continued = false;
        for (index, token) in line.split(' ').enumerate() {
            let start = offset;
            offset += token.len() + 1;
            if token.is_empty() && index != 0 {
                self.append(start, " ");
            } else if token == "\\" && self.quote.is_none() {
                continued = true;
            } else {
                self.token(token, index, start);
            }
        }
        continued
    }

    fn token(&mut self, token: &str, index: usize, start: usize) {
        let was_quoted = self.quote.is_some();
        self.quote = quote_after(token, self.quote);
        let quoted = self.quote.is_some();
        let mut taken = true;
        if quoted && !was_quoted && !self.in_block() {
            self.push(start, token);
        } else if self.in_block() || quoted || was_quoted {
            let at_line_start = index == 0;
            if !at_line_start {
                self.append(start, " ");
            }
            self.append(start, token);
        } else {
            taken = false;
        }
        let before = self.depths;
        for (depth, (open, close)) in self.depths.iter_mut().zip(BLOCKS) {
            let opened = *depth + token.matches(open).count();
            *depth = opened.saturating_sub(token.matches(close).count());
        }
        let closed_and_plain = !self.in_block() && !quoted && !token.is_empty();
        if !taken && (before != self.depths || closed_and_plain) {
            self.push(start, token);
        }
    }
}

/// The quote that is open after a token.
fn quote_after(token: &str, mut quote: Option<char>) -> Option<char> {
    let mut before = None;
    for c in token.chars() {
        if matches!(c, '"' | '\'') && before != Some('\\') {
            match quote {
                Some(open) if open == c => quote = None,
                Some(_) => {}
                None => quote = Some(c),
            }
        }
        before = Some(c);
    }
    quote
}

/// Reads `k=v` text. With `command`, only the options of the command family count as such and
/// everything else is free text. `None` if a quote or block is left open.
pub fn parse_kv(text: &str, command: bool) -> Option<KeyValues> {
    let mut found = KeyValues::default();
    let mut free: Option<String> = None;
    for piece in split_args(text)? {
        let decoded = decode_escapes(&piece.text);
        let raw = match equals_at(&decoded) {
            Some(at) => {
                let key = &decoded[..at];
                if !command || COMMAND_OPTIONS.contains(&key) {
                    found.pairs.push(Pair {
                        key: key.trim().to_owned(),
                        value: unquote(decoded[at + 1..].trim()).to_owned(),
                        start: piece.start,
                        len: piece.text.trim_end().len(),
                    });
                    continue;
                }
                piece.text
            }
            None if decoded.contains('=') => decoded.replace("\\=", "="),
            None => piece.text,
        };
        join(free.get_or_insert_default(), &raw);
    }
    found.free = free;
    Some(found)
}

fn join(free: &mut String, raw: &str) {
    if !free.is_empty() && !free.ends_with('\n') {
        free.push(' ');
    }
    free.push_str(raw);
}

/// The first `=` that has a key before it and is not escaped.
fn equals_at(text: &str) -> Option<usize> {
    text.char_indices()
        .filter(|(at, c)| *c == '=' && *at > 0)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with('\\'))
}

fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner
            && !inner.ends_with('\\')
        {
            return inner;
        }
    }
    text
}

/// Python's backslash escapes, as far as they stand in `k=v` text.
fn decode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match escape(rest) {
            Some((c, len)) => {
                out.push(c);
                rest = &rest[len..];
            }
            None => {
                out.push('\\');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character that `text`, which starts with a backslash, begins with, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let kind = text[1..].chars().next()?;
    let hex = |digits: usize| {
        let end = 2 + digits;
        let digits = text.get(2..end)?;
        let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| all_hex)?;
        Some((char::from_u32(code)?, end))
    };
    let simple = |c: char| Some((c, 2));
    match kind {
        'U' => hex(8),
        'u' => hex(4),
        'x' => hex(2),
        '\\' | '\'' | '"' => simple(kind),
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
