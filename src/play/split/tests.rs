use super::*;
use proptest::prelude::*;
use serde_json::Value as Json;

/// Answers of ansible-core 2.19.14's `split_args` and `parse_kv`, one JSON object a line.
const RECORDED: &str = include_str!("../../../tests/cases/split/recorded.jsonl");

fn as_json(found: &KeyValues) -> Json {
    let mut map = serde_json::Map::new();
    for pair in &found.pairs {
        map.insert(pair.key.clone(), Json::from(pair.value.as_str()));
    }
    if let Some(free) = &found.free {
        map.insert("_raw_params".into(), Json::from(free.as_str()));
    }
    Json::Object(map)
}

#[test]
fn answers_as_recorded() {
    let mut lines = 0;
    for line in RECORDED.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        let split = split_args(text).map(|p| p.into_iter().map(|p| p.text).collect::<Vec<_>>());
        assert_eq!(serde_json::json!(split), case["split"], "split of {text:?}");
        if split.is_some() {
            let kv = parse_kv(text, false).unwrap();
            assert_eq!(as_json(&kv), case["kv"], "pairs of {text:?}");
            let command = parse_kv(text, true).unwrap();
            assert_eq!(as_json(&command), case["command"], "command {text:?}");
        }
        lines += 1;
    }
    assert!(lines > 300);
}

proptest! {
    #[test]
    fn never_panics_and_pieces_stand_where_they_say(text in "[a-c=\"' {}%#\\\\\n\té]{0,24}") {
        let _ = parse_kv(&text, true);
        for piece in split_args(&text).unwrap_or_default() {
            prop_assert!(text.is_char_boundary(piece.start));
            // Line ends, and backslashes before them, are not kept as they are.
            if !text.contains(['\\', '\n']) {
                let first = piece.text.split(' ').next().unwrap_or("");
                prop_assert!(text[piece.start..].starts_with(first));
            }
        }
    }

    #[test]
    fn quoted_values_come_back(value in "[a-z ={}]{1,12}") {
        prop_assume!(!value.contains("{{") && !value.contains("}}") && !value.contains("\\"));
        let found = parse_kv(&format!("k=\"{value}\""), false).unwrap();
        prop_assert_eq!(&found.pairs[0].value, &value);
    }
}
