//! INI inventories. The dialect is Ansible's own: no INI library reads it.

use super::model::Data;
use super::ranges;
use crate::diag::{Diag, Result, SourceMap, Span};
use crate::value::{Kind, Text, Trust, Value, python_literal};
use std::path::Path;

/// Adds the hosts and groups of an INI text.
///
/// # Errors
/// `inventory`, at the line that is wrong.
pub fn read(data: &mut Data, sources: &SourceMap, path: &Path, text: &str) -> Result<()> {
    let mut reader = Reader {
        data,
        file: sources.add(path, text),
        path,
        section: ("ungrouped".to_owned(), Section::Hosts),
    };
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim();
        let offset = start + (raw.len() - raw.trim_start().len());
        let at = reader.span(offset, line.len());
        start += raw.len();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        reader.line(line, at)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Vars,
    Children,
}

struct Reader<'a> {
    data: &'a mut Data,
    file: u32,
    path: &'a Path,
    section: (String, Section),
}

impl Reader<'_> {
    fn span(&self, start: usize, len: usize) -> Span {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: clamp(start),
            end: clamp(start + len),
        }
    }

    fn error(&self, at: Span, message: impl Into<String>) -> Box<Diag> {
        Diag::error("inventory", message).at(at, "")
    }

    fn line(&mut self, line: &str, at: Span) -> Result<()> {
        if line.starts_with('[') && !self.is_host_with_brackets(line) {
            return self.header(line, at);
        }
        let (group, section) = self.section.clone();
        match section {
            Section::Hosts => self.host(line, &group, at),
            Section::Vars => self.variable(line, &group, at),
            Section::Children => self.child(line, &group, at),
        }
    }

    /// `[::1]:22` begins with a bracket and is a host.
    fn is_host_with_brackets(&self, line: &str) -> bool {
        line[1..]
            .split_once(']')
            .is_some_and(|(inside, _)| inside.parse::<std::net::Ipv6Addr>().is_ok())
    }

    fn header(&mut self, line: &str, at: Span) -> Result<()> {
        let inside = line
            .split_once('#')
            .map_or(line, |(before, _)| before)
            .trim()
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let Some(inside) = inside else {
            return Err(self.error(
                at,
                "a section header is written [group], [group:vars] or [group:children]",
            ));
        };
        let (name, kind) = match inside.split_once(':') {
            Some((name, kind)) => (name.trim(), kind.trim()),
            None => (inside.trim(), ""),
        };
        let kind = match kind {
            "" => Section::Hosts,
            "vars" => Section::Vars,
            "children" => Section::Children,
            other => {
                return Err(self
                    .error(
                        at,
                        format!("section [{name}:{other}] has unknown type `{other}`"),
                    )
                    .did_you_mean(other, ["vars", "children"]));
            }
        };
        self.data.group(name);
        self.section = (name.to_owned(), kind);
        Ok(())
    }

    fn host(&mut self, line: &str, group: &str, at: Span) -> Result<()> {
        let words = words(line).map_err(|why| self.error(at, why))?;
        let Some(pattern) = words.first() else {
            return Ok(());
        };
        let (pattern, port) = split_port(pattern);
        let names = ranges::expand(&pattern).map_err(|why| self.error(at, why))?;
        let mut vars = Vec::new();
        for word in &words[1..] {
            let Some((key, value)) = word.split_once('=') else {
                let message = format!("expected key=value host variable assignment, got: {word}");
                return Err(self.error(at, message));
            };
            vars.push((key, literal(value).at(at)));
        }
        for name in names {
            let entry = self.data.host(&name);
            if entry.source.is_none() {
                entry.source = Some(self.path.to_path_buf());
            }
            if let Some(port) = port {
                entry.vars.insert("ansible_port", i64::from(port));
            }
            for (key, value) in &vars {
                entry.vars.insert(*key, value.clone());
            }
            self.data.add_to_group(&name, group);
        }
        Ok(())
    }

    fn variable(&mut self, line: &str, group: &str, at: Span) -> Result<()> {
        let Some((key, value)) = line.split_once('=') else {
            return Err(self.error(at, format!("expected key=value, got: {line}")));
        };
        let value = literal(value.trim()).at(at);
        let entry = self.data.group(group);
        if key.trim() == "ansible_group_priority" {
            entry.priority = value.to_text().parse().unwrap_or(1);
        } else {
            entry.vars.insert(key.trim(), value);
        }
        Ok(())
    }

    fn child(&mut self, line: &str, group: &str, at: Span) -> Result<()> {
        let child = line.split('#').next().unwrap_or_default().trim();
        if child.contains(char::is_whitespace) {
            return Err(self.error(at, format!("expected a group name, got: {child}")));
        }
        if self.data.is_below(group, child) {
            return Err(self.error(at, format!("group `{child}` would contain itself")));
        }
        self.data.group(child);
        self.data.group(group).children.insert(child.to_owned());
        Ok(())
    }
}

