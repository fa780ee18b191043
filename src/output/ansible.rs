//! What ansible-playbook's default callback prints (observed: ansible-core 2.19.14).

use super::event::{Counts, Event, Outcome, Output, Status, TaskInfo};
use super::screen::{Colour, Screen};
use super::{diff, origin, pyjson, result};
use crate::diag::{Diag, Level, SourceMap};
use std::collections::{BTreeMap, HashSet};
use unicode_width::UnicodeWidthStr;

/// The default callback.
pub struct Callback {
    out: Screen,
    err: Screen,
    sources: SourceMap,
    verbosity: u8,
    /// Hosts of which items of the current task were shown.
    looped: HashSet<String>,
    /// Errors and warnings are shown once.
    said: HashSet<String>,
}

impl Callback {
    /// Prints on `out`, messages about the run on `err`. `verbosity` is the number of `-v`.
    pub fn new(out: Screen, err: Screen, sources: SourceMap, verbosity: u8) -> Callback {
        Callback {
            out,
            err,
            sources,
            verbosity,
            looped: HashSet::new(),
            said: HashSet::new(),
        }
    }

    fn paint(&mut self, text: &str, colour: Colour) {
        let text = self.out.paint(text, colour);
        self.out.line(&text);
    }

    fn banner(&mut self, text: &str) {
        let stars = self.out.width.saturating_sub(text.width()).max(3);
        self.out.line(&format!("\n{text} {}", "*".repeat(stars)));
    }

    fn task(&mut self, task: &TaskInfo) {
        let kind = if task.handler {
            "RUNNING HANDLER"
        } else {
            "TASK"
        };
        let name = match &task.role {
            Some(role) => format!("{role} : {}", task.name),
            None => task.name.clone(),
        };
        self.banner(&format!("{kind} [{}]", name.trim()));
        if let (true, Some(path)) = (self.verbosity >= 2, origin::task_path(task)) {
            self.out.line(&format!("task path: {path}"));
        }
        self.looped.clear();
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.warn(outcome);
        let is_loop = outcome.item.is_none() && self.looped.contains(&outcome.host);
        match outcome.status {
            Status::Ok | Status::Changed if is_loop || includes(&outcome.task) => {}
            Status::Ok | Status::Changed => self.well(outcome),
            Status::Skipped => self.skipped(outcome),
            Status::Failed if is_loop => {}
            Status::Failed => self.failed(outcome),
            Status::Unreachable => self.unreachable(outcome),
        }
        let failed = matches!(outcome.status, Status::Failed | Status::Unreachable);
        if failed && outcome.ignored && outcome.item.is_none() {
            self.paint("...ignoring", Colour::Cyan);
        }
        if outcome.item.is_some() {
            self.looped.insert(outcome.host.clone());
        }
    }

    fn well(&mut self, outcome: &Outcome) {
        let changed = outcome.status == Status::Changed;
        if outcome.show_diff && changed {
            let text = diff::render(&outcome.result["diff"], &self.out);
            if !text.is_empty() {
                self.out.text(&text);
                if !text.ends_with('\n') {
                    self.out.text("\n");
                }
            }
        }
        let (word, colour) = match changed {
            true => ("changed", Colour::Yellow),
            false => ("ok", Colour::Green),
        };
        let line = format!("{word}: [{}]{}", host(outcome), item(outcome));
        let line = line + &self.dump(outcome);
        self.paint(&line, colour);
    }

    fn skipped(&mut self, outcome: &Outcome) {
        let item = match item(outcome).as_str() {
            "" => String::new(),
            item => format!("{item} "),
        };
        let line = format!("skipping: [{}]{item}{}", host(outcome), self.dump(outcome));
        self.paint(&line, Colour::Cyan);
    }

    fn failed(&mut self, outcome: &Outcome) {
        self.reason(outcome);
        let result = result::shown(outcome, self.verbosity);
        let line = match &outcome.item {
            Some(item) => format!("failed: [{}] (item={item}) => {result}", host(outcome)),
            None => format!("fatal: [{}]: FAILED! => {result}", host(outcome)),
        };
        self.paint(&line, Colour::Red);
    }

