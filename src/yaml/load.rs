//! From text to values with places.

use super::explain::explain;
use super::resolve;
use crate::diag::{Diag, Exit, Result, SourceMap, Span};
use crate::value::{Key, Kind, Map, Text, Trust, Value};
use libyaml_safer::{Event, EventData, Parser, ScalarStyle};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// One value for each document.
    pub documents: Vec<Value>,
    /// Duplicate keys and the like.
    pub warnings: Vec<Box<Diag>>,
}

/// Reads a text of one document; an empty one is `None`.
///
/// # Errors
/// `yaml`, at the place where the text stops being YAML; more than one document is one too.
pub fn load(sources: &SourceMap, name: &Path, text: &str) -> Result<Value> {
    let loaded = load_all(sources, name, text)?;
    let mut documents = loaded.documents.into_iter();
    let first = documents.next().unwrap_or_default();
    match documents.next() {
        None => Ok(first),
        Some(second) => Err(Diag::error(
            "yaml",
            "expected a single document, but found another one",
        )
        .at(second.span, "the second document begins here")
        .exit(Exit::Parser)),
    }
}

/// Reads all documents of a text.
///
/// Strings are templates, since a file of the user's is trusted. The last of two equal keys wins.
///
/// # Errors
/// As [`load`].
pub fn load_all(sources: &SourceMap, name: &Path, text: &str) -> Result<Loaded> {
    let file = sources.add(name, text);
    let ended = end_last_line(text);
    let mut bytes = ended.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut builder = Builder {
        file,
        len: text.len() as u64,
        cut: ended.len() > text.len(),
        anchors: HashMap::new(),
        warnings: Vec::new(),
    };
    let mut documents = Vec::new();
    let mut next = || parser.parse().map_err(|e| explain(&e, file, text));
    loop {
        match next()?.data {
            EventData::StreamEnd => break,
            EventData::DocumentStart { .. } => {
                builder.anchors.clear();
                let event = next()?;
                documents.push(builder.node(event, &mut next, 0)?);
            }
            _ => {}
        }
    }
    Ok(Loaded {
        documents,
        warnings: builder.warnings,
    })
}

/// The text with a newline at its end: the scanner does not survive a block scalar without one
/// (libyaml-safer 0.3.0). Spaces on a last line of nothing else mean nothing.
fn end_last_line(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') {
        return Cow::Borrowed(text);
    }
    let before = text.trim_end_matches(' ');
    if before.ends_with('\n') {
        return Cow::Borrowed(before);
    }
    Cow::Owned(format!("{text}\n"))
}

struct Builder {
    file: u32,
    /// Length of the text in bytes.
    len: u64,
    /// The text does not end with the newline that the parser got.
    cut: bool,
    anchors: HashMap<String, Value>,
    warnings: Vec<Box<Diag>>,
}

/// Deeper nesting than this is an attack on the stack, not a playbook.
const DEEPEST: usize = 200;

type Next<'a> = dyn FnMut() -> Result<Event> + 'a;

