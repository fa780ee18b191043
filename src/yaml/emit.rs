//! Values as YAML in PyYAML's layout (Ansible's dumper; observed: PyYAML 6.0).

use super::resolve;
use crate::value::{Kind, Value, float_repr};

/// How a document is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Spaces for each level.
    pub indent: usize,
    /// Where long lines are folded.
    pub width: usize,
    /// Sort the keys of dicts.
    pub sort_keys: bool,
    /// Flow style (`{a: 1}`) for all containers, for none, or (absent) for those that hold only
    /// scalars.
    pub flow: Option<bool>,
    /// Begin with `---`.
    pub explicit_start: bool,
}

/// A value as a YAML document.
pub fn dump(value: &Value, layout: &Layout) -> String {
    let mut emitter = Emitter {
        layout,
        out: String::new(),
        column: 0,
    };
    if layout.explicit_start {
        emitter.write(if is_block(value, layout) {
            "---"
        } else {
            "--- "
        });
        if is_block(value, layout) {
            emitter.newline(0);
        }
    }
    emitter.node(value, 0, Place::Root);
    if !emitter.out.ends_with('\n') {
        emitter.write("\n");
    }
    if !layout.explicit_start && is_plain_scalar(value) {
        emitter.write("...\n");
    }
    emitter.out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    MapValue,
    Item,
}

fn is_container(value: &Value) -> bool {
    match &value.kind {
        Kind::List(items) => !items.is_empty(),
        Kind::Map(map) => !map.is_empty(),
        _ => false,
    }
}

/// True where a container is written over several lines.
fn is_block(value: &Value, layout: &Layout) -> bool {
    if !is_container(value) {
        return false;
    }
    match layout.flow {
        Some(flow) => !flow,
        None => match &value.kind {
            Kind::List(items) => items.iter().any(|i| !is_scalar(i)),
            Kind::Map(map) => map.values().any(|i| !is_scalar(i)),
            _ => false,
        },
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value.kind, Kind::List(_) | Kind::Map(_))
}

/// Only a document that is a plain scalar needs the end marker.
fn is_plain_scalar(value: &Value) -> bool {
    match &value.kind {
        Kind::Str(text) => plain_is_safe(&text.text, false),
        _ => is_scalar(value),
    }
}

struct Emitter<'a> {
    layout: &'a Layout,
    out: String,
    column: usize,
}

