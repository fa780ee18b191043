//! What hosts made of one task, folded where they agree.

use crate::diag::{SourceMap, render};
use crate::output::event::{Certainty, Outcome, Status};
use crate::output::ranges;
use crate::output::screen::{Colour, Screen};
use crate::output::{diff, pyjson, result};
use crate::value::{is_unknown, order};
use serde_json::Value as Json;
use std::collections::HashSet;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Fine,
    Skipped,
    /// A message for people (`debug`).
    Told,
    Added,
    Changed,
    Removed,
    /// An opaque command would run.
    Opaque,
    /// Only apply will tell.
    Unknown,
    Ignored,
    Failed,
    Unreachable,
}

impl Mark {
    /// Shown without `-v`.
    pub fn is_news(self) -> bool {
        !matches!(self, Mark::Fine | Mark::Skipped)
    }

    pub fn shown(self, check: bool) -> (&'static str, Colour) {
        match self {
            Mark::Fine => ("=", Colour::Green),
            Mark::Skipped => ("-", Colour::Cyan),
            Mark::Told => ("·", Colour::Blue),
            Mark::Added => ("+", Colour::Green),
            Mark::Changed => ("~", Colour::Yellow),
            Mark::Removed => ("-", Colour::Red),
            Mark::Opaque if check => ("!", Colour::Yellow),
            Mark::Opaque => ("~", Colour::Yellow),
            Mark::Unknown => ("?", Colour::BrightPurple),
            Mark::Ignored => ("x", Colour::Cyan),
            Mark::Failed => ("x", Colour::Red),
            Mark::Unreachable => ("x", Colour::BrightRed),
        }
    }
}

/// One line with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub mark: Mark,
    pub item: Option<String>,
    pub detail: String,
    pub hosts: Vec<String>,
}

impl Row {
    pub fn of(outcome: &Outcome, screen: &Screen, sources: &SourceMap, verbosity: u8) -> Row {
        let mark = mark(outcome);
        Row {
            mark,
            item: outcome.item.clone(),
            detail: detail(outcome, mark, screen, sources, verbosity),
            hosts: vec![match &outcome.delegated_to {
                Some(other) => format!("{} -> {other}", outcome.host),
                None => outcome.host.clone(),
            }],
        }
    }

    /// A few words after the hosts.
    pub fn aside(&self, check: bool) -> &'static str {
        match self.mark {
            Mark::Opaque if check => "  (a command: what it does is not known)",
            Mark::Unknown => "  (known after apply)",
            Mark::Ignored => "  (failed, ignored)",
            Mark::Failed => "  FAILED",
            Mark::Unreachable => "  UNREACHABLE",
            Mark::Skipped => "  (skipped)",
            _ => "",
        }
    }
}

fn mark(outcome: &Outcome) -> Mark {
    match (outcome.status, outcome.certainty) {
        (Status::Unreachable, _) => Mark::Unreachable,
        (Status::Failed, _) if outcome.ignored => Mark::Ignored,
        (Status::Failed, _) => Mark::Failed,
        (_, Certainty::Unknown) => Mark::Unknown,
        (Status::Skipped, _) => Mark::Skipped,
        (_, Certainty::Opaque) => Mark::Opaque,
        (Status::Changed, _) => direction(&outcome.result["diff"]),
        (Status::Ok, _) if result::always_shown(outcome) && outcome.task.module == "debug" => {
            Mark::Told
        }
        (Status::Ok, _) => Mark::Fine,
    }
}

/// Whether something appears, changes or goes, by the first difference.
fn direction(diff: &Json) -> Mark {
    let first = diff
        .as_array()
        .map_or(diff, |list| list.first().unwrap_or(&Json::Null));
    let nothing = |side: &Json| match side {
        Json::String(text) => text.is_empty(),
        Json::Object(map) => map.get("state").is_some_and(|s| s == "absent"),
        _ => false,
    };
    match (nothing(&first["before"]), nothing(&first["after"])) {
        (true, false) => Mark::Added,
        (false, true) => Mark::Removed,
        _ => Mark::Changed,
    }
}

