//! The body of a request.

use super::super::common::place::Place;
use super::super::common::{py_json, web};
use super::Args;
use crate::args::Raw;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Request, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum BodyFormat {
    /// As it is.
    #[default]
    Raw,
    /// As JSON.
    Json,
    /// As a web form.
    FormUrlencoded,
}

impl Args {
    /// Sets the body and the header line that tells its kind.
    pub(super) fn put_body(&self, request: &mut Request, view: &dyn View) -> Result<()> {
        let (bytes, kind) = match (&self.body, self.file(view)?) {
            (_, Some(bytes)) => (bytes, BodyFormat::Raw),
            (Some(Raw(body)), None) if !body.is_null() => {
                (self.written(body)?.into_bytes(), self.body_format)
            }
            _ => return Ok(()),
        };
        let kind = match kind {
            BodyFormat::Json => "application/json",
            // What Python's urllib says of a body that nobody described.
            BodyFormat::Raw | BodyFormat::FormUrlencoded => "application/x-www-form-urlencoded",
        };
        web::set_default(request, "Content-Type", kind);
        request.body = bytes;
        Ok(())
    }

    fn file(&self, view: &dyn View) -> Result<Option<Vec<u8>>> {
        if let Some(blob) = &self.blob {
            return Ok(Some(view.blob(blob)?.to_vec()));
        }
        let Some(src) = &self.src else {
            return Ok(None);
        };
        let place = Place::of(src, view)?;
        match view.read(&place.at)? {
            Known::Known(Some(bytes)) => Ok(Some(bytes.to_vec())),
            Known::Unknown => Ok(Some(Vec::new())),
            Known::Known(None) => {
                let message = format!("Unable to open source file {}", place.shown);
                Err(Diag::error("no-such-file", message).about("src"))
            }
        }
    }

    /// Text is sent as it is, whatever the format (observed: ansible-core 2.19.14).
    fn written(&self, body: &Json) -> Result<String> {
        match (self.body_format, body) {
            (_, Json::String(text)) => Ok(text.clone()),
            (BodyFormat::Json, body) => Ok(py_json::dumps(body)),
            (BodyFormat::FormUrlencoded, body) => form(body),
            (BodyFormat::Raw, Json::Object(_) | Json::Array(_)) => Err(Diag::error(
                "bad-body",
                "a dict or list cannot be sent as it is",
            )
            .about("body")
            .help("set body_format to json or form-urlencoded")),
            (BodyFormat::Raw, scalar) => Ok(web::text(scalar)),
        }
    }
}

/// `a=1&b=x&b=y` of a dict, or of a list of pairs; a list is a key that comes several times.
fn form(body: &Json) -> Result<String> {
    let wrong = || {
        let message = "a form is a dict or a list of [name, value] pairs";
        Diag::error("bad-body", message).about("body")
    };
    let mut pairs: Vec<(String, &Json)> = Vec::new();
    match body {
        Json::Object(map) => pairs.extend(map.iter().map(|(k, v)| (k.clone(), v))),
        Json::Array(items) => {
            for item in items {
                match item.as_array().map(Vec::as_slice) {
                    Some([name, value]) => pairs.push((web::text(name), value)),
                    _ => return Err(wrong()),
                }
            }
        }
        _ => return Err(wrong()),
    }
    let mut fields = Vec::new();
    for (name, value) in pairs {
        match value {
            Json::Array(values) => fields.extend(values.iter().map(|v| field(&name, v))),
            value => fields.push(field(&name, value)),
        }
    }
    Ok(fields.join("&"))
}

fn field(name: &str, value: &Json) -> String {
    format!("{}={}", quote(name), quote(&web::text(value)))
}

/// As forms write text: a space is `+`, what is neither letter nor digit nor `_.-~` is `%41`.
fn quote(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'_' | b'.' | b'-' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_are_written_as_python_writes_them() {
        let dict = json!({"a": "1 2", "b": ["x", "é&"], "c": true});
        assert_eq!(form(&dict).unwrap(), "a=1+2&b=x&b=%C3%A9%26&c=True");
        assert_eq!(form(&json!([["a", 1], ["a", 2]])).unwrap(), "a=1&a=2");
        assert!(form(&json!(5)).is_err());
        assert!(form(&json!([["a"]])).is_err());
    }
}