impl Builder {
    fn span(&self, start: u64, end: u64) -> Span {
        let clamp = |n: u64| u32::try_from(n.min(self.len)).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: clamp(start),
            end: clamp(end),
        }
    }

    fn node(&mut self, event: Event, next: &mut Next<'_>, depth: usize) -> Result<Value> {
        let span = self.span(event.start_mark.index, event.end_mark.index);
        if depth > DEEPEST {
            return Err(self.error("nested too deeply", span));
        }
        let (anchor, value) = match event.data {
            EventData::Alias { anchor } => {
                return match self.anchors.get(&anchor) {
                    Some(value) => Ok(value.clone()),
                    None => Err(self.error(&format!("found undefined alias `{anchor}`"), span)),
                };
            }
            EventData::Scalar {
                anchor,
                tag,
                mut value,
                plain_implicit,
                style,
                ..
            } => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                if block && self.cut && event.end_mark.index > self.len && value.ends_with('\n') {
                    value.pop();
                }
                let plain = plain_implicit && style == ScalarStyle::Plain;
                (anchor, self.scalar(tag.as_deref(), value, plain, span)?)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                (anchor, self.sequence(tag.as_deref(), span, next, depth)?)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                (anchor, self.mapping(tag.as_deref(), span, next, depth)?)
            }
            _ => return Err(self.error("unexpected end of the document", span)),
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn scalar(&self, tag: Option<&str>, text: String, plain: bool, span: Span) -> Result<Value> {
        let string = |trust| {
            Value::new(Kind::Str(Text {
                text: text.as_str().into(),
                trust,
            }))
        };
        let typed = |wanted: fn(&Kind) -> bool| {
            resolve::plain(&text)
                .filter(wanted)
                .map(Value::new)
                .ok_or_else(|| self.error(&format!("{text:?} is not what its tag says"), span))
        };
        let value = match tag {
            None if plain => {
                resolve::plain(&text).map_or_else(|| string(Trust::Template), Value::new)
            }
            None | Some("!" | "tag:yaml.org,2002:str") => string(Trust::Template),
            Some("!unsafe") => string(Trust::Plain),
            Some("!vault" | "!vault-encrypted") => string(Trust::Vault),
            Some("tag:yaml.org,2002:int") => typed(|k| matches!(k, Kind::Int(_)))?,
            Some("tag:yaml.org,2002:float") => match resolve::plain(&text) {
                Some(Kind::Int(n)) => Value::from(n as f64),
                _ => typed(|k| matches!(k, Kind::Float(_)))?,
            },
            Some("tag:yaml.org,2002:bool") => typed(|k| matches!(k, Kind::Bool(_)))?,
            Some("tag:yaml.org,2002:null") => Value::null(),
            Some("tag:yaml.org,2002:binary" | "tag:yaml.org,2002:timestamp") => {
                string(Trust::Template)
            }
            Some(other) => return Err(self.unknown_tag(other, span)),
        };
        Ok(value.at(span))
    }

    fn unknown_tag(&self, tag: &str, span: Span) -> Box<Diag> {
        self.error(
            &format!("could not determine a constructor for the tag `{tag}`"),
            span,
        )
        .did_you_mean(tag, ["!vault", "!unsafe"])
    }

    fn sequence(
        &mut self,
        tag: Option<&str>,
        span: Span,
        next: &mut Next<'_>,
        depth: usize,
    ) -> Result<Value> {
        let plain = match tag {
            None | Some("!" | "tag:yaml.org,2002:seq" | "tag:yaml.org,2002:set") => false,
            Some("!unsafe") => true,
            Some(other) => return Err(self.unknown_tag(other, span)),
        };
        let mut items = Vec::new();
        let mut whole = span;
        loop {
            let event = next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                whole.end = self.end_of(whole, items.last(), &event);
                break;
            }
            items.push(self.node(event, next, depth + 1)?);
        }
        let value = Value::list(items).at(whole);
        Ok(if plain { untrusted(&value) } else { value })
    }

    fn mapping(
        &mut self,
        tag: Option<&str>,
        span: Span,
        next: &mut Next<'_>,
        depth: usize,
    ) -> Result<Value> {
        let plain = match tag {
            None | Some("!" | "tag:yaml.org,2002:map" | "tag:yaml.org,2002:omap") => false,
            Some("!unsafe") => true,
            Some(other) => return Err(self.unknown_tag(other, span)),
        };
        let mut map = Map::new();
        let mut merged = Vec::new();
        let mut whole = span;
        let mut last = None;
        loop {
            let event = next()?;
            if matches!(event.data, EventData::MappingEnd) {
                whole.end = self.end_of(whole, last.as_ref(), &event);
                break;
            }
            let merges = matches!(&event.data, EventData::Scalar { value, style: ScalarStyle::Plain, tag: None, .. } if value == "<<");
            let key = self.node(event, next, depth + 1)?;
            let event = next()?;
            let value = self.node(event, next, depth + 1)?;
            last = Some(value.clone());
            if merges {
                merged.push((key, value));
                continue;
            }
            self.insert(&mut map, &key, value)?;
        }
        let map = self.merge(map, &merged)?;
        let value = Value::map(map).at(whole);
        Ok(if plain { untrusted(&value) } else { value })
    }

    /// The end of a collection: in block style its end event stands at the next token.
    fn end_of(&self, whole: Span, last: Option<&Value>, event: &Event) -> u32 {
        let end = self.span(0, event.end_mark.index).end;
        let flow = event.end_mark.index > event.start_mark.index;
        match last {
            Some(last) if !flow && last.span.file == whole.file => last.span.end.max(whole.end),
            _ => end.max(whole.end),
        }
    }

    fn insert(&mut self, map: &mut Map, key: &Value, value: Value) -> Result<()> {
        let Some(key) = Key::from_value(key) else {
            return Err(self.unhashable(key.span));
        };
        if let Some((first, _)) = key.as_str().and_then(|name| map.get_entry(name)) {
            self.warnings.push(
                Diag::warning(
                    "duplicate-key",
                    format!(
                        "Found duplicate mapping key '{}'. Using last defined value only.",
                        key.to_value().to_text()
                    ),
                )
                .at(key.span, "again here")
                .at(first.span, "first here"),
            );
        }
        map.insert(key, value);
        Ok(())
    }

    /// Puts what `<<` brings before the mapping's own entries, which win. Of the mappings in one
    /// list the first wins, of several `<<` the last (observed: PyYAML 6.0.3).
    fn merge(&self, own: Map, merged: &[(Value, Value)]) -> Result<Map> {
        if merged.is_empty() {
            return Ok(own);
        }
        let mut map = Map::new();
        for (key, value) in merged {
            let sources = match &value.kind {
                Kind::Map(_) => std::slice::from_ref(value),
                Kind::List(items) => items.as_slice(),
                _ => return Err(self.error("`<<` merges a mapping or a list of them", key.span)),
            };
            for source in sources.iter().rev() {
                let Some(entries) = source.as_map() else {
                    let message = "`<<` merges a mapping or a list of them";
                    return Err(self.error(message, source.span));
                };
                for (key, value) in entries {
                    map.insert(key.clone(), value.clone());
                }
            }
        }
        for (key, value) in own {
            map.insert(key, value);
        }
        Ok(map)
    }

    fn unhashable(&self, span: Span) -> Box<Diag> {
        self.error("a list or a mapping cannot be a key", span)
            .help("a value that starts with `{{` must be quoted: \"{{ variable }}\"")
    }

    fn error(&self, message: &str, span: Span) -> Box<Diag> {
        Diag::error("yaml", message).at(span, "").exit(Exit::Parser)
    }
}