fn detail(
    outcome: &Outcome,
    mark: Mark,
    screen: &Screen,
    sources: &SourceMap,
    verbosity: u8,
) -> String {
    let mut parts = Vec::new();
    match mark {
        Mark::Failed | Mark::Unreachable => parts.push(failure(outcome, screen, sources)),
        Mark::Ignored => parts.push(text(&outcome.result["msg"])),
        Mark::Told => parts.push(told(outcome)),
        _ => {}
    }
    if outcome.show_diff && outcome.status == Status::Changed {
        parts.push(differences(&outcome.result["diff"], screen));
    }
    parts.extend(
        result::warnings(outcome)
            .iter()
            .map(|w| format!("warning: {w}")),
    );
    let seen = matches!(mark, Mark::Told) || (result::never_shown(outcome) && verbosity < 3);
    if verbosity >= 2 && !seen {
        let result = Json::Object(result::cleaned(outcome, verbosity));
        parts.push(pyjson::dumps(&result, Some(2)));
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
        .iter()
        .map(|p| p.trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Changed attributes as `mode: 0644 -> 0600`, changed texts as a unified diff.
fn differences(diff: &Json, screen: &Screen) -> String {
    let list = diff
        .as_array()
        .map_or(std::slice::from_ref(diff), Vec::as_slice);
    let parts = list
        .iter()
        .map(|one| match (&one["before"], &one["after"]) {
            (Json::Object(before), Json::Object(after)) => {
                let absent = Json::Null;
                let changed = after
                    .iter()
                    .map(|(k, new)| (k, before.get(k).unwrap_or(&absent), new));
                let changed = changed.filter(|(_, old, new)| old != new);
                let lines =
                    changed.map(|(k, old, new)| format!("{k}: {} -> {}\n", text(old), text(new)));
                lines.collect()
            }
            _ => diff::render(one, screen),
        });
    parts.collect()
}

/// Why it failed: the message with its place, and the end of what a command wrote.
fn failure(outcome: &Outcome, screen: &Screen, sources: &SourceMap) -> String {
    const LINES: usize = 10;
    let mut out = match &outcome.diag {
        Some(diag) => render(diag, sources, screen.colour),
        None => text(&outcome.result["msg"]),
    };
    for stream in ["stderr", "stdout", "module_stderr"] {
        let written = text(&outcome.result[stream]);
        let lines: Vec<&str> = written.lines().collect();
        if lines.is_empty() {
            continue;
        }
        let last = &lines[lines.len().saturating_sub(LINES)..];
        let cut = if last.len() < lines.len() {
            " (its end)"
        } else {
            ""
        };
        out += &format!("\n{stream}{cut}:\n  {}", last.join("\n  "));
        break;
    }
    if outcome.diag.as_ref().is_none_or(|d| d.labels.is_empty()) && !outcome.task.path.is_empty() {
        out += &format!("\nat {}", outcome.task.path);
    }
    out
}

fn told(outcome: &Outcome) -> String {
    let result = result::cleaned(outcome, 0);
    match result.get("msg") {
        Some(message) => text(message),
        None => pyjson::dumps(&Json::Object(result), Some(2)),
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        unknown if is_unknown(unknown) => pyjson::UNKNOWN.to_owned(),
        other => pyjson::dumps(other, Some(2)),
    }
}

/// The rows of one task.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    /// Hosts whose items have rows of their own.
    looped: HashSet<String>,
}

impl Rows {
    pub fn add(&mut self, outcome: &Outcome, row: Row) {
        if outcome.item.is_some() {
            self.looped.insert(outcome.host.clone());
        } else if self.looped.contains(&outcome.host) && outcome.status != Status::Unreachable {
            // The items have told it.
            return;
        }
        let same =
            |r: &&mut Row| (r.mark, &r.item, &r.detail) == (row.mark, &row.item, &row.detail);
        match self.rows.iter_mut().find(same) {
            Some(known) => known.hosts.extend(row.hosts),
            None => self.rows.push(row),
        }
    }

    /// Rows with all the hosts that agree. Failures come last, where the eye is.
    pub fn folded(mut self) -> Vec<Row> {
        order::sort_by_key(&mut self.rows, |row| {
            matches!(row.mark, Mark::Failed | Mark::Unreachable)
        });
        self.rows
    }
}

/// Hosts in few words: by name where they are few, the missing ones where those are few, as ranges
/// where they are counted, nothing where there is only one anyway.
pub(super) fn host_text(hosts: &[String], all: &[String]) -> String {
    const FEW: usize = 3;
    let missing: Vec<&str> = all
        .iter()
        .filter(|h| !hosts.contains(h))
        .map(String::as_str)
        .collect();
    let known = hosts.iter().all(|h| all.contains(h));
    if known && missing.is_empty() && all.len() == 1 {
        return String::new();
    }
    if known && missing.is_empty() && all.len() > FEW {
        return format!("all {} hosts", all.len());
    }
    if known && missing.len() <= FEW && all.len() > 2 * FEW {
        return format!("all but {}", missing.join(", "));
    }
    if hosts.len() <= FEW {
        return hosts.join(", ");
    }
    let parts = ranges::folded(hosts.iter().map(String::as_str));
    ranges::shown(&parts, FEW)
}
