//! Filters, tests and lookups that work on finished values rather than on objects.
//!
//! Most do not care about laziness or mutation: they get their arguments rendered through and
//! through. Anything unknown in an argument makes the result unknown.

use super::args::Args;
use super::container::{Dict, List};
use super::env::Env;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use super::{Context, Engine};
use crate::value::{Kind, Map, Value};
use crate::vars::SharedScope;
use std::rc::Rc;

/// Where a call happens.
pub struct Frame {
    /// The engine, for templates within.
    pub engine: Engine,
    /// The variables.
    pub scope: SharedScope,
    /// Where files are looked for.
    pub at: Context,
    /// The render it is part of.
    pub env: Rc<Env>,
}

impl Frame {
    /// The frame of a render.
    pub fn new(env: &Rc<Env>) -> Frame {
        Frame {
            engine: Engine {
                inner: env.engine.clone(),
            },
            scope: env.scope.clone(),
            at: env.at.clone(),
            env: env.clone(),
        }
    }

    /// The same over another scope.
    pub fn over(&self, scope: SharedScope) -> Frame {
        Frame::new(&Env::new(&self.env.engine, &scope, &self.at))
    }
}

/// One call.
pub struct Call {
    /// Positional arguments; of a filter the first is what it is applied to.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map,
    /// The evaluation that it is part of.
    pub frame: Frame,
}

/// What filters on finished values are.
pub type Function = fn(&Call) -> Result<Value, String>;

impl Call {
    /// Renders the arguments of a call.
    pub fn new(args: &Args) -> Res<Call> {
        let known = |obj: &Obj| -> Res<Value> {
            if let O::Omit = obj.kind {
                return Ok(Value::str(OMIT));
            }
            let value = obj.to_value()?;
            match value.find_unknown() {
                Some(why) => Err(Stop::Unknown(why.clone())),
                None => Ok(value),
            }
        };
        let mut call = Call {
            args: Vec::with_capacity(args.pos.len()),
            kwargs: Map::new(),
            frame: Frame::new(&args.env),
        };
        for arg in &args.pos {
            call.args.push(known(arg)?);
        }
        for (name, arg) in &args.kw {
            call.kwargs.insert(name.as_ref(), known(arg)?);
        }
        Ok(call)
    }

    /// The value that a filter is applied to.
    pub fn subject(&self) -> Result<&Value, String> {
        self.args
            .first()
            .ok_or_else(|| "nothing to apply it to".to_owned())
    }

    /// An argument by position (1 is the first behind the subject) or name.
    pub fn arg(&self, position: usize, name: &str) -> Option<&Value> {
        self.args.get(position).or_else(|| self.kwargs.get(name))
    }

    /// A text argument.
    pub fn text(&self, position: usize, name: &str) -> Option<String> {
        self.arg(position, name)
            .filter(|value| !value.is_null())
            .map(Value::to_text)
    }

    /// A boolean argument.
    pub fn flag(&self, position: usize, name: &str, default: bool) -> bool {
        self.arg(position, name).map_or(default, truthy)
    }

    /// A number argument.
    pub fn int(&self, position: usize, name: &str) -> Option<i64> {
        let value = self.arg(position, name)?;
        match value.kind {
            Kind::Int(n) => Some(n),
            Kind::Float(f) => Some(f as i64),
            Kind::Bool(b) => Some(i64::from(b)),
            _ => value.to_text().trim().parse().ok(),
        }
    }

    /// The subject as a list: strings are no lists here.
    pub fn list(&self) -> Result<Vec<Value>, String> {
        items(self.subject()?)
    }
}

/// The items of a list, the keys of a dict, the characters of a string.
pub fn items(value: &Value) -> Result<Vec<Value>, String> {
    match &value.kind {
        Kind::List(items) => Ok(items.to_vec()),
        Kind::Map(map) => Ok(map.keys().map(crate::value::Key::to_value).collect()),
        Kind::Str(text) => Ok(text
            .text
            .chars()
            .map(|c| Value::str(c.to_string()))
            .collect()),
        _ => Err(format!("'{}' object is not iterable", value.type_name())),
    }
}

/// Ansible's `bool` of an option.
pub fn truthy(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => matches!(
            text.trim().to_ascii_lowercase().as_str(),
            "y" | "yes" | "on" | "1" | "true" | "t"
        ),
        None => value.truthy(),
    }
}

/// Stands for `omit` among finished values.
const OMIT: &str = "\0omit";

/// A finished value as an object. Its strings are never rendered.
pub fn from_value(value: &Value) -> Obj {
    let kind = match &value.kind {
        Kind::Str(text) if &*text.text == OMIT => O::Omit,
        Kind::List(items) => O::List(Rc::new(List::new(items.iter().map(from_value).collect()))),
        Kind::Map(map) => {
            let dict: Dict = map
                .iter()
                .map(|(k, v)| (k.clone(), from_value(v)))
                .collect();
            O::Dict(Rc::new(dict))
        }
        _ => return Obj::scalar(value).unwrap_or_else(Obj::none),
    };
    Obj {
        kind,
        span: value.span,
    }
}

/// A stop as the message of a lookup's failure.
pub fn message(stop: Stop) -> String {
    match stop {
        Stop::Fail(diag) => diag.message,
        Stop::Undefined(undef) => undef.message.clone(),
        Stop::Unknown(why) => format!("only known after apply: {why}"),
        Stop::Break | Stop::Continue => String::new(),
    }
}