/// The same value with every string as data (`!unsafe`).
fn untrusted(value: &Value) -> Value {
    let kind = match &value.kind {
        Kind::Str(text) => Kind::Str(Text {
            text: text.text.clone(),
            trust: Trust::Plain,
        }),
        Kind::List(items) => Kind::List(items.iter().map(untrusted).collect::<Vec<_>>().into()),
        Kind::Map(map) => Kind::Map(
            map.iter()
                .map(|(k, v)| (k.clone(), untrusted(v)))
                .collect::<Map>()
                .into(),
        ),
        other => other.clone(),
    };
    Value::new(kind).at(value.span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(text: &str) -> String {
        match load(&SourceMap::default(), Path::new("t.yml"), text) {
            Ok(value) => value.repr(),
            Err(diag) => format!("error: {}", diag.message),
        }
    }

    #[test]
    fn reads_documents_merges_and_tags() {
        assert_eq!(repr(""), "None");
        assert_eq!(repr("a: [1, 'yes', yes]"), "{'a': [1, 'yes', True]}");
        assert_eq!(
            repr("b: &b {x: 1, y: 2}\nc:\n  <<: *b\n  x: 3\n"),
            "{'b': {'x': 1, 'y': 2}, 'c': {'x': 3, 'y': 2}}"
        );
        assert_eq!(repr("a: !unsafe '{{ x }}'"), "{'a': '{{ x }}'}");
        assert_eq!(repr("a: 1\na: 2"), "{'a': 2}");
        assert!(repr("a: !foo 1").starts_with("error: could not determine"));
        assert!(repr("a: {{ x }}").starts_with("error: "));
        assert!(repr("a: *b").starts_with("error: found undefined alias"));
    }

    #[test]
    fn spans_cover_the_text() {
        let sources = SourceMap::default();
        let value = load(
            &sources,
            Path::new("t.yml"),
            "- file:\n    mode: 0644\n- x\n",
        )
        .unwrap();
        let task = &value.as_list().unwrap()[0];
        let (key, args) = task.as_map().unwrap().get_entry("file").unwrap();
        assert_eq!(sources.text(key.span).as_deref(), Some("file"));
        let mode = args.get("mode").unwrap();
        assert_eq!(sources.text(mode.span).as_deref(), Some("0644"));
        assert_eq!(
            sources.text(task.span).as_deref(),
            Some("file:\n    mode: 0644")
        );
        assert_eq!(sources.place(mode.span).as_deref(), Some("t.yml:2:11"));
    }
}
