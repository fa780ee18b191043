//! The deserializer: Ansible's conversions, with the place of every value in its errors.

use super::fields::Seen;
use super::words::{self, Type};
use super::{kinds, with};
use crate::diag::{Diag, Result, SourceMap, Span};
use crate::value::{Key, Kind, Map, UNKNOWN_KEY, Value};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};
use std::fmt::Display;

/// Converts a value to `T` as Ansible converts module arguments (observed: ansible-core 2.19.14).
///
/// # Errors
/// `wrong-type`, `missing-option` or `bad-mode` at the place of the value.
pub fn from_value<T: DeserializeOwned>(value: &Value, sources: &SourceMap) -> Result<T> {
    let source = Source::User(sources);
    T::deserialize(De { value, source }).map_err(|e| e.0)
}

/// Reads what [`super::to_json`] wrote.
pub(super) fn from_wire<T: DeserializeOwned>(json: &serde_json::Value) -> Result<T> {
    let value = &crate::value::from_json(json);
    let source = Source::Wire;
    T::deserialize(De { value, source }).map_err(|e| e.0)
}

/// Asks `T` for its option names.
pub(super) fn look<T: DeserializeOwned>(seen: &Seen) {
    let value = &Value::null();
    let source = Source::Nothing(seen);
    // Without a value it ends in an error; what was seen is what it is for.
    let _ = T::deserialize(De { value, source });
}

/// A `Diag` as serde's error.
#[derive(Debug)]
pub(super) struct Error(Box<Diag>);

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Error {
        Error(Diag::error("wrong-type", message.to_string()))
    }

    fn missing_field(field: &'static str) -> Error {
        Error(Diag::error(
            "missing-option",
            // Ansible's words: its own tests match them.
            format!("missing required arguments: {field}"),
        ))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Error {
        Error(
            Diag::error(
                "wrong-value",
                format!("{variant:?} is not one of: {}", expected.join(", ")),
            )
            .did_you_mean(variant, expected.iter().copied())
            .with("msg", words::no_choice(expected, variant)),
        )
    }
}

/// Where a value comes from. One deserializer serves all of them, though only the user's values
/// need converting: each further one would be 250 kB of code, a piece for every module.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// A playbook: null counts as absent, both parts of a `With` are in one dict.
    User(&'a SourceMap),
    /// Serialized arguments: nothing was left out, and the parts of a `With` are apart.
    Wire,
    /// There is none: the type is only asked for its names.
    Nothing(&'a Seen),
}

#[derive(Clone, Copy)]
struct De<'a> {
    value: &'a Value,
    source: Source<'a>,
}