    fn unreachable(&mut self, outcome: &Outcome) {
        if outcome.item.is_some() {
            return self.failed(outcome);
        }
        self.reason(outcome);
        let result = result::shown(outcome, self.verbosity);
        self.paint(
            &format!("fatal: [{}]: UNREACHABLE! => {result}", host(outcome)),
            Colour::BrightRed,
        );
    }

    /// ` => {...}` where the result is shown.
    fn dump(&self, outcome: &Outcome) -> String {
        let wanted = self.verbosity > 0 || result::always_shown(outcome);
        match wanted && !result::never_shown(outcome) {
            true => format!(" => {}", result::shown(outcome, self.verbosity)),
            false => String::new(),
        }
    }

    /// Why a task failed and where it stands; once for all hosts.
    fn reason(&mut self, outcome: &Outcome) {
        let text = reason(outcome, &self.sources);
        if !includes(&outcome.task) && self.said.insert(text.clone()) {
            self.paint(&text, Colour::Red);
        }
    }

    fn warn(&mut self, outcome: &Outcome) {
        for warning in result::warnings(outcome) {
            self.warning(&warning);
        }
    }

    fn warning(&mut self, text: &str) {
        let text = format!("[WARNING]: {}", text.trim_end());
        if self.said.insert(text.clone()) {
            let text = self.err.paint(&text, Colour::BrightPurple);
            self.err.line(&text);
        }
    }

    fn message(&mut self, diag: &Diag) {
        let text = described(diag, &self.sources);
        match diag.level {
            Level::Warning => self.warning(&text),
            Level::Error => {
                let text = self.err.paint(&format!("[ERROR]: {text}"), Colour::Red);
                self.err.line(&text);
            }
        }
    }

    /// What `set_stats` has collected.
    fn stats(&mut self, stats: &[(Option<String>, serde_json::Value)]) {
        if stats.is_empty() {
            return;
        }
        self.banner("CUSTOM STATS: ");
        for (whose, data) in stats {
            let whose = whose.as_deref().unwrap_or("RUN");
            let line = format!("\t{whose}: {}", pyjson::dumps(data, None));
            self.out.line(&line);
        }
        self.out.line("");
    }

    fn recap(&mut self, recap: &BTreeMap<String, Counts>) {
        self.banner("PLAY RECAP");
        for (host, counts) in recap {
            let line = recap_line(&self.out, host, counts);
            self.out.line(&line);
        }
        self.out.line("");
    }
}

impl Output for Callback {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted {
                playbook, plays, ..
            } => {
                if self.verbosity >= 2 {
                    self.banner(&format!("PLAYBOOK: {}", file_name(playbook)));
                    self.out.line(&format!("{plays} plays in {playbook}"));
                }
            }
            Event::PlayStarted { name, .. } => match name.trim() {
                "" => self.banner("PLAY"),
                name => self.banner(&format!("PLAY [{name}]")),
            },
            Event::NoHosts => self.paint("skipping: no hosts matched", Colour::Cyan),
            Event::TaskStarted(task) => self.task(task),
            Event::Included { file, hosts, item } => {
                let item = item
                    .as_ref()
                    .map_or_else(String::new, |i| format!(" => (item={i})"));
                let line = format!("included: {file} for {}{item}", hosts.join(", "));
                self.paint(&line, Colour::Cyan);
            }
            Event::ItemEnded(outcome) | Event::TaskEnded(outcome) => self.ended(outcome),
            Event::Retry {
                host,
                task,
                left,
                result,
            } => {
                let mut line =
                    format!("FAILED - RETRYING: [{host}]: {task} ({left} retries left).");
                if self.verbosity > 2 {
                    line += &format!("Result was: {}", pyjson::dumps(result, Some(4)));
                }
                self.paint(&line, Colour::Blue);
            }
            Event::Background { host, jid, failed } => {
                let (line, colour) = match failed {
                    None => (
                        format!("ASYNC POLL on {host}: jid={jid} started=True finished=False"),
                        Colour::DarkGray,
                    ),
                    Some(false) => (format!("ASYNC OK on {host}: jid={jid}"), Colour::DarkGray),
                    Some(true) => (
                        format!("ASYNC FAILED on {host}: jid={jid}"),
                        Colour::DarkGray,
                    ),
                };
                self.paint(&line, colour);
            }
            Event::Live { .. } => {}
            Event::Meta { text } => {
                if self.verbosity >= 2 {
                    self.out.line(&format!("META: {text}"));
                }
            }
            Event::Connection { text } => {
                if self.verbosity >= 3 {
                    self.out.line(text);
                }
            }
            Event::Stats { hosts } => self.out.line(&super::stats::table(hosts)),
            Event::NoHostsLeft => self.banner("NO MORE HOSTS LEFT"),
            Event::Message(diag) => self.message(diag),
            Event::RunEnded { recap, stats, .. } => {
                self.recap(recap);
                self.stats(stats);
            }
        }
    }
}

