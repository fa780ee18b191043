//! A module's own options together with a group of options that several modules share.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::marker::PhantomData;

/// Options `A` of the module and shared options `B`, written in one flat dict by the user.
///
/// `A`'s fields are reached directly, `B`'s through [`With::shared`]. (`serde(flatten)` would lose
/// places and conversions.)
#[derive(Clone, Debug, Default, PartialEq)]
pub struct With<A, B> {
    /// The module's own.
    pub own: A,
    /// The shared group.
    pub shared: B,
}

/// The newtype name by which our deserializers know a [`With`].
pub(super) const NAME: &str = "$with";

impl<A, B> std::ops::Deref for With<A, B> {
    type Target = A;
    fn deref(&self) -> &A {
        &self.own
    }
}

impl<A, B> std::ops::DerefMut for With<A, B> {
    fn deref_mut(&mut self) -> &mut A {
        &mut self.own
    }
}

impl<A: Serialize, B: Serialize> Serialize for With<A, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &(&self.own, &self.shared))
    }
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Deserialize<'de> for With<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Parts(PhantomData))
    }
}

struct Parts<A, B>(PhantomData<(A, B)>);

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for Parts<A, B> {
    type Value = With<A, B>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("options")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_tuple(2, self)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        let own = seq.next_element::<A>();
        // Asked even if the first part failed: the names of both are collected this way.
        let shared = seq.next_element::<B>();
        let missing = || de::Error::custom("a part of the options is missing");
        Ok(With {
            own: own?.ok_or_else(missing)?,
            shared: shared?.ok_or_else(missing)?,
        })
    }
}

impl<A: JsonSchema, B: JsonSchema> JsonSchema for With<A, B> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}With{}", A::schema_name(), B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = A::json_schema(generator);
        let shared = B::json_schema(generator);
        for part in ["properties", "required"] {
            let Some(more) = shared.get(part).cloned() else {
                continue;
            };
            match (schema.get_mut(part), more) {
                (Some(serde_json::Value::Object(to)), serde_json::Value::Object(from)) => {
                    to.extend(from);
                }
                (Some(serde_json::Value::Array(to)), serde_json::Value::Array(from)) => {
                    to.extend(from);
                }
                (Some(_), _) => {}
                (None, more) => {
                    schema.insert(part.to_owned(), more);
                }
            }
        }
        schema
    }
}
