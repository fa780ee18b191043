//! Annotations for GitHub's workflow logs, and a table for the run's summary page.

use super::event::{Counts, Event, Outcome, Output, Status};
use super::screen::Screen;
use crate::diag::{Diag, Level, SourceMap};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

/// Prints `::error` and `::warning` commands.
pub struct Annotations {
    out: Screen,
    sources: SourceMap,
}

impl Annotations {
    /// Prints on `out`; the summary goes to the file that `GITHUB_STEP_SUMMARY` names.
    pub fn new(out: Screen, sources: SourceMap) -> Annotations {
        Annotations { out, sources }
    }

    fn failed(&mut self, outcome: &Outcome) {
        let message = outcome.result["msg"].as_str().unwrap_or("failed");
        let place = outcome
            .diag
            .as_ref()
            .and_then(|d| self.sources.place(d.span()));
        let place = place.unwrap_or_else(|| outcome.task.path.clone());
        let title = format!("{}: {}", outcome.host, outcome.task.name);
        let level = if outcome.ignored { "warning" } else { "error" };
        self.out.line(&command(level, &place, &title, message));
    }

    fn message(&mut self, diag: &Diag) {
        let level = match diag.level {
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let place = self.sources.place(diag.span()).unwrap_or_default();
        self.out
            .line(&command(level, &place, &diag.code, &diag.message));
    }
}

impl Output for Annotations {
    fn event(&mut self, event: &Event) {
        match event {
            Event::TaskEnded(o) if matches!(o.status, Status::Failed | Status::Unreachable) => {
                self.failed(o);
            }
            Event::Message(diag) => self.message(diag),
            Event::RunEnded { recap, .. } => {
                let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") else {
                    return;
                };
                let file = File::options().append(true).create(true).open(path);
                // A summary that cannot be written is no reason to fail a deployment.
                let _ = file.and_then(|mut f| f.write_all(table(recap).as_bytes()));
            }
            _ => {}
        }
    }
}

/// `::error file=F,line=L,col=C,title=T::message`
fn command(level: &str, place: &str, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    let mut parts = place.split(':');
    for name in ["file", "line", "col"] {
        if let Some(part) = parts.next().filter(|p| !p.is_empty()) {
            properties.push(format!("{name}={}", property(part)));
        }
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn table(recap: &BTreeMap<String, Counts>) -> String {
    let mut out = String::from(
        "| host | ok | changed | failed | unreachable | skipped |\n|---|---|---|---|---|---|\n",
    );
    for (host, c) in recap {
        let numbers = [c.ok, c.changed, c.failed, c.unreachable, c.skipped].map(|n| n.to_string());
        out += &format!("| {host} | {} |\n", numbers.join(" | "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(
            command("error", "site.yml:3:5", "h1: a, b", "100%\nbad"),
            "::error file=site.yml,line=3,col=5,title=h1%3A a%2C b::100%25%0Abad"
        );
        assert_eq!(command("warning", "", "x", "y"), "::warning title=x::y");
    }
}
