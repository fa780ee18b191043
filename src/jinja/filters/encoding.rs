//! Text forms of values: JSON, YAML, base64, URLs.

use super::Row;
use crate::jinja::function::Call;
use crate::value::charset::Charset;
use crate::value::{Kind, Map, Value, float_repr, from_json};
use crate::yaml::{self, Layout};
use base64::Engine;
use std::fmt::Write;

pub const FILTERS: &[Row] = &[
    ("b64decode", b64decode),
    ("b64encode", b64encode),
    ("from_json", from_json_filter),
    ("from_yaml", from_yaml),
    ("from_yaml_all", from_yaml_all),
    ("to_json", to_json),
    ("tojson", html_json),
    ("to_nice_json", to_nice_json),
    ("to_nice_yaml", to_nice_yaml),
    ("to_uwsgi_yaml", to_uwsgi_yaml),
    ("to_yaml", to_yaml),
    ("urldecode", urldecode),
    ("urlsplit", urlsplit),
];

fn text(call: &Call) -> Result<String, String> {
    call.subject().map(Value::to_text)
}

/// `b64encode(string, encoding='utf-8', urlsafe=False)`
fn b64encode(call: &Call) -> Result<Value, String> {
    let name = call.text(1, "encoding").unwrap_or_default();
    let bytes = Charset::named(&name)?.encode(&text(call)?)?;
    Ok(Value::str(match call.flag(2, "urlsafe", false) {
        true => base64::prelude::BASE64_URL_SAFE.encode(bytes),
        false => base64::prelude::BASE64_STANDARD.encode(bytes),
    }))
}

/// `b64decode(string, encoding='utf-8', urlsafe=False)`
fn b64decode(call: &Call) -> Result<Value, String> {
    let name = call.text(1, "encoding").unwrap_or_default();
    let clean: String = text(call)?.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = match call.flag(2, "urlsafe", false) {
        true => base64::prelude::BASE64_URL_SAFE.decode(clean),
        false => base64::prelude::BASE64_STANDARD.decode(clean),
    };
    let bytes = bytes.map_err(|_| "Incorrect padding".to_owned())?;
    Ok(Value::str(Charset::named(&name)?.decode(&bytes)))
}

fn from_json_filter(call: &Call) -> Result<Value, String> {
    let given = call.subject()?;
    if given.as_str().is_none() {
        let name = match given.kind {
            Kind::Null => "NoneType",
            _ => given.type_name(),
        };
        return Err(format!(
            "the JSON object must be str, bytes or bytearray, not {name}"
        ));
    }
    let json: serde_json::Value =
        serde_json::from_str(&text(call)?).map_err(|e| format!("from_json: {e}"))?;
    Ok(from_json(&json))
}

/// Python's `json.dumps`.
fn to_json(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    let indent = call
        .int(1, "indent")
        .filter(|_| call.args.len() > 1 || call.kwargs.contains("indent"));
    let sort = call.kwargs.get("sort_keys").is_some_and(Value::truthy);
    Ok(Value::str(dumps(value, indent, sort, call)))
}

/// Jinja's own: sorted, and safe inside HTML.
fn html_json(call: &Call) -> Result<Value, String> {
    let indent = call.int(1, "indent");
    let text = dumps(call.subject()?, indent, true, call)
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027");
    Ok(Value::str(text))
}

fn to_nice_json(call: &Call) -> Result<Value, String> {
    let indent = call.int(1, "indent").unwrap_or(4);
    let sort = call.flag(2, "sort_keys", true);
    Ok(Value::str(dumps(call.subject()?, Some(indent), sort, call)))
}

