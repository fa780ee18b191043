//! Lookups in files of records: `csvfile` and `ini`.

use super::files::{bytes_of, find};
use super::terms::Term;
use super::{Ask, Lookup};
use crate::value::re::{Flags, Pattern};
use crate::value::{Kind, Value};

pub const LOOKUPS: &[(&str, Lookup)] = &[("csvfile", csvfile), ("ini", ini)];

const CSV_OPTIONS: &[&str] = &["file", "col", "keycol", "delimiter", "default", "encoding"];

fn csvfile(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    if ask.terms.is_empty() {
        return Err("Search key is required but was not found".to_owned());
    }
    for term in ask.terms {
        let term = Term::parse(&term.to_text(), ask.options, CSV_OPTIONS)?;
        let key = term
            .key
            .as_deref()
            .ok_or("Search key is required but was not found")?;
        let column = term.number("csvfile", "col", 1)?;
        let key_column = term.number("csvfile", "keycol", 0)?;
        let delimiter = match term.text("delimiter", "\t").as_str() {
            "TAB" | "\\t" => '\t',
            other => other.chars().next().unwrap_or('\t'),
        };
        let text = read(ask, &term, "ansible.csv")?;
        let cell = |row: &[String], at: i64| -> Option<String> {
            let at = crate::jinja::ops::index(at, row.len())?;
            row.get(at).cloned()
        };
        let row = records(&text, delimiter)
            .into_iter()
            .find(|row| cell(row, key_column).as_deref() == Some(key));
        let value = match row {
            None => term.get("default").cloned(),
            Some(row) => Some(Value::str(
                cell(&row, column).ok_or("list index out of range")?,
            )),
        };
        match value {
            Some(Value {
                kind: Kind::List(items),
                ..
            }) => found.extend(items.iter().cloned()),
            value => found.extend(value),
        }
    }
    Ok(found)
}

/// Rows of fields; fields in quotes may hold the delimiter, quotes and newlines.
fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let last = row.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                row[last].push('"');
            }
            '"' if quoted => quoted = false,
            '"' if row[last].is_empty() => quoted = true,
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => rows.push(std::mem::replace(&mut row, vec![String::new()])),
            c if c == delimiter && !quoted => row.push(String::new()),
            c => row[last].push(c),
        }
    }
    if row.len() > 1 || !row[0].is_empty() {
        rows.push(row);
    }
    rows
}

const INI_OPTIONS: &[&str] = &[
    "file",
    "type",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
];

/// `lookup('ini', 'key', section='x', file='y.ini')`, also of Java properties.
fn ini(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for term in ask.terms {
        let term = Term::parse(&term.to_text(), ask.options, INI_OPTIONS)?;
        let key = term
            .key
            .as_deref()
            .ok_or("No key to look up was provided as first term within string inline options")?;
        let name = term.text("file", "ansible.ini");
        let text = read(ask, &term, "ansible.ini")?;
        let properties = term.text("type", "ini") == "properties";
        let file = Ini::parse(&name, &text, &term, properties)?;
        let section = match properties {
            true => PROPERTIES.to_owned(),
            false => term.text("section", "global"),
        };
        found.extend(file.values(&section, key, &term)?);
    }
    Ok(found)
}

/// The section that Java properties are put into.
const PROPERTIES: &str = "java_properties";

struct Entry {
    section: String,
    key: String,
    value: Option<String>,
}

struct Ini {
    name: String,
    sections: Vec<String>,
    entries: Vec<Entry>,
    fold: bool,
}

