//! Values as YAML text, laid out as PyYAML does it over libyaml: what `to_yaml` and
//! `to_nice_yaml` give (observed: ansible-core 2.19.14, PyYAML 6.0.3).

use super::resolve;
use crate::value::{Kind, Map, Trust, Value, float_repr, order};
use libyaml_safer::{
    Break, Emitter, Encoding, Error, Event, MappingStyle, ScalarStyle, SequenceStyle,
};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How YAML is laid out: the options of PyYAML's `dump`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Spaces for each level; outside of 2 to 9 it is 2.
    pub indent: usize,
    /// Lines are folded behind this column.
    pub width: usize,
    /// Keys in alphabetical order, where they can be compared.
    pub sort_keys: bool,
    /// `default_flow_style`: all collections in braces, none, or only those that hold nothing but
    /// scalars (`None`).
    pub flow: Option<bool>,
    /// Begins with `---`.
    pub explicit_start: bool,
    /// Texts of several lines are blocks, for people: without what cannot be printed, tabs as blanks,
    /// no blanks at the ends of lines.
    pub blocks: bool,
}

impl Default for Layout {
    /// That of `to_yaml`.
    fn default() -> Layout {
        Layout {
            indent: 2,
            width: 80,
            sort_keys: true,
            flow: None,
            explicit_start: false,
            blocks: false,
        }
    }
}

impl Layout {
    /// That of `to_nice_yaml`.
    pub fn nice() -> Layout {
        Layout {
            indent: 4,
            flow: Some(false),
            ..Layout::default()
        }
    }
}

/// The text of one document. A value that is used twice is written twice, never as an alias.
/// Envelopes are written with `!vault`.
pub fn dump(value: &Value, layout: &Layout) -> String {
    emit(value, layout, Anchors::default())
}

/// As [`dump`], but what is shared (the same list or dict in two places) is written once, with an
/// anchor, and then as an alias: PyYAML's way where nobody forbids it.
pub fn dump_shared(value: &Value, layout: &Layout) -> String {
    let mut anchors = Anchors::default();
    anchors.find(value, layout);
    emit(value, layout, anchors)
}