fn dumps(value: &Value, indent: Option<i64>, sort: bool, call: &Call) -> String {
    let ascii = call.kwargs.get("ensure_ascii").is_none_or(Value::truthy);
    let value = if sort {
        super::collections::sorted(value)
    } else {
        value.clone()
    };
    let separators = call
        .kwargs
        .get("separators")
        .and_then(Value::as_list)
        .and_then(|s| match s {
            [item, key] => Some((item.to_text(), key.to_text())),
            _ => None,
        });
    let (item, key) = separators.unwrap_or_else(|| {
        let item = if indent.is_some() { "," } else { ", " };
        (item.to_owned(), ": ".to_owned())
    });
    let mut out = String::new();
    write_json(&value, indent, 0, (&item, &key), ascii, &mut out);
    out
}

fn write_json(
    value: &Value,
    indent: Option<i64>,
    level: usize,
    separators: (&str, &str),
    ascii: bool,
    out: &mut String,
) {
    let newline = |out: &mut String, level: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent.max(0) as usize * level));
        }
    };
    match &value.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Kind::Int(n) => {
            let _ = write!(out, "{n}");
        }
        Kind::Float(f) => out.push_str(&match float_repr(*f).as_str() {
            "inf" => "Infinity".to_owned(),
            "-inf" => "-Infinity".to_owned(),
            "nan" => "NaN".to_owned(),
            other => other.to_owned(),
        }),
        Kind::Str(text) => write_json_string(&text.text, ascii, out),
        Kind::Unknown(_) => out.push_str("null"),
        Kind::List(items) if items.is_empty() => out.push_str("[]"),
        Kind::Map(map) if map.is_empty() => out.push_str("{}"),
        Kind::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(separators.0);
                }
                newline(out, level + 1);
                write_json(item, indent, level + 1, separators, ascii, out);
            }
            newline(out, level);
            out.push(']');
        }
        Kind::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push_str(separators.0);
                }
                newline(out, level + 1);
                let key = key.to_value();
                let name = match key.kind {
                    Kind::Bool(_) | Kind::Null => key.to_json().to_string(),
                    _ => key.to_text(),
                };
                write_json_string(&name, ascii, out);
                out.push_str(separators.1);
                write_json(item, indent, level + 1, separators, ascii, out);
            }
            newline(out, level);
            out.push('}');
        }
    }
}

fn write_json_string(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Options of PyYAML's `dump`; those that nothing comes of are taken all the same.
const DUMP: [&str; 16] = [
    "Dumper",
    "allow_unicode",
    "canonical",
    "default_flow_style",
    "default_style",
    "dump_vault_tags",
    "encoding",
    "explicit_end",
    "explicit_start",
    "indent",
    "line_break",
    "sort_keys",
    "stream",
    "tags",
    "version",
    "width",
];

fn layout(call: &Call, nice: bool) -> Result<Layout, String> {
    let kw = |name: &str| call.kwargs.get(name);
    for name in call.kwargs.keys().map(|key| key.to_value().to_text()) {
        if !DUMP.contains(&name.as_str()) {
            return Err(format!(
                "dump_all() got an unexpected keyword argument '{name}'"
            ));
        }
    }
    if kw("indent").is_some_and(|v| v.as_int().is_none() && !v.is_null()) {
        return Err("an integer is required".to_owned());
    }
    let indent = call
        .int(1, "indent")
        .filter(|_| nice || kw("indent").is_some())
        .unwrap_or(if nice { 4 } else { 2 });
    Ok(Layout {
        indent: indent.max(1) as usize,
        width: kw("width").and_then(Value::as_int).unwrap_or(80).max(1) as usize,
        sort_keys: kw("sort_keys").is_none_or(Value::truthy),
        flow: match kw("default_flow_style").map(|v| &v.kind) {
            Some(Kind::Bool(flow)) => Some(*flow),
            _ => nice.then_some(false),
        },
        explicit_start: kw("explicit_start").is_some_and(Value::truthy),
        blocks: false,
    })
}

fn dumped(call: &Call, nice: bool) -> Result<Value, String> {
    let mut text = yaml::dump(call.subject()?, &layout(call, nice)?);
    if call.kwargs.get("explicit_end").is_some_and(Value::truthy) {
        text.push_str("...\n");
    }
    Ok(Value::str(text))
}

fn to_yaml(call: &Call) -> Result<Value, String> {
    dumped(call, false)
}

fn to_nice_yaml(call: &Call) -> Result<Value, String> {
    dumped(call, true)
}

/// Galaxy's filter for uwsgi's YAML: a list becomes its key written again for each item.
fn to_uwsgi_yaml(call: &Call) -> Result<Value, String> {
    let mut out = String::new();
    let options = layout(call, true)?;
    for (key, value) in call.subject()?.as_map().into_iter().flatten() {
        let items = match &value.kind {
            Kind::List(items) => items.to_vec(),
            _ => vec![value.clone()],
        };
        for item in items {
            let one: Map = [(key.clone(), item)].into_iter().collect();
            for line in yaml::dump(&Value::map(one), &options).lines() {
                let _ = writeln!(out, "  {line}");
            }
        }
    }
    Ok(Value::str(out))
}

fn load(call: &Call) -> Result<Vec<Value>, String> {
    let sources = crate::diag::SourceMap::default();
    yaml::load_all(&sources, std::path::Path::new("<from_yaml>"), &text(call)?)
        .map(|loaded| loaded.documents.iter().map(data).collect())
        .map_err(|e| format!("from_yaml: {}", e.message))
}

/// What was read from data is data.
fn data(value: &Value) -> Value {
    match &value.kind {
        Kind::Str(text) => Value::str(text.text.clone()),
        Kind::List(items) => Value::list(items.iter().map(data).collect()),
        Kind::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), data(v))).collect()),
        other => Value::new(other.clone()),
    }
}

