//! The line at the bottom of a terminal that tells what is going on.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A bar for the hosts of the current task; nothing where there is no terminal.
pub(super) struct Progress(Option<ProgressBar>);

const STYLE: &str = "{spinner} {prefix}  {pos}/{len} hosts  {elapsed}  {wide_msg}";

impl Progress {
    pub fn new(terminal: bool) -> Progress {
        Progress(terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(STYLE) {
                bar.set_style(style);
            }
            bar
        }))
    }

    /// A task begins.
    pub fn task(&self, name: &str, hosts: usize) {
        if let Some(bar) = &self.0 {
            bar.set_length(hosts as u64);
            bar.set_position(0);
            bar.reset_elapsed();
            bar.set_prefix(name.chars().take(40).collect::<String>());
            bar.set_message("");
            bar.enable_steady_tick(Duration::from_millis(120));
        }
    }

    /// A host is done with it.
    pub fn host_done(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// A line that a command has just written.
    pub fn live(&self, host: &str, line: &str) {
        if let Some(bar) = &self.0 {
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            bar.set_message(format!("{host}: {line}"));
        }
    }

    /// Writes other text while the bar is away.
    pub fn aside(&self, write: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
