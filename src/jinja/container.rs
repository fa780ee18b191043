//! Lists and dicts: shared, changeable, and rendered part by part when asked.

use super::env::Env;
use super::obj::{O, Obj};
use super::stop::{Res, Stop, Undef};
use crate::value::{Key, Kind, Map, Trust, Value};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// One place of a container.
#[derive(Clone)]
enum Slot {
    Ready(Obj),
    /// As the user wrote it, to be rendered in the container's environment.
    Raw(Value),
    /// Being rendered: asking again is a loop.
    Busy,
}

fn force(slot: &mut Slot, env: Option<&Rc<Env>>) -> Option<Value> {
    // Taken out while rendering, so that a loop is seen and the cell is not borrowed meanwhile.
    match slot {
        Slot::Raw(_) if env.is_some() => match std::mem::replace(slot, Slot::Busy) {
            Slot::Raw(value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

fn recursive() -> Stop {
    Stop::fail("Recursive loop detected in template: a value refers to itself")
}

/// A list or tuple.
pub struct List {
    slots: RefCell<Vec<Slot>>,
    env: Option<Rc<Env>>,
    source: RefCell<Option<Value>>,
}

impl List {
    /// A computed list.
    pub fn new(items: Vec<Obj>) -> List {
        List {
            slots: RefCell::new(items.into_iter().map(Slot::Ready).collect()),
            env: None,
            source: RefCell::new(None),
        }
    }

    /// The list of a variable.
    pub fn lazy(value: &Value, items: &[Value], env: &Rc<Env>) -> List {
        List {
            slots: RefCell::new(items.iter().cloned().map(Slot::Raw).collect()),
            env: Some(env.clone()),
            source: RefCell::new(Some(value.clone())),
        }
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    /// True without items.
    pub fn is_empty(&self) -> bool {
        self.slots.borrow().is_empty()
    }

    /// One item.
    pub fn get(&self, index: usize) -> Res<Option<Obj>> {
        let raw = match self.slots.borrow_mut().get_mut(index) {
            None => return Ok(None),
            Some(Slot::Ready(obj)) => return Ok(Some(obj.clone())),
            Some(Slot::Busy) => return Err(recursive()),
            Some(slot) => force(slot, self.env.as_ref()),
        };
        let (Some(raw), Some(env)) = (raw, &self.env) else {
            return Ok(None);
        };
        let made = env.realize(&raw);
        if let Some(slot) = self.slots.borrow_mut().get_mut(index) {
            *slot = made.clone().map_or(Slot::Raw(raw), Slot::Ready);
        }
        made.map(Some)
    }

    /// All items.
    pub fn items(&self) -> Res<Vec<Obj>> {
        (0..self.len())
            .filter_map(|i| self.get(i).transpose())
            .collect()
    }

    /// Changes the items.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Vec<Obj>) -> Res<T>) -> Res<T> {
        let mut items = self.items()?;
        let result = change(&mut items);
        *self.source.borrow_mut() = None;
        *self.slots.borrow_mut() = items.into_iter().map(Slot::Ready).collect();
        result
    }

    /// True if it is not a variable's own list as it was written.
    pub fn is_computed(&self) -> bool {
        self.source.borrow().is_none()
    }

    /// The value this list came from, where nothing in it needs rendering.
    pub fn original(&self) -> Option<Value> {
        self.source.borrow().clone().filter(is_plain)
    }
}

/// A dict; `hostvars` and `vars` are dicts over a scope.
pub struct Dict {
    slots: RefCell<IndexMap<Key, Slot>>,
    env: Option<Rc<Env>>,
    source: RefCell<Option<Value>>,
    view: View,
}

#[derive(Clone, Copy, PartialEq)]
enum View {
    Own,
    /// The variables of the environment.
    Vars,
    /// The hosts of the environment.
    Hosts,
}

impl Default for Dict {
    fn default() -> Dict {
        Dict {
            slots: RefCell::default(),
            env: None,
            source: RefCell::new(None),
            view: View::Own,
        }
    }
}

impl<K: Into<Key>, V: Into<Obj>> FromIterator<(K, V)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Dict {
        let dict = Dict::default();
        for (key, value) in entries {
            dict.set(key.into(), value.into());
        }
        dict
    }
}

impl Dict {
    /// The dict of a variable.
    pub fn lazy(value: &Value, map: &Map, env: &Rc<Env>) -> Dict {
        let slots = map
            .iter()
            .map(|(k, v)| (k.clone(), Slot::Raw(v.clone())))
            .collect();
        Dict {
            slots: RefCell::new(slots),
            env: Some(env.clone()),
            source: RefCell::new(Some(value.clone())),
            view: View::Own,
        }
    }

    /// All variables of an environment.
    pub fn vars(env: &Rc<Env>) -> Dict {
        Dict {
            env: Some(env.clone()),
            view: View::Vars,
            ..Dict::default()
        }
    }

    /// All hosts of an environment, each with its variables.
    pub fn hosts(env: &Rc<Env>) -> Dict {
        Dict {
            env: Some(env.clone()),
            view: View::Hosts,
            ..Dict::default()
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match (self.view, &self.env) {
            (View::Vars, Some(env)) => env.scope.names().len(),
            (View::Hosts, Some(env)) => env.scope.hosts().len(),
            _ => self.slots.borrow().len(),
        }
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a key.
    pub fn get(&self, key: &Key) -> Res<Option<Obj>> {
        if let (View::Vars | View::Hosts, Some(env)) = (self.view, &self.env) {
            let Some(name) = key.as_str() else {
                return Ok(None);
            };
            return match self.view {
                View::Vars => env.var(name),
                _ => Ok(env.host(name).map(|host| Dict::vars(&host).into())),
            };
        }
        let raw = match self.slots.borrow_mut().get_mut(key) {
            None => return Ok(None),
            Some(Slot::Ready(obj)) => return Ok(Some(obj.clone())),
            Some(Slot::Busy) => return Err(recursive()),
            Some(slot) => force(slot, self.env.as_ref()),
        };
        let (Some(raw), Some(env)) = (raw, &self.env) else {
            return Ok(None);
        };
        let made = env.realize(&raw);
        if let Some(slot) = self.slots.borrow_mut().get_mut(key) {
            *slot = made.clone().map_or(Slot::Raw(raw), Slot::Ready);
        }
        made.map(Some)
    }

    /// The value under a string key.
    pub fn get_str(&self, key: &str) -> Res<Option<Obj>> {
        self.get(&Key::from(key))
    }

    /// True if there is such a key.
    pub fn has(&self, key: &Key) -> bool {
        match (self.view, &self.env, key.as_str()) {
            (View::Vars, Some(env), Some(name)) => env.scope.get(name).is_some(),
            (View::Hosts, Some(env), Some(name)) => env.scope.host(name).is_some(),
            _ => self.slots.borrow().contains_key(key),
        }
    }

    /// The keys as they are.
    pub fn raw_keys(&self) -> Vec<Key> {
        match (self.view, &self.env) {
            (View::Vars, Some(env)) => env.scope.names().into_iter().map(Key::from).collect(),
            (View::Hosts, Some(env)) => env.scope.hosts().into_iter().map(Key::from).collect(),
            _ => self.slots.borrow().keys().cloned().collect(),
        }
    }

    /// The keys as objects.
    pub fn keys(&self) -> Vec<Obj> {
        self.raw_keys().iter().map(key_obj).collect()
    }

    /// Keys and values.
    pub fn pairs(&self) -> Res<Vec<(Key, Obj)>> {
        let mut pairs = Vec::new();
        for key in self.raw_keys() {
            if let Some(value) = self.get(&key)? {
                pairs.push((key, value));
            }
        }
        Ok(pairs)
    }

    /// Keys (as objects) and values.
    pub fn entries(&self) -> Res<Vec<(Obj, Obj)>> {
        Ok(self
            .pairs()?
            .into_iter()
            .map(|(k, v)| (key_obj(&k), v))
            .collect())
    }

    /// Sets an entry.
    pub fn set(&self, key: Key, value: Obj) {
        *self.source.borrow_mut() = None;
        self.slots.borrow_mut().insert(key, Slot::Ready(value));
    }

    /// Takes an entry out.
    pub fn take(&self, key: &Key) -> Res<Option<Obj>> {
        let value = self.get(key)?;
        *self.source.borrow_mut() = None;
        self.slots.borrow_mut().shift_remove(key);
        Ok(value)
    }

    /// The value this dict came from, where nothing in it needs rendering.
    pub fn original(&self) -> Option<Value> {
        self.source.borrow().clone().filter(is_plain)
    }
}

/// A key as an object.
pub fn key_obj(key: &Key) -> Obj {
    Obj::scalar(&key.to_value()).unwrap_or_else(Obj::none)
}

/// An object as a key; containers cannot be hashed.
pub fn to_key(obj: &Obj) -> Res<Key> {
    let value = match &obj.use_it()?.kind {
        O::None => Value::null(),
        O::Bool(b) => Value::from(*b),
        O::Int(n) => Value::from(*n),
        O::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Value::from(*f as i64),
        O::Float(f) => Value::from(*f),
        O::Str(s) => Value::str(s.clone()),
        O::Tuple(_) => Value::str(obj.repr()?),
        _ => {
            return Err(Stop::fail(format!(
                "unhashable type: '{}'",
                obj.type_name()
            )));
        }
    };
    Key::from_value(&value.at(obj.span)).ok_or_else(|| Stop::fail("unhashable type"))
}

/// True if a string may hold a template.
pub fn has_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// True if nothing in the value needs rendering.
pub fn is_plain(value: &Value) -> bool {
    match &value.kind {
        Kind::Str(text) => match text.trust {
            Trust::Plain => true,
            Trust::Template | Trust::Vault => false,
        },
        Kind::List(items) => items.iter().all(is_plain),
        Kind::Map(map) => map.values().all(is_plain),
        _ => true,
    }
}

impl Obj {
    /// The finished value: everything in it rendered, omitted parts left out, unknown parts
    /// unknown in place.
    pub fn to_value(&self) -> Res<Value> {
        let kind = match &self.kind {
            O::None => Kind::Null,
            O::Bool(b) => Kind::Bool(*b),
            O::Int(n) => Kind::Int(*n),
            O::Float(f) => Kind::Float(*f),
            O::Str(s) => return Ok(Value::str(s.clone()).at(self.span)),
            O::Bytes(b) => return Ok(Value::str(String::from_utf8_lossy(b).as_ref())),
            O::Unknown(why, _) => Kind::Unknown(why.clone()),
            O::Undefined(undef) => return Err(Stop::Undefined(undef.clone())),
            O::Omit => return Err(omitted()),
            O::Sealed(_) => return Ok(Value::str(self.str()?).at(self.span)),
            O::List(list) | O::Tuple(list) => match list.original() {
                Some(value) => return Ok(value),
                None => Kind::List(Arc::new(finish_all(list.items()?)?)),
            },
            O::Dict(dict) => match dict.original() {
                Some(value) => return Ok(value),
                None => Kind::Map(Arc::new(finish_map(dict)?)),
            },
            O::Native(native) if native.type_name() == "tuple" => {
                Kind::List(Arc::new(finish_all(self.items()?)?))
            }
            O::Native(native) => {
                return Err(Stop::fail(format!(
                    "Type '{}' is unsupported for variable storage.",
                    native.type_name()
                )));
            }
        };
        Ok(Value {
            kind,
            span: self.span,
        })
    }
}

/// The error of an `omit` that is not part of anything it could be omitted from.
pub fn omitted() -> Stop {
    Stop::Fail(crate::diag::Diag::error(
        "omitted",
        "A template was resolved to an Omit scalar",
    ))
}

fn finish_all(items: Vec<Obj>) -> Res<Vec<Value>> {
    items
        .iter()
        .filter(|item| !matches!(item.kind, O::Omit))
        .map(Obj::to_value)
        .collect()
}

fn finish_map(dict: &Dict) -> Res<Map> {
    let mut map = Map::new();
    for (key, value) in dict.pairs()? {
        if !matches!(value.kind, O::Omit) {
            map.insert(key, value.to_value()?);
        }
    }
    Ok(map)
}

/// An undefined attribute or item, in ansible-core 2.19's words.
pub fn no_attribute(of: &Obj, key: &Obj) -> Res<Obj> {
    let empty = match &of.kind {
        O::List(list) => list.is_empty(),
        O::Str(text) => text.is_empty(),
        _ => false,
    };
    let message = match key.kind {
        O::Int(index) if empty => format!("{} object has no element {index}", of.type_name()),
        _ => format!(
            "object of type '{}' has no attribute {}",
            of.type_name(),
            key.repr()?
        ),
    };
    Ok(O::Undefined(Rc::new(Undef {
        message,
        ..Undef::default()
    }))
    .into())
}
