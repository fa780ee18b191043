//! What ansible-playbook's default callback prints (observed: ansible-core 2.19.14).

use super::event::{Counts, Event, Outcome, Output, Status, TaskInfo};
use super::screen::{Colour, Screen};
use super::{diff, origin, pyjson, result};
use crate::config::Display;
use crate::diag::{Diag, Level, SourceMap};
use std::collections::{BTreeMap, HashSet};
use unicode_width::UnicodeWidthStr;

/// The default callback.
pub struct Callback {
    out: Screen,
    err: Screen,
    sources: SourceMap,
    verbosity: u8,
    display: Display,
    /// A dry run, where it is marked as such.
    marked: bool,
    /// A task of which nothing was shown yet.
    unsaid: Option<TaskInfo>,
    /// Hosts of which items of the current task were shown.
    looped: HashSet<String>,
    /// Errors and warnings are shown once.
    said: HashSet<String>,
}

impl Callback {
    /// Prints on `out`, messages about the run on `err`. `verbosity` is the number of `-v`.
    pub fn new(
        out: Screen,
        err: Screen,
        sources: SourceMap,
        verbosity: u8,
        display: Display,
    ) -> Callback {
        Callback {
            out,
            err,
            sources,
            verbosity,
            display,
            marked: false,
            unsaid: None,
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

    /// A title, which says where nothing is changed that nothing is.
    fn title(&mut self, text: &str) {
        match self.marked {
            true => self.banner(&format!("{text} [CHECK MODE]")),
            false => self.banner(text),
        }
    }

    fn dry_run(&mut self) {
        if self.marked {
            self.banner("DRY RUN");
        }
    }

    fn task(&mut self, task: &TaskInfo) {
        self.looped.clear();
        self.unsaid = Some(task.clone());
        // Where tasks may have nothing to show their titles wait until they have.
        if self.display.ok_hosts && self.display.skipped_hosts {
            self.say_task();
        }
    }

    fn say_task(&mut self) {
        let Some(task) = self.unsaid.take() else {
            return;
        };
        let kind = if task.handler {
            "RUNNING HANDLER"
        } else {
            "TASK"
        };
        let name = match &task.role {
            Some(role) => format!("{role} : {}", task.name),
            None => task.name.clone(),
        };
        self.title(&format!("{kind} [{}]", name.trim()));
        if let (true, Some(path)) = (self.verbosity >= 2, origin::task_path(&task)) {
            self.out.line(&format!("task path: {path}"));
        }
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.warn(outcome);
        let is_loop = outcome.item.is_none() && self.looped.contains(&outcome.host);
        match outcome.status {
            Status::Ok | Status::Changed if is_loop || includes(&outcome.task) => {}
            Status::Ok | Status::Changed => self.well(outcome),
            Status::Skipped => self.skipped(outcome),
            Status::Failed if is_loop => {
                // Where results are a message only, nothing tells that there was a loop.
                if outcome.task.module == "debug" {
                    let line = format!("fatal: [{}]: FAILED! => ", host(outcome));
                    let line = line + &self.result(outcome);
                    self.tell_failure(&line, Colour::Red);
                }
            }
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
        if !changed && !self.display.ok_hosts {
            return;
        }
        self.say_task();
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
        if !self.display.skipped_hosts {
            return;
        }
        self.say_task();
        let item = match item(outcome).as_str() {
            "" => String::new(),
            item => format!("{item} "),
        };
        let line = format!("skipping: [{}]{item}{}", host(outcome), self.dump(outcome));
        self.paint(&line, Colour::Cyan);
    }

    fn failed(&mut self, outcome: &Outcome) {
        let line = match &outcome.item {
            Some(item) => format!("failed: [{}] (item={item}) => ", host(outcome)),
            None => format!("fatal: [{}]: FAILED! => ", host(outcome)),
        };
        self.failure(outcome, &line, Colour::Red);
    }

    fn unreachable(&mut self, outcome: &Outcome) {
        if outcome.item.is_some() {
            return self.failed(outcome);
        }
        let line = format!("fatal: [{}]: UNREACHABLE! => ", host(outcome));
        self.failure(outcome, &line, Colour::BrightRed);
    }

    fn failure(&mut self, outcome: &Outcome, line: &str, colour: Colour) {
        self.say_task();
        // Of items each has told its own reason.
        if outcome.item.is_some() || !self.looped.contains(&outcome.host) {
            self.reason(outcome);
        }
        let placed = self.display.task_path_on_failure && self.verbosity < 2;
        if let (true, Some(path)) = (
            placed && outcome.item.is_none(),
            origin::task_path(&outcome.task),
        ) {
            self.tell_failure(&format!("task path: {path}"), colour);
        }
        let line = line.to_owned() + &self.result(outcome);
        self.tell_failure(&line, colour);
    }

    fn tell_failure(&mut self, text: &str, colour: Colour) {
        let screen = match self.display.failed_stderr {
            true => &mut self.err,
            false => &mut self.out,
        };
        let text = screen.paint(text, colour);
        screen.line(&text);
    }

    fn result(&self, outcome: &Outcome) -> String {
        match self.display.yaml {
            true => result::shown_as_yaml(outcome, self.verbosity),
            false => result::shown(outcome, self.verbosity),
        }
    }

    /// ` => {...}` where the result is shown.
    fn dump(&self, outcome: &Outcome) -> String {
        let wanted = self.verbosity > 0 || result::always_shown(outcome);
        match wanted && !result::never_shown(outcome) {
            true => format!(" => {}", self.result(outcome)),
            false => String::new(),
        }
    }

    /// Why a task failed and where it stands; once for all hosts.
    fn reason(&mut self, outcome: &Outcome) {
        let text = reason(outcome, &self.sources);
        if !includes(&outcome.task) && self.said.insert(text.clone()) {
            self.tell_failure(&text, Colour::Red);
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
                playbook,
                plays,
                check,
            } => {
                self.marked = *check && self.display.check_mode_markers;
                self.dry_run();
                if self.verbosity >= 2 {
                    self.banner(&format!("PLAYBOOK: {}", file_name(playbook)));
                    self.out.line(&format!("{plays} plays in {playbook}"));
                }
            }
            Event::PlayStarted { name, .. } => match name.trim() {
                "" => self.title("PLAY"),
                name => self.title(&format!("PLAY [{name}]")),
            },
            Event::NoHosts => self.paint("skipping: no hosts matched", Colour::Cyan),
            Event::TaskStarted(task) => self.task(task),
            Event::Included { file, hosts, item } => {
                let item = item
                    .as_ref()
                    .map_or_else(String::new, |i| format!(" => (item={i})"));
                self.say_task();
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
                self.dry_run();
            }
        }
    }
}

/// The `[ERROR]` text before a `fatal:` line.
pub(super) fn reason(outcome: &Outcome, sources: &SourceMap) -> String {
    let message = match &outcome.result["msg"] {
        serde_json::Value::String(text) => text.trim().to_owned(),
        serde_json::Value::Null => String::new(),
        other => crate::value::from_json(other).to_text(),
    };
    let message = message.as_str();
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