/// The `[ERROR]` text before a `fatal:` line.
pub(super) fn reason(outcome: &Outcome, sources: &SourceMap) -> String {
    let message = outcome.result["msg"].as_str().unwrap_or_default().trim();
    let raised = message.strip_prefix("Task failed: ");
    let diag = outcome.diag.as_ref();
    let text = diag.map_or(message, |diag| diag.message.as_str());
    // What a module says is shown at its task.
    let place = match diag.filter(|diag| raised.is_some() && !diag.span().is_none()) {
        Some(diag) => origin::of_span(diag.span(), sources),
        None => origin::of_task(&outcome.task),
    };
    let kind = match outcome.status {
        Status::Unreachable => "",
        _ if text.is_empty() => "Action failed.",
        _ if controlled(&outcome.task) => "Action failed: ",
        _ => "Module failed: ",
    };
    let text = raised.map_or_else(|| format!("{kind}{text}"), str::to_owned);
    format!("[ERROR]: Task failed: {text}\n{place}")
}

/// A message with its place.
pub(super) fn described(diag: &Diag, sources: &SourceMap) -> String {
    let mut text = diag.message.clone();
    for line in diag.notes.iter().chain(&diag.help) {
        text += &format!("\n{line}");
    }
    match origin::of_span(diag.span(), sources) {
        place if place.is_empty() => text,
        place => format!("{text}\n{place}"),
    }
}

fn controlled(task: &TaskInfo) -> bool {
    let entry = crate::modules::find(&task.module);
    entry.is_some_and(|e| e.side == crate::modules::Side::Control)
}

/// Tasks that bring tasks say nothing themselves.
fn includes(task: &TaskInfo) -> bool {
    matches!(
        task.module.as_str(),
        "include_tasks" | "include_role" | "import_tasks" | "import_role"
    )
}

fn host(outcome: &Outcome) -> String {
    match &outcome.delegated_to {
        Some(other) if *other != outcome.host => format!("{} -> {other}", outcome.host),
        _ => outcome.host.clone(),
    }
}

fn item(outcome: &Outcome) -> String {
    let item = outcome.item.as_ref();
    item.map_or_else(String::new, |item| format!(" => (item={item})"))
}

fn file_name(path: &str) -> String {
    let name = std::path::Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |n| n.to_string_lossy().into_owned())
}

/// One line of the recap, padded so that the columns stand under each other.
pub(super) fn recap_line(screen: &Screen, host: &str, counts: &Counts) -> String {
    let colour = match counts {
        c if c.failed > 0 || c.unreachable > 0 => Colour::Red,
        c if c.changed > 0 => Colour::Yellow,
        _ => Colour::Green,
    };
    let columns = [
        ("ok", counts.ok, Colour::Green),
        ("changed", counts.changed, Colour::Yellow),
        ("unreachable", counts.unreachable, Colour::BrightRed),
        ("failed", counts.failed, Colour::Red),
        ("skipped", counts.skipped, Colour::Cyan),
        ("rescued", counts.rescued, Colour::Green),
        ("ignored", counts.ignored, Colour::BrightPurple),
    ];
    let shown = columns.map(|(name, count, colour)| {
        let text = format!("{name}={count:<4}");
        match count {
            0 => text,
            _ => screen.paint(&text, colour),
        }
    });
    let host = match screen.colour {
        // Colour codes count as width.
        true => format!("{:<37}", screen.paint(host, colour)),
        false => format!("{host:<26}"),
    };
    format!("{host} : {}", shown.join(" "))
}
