//! Between our values and minijinja's: containers stay lazy, unknown values leave a trace.

use super::eval::{Context, Engine};
use crate::diag::{Diag, Result};
use crate::value::{Key, KeyKind, Kind, Map, Trust, Value, float_repr};
use crate::vars::SharedScope;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, Output, State, Value as Jinja};
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// What an evaluation sees. Each variable that is rendered on the way gets a deeper one.
#[derive(Clone)]
pub struct Frame {
    pub(super) engine: Engine,
    pub(super) scope: SharedScope,
    pub(super) at: Context,
    depth: usize,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

/// A variable that needs so many others to be rendered needs itself.
const DEEPEST: usize = 60;

impl Frame {
    pub(super) fn new(engine: Engine, scope: SharedScope, at: Context) -> Frame {
        Frame {
            engine,
            scope,
            at,
            depth: 0,
        }
    }

    /// A frame for what a variable's value needs.
    pub(super) fn deeper(&self) -> Result<Frame> {
        if self.depth >= DEEPEST {
            return Err(Diag::error(
                "recursive-template",
                "recursive loop detected in template: a variable needs itself",
            ));
        }
        Ok(Frame {
            depth: self.depth + 1,
            ..self.clone()
        })
    }

    /// The same over another scope.
    pub(super) fn over(&self, scope: SharedScope) -> Frame {
        Frame {
            scope,
            ..self.clone()
        }
    }

    /// A value for an expression: scalars rendered now, containers when they are looked into.
    pub(super) fn to_jinja(&self, value: &Value) -> Jinja {
        match &value.kind {
            Kind::Null => Jinja::from(()),
            Kind::Bool(b) => Jinja::from(*b),
            Kind::Int(n) => Jinja::from(*n),
            Kind::Float(f) => Jinja::from(*f),
            Kind::Str(text) => {
                if text.trust == Trust::Plain
                    || (text.trust == Trust::Template && !super::syntax::is_template(&text.text))
                {
                    return Jinja::from(text.text.clone());
                }
                let resolved = self.deeper().and_then(|frame| frame.resolve(value));
                match resolved {
                    Ok(resolved) => self.to_jinja(&resolved),
                    Err(diag) => Jinja::from(carry(diag)),
                }
            }
            Kind::List(items) => Jinja::from_object(LazyList {
                items: items.clone(),
                frame: self.clone(),
            }),
            Kind::Map(map) => Jinja::from_object(LazyMap {
                map: map.clone(),
                frame: self.clone(),
            }),
            Kind::Unknown(why) => {
                Seen::note(why);
                Jinja::from_object(Unknown(why.clone()))
            }
        }
    }
}

thread_local! {
    static SEEN: RefCell<Vec<Option<Arc<str>>>> = const { RefCell::new(Vec::new()) };
    static MISSING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Watches one evaluation for unknown values.
pub struct Seen(usize);

impl Seen {
    /// Begins to watch.
    pub fn start() -> Seen {
        SEEN.with_borrow_mut(|seen| {
            seen.push(None);
            Seen(seen.len())
        })
    }

    /// Notes that an unknown value was handed out.
    pub fn note(why: &Arc<str>) {
        SEEN.with_borrow_mut(|seen| {
            if let Some(last) = seen.last_mut() {
                last.get_or_insert_with(|| why.clone());
            }
        });
    }

    /// Why the result is unknown, if it is.
    pub fn unknown(&self) -> Option<Arc<str>> {
        SEEN.with_borrow(|seen| seen.get(self.0 - 1).cloned().flatten())
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        SEEN.with_borrow_mut(|seen| seen.truncate(self.0 - 1));
    }
}

/// Watches which variables an evaluation asked for in vain: minijinja lets undefined values be
/// compared, Ansible does not.
pub struct Missing(usize);

impl Missing {
    /// Begins to watch.
    pub fn start() -> Missing {
        MISSING.with_borrow(|missing| Missing(missing.len()))
    }

    /// The first name that was asked for in vain.
    pub fn first(&self, known: impl Fn(&str) -> bool) -> Option<String> {
        MISSING.with_borrow(|missing| missing[self.0..].iter().find(|name| !known(name)).cloned())
    }
}

impl Drop for Missing {
    fn drop(&mut self) {
        MISSING.with_borrow_mut(|missing| missing.truncate(self.0));
    }
}

/// The root of an evaluation: its variables.
pub struct Root(pub Frame);

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("variables")
    }
}

/// Names that the engine answers itself.
pub fn is_special(name: &str) -> bool {
    matches!(name, "hostvars" | "vars" | "omit" | FRAME)
}

