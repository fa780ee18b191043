//! The values that templates compute with: Python objects, as far as templates can tell.
//!
//! Lists and dicts are shared and can be changed in place (`list.append`); those that come from
//! variables render their parts only when asked for them ([`super::container`]).

use super::args::Args;
use super::container::{Dict, List};
use super::stop::{Res, Stop, Undef};
use crate::diag::{Diag, Span};
use crate::value::{Kind, Value, float_repr, quote_repr};
use std::rc::Rc;
use std::sync::Arc;

/// One object with the place it was written.
#[derive(Clone)]
pub struct Obj {
    /// What it is.
    pub kind: O,
    /// Where it was written; [`Span::NONE`] for computed ones.
    pub span: Span,
}

/// The kinds of objects.
#[derive(Clone)]
pub enum O {
    /// `None`
    None,
    /// `bool`
    Bool(bool),
    /// `int` within 64 bits.
    Int(i64),
    /// `float`
    Float(f64),
    /// `str`; never a template any more.
    Str(Arc<str>),
    /// `bytes`
    Bytes(Rc<[u8]>),
    /// `list`
    List(Rc<List>),
    /// `tuple`
    Tuple(Rc<List>),
    /// `dict`
    Dict(Rc<Dict>),
    /// Not known before apply; the flag says whether it is sure to be defined.
    Unknown(Arc<str>, bool),
    /// A vaulted text that is kept as it is: one that cannot be opened.
    Sealed(Rc<Sealed>),
    /// Undefined; an error when used.
    Undefined(Rc<Undef>),
    /// `omit`
    Omit,
    /// Functions, macros, loops, namespaces, dates.
    Native(Rc<dyn Native>),
}

/// A `$ANSIBLE_VAULT` envelope.
pub struct Sealed {
    /// As written.
    pub envelope: Arc<str>,
    /// What is in it, or why that cannot be told.
    inside: std::result::Result<Arc<str>, Box<Diag>>,
}

impl Sealed {
    /// An envelope whose content is known.
    pub fn opened(envelope: Arc<str>, text: Arc<str>) -> Sealed {
        Sealed {
            envelope,
            inside: Ok(text),
        }
    }

    /// An envelope that cannot be opened: an error for whatever looks into it.
    pub fn closed(envelope: Arc<str>, why: Box<Diag>) -> Sealed {
        Sealed {
            envelope,
            inside: Err(why),
        }
    }
}

/// Objects that have behaviour of their own.
pub trait Native {
    /// Python's name of the type.
    fn type_name(&self) -> &'static str;

    /// An attribute, if there is one.
    fn attr(&self, _name: &str) -> Res<Option<Obj>> {
        Ok(None)
    }

    /// Sets an attribute (namespaces only).
    fn set_attr(&self, _name: &Arc<str>, _value: Obj) -> Res<()> {
        Err(Stop::fail(
            "cannot assign attribute on non-namespace object",
        ))
    }

    /// Calls it.
    fn call(&self, _args: Args) -> Res<Obj> {
        Err(Stop::fail(format!(
            "'{}' object is not callable",
            self.type_name()
        )))
    }

    /// True if it can be called.
    fn callable(&self) -> bool {
        false
    }

    /// Python's `str()`.
    fn text(&self) -> String {
        format!("<{}>", self.type_name())
    }

    /// The items of an iterable.
    fn items(&self) -> Option<Vec<Obj>> {
        None
    }

    /// The operand of date arithmetic and comparison: seconds since 1970 (or of a difference).
    fn seconds(&self) -> Option<f64> {
        None
    }

    /// `self - other` or `self + other` for dates.
    fn arith(&self, _minus: bool, _other: &Obj) -> Option<Obj> {
        None
    }
}

impl From<O> for Obj {
    fn from(kind: O) -> Obj {
        Obj {
            kind,
            span: Span::NONE,
        }
    }
}

impl From<bool> for Obj {
    fn from(b: bool) -> Obj {
        O::Bool(b).into()
    }
}

impl From<i64> for Obj {
    fn from(n: i64) -> Obj {
        O::Int(n).into()
    }
}

impl From<usize> for Obj {
    fn from(n: usize) -> Obj {
        O::Int(n as i64).into()
    }
}

impl From<f64> for Obj {
    fn from(f: f64) -> Obj {
        O::Float(f).into()
    }
}

impl From<&str> for Obj {
    fn from(text: &str) -> Obj {
        O::Str(text.into()).into()
    }
}