impl Emitter<'_> {
    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        match text.rfind('\n') {
            Some(at) => self.column = text[at + 1..].chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn newline(&mut self, indent: usize) {
        if self.column > 0 || self.out.is_empty() {
            self.write("\n");
        }
        self.write(&" ".repeat(indent));
    }

    fn node(&mut self, value: &Value, indent: usize, place: Place) {
        if is_block(value, self.layout) {
            match &value.kind {
                Kind::List(_) => self.block_list(value, indent, place),
                _ => self.block_map(value, indent, place),
            }
            return;
        }
        if place == Place::MapValue {
            self.write(" ");
        }
        self.inline(value, indent, false);
    }

    fn entries(&self, value: &Value) -> Vec<(Value, Value)> {
        let mut entries: Vec<(Value, Value)> = value
            .as_map()
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.to_value(), v.clone()))
            .collect();
        if self.layout.sort_keys {
            entries.sort_by(|(a, _), (b, _)| match (a.as_int(), b.as_int()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.to_text().cmp(&b.to_text()),
            });
        }
        entries
    }

    fn block_map(&mut self, value: &Value, indent: usize, place: Place) {
        for (i, (key, item)) in self.entries(value).iter().enumerate() {
            if i > 0 || place == Place::MapValue {
                self.newline(indent);
            }
            self.inline(key, indent, true);
            self.write(":");
            // PyYAML does not indent a list below its key.
            let inner = match item.kind {
                Kind::List(_) => indent,
                _ => indent + self.layout.indent,
            };
            self.node(item, inner, Place::MapValue);
        }
    }

    fn block_list(&mut self, value: &Value, indent: usize, place: Place) {
        for (i, item) in value.as_list().unwrap_or_default().iter().enumerate() {
            if i > 0 || place == Place::MapValue {
                self.newline(indent);
            }
            // The indicator fills the level's indent.
            let pad = self.layout.indent.max(2) - 1;
            let block = is_block(item, self.layout);
            self.write("-");
            self.write(&" ".repeat(if block { pad } else { 1 }));
            self.node(item, indent + self.layout.indent.max(2), Place::Item);
        }
    }

    fn inline(&mut self, value: &Value, indent: usize, key: bool) {
        match &value.kind {
            Kind::Null => self.write("null"),
            Kind::Bool(b) => self.write(if *b { "true" } else { "false" }),
            Kind::Int(n) => self.write(&n.to_string()),
            Kind::Float(f) => self.write(&match float_repr(*f).as_str() {
                "inf" => ".inf".to_owned(),
                "-inf" => "-.inf".to_owned(),
                "nan" => ".nan".to_owned(),
                text if text.contains('e') && !text.contains('.') => text.replacen('e', ".0e", 1),
                text => text.to_owned(),
            }),
            Kind::Str(text) => self.string(&text.text, indent, key),
            Kind::Unknown(_) => self.write("null"),
            Kind::List(items) => {
                self.write("[");
                for (i, item) in items.iter().enumerate() {
                    self.separate(i, indent);
                    self.inline(item, indent + self.layout.indent, true);
                }
                self.write("]");
            }
            Kind::Map(_) => {
                self.write("{");
                for (i, (key, item)) in self.entries(value).iter().enumerate() {
                    self.separate(i, indent);
                    self.inline(key, indent + self.layout.indent, true);
                    self.write(": ");
                    self.inline(item, indent + self.layout.indent, true);
                }
                self.write("}");
            }
        }
    }

    fn separate(&mut self, index: usize, indent: usize) {
        if index == 0 {
            return;
        }
        self.write(",");
        if self.column > self.layout.width {
            self.newline(indent + self.layout.indent);
        } else {
            self.write(" ");
        }
    }

    fn string(&mut self, text: &str, indent: usize, key: bool) {
        if text.contains('\n') && !key && literal_is_safe(text) {
            return self.literal(text, indent);
        }
        if plain_is_safe(text, key) {
            return self.folded(text, indent, key, |c| c.to_string());
        }
        if text.chars().all(|c| !c.is_control() || c == '\n') && !text.contains('\u{feff}') {
            return self.single_quoted(text, indent, key);
        }
        self.double_quoted(text);
    }

    /// Multi-line text as Ansible's dumper writes it: a literal block.
    fn literal(&mut self, text: &str, indent: usize) {
        let chomp = if !text.ends_with('\n') {
            "-"
        } else if text.ends_with("\n\n") || text == "\n" {
            "+"
        } else {
            ""
        };
        let hint = if text.starts_with([' ', '\n']) {
            self.layout.indent.to_string()
        } else {
            String::new()
        };
        self.write(&format!("|{hint}{chomp}"));
        let inner = indent.max(self.layout.indent);
        // Kept line ends are written out; otherwise the next node brings the last one.
        let lines = if chomp == "+" {
            text
        } else {
            text.strip_suffix('\n').unwrap_or(text)
        };
        for line in lines.split('\n') {
            self.write("\n");
            if !line.is_empty() {
                self.write(&" ".repeat(inner));
                self.write(line);
            }
        }
    }

    /// Words, with a line break in place of a space where the line is too long.
    fn folded(&mut self, text: &str, indent: usize, key: bool, escape: impl Fn(char) -> String) {
        let words: Vec<&str> = text.split(' ').collect();
        for (i, word) in words.iter().enumerate() {
            if i > 0 {
                let single = !words[i - 1].is_empty() && !word.is_empty();
                if single && !key && self.column > self.layout.width {
                    self.newline(indent.max(self.layout.indent));
                } else {
                    self.write(" ");
                }
            }
            let escaped: String = word.chars().map(&escape).collect();
            self.write(&escaped);
        }
    }

    fn single_quoted(&mut self, text: &str, indent: usize, key: bool) {
        self.write("'");
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                self.write("\n\n");
                self.write(&" ".repeat(indent.max(self.layout.indent)));
            }
            self.folded(line, indent, key, |c| {
                if c == '\'' {
                    "''".to_owned()
                } else {
                    c.to_string()
                }
            });
        }
        self.write("'");
    }

    fn double_quoted(&mut self, text: &str) {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\t' => "\\t".to_owned(),
                '\r' => "\\r".to_owned(),
                '\0' => "\\0".to_owned(),
                '\u{1b}' => "\\e".to_owned(),
                '\u{7}' => "\\a".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{feff}' => "\\uFEFF".to_owned(),
                c if c.is_control() => format!("\\x{:02X}", c as u32),
                c => c.to_string(),
            })
            .collect();
        self.write(&format!("\"{escaped}\""));
    }
}