/// The name under which functions find the frame of the evaluation they are called in.
pub const FRAME: &str = "__frame__";

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Jinja> {
        match key {
            FRAME => Some(Jinja::from_object(FrameObject(self.0.clone()))),
            "omit" => Some(Jinja::from(omit())),
            "vars" => Some(Jinja::from_object(Vars(self.0.clone()))),
            "hostvars" => Some(Jinja::from_object(HostVars(self.0.clone()))),
            _ => match self.0.scope.get(key) {
                Some(value) => Some(self.0.to_jinja(&value)),
                None => {
                    MISSING.with_borrow_mut(|missing| missing.push(key.to_owned()));
                    None
                }
            },
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// A frame as a value.
pub struct FrameObject(pub Frame);

impl std::fmt::Debug for FrameObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("frame")
    }
}

impl Object for FrameObject {}

/// The frame that a function, filter or test is called in.
pub fn frame_of(state: &State<'_, '_>) -> Option<Frame> {
    let value = state.lookup(FRAME)?;
    value
        .downcast_object_ref::<FrameObject>()
        .map(|object| object.0.clone())
}

/// A dict whose values are rendered when they are asked for.
#[derive(Debug)]
pub struct LazyMap {
    map: Arc<Map>,
    frame: Frame,
}

fn jinja_key(key: &Key) -> Jinja {
    match &key.kind {
        KeyKind::Str(s) => Jinja::from(s.clone()),
        KeyKind::Int(n) => Jinja::from(*n),
        KeyKind::Bool(b) => Jinja::from(*b),
        KeyKind::Float(f) => Jinja::from(f.parse::<f64>().unwrap_or(f64::NAN)),
        KeyKind::Null => Jinja::from(()),
    }
}

impl Object for LazyMap {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        if let Some(key) = key.as_str() {
            return self.get_value_by_str(key);
        }
        let key = Key::from_value(&to_value(key).ok()?)?;
        self.map
            .get_key(&key)
            .map(|value| self.frame.to_jinja(value))
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Jinja> {
        self.map.get(key).map(|value| self.frame.to_jinja(value))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.map.keys().map(jinja_key).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.map.len())
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.frame.resolve(&Value::new(Kind::Map(self.map.clone()))) {
            Ok(value) => f.write_str(&value.repr()),
            Err(_) => Err(std::fmt::Error),
        }
    }
}

/// A list whose items are rendered when they are asked for.
#[derive(Debug)]
pub struct LazyList {
    items: Arc<Vec<Value>>,
    frame: Frame,
}

impl Object for LazyList {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let index = key.as_usize()?;
        self.items.get(index).map(|item| self.frame.to_jinja(item))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self
            .frame
            .resolve(&Value::new(Kind::List(self.items.clone())))
        {
            Ok(value) => f.write_str(&value.repr()),
            Err(_) => Err(std::fmt::Error),
        }
    }
}

/// Something that only apply will tell: whatever is done with it is unknown.
#[derive(Debug)]
pub struct Unknown(pub Arc<str>);

impl Object for Unknown {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &Jinja) -> Option<Jinja> {
        Seen::note(&self.0);
        Some(Jinja::from_dyn_object(self.clone()))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        Seen::note(&self.0);
        true
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        _: &str,
        _: &[Jinja],
    ) -> Result<Jinja, Error> {
        Seen::note(&self.0);
        Ok(Jinja::from_dyn_object(self.clone()))
    }

    fn custom_cmp(self: &Arc<Self>, _: &DynObject) -> Option<std::cmp::Ordering> {
        Seen::note(&self.0);
        None
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Seen::note(&self.0);
        f.write_str("(known after apply)")
    }
}

/// `vars`: every variable by name.
#[derive(Debug)]
struct Vars(Frame);

impl Object for Vars {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let value = self.0.scope.get(key.as_str()?)?;
        Some(self.0.to_jinja(&value))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.scope.names().into_iter().map(Jinja::from).collect())
    }
}

/// `hostvars`: the variables of each host, rendered with its own.
#[derive(Debug)]
struct HostVars(Frame);

impl Object for HostVars {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let scope = self.0.scope.host(key.as_str()?)?;
        Some(Jinja::from_object(Vars(self.0.over(scope))))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.scope.hosts().into_iter().map(Jinja::from).collect())
    }
}

/// The text that stands for `omit`: random, so that no user's text is taken for it.
fn omit() -> &'static str {
    static OMIT: OnceLock<String> = OnceLock::new();
    OMIT.get_or_init(|| format!("__omit_place_holder__{:032x}", rand::random::<u128>()))
}

/// True for `omit`.
pub fn is_omit(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text == omit())
}

