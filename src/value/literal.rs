//! Python literals in text: what `ast.literal_eval` reads.

use super::{Key, Map, Value};

/// The value of a Python literal; `None` if the text is none. Strings must be quoted.
pub fn python_literal(text: &str) -> Option<Value> {
    let mut parser = Parser { rest: text.trim() };
    let value = parser.value(0)?;
    parser.rest.trim().is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip();
        if depth > 100 {
            return None;
        }
        match self.rest.chars().next()? {
            '\'' | '"' => self.string(),
            'b' | 'B' if self.rest[1..].starts_with(['\'', '"']) => {
                self.rest = &self.rest[1..];
                self.string()
            }
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '{' => self.dict(depth),
            _ => self.word(),
        }
    }

    fn string(&mut self) -> Option<Value> {
        let mut chars = self.rest.char_indices();
        let (_, quote) = chars.next()?;
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Some(Value::str(text));
                }
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    other => {
                        text.push('\\');
                        text.push(other);
                    }
                },
                '\n' => return None,
                c => text.push(c),
            }
        }
        None
    }

    fn list(&mut self, close: char, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            if self.eat(close) {
                return Some(Value::list(items));
            }
            items.push(self.value(depth + 1)?);
            if !self.eat(',') {
                return self.eat(close).then(|| Value::list(items));
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut map = Map::new();
        loop {
            if self.eat('}') {
                return Some(Value::map(map));
            }
            let first = self.value(depth + 1)?;
            if map.is_empty() && !self.eat(':') {
                return self.set(first, depth);
            }
            let key = Key::from_value(&first)?;
            if !map.is_empty() && !self.eat(':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            if !self.eat(',') {
                return self.eat('}').then(|| Value::map(map));
            }
        }
    }

    /// A set is a list here: `{1, 2}`, its first item read.
    fn set(&mut self, first: Value, depth: usize) -> Option<Value> {
        let mut items = vec![first];
        while self.eat(',') {
            if self.eat('}') {
                return Some(Value::list(items));
            }
            let item = self.value(depth + 1)?;
            if !items.contains(&item) {
                items.push(item);
            }
        }
        self.eat('}').then(|| Value::list(items))
    }

    fn word(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || ",]}):".contains(c))
            .unwrap_or(self.rest.len());
        if let Some(rest) = self.rest.strip_prefix("set()") {
            self.rest = rest;
            return Some(Value::list(Vec::new()));
        }
        let (word, rest) = self.rest.split_at(end);
        let value = match word {
            "True" => Value::from(true),
            "False" => Value::from(false),
            "None" => Value::null(),
            // What has no counterpart is shown as it is written.
            "..." => Value::str(word),
            _ if is_imaginary(word) => Value::str(word),
            _ => number(word)?,
        };
        self.rest = rest;
        Some(value)
    }
}

fn is_imaginary(word: &str) -> bool {
    let real = word.strip_suffix(['j', 'J']);
    real.is_some_and(|real| !real.is_empty() && number(real).is_some())
}

fn number(word: &str) -> Option<Value> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    // Python refuses leading zeros: `0644` stays text.
    let octal_like = digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.bytes().any(|b| b != b'0');
    if octal_like {
        return None;
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Value::from);
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Value::from);
    }
    // One underscore may stand between two digits.
    let grouped = !word.contains("__") && !word.ends_with('_') && !digits.starts_with('_');
    if let Ok(n) = word.replace('_', "").parse::<i64>() {
        return grouped.then(|| Value::from(n));
    }
    if digits
        .bytes()
        .all(|b| b.is_ascii_digit() || b"._eE+-".contains(&b))
    {
        return word.replace('_', "").parse::<f64>().ok().map(Value::from);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::python_literal;

    #[test]
    fn reads_literals_and_nothing_else() {
        let repr = |text: &str| python_literal(text).map_or("-".to_owned(), |v| v.repr());
        assert_eq!(repr("1"), "1");
        assert_eq!(repr("-1.5"), "-1.5");
        assert_eq!(repr("[1, 'a', (True, None)]"), "[1, 'a', [True, None]]");
        assert_eq!(repr("{'a': {1: 2}, }"), "{'a': {1: 2}}");
        assert_eq!(repr("b'x'"), "'x'");
        assert_eq!(repr("{1, 2, 1}"), "[1, 2]");
        assert_eq!(
            repr("[..., 1j, set(), {b\"y\"}]"),
            "['...', '1j', [], ['y']]"
        );
        assert_eq!(repr("{'a': 1, 'b'}"), "-");
        assert_eq!(repr("1_000"), "1000");
        assert_eq!(repr("1__0"), "-");
        assert_eq!(repr("0644"), "-");
        assert_eq!(repr("yes"), "-");
        assert_eq!(repr("a b"), "-");
        assert_eq!(repr("'a' b"), "-");
        assert_eq!(repr("1.2.3"), "-");
        assert_eq!(repr("[1"), "-");
    }
}