impl<'a> De<'a> {
    fn with(self, value: &'a Value) -> De<'a> {
        De { value, ..self }
    }

    fn wrong<T>(self, wanted: &str) -> Result<T, Error> {
        let shown = match &self.value.kind {
            Kind::Str(t) => format!("{:?}", t.text),
            Kind::List(_) | Kind::Map(_) => format!("a {}", self.value.type_name()),
            _ => self.value.repr(),
        };
        Err(Error(
            Diag::error("wrong-type", format!("{shown} is not {wanted}")).at(self.value.span, ""),
        ))
    }

    fn no<T>(self, wanted: &str, kind: Type) -> Result<T, Error> {
        let words = words::no_conversion(self.value, kind);
        self.wrong(wanted)
            .map_err(|e| Error(e.0.with("msg", words)))
    }

    fn here<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|e| Error(e.0.at_if_none(self.value.span)))
    }

    fn text(self) -> Result<String, Error> {
        match &self.value.kind {
            // As Python's `str` shows it.
            Kind::List(_) | Kind::Map(_) => Ok(self.value.repr()),
            Kind::Unknown(_) => self.wrong("known before apply"),
            _ => Ok(self.value.to_text()),
        }
    }

    fn bool(self) -> Result<bool, Error> {
        match &self.value.kind {
            Kind::Bool(b) => Ok(*b),
            Kind::Int(0) => Ok(false),
            Kind::Int(1) => Ok(true),
            Kind::Float(f) if *f == 0.0 || *f == 1.0 => Ok(*f == 1.0),
            Kind::Str(t) => match t.text.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Ok(true),
                "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Ok(false),
                _ => self.no("a boolean (yes, no, true, false)", Type::Bool),
            },
            _ => self.no("a boolean (yes, no, true, false)", Type::Bool),
        }
    }

    fn int(self) -> Result<i64, Error> {
        match &self.value.kind {
            Kind::Int(n) => Ok(*n),
            Kind::Bool(b) => Ok(i64::from(*b)),
            Kind::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Ok(*f as i64),
            Kind::Str(t) => match t.text.trim().replace('_', "").parse() {
                Ok(n) => Ok(n),
                Err(_) => self.no("a whole number", Type::Int),
            },
            _ => self.no("a whole number", Type::Int),
        }
    }

    fn float(self) -> Result<f64, Error> {
        match &self.value.kind {
            Kind::Int(n) => Ok(*n as f64),
            Kind::Float(f) => Ok(*f),
            Kind::Str(t) => match t.text.trim().parse() {
                Ok(n) => Ok(n),
                Err(_) => self.no("a number", Type::Float),
            },
            _ => self.no("a number", Type::Float),
        }
    }

    /// Lists may be written as `a, b` or as one value.
    fn items(self) -> Result<Vec<Value>, Error> {
        match &self.value.kind {
            Kind::List(items) => Ok(items.to_vec()),
            Kind::Str(t) => Ok(split_list(&t.text, self.value.span)),
            Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => Ok(vec![self.value.clone()]),
            _ => self.no("a list", Type::List),
        }
    }

    /// Dicts may be written as `k=v, k2=v2` or as JSON text.
    fn entries(self) -> Result<Map, Error> {
        match &self.value.kind {
            Kind::Map(map) => Ok(Map::clone(map)),
            Kind::Str(t) => match dict_of_text(&t.text) {
                Some(map) => Ok(map),
                None => self.no("a dict", Type::Dict),
            },
            _ => self.no("a dict", Type::Dict),
        }
    }

    /// A mode must not be a decimal number: YAML reads `mode: 644` as 644, which is 01204 in octal.
    fn mode(self) -> Result<Value, Error> {
        let Kind::Int(n) = self.value.kind else {
            return self.text().map(Value::str);
        };
        let written = match self.source {
            Source::User(sources) => sources.text(self.value.span).unwrap_or_default(),
            _ => String::new(),
        };
        let written = written.trim();
        let octal_looking =
            written.len() >= 3 && written.bytes().all(|b| (b'0'..b'8').contains(&b));
        if octal_looking && !written.starts_with('0') {
            return Err(Error(
                Diag::error(
                    "bad-mode",
                    format!("mode {written} is a decimal number: it means {n:#o}",)
                        .replace("0o", "0"),
                )
                .at(self.value.span, "YAML reads this as a decimal number")
                .help(format!(
                    "write \"0{written}\" for the permissions {written}"
                )),
            ));
        }
        if !(0..=0o7777).contains(&n) {
            return self.wrong("a file mode (0 to 07777 in octal)");
        }
        Ok(Value::from(n))
    }
}

fn split_list(text: &str, span: Span) -> Vec<Value> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',')
        .map(|item| Value::str(item.trim()).at(span))
        .collect()
}