/// A text as it is shown in a block (observed: ansible-core 2.19.14, `callback_result_format=yaml`).
fn block_text(text: &str) -> String {
    let lines = text.trim_end().split('\n').map(|line| {
        let mut shown = String::new();
        for c in line.chars() {
            match c {
                '\t' => {
                    let column = shown.chars().count();
                    shown.extend(std::iter::repeat_n(' ', 8 - column % 8));
                }
                c if c.is_control() => {}
                c => shown.push(c),
            }
        }
        shown.truncate(shown.trim_end().len());
        shown
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn emit(value: &Value, layout: &Layout, anchors: Anchors) -> String {
    let mut bytes = Vec::new();
    // The emitter fails where its writer fails, and a `Vec` never does, or where events are out
    // of order.
    let written = write(value, layout, anchors, &mut bytes);
    debug_assert!(written.is_ok(), "{written:?}");
    astral::restore(&String::from_utf8_lossy(&bytes))
}

/// Names of the containers that are written more than once.
#[derive(Default)]
struct Anchors {
    /// A container without a name was met once.
    names: HashMap<usize, Option<String>>,
    named: usize,
    written: HashSet<usize>,
}

impl Anchors {
    /// Gives names in the order in which containers are met for the second time.
    fn find(&mut self, value: &Value, layout: &Layout) {
        let Some(id) = identity(value) else {
            return;
        };
        match self.names.get_mut(&id) {
            Some(Some(_)) => return,
            Some(name) => {
                self.named += 1;
                *name = Some(format!("id{:03}", self.named));
                return;
            }
            None => {
                self.names.insert(id, None);
            }
        }
        match &value.kind {
            Kind::List(items) => items.iter().for_each(|item| self.find(item, layout)),
            Kind::Map(map) => {
                for (_, item) in entries(map, layout) {
                    self.find(item, layout);
                }
            }
            _ => {}
        }
    }

    /// The name of a container, and whether it has been written already.
    fn of(&mut self, value: &Value) -> Option<(String, bool)> {
        let id = identity(value)?;
        let name = self.names.get(&id)?.clone()?;
        Some((name, !self.written.insert(id)))
    }
}

/// Where a container lies in memory: what Python calls its identity.
fn identity(value: &Value) -> Option<usize> {
    match &value.kind {
        Kind::List(items) => Some(Arc::as_ptr(items).addr()),
        Kind::Map(map) => Some(Arc::as_ptr(map).addr()),
        _ => None,
    }
}

fn write(
    value: &Value,
    layout: &Layout,
    anchors: Anchors,
    bytes: &mut Vec<u8>,
) -> Result<(), Error> {
    let clamp = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let mut emitter = Emitter::new();
    emitter.set_output_string(bytes);
    emitter.set_indent(clamp(layout.indent));
    emitter.set_width(clamp(layout.width));
    emitter.set_unicode(true);
    emitter.set_break(Break::Ln);
    let mut writer = Writer {
        emitter,
        layout,
        anchors,
    };
    writer.emitter.emit(Event::stream_start(Encoding::Utf8))?;
    let start = Event::document_start(None, &[], !layout.explicit_start);
    writer.emitter.emit(start)?;
    writer.node(value)?;
    writer.emitter.emit(Event::document_end(true))?;
    writer.emitter.emit(Event::stream_end())?;
    writer.emitter.flush()
}

struct Writer<'a, 'w> {
    emitter: Emitter<'w>,
    layout: &'a Layout,
    anchors: Anchors,
}

impl Writer<'_, '_> {
    fn node(&mut self, value: &Value) -> Result<(), Error> {
        let anchor = match self.anchors.of(value) {
            Some((name, true)) => return self.emitter.emit(Event::alias(&name)),
            Some((name, false)) => Some(name),
            None => None,
        };
        let anchor = anchor.as_deref();
        match &value.kind {
            Kind::List(items) => self.list(items, anchor),
            Kind::Map(map) => self.map(map, anchor),
            Kind::Str(text) if text.trust == Trust::Vault => {
                let event = Event::scalar(
                    None,
                    Some("!vault"),
                    &text.text,
                    false,
                    false,
                    ScalarStyle::Literal,
                );
                self.emitter.emit(event)
            }
            Kind::Str(text) => self.string(&text.text),
            Kind::Null => self.plain("null"),
            Kind::Bool(b) => self.plain(if *b { "true" } else { "false" }),
            Kind::Int(n) => self.plain(&n.to_string()),
            Kind::Float(f) => self.plain(&float(*f)),
            Kind::Unknown(_) => self.string("(known after apply)"),
        }
    }

    fn plain(&mut self, text: &str) -> Result<(), Error> {
        let event = Event::scalar(None, None, text, true, false, ScalarStyle::Any);
        self.emitter.emit(event)
    }

    /// A string is plain where it would be read back as one.
    fn string(&mut self, text: &str) -> Result<(), Error> {
        let block = self.layout.blocks && text.contains('\n');
        let (text, style) = match block {
            true => (Cow::Owned(block_text(text)), ScalarStyle::Literal),
            false => (Cow::Borrowed(text), ScalarStyle::Any),
        };
        let (text, style) = match astral::hide(&text) {
            Some(hidden) => (Cow::Owned(hidden), ScalarStyle::DoubleQuoted),
            None => (text, style),
        };
        let plain = !resolve::is_special(&text);
        let event = Event::scalar(None, None, &text, plain, true, style);
        self.emitter.emit(event)
    }

    fn in_flow(&self, mut items: impl Iterator<Item = bool>) -> bool {
        self.layout
            .flow
            .unwrap_or_else(|| items.all(|scalar| scalar))
    }

    fn list(&mut self, items: &[Value], anchor: Option<&str>) -> Result<(), Error> {
        let style = if self.in_flow(items.iter().map(is_scalar)) {
            SequenceStyle::Flow
        } else {
            SequenceStyle::Block
        };
        let start = Event::sequence_start(anchor, None, true, style);
        self.emitter.emit(start)?;
        for item in items {
            self.node(item)?;
        }
        self.emitter.emit(Event::sequence_end())
    }

    fn map(&mut self, map: &Map, anchor: Option<&str>) -> Result<(), Error> {
        let style = if self.in_flow(map.values().map(is_scalar)) {
            MappingStyle::Flow
        } else {
            MappingStyle::Block
        };
        let start = Event::mapping_start(anchor, None, true, style);
        self.emitter.emit(start)?;
        for (key, value) in entries(map, self.layout) {
            self.node(&key)?;
            self.node(value)?;
        }
        self.emitter.emit(Event::mapping_end())
    }
}

/// The entries in the order in which they are written.
fn entries<'a>(map: &'a Map, layout: &Layout) -> Vec<(Value, &'a Value)> {
    let mut entries: Vec<(Value, &Value)> = map.iter().map(|(k, v)| (k.to_value(), v)).collect();
    if layout.sort_keys && comparable(&entries) {
        order::sort_by(&mut entries, |(a, _), (b, _)| {
            compare(a, b).unwrap_or(Ordering::Equal)
        });
    }
    entries
}

/// True for what does not force its container into block style.
fn is_scalar(value: &Value) -> bool {
    match &value.kind {
        Kind::List(_) | Kind::Map(_) => false,
        Kind::Str(text) => text.trust != Trust::Vault,
        _ => true,
    }
}

/// Keys that Python cannot compare with each other stay in their order.
fn comparable(entries: &[(Value, &Value)]) -> bool {
    entries
        .windows(2)
        .all(|pair| compare(&pair[0].0, &pair[1].0).is_some())
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    let number = |value: &Value| match value.kind {
        Kind::Bool(b) => Some(f64::from(u8::from(b))),
        Kind::Int(n) => Some(n as f64),
        Kind::Float(f) => Some(f),
        _ => None,
    };
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

/// A float as YAML 1.1 reads it back: `1e+20` needs a point.
fn float(f: f64) -> String {
    if f.is_nan() {
        return ".nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = float_repr(f);
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// Characters behind U+FFFF: libyaml escapes them (`"\U0001F600"`), the emitter used here would
/// not. They go through it as ten characters of a private area, which is as wide as the escape, so
/// that lines fold at the same place.
mod astral {
    use std::fmt::Write;

    const OPEN: char = '\u{f8f0}';
    const CLOSE: char = '\u{f8f1}';
    const ZERO: u32 = 0xf8e0;

    /// The text with such characters hidden; `None` if it has none.
    pub(super) fn hide(text: &str) -> Option<String> {
        if !text.chars().any(|c| c as u32 > 0xffff) {
            return None;
        }
        let mut hidden = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            if c as u32 <= 0xffff {
                hidden.push(c);
                continue;
            }
            hidden.push(OPEN);
            let digits = (0..8).rev().map(|n| (c as u32) >> (4 * n) & 0xf);
            hidden.extend(digits.filter_map(|d| char::from_u32(ZERO + d)));
            hidden.push(CLOSE);
        }
        Some(hidden)
    }

    /// The written text with the escapes in place.
    pub(super) fn restore(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(OPEN) {
            let code = rest[at..]
                .split_once(CLOSE)
                .and_then(|(hidden, after)| Some((decode(hidden)?, after)));
            out.push_str(&rest[..at]);
            match code {
                Some((code, after)) => {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\U{code:08X}");
                    rest = after;
                }
                None => {
                    out.push(OPEN);
                    rest = &rest[at + OPEN.len_utf8()..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn decode(hidden: &str) -> Option<u32> {
        let digits = hidden.strip_prefix(OPEN)?;
        if digits.chars().count() != 8 {
            return None;
        }
        digits.chars().try_fold(0u32, |code, c| {
            let digit = (c as u32).checked_sub(ZERO).filter(|d| *d < 16)?;
            Some(code << 4 | digit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::yaml::load;
    use proptest::prelude::*;
    use std::path::Path;

    fn read(text: &str) -> Value {
        load(&SourceMap::default(), Path::new("t.yml"), text).unwrap()
    }

    #[test]
    fn lays_out_as_to_nice_yaml() {
        let value = read(
            "{b: [1, {x: y}], a: '0644', s: \"l\\nm\\n\", e: [], f: 1.0e+20, '2': \"\\U0001F600\"}",
        );
        insta::assert_snapshot!(dump(&value, &Layout::nice()), @r#"
        '2': "\U0001F600"
        a: '0644'
        b:
        - 1
        -   x: y
        e: []
        f: 1.0e+20
        s: 'l

            m

            '
        "#);
        assert_eq!(
            dump(&read("[1, [a, {b: [c]}]]"), &Layout::default()),
            "- 1\n- - a\n  - b: [c]\n"
        );
    }

    #[test]
    fn keys_that_cannot_be_compared_stay() {
        let sorted = |text: &str| dump(&read(text), &Layout::nice());
        assert_eq!(sorted("{b: 1, a: 2}"), "a: 2\nb: 1\n");
        assert_eq!(sorted("{b: 1, 1: 2, a: 3}"), "b: 1\n1: 2\na: 3\n");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::null()),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e30f64..1e30).prop_map(Value::from),
            "[ -~\n\té☃\u{1F600}]{0,40}".prop_map(Value::from),
            "[-+.:_0-9xabeEn~=<]{1,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::list),
                prop::collection::vec(("[ -~]{0,12}", inner), 0..5)
                    .prop_map(|entries| Value::map(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(value in any_value(), indent in 1usize..6, flow in any::<Option<bool>>()) {
            let layout = Layout { indent, flow, ..Layout::default() };
            let text = dump(&value, &layout);
            prop_assert_eq!(read(&text).repr(), sorted(&value).repr(), "{}", text);
        }

        #[test]
        fn no_text_stops_the_program(text in "[ -~\n\té]{0,80}|[-:\\[\\]{}|>&*!%#?'\"a \n]{0,60}") {
            let sources = SourceMap::default();
            if let Err(diag) = load(&sources, Path::new("t.yml"), &text) {
                crate::diag::render(&diag, &sources, false);
            }
        }
    }

    fn sorted(value: &Value) -> Value {
        match &value.kind {
            Kind::List(items) => Value::list(items.iter().map(sorted).collect()),
            Kind::Map(map) => {
                let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
                entries.sort_by_key(|(k, _)| k.as_str().map(str::to_owned));
                Value::map(entries.into_iter().collect())
            }
            _ => value.clone(),
        }
    }
}
