//! The `diff` of a result as text: the unified form that ansible-playbook prints.

use super::matching::{Part, grouped, parts};
use super::pyjson::dumps;
use super::screen::{Colour, Screen};
use serde_json::Value as Json;

const CONTEXT: usize = 3;

/// The text of a result's `diff` (one object, or a list of them), with colours where the screen has
/// them. Empty where there is nothing to show.
pub(super) fn render(diff: &Json, screen: &Screen) -> String {
    match diff {
        Json::Array(list) => list.iter().map(|d| one(d, screen)).collect(),
        _ => one(diff, screen),
    }
}

fn one(diff: &Json, screen: &Screen) -> String {
    let mut out = String::new();
    if !diff["dst_binary"].is_null() {
        out += "diff skipped: destination file appears to be binary\n";
    }
    if !diff["src_binary"].is_null() {
        out += "diff skipped: source file appears to be binary\n";
    }
    for (key, side) in [("dst_larger", "destination"), ("src_larger", "source")] {
        if let Some(size) = diff.get(key) {
            out += &format!("diff skipped: {side} file size is greater than {size}\n");
        }
    }
    if let (Some(before), Some(after)) = (diff.get("before"), diff.get("after")) {
        let header = |side: &str| match diff[format!("{side}_header")].as_str() {
            Some(header) => format!("{side}: {header}"),
            None => side.to_owned(),
        };
        let text = unified(
            &text(before),
            &text(after),
            &header("before"),
            &header("after"),
        );
        out += &coloured(&text, screen);
    }
    if let Some(prepared) = diff["prepared"].as_str() {
        out += prepared;
    }
    out
}

/// Attributes are shown as JSON.
fn text(side: &Json) -> String {
    match side {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => dumps(other, Some(4)) + "\n",
    }
}

/// A unified diff, a blank line after it. Empty for equal texts.
fn unified(before: &str, after: &str, before_name: &str, after_name: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let groups = grouped(parts(&old, &new), CONTEXT);
    if groups.is_empty() {
        return String::new();
    }
    let mut out = format!("--- {before_name}\n+++ {after_name}\n");
    for group in groups {
        out += &hunk(&group, &old, &new);
    }
    out + "\n"
}

fn hunk(group: &[Part], old: &[&str], new: &[&str]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return String::new();
    };
    let place = |start: usize, end: usize| match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        len => format!("{},{len}", start + 1),
    };
    let mut out = format!(
        "@@ -{} +{} @@\n",
        place(first.old.start, last.old.end),
        place(first.new.start, last.new.end)
    );
    for part in group {
        let (removed, added) = (&old[part.old.clone()], &new[part.new.clone()]);
        if part.equal {
            removed.iter().for_each(|l| push(&mut out, ' ', l));
        } else {
            removed.iter().for_each(|l| push(&mut out, '-', l));
            added.iter().for_each(|l| push(&mut out, '+', l));
        }
    }
    out
}

fn push(out: &mut String, mark: char, line: &str) {
    out.push(mark);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

fn coloured(text: &str, screen: &Screen) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let colour = match line.chars().next() {
            Some('+') => Colour::Green,
            Some('-') => Colour::Red,
            Some('@') => Colour::Cyan,
            _ => return line.to_owned(),
        };
        let (bare, end) = line
            .strip_suffix('\n')
            .map_or((line, ""), |bare| (bare, "\n"));
        screen.paint(bare, colour) + end
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(diff: &Json) -> String {
        render(diff, &Screen::plain(std::io::sink()))
    }

    #[test]
    fn a_changed_line_and_a_missing_newline() {
        let diff = json!([{"before": "one\ntwo\nthree\n", "after": "one\n2\nthree\nfour",
            "before_header": "/f", "after_header": "/f"}]);
        insta::assert_snapshot!(shown(&diff), @r"
        --- before: /f
        +++ after: /f
        @@ -1,3 +1,4 @@
         one
        -two
        +2
         three
        +four
        \ No newline at end of file
        ");
        assert!(shown(&diff).ends_with("file\n\n"));
    }

    #[test]
    fn attributes_new_files_and_nothing() {
        assert_eq!(
            shown(&json!({"before": {"state": "absent"}, "after": {"state": "file"}})),
            "--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    \"state\": \"absent\"\n+    \"state\": \"file\"\n }\n\n"
        );
        assert_eq!(
            shown(&json!({"before": "", "after": "x\n", "after_header": "/o"})),
            "--- before\n+++ after: /o\n@@ -0,0 +1 @@\n+x\n\n"
        );
        assert_eq!(shown(&json!({"before": "x", "after": "x"})), "");
        assert_eq!(shown(&json!({"prepared": "pkg\n"})), "pkg\n");
        assert_eq!(shown(&json!([])), "");
    }

    /// `difflib` prefers the longest common run where the shortest edit script would not.
    #[test]
    fn groups_as_difflib() {
        let before: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let after = before.replace("3\n", "three\n").replace("19\n", "");
        let text = shown(&json!({"before": before, "after": after}));
        assert_eq!(text.matches("@@ -").count(), 2);
        let text = shown(&json!({"before": "a\nb\nc\nd\n", "after": "c\nd\na\nb\nx\n"}));
        assert!(
            text.contains("-a\n-b\n c\n d\n+a\n+b\n+x\n")
                || text.contains("+c\n+d\n a\n b\n-c\n-d\n+x\n")
        );
    }
}