impl From<String> for Obj {
    fn from(text: String) -> Obj {
        O::Str(text.into()).into()
    }
}

impl From<Vec<Obj>> for Obj {
    fn from(items: Vec<Obj>) -> Obj {
        O::List(Rc::new(List::new(items))).into()
    }
}

impl From<Dict> for Obj {
    fn from(dict: Dict) -> Obj {
        O::Dict(Rc::new(dict)).into()
    }
}

impl<T: Into<Obj>> From<Option<T>> for Obj {
    fn from(value: Option<T>) -> Obj {
        value.map_or_else(Obj::none, Into::into)
    }
}

impl Obj {
    /// `None`
    pub fn none() -> Obj {
        O::None.into()
    }

    /// A tuple.
    pub fn tuple(items: Vec<Obj>) -> Obj {
        O::Tuple(Rc::new(List::new(items))).into()
    }

    /// An object with behaviour.
    pub fn native(native: impl Native + 'static) -> Obj {
        O::Native(Rc::new(native)).into()
    }

    /// Something not known yet but surely defined.
    pub fn unknown(why: Arc<str>) -> Obj {
        O::Unknown(why, true).into()
    }

    /// An undefined value with a message.
    pub fn undefined(message: impl Into<String>) -> Obj {
        O::Undefined(Rc::new(Undef {
            message: message.into(),
            ..Undef::default()
        }))
        .into()
    }

    /// True for undefined values.
    pub fn is_undefined(&self) -> bool {
        matches!(self.kind, O::Undefined(_))
    }

    /// True for `None`.
    pub fn is_none(&self) -> bool {
        matches!(self.kind, O::None)
    }

    /// Stops where the object itself is unknown or undefined: for whatever looks into it.
    pub fn use_it(&self) -> Res<&Obj> {
        match &self.kind {
            O::Unknown(why, _) => Err(Stop::Unknown(why.clone())),
            O::Undefined(undef) => Err(Stop::Undefined(undef.clone())),
            O::Sealed(sealed) => match &sealed.inside {
                Ok(_) => Ok(self),
                Err(why) => Err(Stop::Fail(why.clone())),
            },
            _ => Ok(self),
        }
    }

