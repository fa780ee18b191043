//! YAML against PyYAML: `compat/yaml/record.py` recorded what it reads and writes.

use gxdeploy::diag::SourceMap;
use gxdeploy::value::{Kind, Map, Value};
use gxdeploy::yaml::{Layout, dump, load};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Case {
    yaml: String,
    repr: Option<String>,
    nice: Option<String>,
    short: Option<String>,
}

#[test]
fn reads_and_writes_as_pyyaml() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("compat/yaml/cases.json")).unwrap();
    assert!(cases.len() > 100);
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differs(case: &Case) -> Option<String> {
    let ours = load(&SourceMap::default(), Path::new("t.yml"), &case.yaml);
    let (value, repr) = match (&ours, &case.repr) {
        (Err(_), None) => return None,
        (Ok(value), Some(repr)) => (data(value), repr),
        (Ok(value), None) => return Some(format!("{:?}: read as {value:?}", case.yaml)),
        (Err(diag), Some(repr)) => return Some(format!("{:?}: {diag}, not {repr}", case.yaml)),
    };
    if value.repr() != *repr {
        return Some(format!("{:?}: {value:?}, not {repr}", case.yaml));
    }
    let short = Layout {
        width: 30,
        sort_keys: false,
        ..Layout::default()
    };
    for (layout, expected) in [(Layout::nice(), &case.nice), (short, &case.short)] {
        let written = dump(&value, &layout);
        if Some(&written) != expected.as_ref() {
            return Some(format!(
                "{:?}: written\n{written:?} not\n{expected:?}",
                case.yaml
            ));
        }
    }
    None
}

/// Without tags, which PyYAML's recording does not know.
fn data(value: &Value) -> Value {
    match &value.kind {
        Kind::Str(text) => Value::str(text.text.clone()),
        Kind::List(items) => Value::list(items.iter().map(data).collect()),
        Kind::Map(map) => Value::map(
            map.iter()
                .map(|(k, v)| (k.clone(), data(v)))
                .collect::<Map>(),
        ),
        other => Value::new(other.clone()),
    }
}
