//! To and from JSON, the form of results and facts on the wire.

use super::{Key, Kind, Map, Value};
use serde_json::Value as Json;

/// The key of the one-entry object that stands for an unknown value in JSON.
pub const UNKNOWN_KEY: &str = "__gxdeploy_unknown__";

/// JSON that stands for an unknown value: what a module puts into the result of a dry run.
pub fn unknown_json(why: &str) -> Json {
    serde_json::json!({ UNKNOWN_KEY: why })
}

/// True for what stands in JSON for something unknown.
pub fn is_unknown(json: &Json) -> bool {
    json.as_object()
        .is_some_and(|map| map.len() == 1 && map.contains_key(UNKNOWN_KEY))
}

/// JSON from a host or a file as a value. Its strings are data, never templates.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::null(),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => match n.as_i64() {
            Some(int) => Value::from(int),
            None => Value::from(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::str(s.as_str()),
        Json::Array(items) => Value::list(items.iter().map(from_json).collect()),
        Json::Object(map) => {
            if let (1, Some(Json::String(why))) = (map.len(), map.get(UNKNOWN_KEY)) {
                return Value::unknown(why.as_str());
            }
            let map: Map = map
                .iter()
                .map(|(k, v)| (Key::from(k.as_str()), from_json(v)))
                .collect();
            Value::map(map)
        }
    }
}

impl Value {
    /// This value as JSON: keys become strings as Python's `json` writes them (`true`, `null`).
    pub fn to_json(&self) -> Json {
        match &self.kind {
            Kind::Null => Json::Null,
            Kind::Bool(b) => Json::Bool(*b),
            Kind::Int(n) => Json::from(*n),
            Kind::Float(f) => Json::from(*f),
            Kind::Str(t) => Json::from(t.text.as_ref()),
            Kind::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Kind::Map(map) => Json::Object(
                map.iter()
                    .map(|(k, v)| (json_key(k), v.to_json()))
                    .collect(),
            ),
            Kind::Unknown(why) => unknown_json(why),
        }
    }
}

fn json_key(key: &Key) -> String {
    match key.as_str() {
        Some(s) => s.to_owned(),
        None => match key.to_value().kind {
            Kind::Bool(b) => b.to_string(),
            Kind::Null => "null".to_owned(),
            _ => key.to_value().to_text(),
        },
    }
}