    /// Python's name of the type.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            O::None => "NoneType",
            O::Bool(_) => "bool",
            O::Int(_) => "int",
            O::Float(_) => "float",
            O::Str(_) => "str",
            O::Bytes(_) => "bytes",
            O::List(_) => "list",
            O::Tuple(_) => "tuple",
            O::Dict(_) => "dict",
            O::Unknown(..) => "unknown",
            O::Undefined(_) => "Undefined",
            O::Sealed(_) => "EncryptedString",
            O::Omit => "Omit",
            O::Native(native) => native.type_name(),
        }
    }

    /// Python's truth.
    pub fn truth(&self) -> Res<bool> {
        Ok(match &self.use_it()?.kind {
            O::None => false,
            O::Bool(b) => *b,
            O::Int(n) => *n != 0,
            O::Float(f) => *f != 0.0,
            O::Str(s) => !s.is_empty(),
            O::Bytes(b) => !b.is_empty(),
            O::List(l) | O::Tuple(l) => !l.is_empty(),
            O::Dict(d) => !d.is_empty(),
            O::Native(native) => match native.items() {
                Some(items) => !items.is_empty(),
                None => native.seconds().is_none_or(|s| s != 0.0),
            },
            _ => true,
        })
    }

    /// The text of a string; stops with a type error otherwise.
    pub fn str(&self) -> Res<Arc<str>> {
        match &self.use_it()?.kind {
            O::Str(s) => Ok(s.clone()),
            O::Sealed(sealed) => sealed.inside.clone().map_err(Stop::Fail),
            _ => Err(Stop::fail(format!(
                "expected a string, got '{}'",
                self.type_name()
            ))),
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            O::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The integer (booleans are integers); stops with a type error otherwise.
    pub fn int(&self) -> Res<i64> {
        match self.use_it()?.kind {
            O::Int(n) => Ok(n),
            O::Bool(b) => Ok(i64::from(b)),
            _ => Err(Stop::fail(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name()
            ))),
        }
    }

    /// A number as a float.
    pub fn as_number(&self) -> Option<f64> {
        match &self.kind {
            O::Int(n) => Some(*n as f64),
            O::Bool(b) => Some(f64::from(u8::from(*b))),
            O::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The items of anything that Python can iterate over. Items may be undefined or unknown.
    pub fn items(&self) -> Res<Vec<Obj>> {
        match &self.use_it()?.kind {
            O::List(l) | O::Tuple(l) => l.items(),
            O::Dict(d) => Ok(d.keys()),
            O::Str(s) => Ok(s
                .chars()
                .map(|c| Obj::from(c.encode_utf8(&mut [0; 4]) as &str))
                .collect()),
            O::Bytes(b) => Ok(b.iter().map(|b| Obj::from(i64::from(*b))).collect()),
            O::Native(native) => native.items().ok_or_else(|| self.not_iterable()),
            _ => Err(self.not_iterable()),
        }
    }

    fn not_iterable(&self) -> Stop {
        Stop::fail(format!("'{}' object is not iterable", self.type_name()))
    }

    /// The dict; stops with a type error otherwise.
    pub fn dict(&self) -> Res<Rc<Dict>> {
        match &self.use_it()?.kind {
            O::Dict(d) => Ok(d.clone()),
            _ => Err(Stop::fail(format!(
                "expected a dict, got '{}'",
                self.type_name()
            ))),
        }
    }

    /// Number of items or characters.
    pub fn len(&self) -> Res<usize> {
        match &self.use_it()?.kind {
            O::List(l) | O::Tuple(l) => Ok(l.len()),
            O::Dict(d) => Ok(d.len()),
            O::Str(s) => Ok(s.chars().count()),
            O::Bytes(b) => Ok(b.len()),
            O::Native(native) if native.items().is_some() => {
                Ok(native.items().map_or(0, |i| i.len()))
            }
            _ => Err(Stop::fail(format!(
                "object of type '{}' has no len()",
                self.type_name()
            ))),
        }
    }

    /// Python's `str()`.
    pub fn text(&self) -> Res<String> {
        match &self.use_it()?.kind {
            O::Str(s) => Ok(s.to_string()),
            O::Sealed(_) => Ok(self.str()?.to_string()),
            _ => self.repr(),
        }
    }

    /// Python's `repr()`.
    pub fn repr(&self) -> Res<String> {
        let mut out = String::new();
        self.write_repr(&mut out)?;
        Ok(out)
    }

    fn write_repr(&self, out: &mut String) -> Res<()> {
        match &self.use_it()?.kind {
            O::None => out.push_str("None"),
            O::Bool(b) => out.push_str(if *b { "True" } else { "False" }),
            O::Int(n) => out.push_str(&n.to_string()),
            O::Float(f) => out.push_str(&float_repr(*f)),
            O::Str(s) => out.push_str(&quote_repr(s)),
            O::Sealed(_) => out.push_str(&quote_repr(&self.str()?)),
            O::Bytes(b) => {
                out.push('b');
                let text: String = b.iter().map(|b| *b as char).collect();
                out.push_str(&quote_repr(&text));
            }
            O::List(l) => write_items(l, "[", "]", out)?,
            O::Tuple(l) => {
                let close = if l.len() == 1 { ",)" } else { ")" };
                write_items(l, "(", close, out)?;
            }
            O::Dict(d) => {
                out.push('{');
                for (i, (key, value)) in d.entries()?.into_iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    key.write_repr(out)?;
                    out.push_str(": ");
                    value.write_repr(out)?;
                }
                out.push('}');
            }
            O::Omit => out.push_str("<<Omit>>"),
            O::Native(native) => out.push_str(&native.text()),
            O::Unknown(..) | O::Undefined(_) => {}
        }
        Ok(())
    }

    /// A scalar value as an object; strings as they are (not rendered).
    pub fn scalar(value: &Value) -> Option<Obj> {
        let kind = match &value.kind {
            Kind::Null => O::None,
            Kind::Bool(b) => O::Bool(*b),
            Kind::Int(n) => O::Int(*n),
            Kind::Float(f) => O::Float(*f),
            Kind::Str(text) => O::Str(text.text.clone()),
            Kind::Unknown(why) => O::Unknown(why.clone(), true),
            Kind::List(_) | Kind::Map(_) => return None,
        };
        Some(Obj {
            kind,
            span: value.span,
        })
    }
}

fn write_items(list: &List, open: &str, close: &str, out: &mut String) -> Res<()> {
    out.push_str(open);
    for (i, item) in list.items()?.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        item.write_repr(out)?;
    }
    out.push_str(close);
    Ok(())
}
