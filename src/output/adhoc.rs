//! What the `ansible` command prints for one module on many hosts (its `minimal` and `oneline`
//! callbacks; observed: ansible-core 2.19.14).

use super::ansible::{described, reason};
use super::event::{Event, Outcome, Output, Status};
use super::screen::{Colour, Screen};
use super::{diff, pyjson, result};
use crate::diag::{Level, SourceMap};
use serde_json::Value as Json;
use std::collections::HashSet;

/// One block, or one line, for each host.
pub struct AdHoc {
    out: Screen,
    err: Screen,
    sources: SourceMap,
    verbosity: u8,
    one_line: bool,
    /// Errors are shown once.
    said: HashSet<String>,
}

impl AdHoc {
    /// Prints on `out`, messages about the run on `err`.
    pub fn new(
        out: Screen,
        err: Screen,
        sources: SourceMap,
        verbosity: u8,
        one_line: bool,
    ) -> AdHoc {
        AdHoc {
            out,
            err,
            sources,
            verbosity,
            one_line,
            said: HashSet::new(),
        }
    }

    fn ended(&mut self, outcome: &Outcome) {
        if outcome.show_diff && outcome.status == Status::Changed {
            let text = diff::render(&outcome.result["diff"], &self.out);
            self.out.text(&text);
        }
        if !self.one_line && matches!(outcome.status, Status::Failed | Status::Unreachable) {
            let text = reason(outcome, &self.sources);
            if self.said.insert(text.clone()) {
                let text = self.out.paint(&text, Colour::Red);
                self.out.line(&text);
            }
        }
        let (word, colour) = match outcome.status {
            Status::Ok => ("SUCCESS", Colour::Green),
            Status::Changed => ("CHANGED", Colour::Yellow),
            Status::Skipped => ("SKIPPED", Colour::Cyan),
            Status::Failed => ("FAILED", Colour::Red),
            Status::Unreachable => ("UNREACHABLE", Colour::BrightRed),
        };
        let text = match self.one_line {
            true => self.line(outcome, word),
            false => self.block(outcome, word),
        };
        let text = self.out.paint(&text, colour);
        self.out.line(&text);
    }

    fn block(&self, outcome: &Outcome, word: &str) -> String {
        let host = &outcome.host;
        if outcome.status == Status::Skipped {
            return format!("{host} | {word}");
        }
        if let Some(rc) = command(outcome) {
            let texts = ["stdout", "stderr", "msg"].map(|k| text(outcome, k));
            return format!("{host} | {word} | rc={rc} >>\n{}", texts.concat());
        }
        format!(
            "{host} | {word}{} => {}",
            bang(outcome),
            self.json(outcome, Some(4))
        )
    }

    fn line(&self, outcome: &Outcome, word: &str) -> String {
        let host = &outcome.host;
        match (outcome.status, command(outcome)) {
            (Status::Skipped, _) => format!("{host} | {word}"),
            (Status::Unreachable, _) => format!("{host} | {word}!: {}", text(outcome, "msg")),
            (status, Some(rc)) => {
                let [out, err] =
                    ["stdout", "stderr"].map(|k| text(outcome, k).replace('\n', "\\n"));
                let err = match err.is_empty() {
                    true => err,
                    false => format!(" (stderr) {err}"),
                };
                let line = format!("{host} | {word} | rc={rc} | (stdout) {out}{err}");
                // The original prints a failure twice.
                match status {
                    Status::Failed => format!("{line}\n{}", self.json_line(outcome, word)),
                    _ => line,
                }
            }
            _ => self.json_line(outcome, word),
        }
    }

    fn json_line(&self, outcome: &Outcome, word: &str) -> String {
        let json = self.json(outcome, Some(0)).replace('\n', "");
        format!("{} | {word}{} => {json}", outcome.host, bang(outcome))
    }

    fn json(&self, outcome: &Outcome, indent: Option<usize>) -> String {
        pyjson::dumps(
            &Json::Object(result::cleaned(outcome, self.verbosity)),
            indent,
        )
    }
}

impl Output for AdHoc {
    fn event(&mut self, event: &Event) {
        match event {
            Event::TaskEnded(outcome) => self.ended(outcome),
            Event::Message(diag) => {
                let (word, colour) = match diag.level {
                    Level::Warning => ("WARNING", Colour::BrightPurple),
                    Level::Error => ("ERROR", Colour::Red),
                };
                let text = format!("[{word}]: {}", described(diag, &self.sources));
                let text = self.err.paint(&text, colour);
                self.err.line(&text);
            }
            Event::Connection { text } if self.verbosity > 0 => self.err.line(text),
            Event::Stats { hosts } => self.out.line(&super::stats::table(hosts)),
            _ => {}
        }
    }
}

/// The exit status where a command ran whose output is worth more than the result's JSON.
fn command(outcome: &Outcome) -> Option<i64> {
    let is = matches!(
        outcome.task.module.as_str(),
        "command" | "shell" | "raw" | "script" | "win_command" | "win_shell"
    );
    is.then(|| outcome.result["rc"].as_i64()).flatten()
}

fn text<'a>(outcome: &'a Outcome, key: &str) -> &'a str {
    outcome.result[key].as_str().unwrap_or_default()
}

fn bang(outcome: &Outcome) -> &'static str {
    match outcome.status {
        Status::Failed | Status::Unreachable => "!",
        _ => "",
    }
}