fn dict_of_text(text: &str) -> Option<Map> {
    let text = text.trim();
    if text.starts_with('{') {
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        let value = crate::value::from_json(&json);
        return value.as_map().cloned();
    }
    if !text.contains('=') {
        return None;
    }
    text.split(&[',', ' '][..])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=')?;
            Some((Key::from(key.trim()), Value::str(value.trim())))
        })
        .collect()
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let n = self.int()?;
            match <$type>::try_from(n) {
                Ok(n) => self.here(visitor.$visit(n)),
                Err(_) => self.wrong("in the range of this option"),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for De<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.value.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(b) => visitor.visit_bool(*b),
            Kind::Int(n) => match u64::try_from(*n) {
                Ok(n) => visitor.visit_u64(n),
                Err(_) => visitor.visit_i64(*n),
            },
            Kind::Float(f) => visitor.visit_f64(*f),
            Kind::Str(t) => visitor.visit_str(&t.text),
            Kind::List(items) => visitor.visit_seq(Items {
                de: self,
                items: Vec::clone(items).into_iter(),
            }),
            Kind::Map(map) => visitor.visit_map(Entries::new(self, Map::clone(map))),
            Kind::Unknown(why) if matches!(self.source, Source::Wire) => {
                let map = [(Key::from(UNKNOWN_KEY), Value::str(&**why))];
                visitor.visit_map(Entries::new(self, map.into_iter().collect()))
            }
            Kind::Unknown(_) => return self.wrong("known before apply"),
        };
        self.here(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let b = self.bool()?;
        self.here(visitor.visit_bool(b))
    }

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let n = self.float()?;
        self.here(visitor.visit_f64(n))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.text()?;
        self.here(visitor.visit_string(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            with::NAME if matches!(self.source, Source::Wire) => self.deserialize_seq(visitor),
            with::NAME => visitor.visit_seq(Twice { de: self, left: 2 }),
            kinds::MODE => {
                let value = self.mode()?;
                let result = visitor.visit_newtype_struct(Untyped(self.with(&value)));
                self.here(result).map_err(|e| {
                    let details = format!("bad symbolic permission for mode: {}", value.to_text());
                    let words = "mode must be in octal or symbolic form";
                    Error(e.0.with("msg", words).with("details", details))
                })
            }
            kinds::RAW => {
                if let Source::Nothing(seen) = self.source {
                    seen.any.set(true);
                }
                visitor.visit_newtype_struct(Untyped(self))
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items = self.items()?.into_iter();
        visitor.visit_seq(Items { de: self, items })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, v: V) -> Result<V::Value, Error> {
        self.deserialize_seq(v)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let map = self.entries()?;
        visitor.visit_map(Entries::new(self, map))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Source::Nothing(seen) = self.source {
            seen.found.borrow_mut().extend_from_slice(fields);
        }
        let null_counts = matches!(self.source, Source::Wire);
        let map: Map = self
            .entries()?
            .into_iter()
            .filter(|(key, value)| {
                (null_counts || !value.is_null())
                    && key.as_str().is_some_and(|k| fields.contains(&k))
            })
            .collect();
        let result = visitor.visit_map(Entries::new(self, map));
        self.here(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        use de::{IntoDeserializer, value::MapAccessDeserializer};
        if let (Source::Wire, Kind::Map(map)) = (self.source, &self.value.kind) {
            let entries = Entries::new(self, Map::clone(map));
            return visitor.visit_enum(MapAccessDeserializer::new(entries));
        }
        let mut text = self.text()?;
        // YAML turns the choices `yes`, `no`, `on`, `off` into booleans.
        if let Kind::Bool(b) = self.value.kind
            && !variants.contains(&text.as_str())
        {
            let names: &[&str] = if b {
                &["yes", "true", "on"]
            } else {
                &["no", "false", "off"]
            };
            if let Some(name) = names.iter().find(|n| variants.contains(*n)) {
                text = (*name).to_owned();
            }
        }
        self.here(visitor.visit_enum(text.into_deserializer()))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple_struct ignored_any
    }
}

/// Hands values on as they are: no conversion whatever type is asked for.
struct Untyped<'a>(De<'a>);

impl<'de> Deserializer<'de> for Untyped<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_option(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct newtype_struct seq tuple tuple_struct
        map struct enum identifier ignored_any
    }
}

struct Items<'a> {
    de: De<'a>,
    items: std::vec::IntoIter<Value>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        match self.items.next() {
            Some(item) => match seed.deserialize(self.de.with(&item)) {
                Ok(value) => Ok(Some(value)),
                Err(mut e) => {
                    words::element(&mut e.0);
                    Err(e)
                }
            },
            None => Ok(None),
        }
    }
}

/// The same dict for each part of a [`super::With`].
struct Twice<'a> {
    de: De<'a>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Twice<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.de).map(Some)
    }
}

struct Entries<'a> {
    de: De<'a>,
    entries: <Map as IntoIterator>::IntoIter,
    value: Option<(Key, Value)>,
}

impl<'a> Entries<'a> {
    fn new(de: De<'a>, map: Map) -> Entries<'a> {
        Entries {
            de,
            entries: map.into_iter(),
            value: None,
        }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let name = key.to_value();
        self.value = Some((key, value));
        seed.deserialize(self.de.with(&name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        let name = key.to_value().to_text();
        seed.deserialize(self.de.with(&value)).map_err(|e| {
            let span = value.span.or(key.span);
            let mut diag = e.0.at_if_none(span);
            words::name(&mut diag, &name);
            if !diag.message.starts_with("option `") && diag.code != "bad-mode" {
                diag.message = format!("option `{name}`: {}", diag.message);
            }
            Error(diag)
        })
    }
}
