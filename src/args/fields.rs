//! The option names of a type, read off its `Deserialize` implementation.

use super::kinds;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use std::cell::{Cell, RefCell};

/// All names (aliases too) that a struct, or a [`super::With`] of structs, accepts from the user.
/// Names that begin with `$` are the module's own: `prepare` fills them in.
pub fn fields<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut names = probe::<T>().found.into_inner();
    names.retain(|name| !name.starts_with('$'));
    names
}

/// True for a type that accepts any key besides its [`fields`]: one that is, or shares its dict
/// with, [`super::Raw`].
pub fn takes_any<T: DeserializeOwned>() -> bool {
    probe::<T>().any.get()
}

#[derive(Default)]
struct Seen {
    found: RefCell<Vec<&'static str>>,
    any: Cell<bool>,
}

fn probe<T: DeserializeOwned>() -> Seen {
    let seen = Seen::default();
    // The probe always answers with an error; what it saw is what it is for.
    let _ = T::deserialize(Probe { seen: &seen });
    seen
}

#[derive(Clone, Copy)]
struct Probe<'a> {
    seen: &'a Seen,
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("probe"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.seen.found.borrow_mut().extend_from_slice(fields);
        Err(de::Error::custom("probe"))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if name == kinds::RAW {
            self.seen.any.set(true);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_seq(Each {
            probe: self,
            left: len,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf option unit unit_struct seq tuple_struct
        map enum identifier ignored_any
    }
}

struct Each<'a> {
    probe: Probe<'a>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Each<'_> {
    type Error = de::value::Error;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Self::Error> {
        // Every part is asked, so the error of the first one must not end the walk.
        let mut seed = Some(seed);
        let mut answer = Ok(None);
        if self.left > 0 {
            self.left -= 1;
            if let Some(seed) = seed.take() {
                answer = seed.deserialize(self.probe).map(Some);
            }
        }
        answer
    }
}
