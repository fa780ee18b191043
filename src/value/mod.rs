//! The value every room speaks: what YAML, Jinja, facts and results hold.
//!
//! A [`Value`] is a Python-like value (as Ansible's users see it) with the place it was written.
//! Strings say whether they may be templates: only text from the user's own files and command
//! line is trusted, results and facts never are (ansible-core 2.19's rule). `Unknown` stands for
//! what a dry run cannot know yet.

pub mod charset;
mod convert;
mod literal;
mod map;
pub mod order;
mod python;
pub mod re; // Python's regular expressions

pub use convert::{UNKNOWN_KEY, from_json, is_unknown, unknown_json};
pub use literal::python_literal;
pub use map::{Key, KeyKind, Map};
pub use python::{exponent, float_repr, general, is_space, quote_repr, strip};

use crate::diag::Span;
use std::sync::Arc;

/// One value with its origin.
#[derive(Clone, Default)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it was written; [`Span::NONE`] for computed values.
    pub span: Span,
}

/// The kinds of values.
#[derive(Clone, Default)]
pub enum Kind {
    /// Python's `None`.
    #[default]
    Null,
    /// Python's `bool`.
    Bool(bool),
    /// Python's `int`, as far as 64 bits reach.
    Int(i64),
    /// Python's `float`.
    Float(f64),
    /// Python's `str`.
    Str(Text),
    /// Python's `list` (tuples too).
    List(Arc<Vec<Value>>),
    /// Python's `dict`, in insertion order.
    Map(Arc<Map>),
    /// Not known before apply; the text says why (`stdout of "id -u"`).
    Unknown(Arc<str>),
}

/// A string and what may be done with it.
#[derive(Clone)]
pub struct Text {
    /// The characters (for [`Trust::Vault`]: the envelope).
    pub text: Arc<str>,
    /// Whether it may be rendered.
    pub trust: Trust,
}

/// What may be done with a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Written by the user: rendered as a template when used.
    Template,
    /// Data: never rendered (results, facts, `!unsafe`, rendered text).
    Plain,
    /// A `$ANSIBLE_VAULT` envelope (`!vault`): decrypted when used, the result is plain... data of
    /// the user's, so it is a template again.
    Vault,
}

impl Value {
    /// A value without a place.
    pub fn new(kind: Kind) -> Value {
        Value {
            kind,
            span: Span::NONE,
        }
    }

    /// Python's `None`.
    pub fn null() -> Value {
        Value::default()
    }

    /// A string that is data.
    pub fn str(text: impl Into<Arc<str>>) -> Value {
        Value::new(Kind::Str(Text {
            text: text.into(),
            trust: Trust::Plain,
        }))
    }

    /// A string the user wrote, which may hold a template.
    pub fn template(text: impl Into<Arc<str>>) -> Value {
        Value::new(Kind::Str(Text {
            text: text.into(),
            trust: Trust::Template,
        }))
    }

    /// This value over another one: dicts merged at every level, where both are.
    #[must_use]
    pub fn over(&self, below: &Value) -> Value {
        let (Some(old), Some(new)) = (below.as_map(), self.as_map()) else {
            return self.clone();
        };
        let mut merged = old.clone();
        for (key, value) in new {
            let value = match old.get_key(key) {
                Some(old) => value.over(old),
                None => value.clone(),
            };
            merged.insert(key.clone(), value);
        }
        Value::map(merged)
    }

    /// A list.
    pub fn list(items: Vec<Value>) -> Value {
        Value::new(Kind::List(Arc::new(items)))
    }

    /// A dict.
    pub fn map(map: Map) -> Value {
        Value::new(Kind::Map(Arc::new(map)))
    }

    /// Something only apply will tell.
    pub fn unknown(why: impl Into<Arc<str>>) -> Value {
        Value::new(Kind::Unknown(why.into()))
    }

    /// The same value with a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Value {
        self.span = span;
        self
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(t) => Some(&t.text),
            _ => None,
        }
    }

    /// The boolean itself; no conversion.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The integer itself; no conversion.
    pub fn as_int(&self) -> Option<i64> {
        match self.kind {
            Kind::Int(n) => Some(n),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dict.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value under a string key of a dict.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// True for `None`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The reason, where this value or anything inside it is unknown.
    pub fn find_unknown(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Unknown(why) => Some(why),
            Kind::List(items) => items.iter().find_map(Value::find_unknown),
            Kind::Map(map) => map.values().find_map(Value::find_unknown),
            _ => None,
        }
    }

    /// Python's name of the type, as error messages show it.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "None",
            Kind::Bool(_) => "bool",
            Kind::Int(_) => "int",
            Kind::Float(_) => "float",
            Kind::Str(_) => "str",
            Kind::List(_) => "list",
            Kind::Map(_) => "dict",
            Kind::Unknown(_) => "unknown",
        }
    }

    /// Python's truth: empty containers, zero, `''`, `None` and `False` are false.
    pub fn truthy(&self) -> bool {
        match &self.kind {
            Kind::Null => false,
            Kind::Bool(b) => *b,
            Kind::Int(n) => *n != 0,
            Kind::Float(f) => *f != 0.0,
            Kind::Str(t) => !t.text.is_empty(),
            Kind::List(items) => !items.is_empty(),
            Kind::Map(map) => !map.is_empty(),
            Kind::Unknown(_) => true,
        }
    }
}

/// Equality as in Python: places and trust do not count, `1 == 1.0 == True`.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Str(a), Kind::Str(b)) => a.text == b.text,
            (Kind::List(a), Kind::List(b)) => a == b,
            (Kind::Map(a), Kind::Map(b)) => a == b,
            (Kind::Unknown(a), Kind::Unknown(b)) => a == b,
            (a, b) => match (number(a), number(b)) {
                (Some(x), Some(y)) => x == y,
                _ => false,
            },
        }
    }
}

fn number(kind: &Kind) -> Option<f64> {
    match kind {
        Kind::Bool(b) => Some(f64::from(u8::from(*b))),
        Kind::Int(n) => Some(*n as f64),
        Kind::Float(f) => Some(*f),
        _ => None,
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repr())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::str(text)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::new(Kind::Bool(b))
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::new(Kind::Int(n))
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Value {
        Value::new(Kind::Float(n))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::list(items)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Value::map(map)
    }
}