fn literal_is_safe(text: &str) -> bool {
    text.chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        && !text.trim_matches('\n').is_empty()
        && !text
            .split('\n')
            .any(|line| line.ends_with(' ') && line.trim().is_empty())
}

/// True if the text can stand without quotes and is read back as the same string.
fn plain_is_safe(text: &str, flow: bool) -> bool {
    if text.is_empty() || resolve::plain(text).is_some() || is_timestamp(text) {
        return false;
    }
    if text.starts_with("---") || text.starts_with("...") || text == "=" || text == "<<" {
        return false;
    }
    let mut chars = text.chars();
    let first = chars.next().unwrap_or(' ');
    let second = chars.next();
    if "#,[]{}&*!|>'\"%@`".contains(first) || first.is_whitespace() {
        return false;
    }
    if "?:-".contains(first)
        && second.is_none_or(|c| c.is_whitespace() || (flow && ",[]{}".contains(c)))
    {
        return false;
    }
    if text.ends_with([' ', ':']) || text.contains(": ") || text.contains(" #") {
        return false;
    }
    if flow && text.contains([',', '[', ']', '{', '}', '?', ':']) {
        return false;
    }
    !text.chars().any(char::is_control)
}

/// YAML 1.1's timestamps, which a reader would take for dates.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes
            .get(range)
            .is_some_and(|b| b.iter().all(u8::is_ascii_digit))
    };
    digits(0..4)
        && bytes.get(4) == Some(&b'-')
        && digits(5..6)
        && text.len() >= 8
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "-:.TtZ+ ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use std::path::Path;

    const NICE: Layout = Layout {
        indent: 4,
        width: 80,
        sort_keys: true,
        flow: Some(false),
        explicit_start: false,
    };

    #[test]
    fn lays_out_as_pyyaml() {
        let text = "{b: [1, {x: 'yes', y: [a, b]}], a: {c: null, d: 'it''s', e: \"l1\\nl2\\n\"}, f: [], g: {}, h: 'a: b', i: '0644'}";
        let value = crate::yaml::load(&SourceMap::default(), Path::new("t"), text).unwrap();
        assert_eq!(
            dump(&value, &NICE),
            "a:\n    c: null\n    d: it's\n    e: |\n        l1\n        l2\nb:\n- 1\n-   x: 'yes'\n    y:\n    - a\n    - b\nf: []\ng: {}\nh: 'a: b'\ni: '0644'\n"
        );
    }

    #[test]
    fn reads_back_what_it_wrote() {
        for text in [
            "yes",
            "a b",
            " x",
            "x ",
            "#",
            "- a",
            "a:b",
            "a: b",
            "1",
            "",
            "~",
            "\t",
            "é",
            "'",
            "\"",
            "a\nb",
            "\n",
            "a\n\n",
            "%",
            "@x",
            "2020-01-01",
            "\u{7}",
        ] {
            let value = Value::list(vec![Value::str(text)]);
            let written = dump(&value, &NICE);
            let read = crate::yaml::load(&SourceMap::default(), Path::new("t"), &written).unwrap();
            assert_eq!(read, value, "{text:?} as {written:?}");
        }
    }
}
