//! What the result of a step tells of a command that it ran.

use super::local_time;
use crate::sys::{Outcome, Output};
use crate::value::unknown_json;
use serde_json::{Map, Value as Json, json};

/// The first command among the outcomes, or `None` where a dry run ran none.
pub fn output(done: &[Outcome]) -> Option<&Output> {
    done.iter().find_map(|outcome| match outcome {
        Outcome::Ran(output) => Some(output),
        _ => None,
    })
}

/// `rc`, `stdout`, `stderr` and their lines; a status other than 0 fails the step. `strip` takes
/// line ends off the end of both texts.
pub fn keys(output: &Output, strip: bool) -> Map<String, Json> {
    let mut keys = Map::new();
    keys.insert("rc".into(), json!(output.rc));
    for (name, mut text) in [("stdout", output.text()), ("stderr", output.err_text())] {
        if strip {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        set_text(&mut keys, name, &text);
    }
    if !output.ok() {
        keys.insert("failed".into(), json!(true));
        keys.insert("msg".into(), json!("non-zero return code"));
    }
    keys
}

/// A text and its lines.
pub fn set_text(keys: &mut Map<String, Json>, name: &str, text: &str) {
    let lines: Vec<&str> = lines(text);
    keys.insert(format!("{name}_lines"), json!(lines));
    keys.insert(name.to_owned(), json!(text));
}

/// Lines as Python's `splitlines` finds them.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_line_end) {
        lines.push(&rest[..at]);
        let end = if rest[at..].starts_with("\r\n") {
            2
        } else {
            rest[at..].chars().next().map_or(1, char::len_utf8)
        };
        rest = &rest[at + end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The same keys of a command that only apply will run.
pub fn unknown(shown: &str) -> Map<String, Json> {
    ["rc", "stdout", "stdout_lines", "stderr", "stderr_lines"]
        .into_iter()
        .map(|key| (key.to_owned(), unknown_json(&format!("{key} of `{shown}`"))))
        .collect()
}

/// `start`, `end` and `delta`, as Python prints local times.
pub fn times(output: &Output) -> Map<String, Json> {
    let start = moment(output.start);
    let end = moment(output.end);
    let micros = (output.end * 1e6).round() - (output.start * 1e6).round();
    [
        ("start", start),
        ("end", end),
        ("delta", delta(micros.max(0.0) as u64)),
    ]
    .into_iter()
    .map(|(key, text)| (key.to_owned(), Json::from(text)))
    .collect()
}

fn moment(seconds: f64) -> String {
    let micros = (seconds * 1e6).round();
    let t = local_time::local((micros / 1e6).floor());
    let text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        t.year, t.month, t.day, t.hour, t.minute, t.second
    );
    fraction(text, micros.rem_euclid(1e6) as u64)
}

/// Python's `str(timedelta)`.
fn delta(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (days, rest) = (seconds / 86400, seconds % 86400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    let text = match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    };
    fraction(text, micros % 1_000_000)
}

fn fraction(text: String, micros: u64) -> String {
    match micros {
        0 => text,
        micros => format!("{text}.{micros:06}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_like_python() {
        assert_eq!(delta(6_416), "0:00:00.006416");
        assert_eq!(delta(90_061_000_000), "1 day, 1:01:01");
        assert_eq!(delta(2 * 86_400_000_000 + 1), "2 days, 0:00:00.000001");
        assert!(moment(1.5).ends_with(".500000"));
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(lines("a\r\nb\rc\n\n"), ["a", "b", "c", ""]);
        assert_eq!(lines(""), [""; 0]);
    }
}
