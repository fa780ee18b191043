//! Dicts: insertion order, keys of any scalar type, each key with its place.

use super::Value;
use crate::diag::Span;
use indexmap::IndexMap;
use std::sync::Arc;

/// A key of a dict. Two keys are the same if Python calls them equal; the place does not count.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key itself.
    pub kind: KeyKind,
    /// Where it was written.
    pub span: Span,
}

/// The scalar a key is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// The common case.
    Str(Arc<str>),
    /// `{1: a}`
    Int(i64),
    /// `{yes: a}`
    Bool(bool),
    /// `{1.5: a}`, kept as Python prints it.
    Float(Arc<str>),
    /// `{~: a}`
    Null,
}

impl Key {
    /// The key as a string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            KeyKind::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            KeyKind::Str(s) => Value::str(s.clone()),
            KeyKind::Int(n) => Value::from(*n),
            KeyKind::Bool(b) => Value::from(*b),
            KeyKind::Float(f) => Value::from(f.parse::<f64>().unwrap_or(f64::NAN)),
            KeyKind::Null => Value::null(),
        }
        .at(self.span)
    }

    /// A scalar as a key; `None` for containers, which Python cannot hash.
    pub fn from_value(value: &Value) -> Option<Key> {
        use super::Kind;
        let kind = match &value.kind {
            Kind::Str(t) => KeyKind::Str(t.text.clone()),
            Kind::Int(n) => KeyKind::Int(*n),
            Kind::Bool(b) => KeyKind::Bool(*b),
            Kind::Float(f) => KeyKind::Float(super::float_repr(*f).into()),
            Kind::Null => KeyKind::Null,
            Kind::List(_) | Kind::Map(_) | Kind::Unknown(_) => return None,
        };
        Some(Key {
            kind,
            span: value.span,
        })
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.kind == other.kind
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // String keys hash as `StrKey` does, so that a `&str` finds them without an allocation.
        match &self.kind {
            KeyKind::Str(s) => s.as_ref().hash(state),
            other => other.hash(state),
        }
    }
}

/// A borrowed string key for look-ups.
struct StrKey<'a>(&'a str);

impl std::hash::Hash for StrKey<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl indexmap::Equivalent<Key> for StrKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self.0)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Key {
        Key {
            kind: KeyKind::Str(text.into()),
            span: Span::NONE,
        }
    }
}

impl From<String> for Key {
    fn from(text: String) -> Key {
        Key::from(text.as_str())
    }
}

/// A dict in insertion order.
#[derive(Clone, Debug, Default)]
pub struct Map(IndexMap<Key, Value>);

impl Map {
    /// An empty dict.
    pub fn new() -> Map {
        Map::default()
    }

    /// The value under a string key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&StrKey(key))
    }

    /// The value under a string key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(&StrKey(key))
    }

    /// Key (with its place) and value under a string key.
    pub fn get_entry(&self, key: &str) -> Option<(&Key, &Value)> {
        self.0.get_key_value(&StrKey(key))
    }

    /// The value under any key.
    pub fn get_key(&self, key: &Key) -> Option<&Value> {
        self.0.get(key)
    }

    /// True if there is such a string key.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(&StrKey(key))
    }

    /// Sets a value; an existing key keeps its position. Returns what was there.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    /// Takes a string key out, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(&StrKey(key))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entries in order.
    pub fn iter(&self) -> indexmap::map::Iter<'_, Key, Value> {
        self.0.iter()
    }

    /// Keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// Values in order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.values()
    }
}

/// Equal as in Python: the same keys with equal values, in any order.
impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(key, value)| other.get_key(key) == Some(value))
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Map {
        Map(entries
            .into_iter()
            .map(|(k, v)| (k.into(), v.into()))
            .collect())
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
