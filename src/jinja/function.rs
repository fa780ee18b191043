//! Functions, filters and methods get their arguments as our values.

use super::bridge::{self, Frame};
use super::lookups;
use crate::value::{Kind, Map, Value};
use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, ErrorKind, State, Value as Jinja};

/// One call.
pub struct Call {
    /// Positional arguments; of a filter the first is what it is applied to.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map,
    /// The evaluation that it is part of.
    pub frame: Option<Frame>,
}

impl Call {
    /// Converts the arguments of a call.
    pub fn new(state: &State<'_, '_>, args: &[Jinja]) -> Result<Call, Error> {
        let mut call = Call {
            args: Vec::with_capacity(args.len()),
            kwargs: Map::new(),
            frame: bridge::frame_of(state),
        };
        for arg in args {
            if arg.is_kwargs() {
                let kwargs = Kwargs::try_from(arg.clone())?;
                for name in kwargs.args() {
                    let value = kwargs.get::<Jinja>(name)?;
                    call.kwargs
                        .insert(name, bridge::to_value(&value).map_err(bridge::carry)?);
                }
            } else {
                if arg.is_undefined() {
                    return Err(Error::from(ErrorKind::UndefinedError));
                }
                call.args
                    .push(bridge::to_value(arg).map_err(bridge::carry)?);
            }
        }
        Ok(call)
    }

    /// Why the result is unknown, if an argument is.
    pub fn unknown(&self) -> Option<Value> {
        self.args
            .iter()
            .chain(self.kwargs.values())
            .find_map(Value::find_unknown)
            .map(|why| Value::unknown(why.clone()))
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

/// What filters and functions are.
pub type Function = fn(&Call) -> Result<Value, String>;

/// Calls one: unknown arguments make the result unknown.
pub fn call(function: Function, state: &State<'_, '_>, args: &[Jinja]) -> Result<Jinja, Error> {
    let call = Call::new(state, args)?;
    if let Some(unknown) = call.unknown() {
        return Ok(bridge::from_value(&unknown));
    }
    match function(&call) {
        Ok(value) => Ok(bridge::from_value(&value)),
        Err(message) => Err(Error::new(ErrorKind::InvalidOperation, message)),
    }
}

/// Adds the global functions.
pub fn add(env: &mut Environment<'static>) {
    env.add_function("lookup", |state: &State, args: Rest<Jinja>| {
        lookup(state, &args, false)
    });
    env.add_function("query", |state: &State, args: Rest<Jinja>| {
        lookup(state, &args, true)
    });
    env.add_function("q", |state: &State, args: Rest<Jinja>| {
        lookup(state, &args, true)
    });
    env.add_function("now", |state: &State, args: Rest<Jinja>| {
        call(super::filters::dates::now, state, &args)
    });
    env.add_function("undef", |args: Rest<Jinja>| -> Result<Jinja, Error> {
        let hint = args
            .iter()
            .find_map(|arg| {
                if arg.is_kwargs() {
                    arg.get_attr("hint").ok()
                } else {
                    Some(arg.clone())
                }
            })
            .map(|hint| hint.to_string())
            .unwrap_or_default();
        Err(Error::new(ErrorKind::UndefinedError, hint))
    });
}

/// `lookup('name', terms..., options)`. Several results are joined with commas unless a list is
/// wanted.
fn lookup(state: &State<'_, '_>, args: &[Jinja], as_list: bool) -> Result<Jinja, Error> {
    let call = Call::new(state, args)?;
    if let Some(unknown) = call.unknown() {
        return Ok(bridge::from_value(&unknown));
    }
    let Some(frame) = &call.frame else {
        return Err(Error::new(ErrorKind::InvalidOperation, "no variables here"));
    };
    let Some((name, terms)) = call.args.split_first() else {
        return Err(Error::new(
            ErrorKind::MissingArgument,
            "lookup needs a name",
        ));
    };
    let mut options = call.kwargs.clone();
    let as_list = as_list
        || options
            .remove("wantlist")
            .is_some_and(|wanted| truthy(&wanted));
    let errors = options
        .remove("errors")
        .map_or_else(|| "strict".to_owned(), |mode| mode.to_text());
    let found = match lookups::run(frame, &name.to_text(), terms, &options) {
        Ok(found) => found,
        Err(_) if errors == "ignore" || errors == "warn" => {
            return Ok(if as_list {
                Jinja::from(Vec::<Jinja>::new())
            } else {
                Jinja::from(())
            });
        }
        Err(message) => {
            let kind = if message.contains("is undefined") {
                ErrorKind::UndefinedError
            } else {
                ErrorKind::InvalidOperation
            };
            return Err(Error::new(kind, message));
        }
    };
    if as_list {
        return Ok(bridge::from_value(&Value::list(found)));
    }
    Ok(match found.as_slice() {
        [one] => bridge::from_value(one),
        [] => Jinja::from(""),
        many if many.iter().all(|v| v.as_str().is_some()) => Jinja::from(
            many.iter()
                .map(Value::to_text)
                .collect::<Vec<_>>()
                .join(","),
        ),
        many => bridge::from_value(&Value::list(many.to_vec())),
    })
}

/// Python's methods on strings, dicts and lists.
pub fn method(
    state: &mut State<'_, '_>,
    value: &Jinja,
    name: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    super::filters::methods::call(state, value, name, args)
}