/// `name:2222`, `[::1]:22`; a range has colons of its own.
pub fn split_port(word: &str) -> (String, Option<u16>) {
    let whole = (word.to_owned(), None);
    let Some((host, port)) = word.rsplit_once(':') else {
        return whole;
    };
    let Ok(port) = port.parse::<u16>() else {
        return whole;
    };
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'))
        && address.contains(':')
        && address.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return (address.to_owned(), Some(port));
    }
    let open = host.matches('[').count() != host.matches(']').count();
    let colons = {
        let mut depth = 0i32;
        host.chars()
            .filter(|c| {
                match c {
                    '[' => depth += 1,
                    ']' => depth -= 1,
                    _ => {}
                }
                *c == ':' && depth == 0
            })
            .count()
    };
    if open || colons > 0 {
        return whole;
    }
    (host.to_owned(), Some(port))
}

/// Splits a line into words as a shell would, up to a comment.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('"') | None, '\\') => {
                if let Some(next) = chars.next() {
                    let word = word.get_or_insert_default();
                    if quote.is_some() && !matches!(next, '"' | '\\') {
                        word.push('\\');
                    }
                    word.push(next);
                }
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is opened and not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

/// The value of a variable: a Python literal where it is one, else the text, which may be a
/// template.
pub fn literal(text: &str) -> Value {
    let string = |text: &str| {
        Value::new(Kind::Str(Text {
            text: text.into(),
            trust: Trust::Template,
        }))
    };
    // Python reads over a comment behind the literal.
    let before_comment = || {
        text.match_indices('#')
            .find_map(|(at, _)| python_literal(&text[..at]))
    };
    let value = python_literal(text).or_else(before_comment);
    match value {
        Some(Value {
            kind: Kind::Str(text),
            ..
        }) => string(&text.text),
        Some(value) => value,
        None => string(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_groups_and_variables() {
        let mut data = Data::new();
        let text = "lone\n[web]\nw[1:2] ansible_port=22 x='a b' # note\nw3:2222\n[web:vars]\nhttp=80\nname=yes\nlist=[1, 2]\n[site:children]\nweb\n";
        read(&mut data, &SourceMap::default(), Path::new("hosts"), text).unwrap();
        data.reconcile();
        assert_eq!(data.hosts_of("site"), ["w1", "w2", "w3"]);
        assert_eq!(data.hosts_of("ungrouped"), ["lone"]);
        assert_eq!(
            Value::map(data.vars_of("w1")).repr(),
            "{'http': 80, 'name': 'yes', 'list': [1, 2], 'ansible_port': 22, 'x': 'a b'}"
        );
        assert_eq!(
            data.vars_of("w3").get("ansible_port"),
            Some(&Value::from(2222))
        );
        assert!(
            read(
                &mut data,
                &SourceMap::default(),
                Path::new("h"),
                "[web:vras]\n"
            )
            .is_err()
        );
    }
}
