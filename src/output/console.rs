//! The view for people: only what changes or goes wrong, hosts that agree on one line, the odd one
//! always named.

mod progress;
mod rows;
mod summary;

use super::event::{Event, Outcome, Output, TaskInfo};
use super::screen::{Colour, Screen};
use crate::diag::{Diag, SourceMap, render};
use progress::Progress;
use rows::{Row, Rows};

/// The default output.
pub struct Console {
    out: Screen,
    err: Screen,
    sources: SourceMap,
    verbosity: u8,
    check: bool,
    progress: Progress,
    /// Hosts of the current play.
    hosts: Vec<String>,
    task: Option<TaskInfo>,
    rows: Rows,
    /// A play's title, printed before its first line.
    title: Option<String>,
    started: std::time::Instant,
}

impl Console {
    /// Prints on `out`, messages about the run on `err`. `verbosity` is the number of `-v`: 1 shows
    /// also what is as it should be, 2 also results.
    pub fn new(out: Screen, err: Screen, sources: SourceMap, verbosity: u8) -> Console {
        Console {
            progress: Progress::new(out.terminal && err.terminal),
            out,
            err,
            sources,
            verbosity,
            check: false,
            hosts: Vec::new(),
            task: None,
            rows: Rows::default(),
            title: None,
            started: std::time::Instant::now(),
        }
    }

    /// Prints what the current task came to.
    fn flush(&mut self) {
        let Some(task) = self.task.take() else {
            return;
        };
        let rows = std::mem::take(&mut self.rows);
        for row in rows.folded() {
            if self.verbosity > 0 || row.mark.is_news() {
                self.row(&task, &row);
            }
        }
    }

    fn row(&mut self, task: &TaskInfo, row: &Row) {
        if let Some(title) = self.title.take() {
            self.print(&format!("\n{title}"));
        }
        let mut name = match &task.role {
            Some(role) => format!("{role} : {}", task.name),
            None => task.name.clone(),
        };
        if task.handler {
            name += " (handler)";
        }
        if let Some(item) = &row.item {
            name += &format!(" [{item}]");
        }
        let hosts = rows::host_text(&row.hosts, &self.hosts);
        let aside = row.aside(self.check);
        let (mark, colour) = row.mark.shown(self.check);
        let head = format!("  {mark} {name:<50}  {hosts}{aside}");
        let mut text = self.out.paint(head.trim_end(), colour);
        for line in row.detail.lines() {
            text += &format!("\n      {line}");
        }
        self.print(&text);
    }

    fn print(&mut self, text: &str) {
        let out = &mut self.out;
        self.progress.aside(|| out.line(text));
    }

    fn ended(&mut self, outcome: &Outcome) {
        if outcome.earlier {
            // It is not done now. The recap counts it.
            return;
        }
        let row = Row::of(outcome, &self.out, &self.sources, self.verbosity);
        self.rows.add(outcome, row);
        if outcome.item.is_none() {
            self.progress.host_done();
        }
    }

    fn message(&mut self, diag: &Diag) {
        let text = render(diag, &self.sources, self.err.colour);
        let err = &mut self.err;
        self.progress.aside(|| err.line(&text));
    }

    fn play(&mut self, name: &str, hosts: &[String]) {
        let count = match hosts {
            [one] => one.clone(),
            many => format!("{} hosts", many.len()),
        };
        self.title = Some(match name.is_empty() {
            true => count,
            false => format!("{name} ({count})"),
        });
        self.hosts = hosts.to_vec();
    }
}

impl Output for Console {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { check, .. } => self.check = *check,
            Event::PlayStarted { name, hosts } => {
                self.flush();
                self.play(name, hosts);
            }
            Event::NoHosts => {
                let title = self.title.take().unwrap_or_default();
                let text = format!("\n{title}\n  no hosts match");
                let text = self.out.paint(&text, Colour::Cyan);
                self.print(&text);
            }
            Event::TaskStarted(task) => {
                self.flush();
                self.progress.task(&task.name, self.hosts.len());
                self.task = Some(task.clone());
            }
            Event::ItemEnded(outcome) | Event::TaskEnded(outcome) => self.ended(outcome),
            Event::Included { .. } => self.flush(),
            Event::Retry {
                host, task, left, ..
            } => {
                if self.verbosity > 0 {
                    self.print(&format!("  … {task}: {host} tries again, {left} left"));
                }
            }
            Event::Connection { text } => {
                if self.verbosity > 0 {
                    self.print(&format!("  {text}"));
                }
            }
            Event::Stats { hosts } => {
                self.flush();
                self.print(&super::stats::table(hosts));
            }
            Event::Meta { .. } | Event::Background { .. } => {}
            Event::Live { host, line } => self.progress.live(host, line),
            Event::NoHostsLeft => {
                self.flush();
                let text = self
                    .out
                    .paint("\nNo hosts left: the play ends here", Colour::Red);
                self.print(&text);
            }
            Event::Message(diag) => self.message(diag),
            Event::RunEnded { recap, plan, .. } => {
                self.flush();
                self.progress.finish();
                let took = self.started.elapsed().as_secs_f64();
                let text = match self.check {
                    true => summary::plan(&self.out, plan, recap),
                    false => summary::apply(&self.out, recap, took),
                };
                self.out.line(&format!("\n{text}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