/// A value of minijinja's as ours, containers looked through.
///
/// # Errors
/// The error that a lazy part of it holds.
pub fn to_value(value: &Jinja) -> Result<Value> {
    if let Some(map) = value.downcast_object_ref::<LazyMap>() {
        return map.frame.resolve(&Value::new(Kind::Map(map.map.clone())));
    }
    if let Some(list) = value.downcast_object_ref::<LazyList>() {
        return list
            .frame
            .resolve(&Value::new(Kind::List(list.items.clone())));
    }
    if let Some(unknown) = value.downcast_object_ref::<Unknown>() {
        return Ok(Value::unknown(unknown.0.clone()));
    }
    match value.kind() {
        ValueKind::Undefined => Err(Diag::error("undefined-variable", "an undefined value")),
        ValueKind::None => Ok(Value::null()),
        ValueKind::Bool => Ok(Value::from(value.is_true())),
        ValueKind::Number => Ok(match value.as_i64() {
            Some(n) if value.is_integer() => Value::from(n),
            _ => Value::from(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
        }),
        ValueKind::String => Ok(Value::str(value.as_str().unwrap_or_default())),
        ValueKind::Bytes => Ok(Value::str(
            String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned(),
        )),
        ValueKind::Invalid => match value.try_iter() {
            Err(e) => Err(uncarry(&e)),
            Ok(_) => Err(Diag::error("template", "an invalid value")),
        },
        ValueKind::Map => map_of(value),
        ValueKind::Plain => Ok(Value::str(value.to_string())),
        _ => match value.try_iter() {
            Ok(items) => {
                let mut list = Vec::new();
                for item in items {
                    let item = to_value(&item)?;
                    if !is_omit(&item) {
                        list.push(item);
                    }
                }
                Ok(Value::list(list))
            }
            Err(_) => Ok(Value::str(value.to_string())),
        },
    }
}

fn map_of(value: &Jinja) -> Result<Value> {
    let mut map = Map::new();
    for key in value.try_iter().map_err(|e| uncarry(&e))? {
        let item = to_value(&value.get_item(&key).map_err(|e| uncarry(&e))?)?;
        if is_omit(&item) {
            continue;
        }
        let key = to_value(&key)?;
        let key = Key::from_value(&key).ok_or_else(|| {
            Diag::error("template", format!("a {} cannot be a key", key.type_name()))
        })?;
        map.insert(key, item);
    }
    Ok(Value::map(map))
}

/// A rendered value for an expression.
pub fn from_value(value: &Value) -> Jinja {
    match &value.kind {
        Kind::Null => Jinja::from(()),
        Kind::Bool(b) => Jinja::from(*b),
        Kind::Int(n) => Jinja::from(*n),
        Kind::Float(f) => Jinja::from(*f),
        Kind::Str(text) => Jinja::from(text.text.clone()),
        Kind::List(items) => Jinja::from(items.iter().map(from_value).collect::<Vec<_>>()),
        Kind::Map(map) => map
            .iter()
            .map(|(key, value)| (jinja_key(key), from_value(value)))
            .collect::<Jinja>(),
        Kind::Unknown(why) => {
            Seen::note(why);
            Jinja::from_object(Unknown(why.clone()))
        }
    }
}

/// Prints a value as Python does.
pub fn format(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Jinja) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    if let Some(text) = value.as_str() {
        return out.write_str(text).map_err(Error::from);
    }
    let text = match to_value(value) {
        Ok(value) => {
            if let Some(why) = value.find_unknown() {
                Seen::note(why);
            }
            match &value.kind {
                Kind::Float(f) => float_repr(*f),
                _ => value.to_text(),
            }
        }
        Err(diag) => return Err(carry(diag)),
    };
    out.write_str(&text).map_err(Error::from)
}

/// A diagnostic inside a minijinja error.
#[derive(Debug)]
struct Carried(Box<Diag>);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Carried {}

/// Puts a diagnostic into an error, so that it keeps its place on the way out.
pub fn carry(diag: Box<Diag>) -> Error {
    let kind = if diag.code == "undefined-variable" {
        ErrorKind::UndefinedError
    } else {
        ErrorKind::InvalidOperation
    };
    Error::new(kind, diag.message.clone()).with_source(Carried(diag))
}

/// The diagnostic inside an error.
pub fn carried(error: &Error) -> Option<Box<Diag>> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(carried) = inner.downcast_ref::<Carried>() {
            return Some(carried.0.clone());
        }
        source = inner.source();
    }
    None
}

fn uncarry(error: &Error) -> Box<Diag> {
    carried(error).unwrap_or_else(|| {
        Diag::error(
            "template",
            error.detail().unwrap_or("an invalid value").to_owned(),
        )
    })
}