fn from_yaml(call: &Call) -> Result<Value, String> {
    if call.subject()?.as_str().is_none() {
        return call.subject().cloned();
    }
    Ok(load(call)?.into_iter().next().unwrap_or_default())
}

fn from_yaml_all(call: &Call) -> Result<Value, String> {
    match &call.subject()?.kind {
        Kind::Str(_) => load(call).map(Value::list),
        Kind::Null => Ok(Value::list(Vec::new())),
        _ => call.subject().cloned(),
    }
}

fn urldecode(call: &Call) -> Result<Value, String> {
    let text = text(call)?.replace('+', " ");
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%')
            .then(|| text.get(i + 1..i + 3))
            .flatten()
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    Ok(Value::str(String::from_utf8_lossy(&out).into_owned()))
}

fn urlsplit(call: &Call) -> Result<Value, String> {
    let url = text(call)?;
    let (rest, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest))
            if scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
        {
            (scheme.to_lowercase(), rest)
        }
        _ => (String::new(), rest),
    };
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let at = rest.find('/').unwrap_or(rest.len());
            rest.split_at(at)
        }
        None => ("", rest),
    };
    let (user, host) = match netloc.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, netloc),
    };
    let (username, password) =
        match user.map(|u| u.split_once(':').map_or((u, None), |(a, b)| (a, Some(b)))) {
            Some((name, password)) => (Some(name), password),
            None => (None, None),
        };
    let (hostname, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse::<i64>().ok()),
        _ => (host, None),
    };
    let hostname = hostname.trim_matches(['[', ']']).to_lowercase();
    let optional = |text: Option<&str>| text.map_or_else(Value::null, Value::str);
    let parts: Map = [
        ("fragment", Value::str(fragment)),
        (
            "hostname",
            if hostname.is_empty() {
                Value::null()
            } else {
                Value::str(hostname)
            },
        ),
        ("netloc", Value::str(netloc)),
        ("password", optional(password)),
        ("path", Value::str(path)),
        ("port", port.map_or_else(Value::null, Value::from)),
        ("query", Value::str(query)),
        ("scheme", Value::str(scheme)),
        ("username", optional(username)),
    ]
    .into_iter()
    .collect();
    match call.text(1, "query") {
        Some(part) if !part.is_empty() => parts
            .get(&part)
            .cloned()
            .ok_or_else(|| format!("split: unknown URL component: {part}")),
        _ => Ok(Value::map(parts)),
    }
}