impl Ini {
    /// Reads a file by the rules of Python's `configparser`.
    fn parse(name: &str, text: &str, term: &Term, properties: bool) -> Result<Ini, String> {
        let bare = term.flag("allow_no_value", false) || term.flag("allow_none", false);
        let mut ini = Ini {
            name: name.to_owned(),
            sections: Vec::new(),
            entries: Vec::new(),
            fold: !term.flag("case_sensitive", false),
        };
        let mut section = properties.then(|| PROPERTIES.to_owned());
        ini.sections.extend(section.clone());
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && let Some(Entry {
                    value: Some(value), ..
                }) = ini.entries.last_mut()
            {
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|r| r.split_once(']')) {
                let name = name.0.to_owned();
                if ini.sections.contains(&name) {
                    return Err(format!("Duplicate section in '{}': {name}", ini.name));
                }
                ini.sections.push(name.clone());
                section = Some(name);
                continue;
            }
            let Some(section) = &section else {
                return Err(format!(
                    "Error reading config file {:?}: File contains no section headers, line {}",
                    ini.name,
                    number + 1
                ));
            };
            let (key, value) = match trimmed.split_once(['=', ':']) {
                Some((key, value)) => (key.trim(), Some(value.trim().to_owned())),
                None if bare => (trimmed, None),
                None => {
                    return Err(format!(
                        "Error reading config file {:?}: Source contains parsing errors, line {}: \
                         {trimmed:?}",
                        ini.name,
                        number + 1
                    ));
                }
            };
            let key = ini.folded(key);
            if ini
                .entries
                .iter()
                .any(|e| e.section == *section && e.key == key)
            {
                return Err(format!(
                    "Duplicate option in '{}': option '{key}' in section '{section}' already \
                     exists, line {}",
                    ini.name,
                    number + 1
                ));
            }
            ini.entries.push(Entry {
                section: section.clone(),
                key,
                value,
            });
        }
        Ok(ini)
    }

    fn folded(&self, key: &str) -> String {
        match self.fold {
            true => key.to_lowercase(),
            false => key.to_owned(),
        }
    }

    /// The value of a key, or of all keys that match it.
    fn values(&self, section: &str, key: &str, term: &Term) -> Result<Vec<Value>, String> {
        if !self.sections.iter().any(|name| name == section) {
            return Err(format!("No section '{section}' in '{}'.", self.name));
        }
        let pattern = match term.flag("re", false) {
            true => Some(Pattern::new(key, Flags::default())?),
            false => None,
        };
        let wanted = self.folded(key);
        let mut found = Vec::new();
        for entry in self.own(section) {
            let matches = match &pattern {
                Some(pattern) => pattern.match_start(&entry.key).is_some(),
                None => entry.key == wanted,
            };
            if !matches {
                continue;
            }
            let Some(value) = &entry.value else {
                return Ok(Vec::new());
            };
            let value = match term.flag("interpolation", true) {
                true => self.interpolated(section, value, 10)?,
                false => value.clone(),
            };
            found.push(Value::str(value));
        }
        if found.is_empty() && pattern.is_none() {
            found.push(Value::str(term.text("default", "")));
        }
        Ok(found)
    }

    /// The entries of a section, and of `DEFAULT`.
    fn own<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Entry> {
        let of = move |name: &'a str| self.entries.iter().filter(move |e| e.section == name);
        of(section).chain(of("DEFAULT").filter(move |_| section != "DEFAULT"))
    }

    /// `%(name)s` is another value of the section, `%%` a percent sign.
    fn interpolated(&self, section: &str, value: &str, depth: usize) -> Result<String, String> {
        let wrong = || {
            format!("Bad value substitution: '%' must be followed by '%' or '(', found: {value:?}")
        };
        let mut out = String::new();
        let mut rest = value;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(more) = rest.strip_prefix('%') {
                out.push('%');
                rest = more;
                continue;
            }
            let (name, more) = rest
                .strip_prefix('(')
                .and_then(|r| r.split_once(")s"))
                .ok_or_else(wrong)?;
            let key = self.folded(name);
            let other = self.own(section).find(|e| e.key == key);
            let other = other.and_then(|e| e.value.as_deref()).unwrap_or_default();
            if depth == 0 {
                return Err(format!(
                    "Recursion limit exceeded in value substitution: {name}"
                ));
            }
            out.push_str(&self.interpolated(section, other, depth - 1)?);
            rest = more;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The text of the file that a term names.
fn read(ask: &Ask<'_>, term: &Term, default: &str) -> Result<String, String> {
    let name = term.text("file", default);
    let path = find(ask, "files", &name)
        .ok_or_else(|| format!("[Errno 2] No such file or directory: '{name}'"))?;
    decoded(&bytes_of(ask, &path)?, &term.text("encoding", "utf-8"))
}

/// Text in an encoding that Python knows.
fn decoded(bytes: &[u8], encoding: &str) -> Result<String, String> {
    let name: String = encoding
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    match name.as_str() {
        "utf8" | "ascii" | "usascii" => String::from_utf8(bytes.to_vec())
            .map_err(|e| format!("'{encoding}' codec can't decode bytes: {e}")),
        "utf8sig" => decoded(
            bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            "utf-8",
        ),
        "latin1" | "iso88591" | "l1" | "iso885915" | "latin9" => {
            let nine = matches!(name.as_str(), "iso885915" | "latin9");
            Ok(bytes.iter().map(|b| latin(*b, nine)).collect())
        }
        "utf16" | "utf16le" | "utf16be" => {
            let big = name.ends_with("be") || bytes.starts_with(&[0xfe, 0xff]);
            let units = bytes.chunks_exact(2).map(|pair| match big {
                true => u16::from_be_bytes([pair[0], pair[1]]),
                false => u16::from_le_bytes([pair[0], pair[1]]),
            });
            let text: Result<String, _> = char::decode_utf16(units).collect();
            let text = text.map_err(|e| e.to_string())?;
            Ok(text.trim_start_matches('\u{feff}').to_owned())
        }
        _ => Err(format!("unknown encoding: {encoding}")),
    }
}

/// ISO 8859-15 differs from ISO 8859-1 in eight places.
fn latin(byte: u8, nine: bool) -> char {
    const NINE: [(u8, char); 8] = [
        (0xa4, '€'),
        (0xa6, 'Š'),
        (0xa8, 'š'),
        (0xb4, 'Ž'),
        (0xb8, 'ž'),
        (0xbc, 'Œ'),
        (0xbd, 'œ'),
        (0xbe, 'Ÿ'),
    ];
    let special = NINE.iter().find(|(b, _)| nine && *b == byte);
    special.map_or(char::from(byte), |(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;

    #[test]
    fn records_have_quotes_and_any_line_ends() {
        assert_eq!(
            records("a,\"b \"\"c\"\", d\"\r\n1,\"2\n3\"\n\nx", ','),
            [
                vec!["a", "b \"c\", d"],
                vec!["1", "2\n3"],
                vec![""],
                vec!["x"]
            ]
        );
    }

    #[test]
    fn ini_follows_configparser() {
        let term = |text: &str| Term::parse(text, &Map::new(), INI_OPTIONS).unwrap();
        let get = |text: &str, ask: &str| {
            let term = term(ask);
            let section = term.text("section", "s");
            Ini::parse("x.ini", text, &term, false)
                .and_then(|ini| ini.values(&section, term.key.as_deref().unwrap(), &term))
                .map(|values| Value::list(values).repr())
        };
        let file = "[DEFAULT]\nroot: /r\n[s]\nDir = %(root)s/d\n  more\nn2 = 2\nn1 = 50%%\n[t]\n";
        for (ask, expected) in [
            ("dir", "['/r/d\\nmore']"),
            ("root", "['/r']"),
            ("n[12] re=true", "['2', '50%']"),
            ("n1 interpolation=false", "['50%%']"),
            ("none default=x", "['x']"),
            ("Dir case_sensitive=yes", "['/r/d\\nmore']"),
            ("dir case_sensitive=yes", "['']"),
        ] {
            assert_eq!(get(file, ask).as_deref(), Ok(expected), "{ask}");
        }
        for (text, ask, expected) in [
            ("[s]\na=1\nA=2", "a", "Duplicate option in 'x.ini'"),
            ("[s]\n[s]", "a", "Duplicate section in 'x.ini'"),
            ("[s]\na", "a", "Source contains parsing errors"),
            ("a=1", "a", "no section headers"),
            ("[t]\na=1", "a", "No section 's' in 'x.ini'."),
            ("[s]\na=%x", "a", "Bad value substitution"),
        ] {
            let message = get(text, ask).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert_eq!(get("[s]\na", "a allow_none=yes").as_deref(), Ok("[]"));
        assert!(Term::parse("k what=1", &Map::new(), INI_OPTIONS).is_err());
    }

    #[test]
    fn encodings() {
        assert_eq!(decoded(b"\xe9\xa4", "iso8859-1").unwrap(), "é¤");
        assert_eq!(decoded(b"\xe9\xa4", "ISO-8859-15").unwrap(), "é€");
        assert_eq!(decoded(b"\xff\xfea\0", "utf-16").unwrap(), "a");
        assert!(decoded(b"\xe9", "utf-8").is_err());
        assert!(decoded(b"", "klingon").is_err());
    }
}
