//! One play, or one batch of its hosts, while it runs.

use super::ask_first::AskFirst;
use super::barrier::Barrier;
use crate::play::ast::Play;
use crate::value::Map;
use std::sync::Arc;

/// What the hosts of a play share.
pub struct PlayRun {
    /// The play.
    pub play: Arc<Play>,
    /// Its number in the run.
    pub number: u32,
    /// Its name as shown.
    pub name: String,
    /// Hosts of this batch.
    pub hosts: Vec<String>,
    /// Hosts of all batches.
    pub all_hosts: Vec<String>,
    /// `vars` of the play.
    pub vars: Arc<Map>,
    /// `vars_prompt`.
    pub prompted: Arc<Map>,
    /// Hosts do not wait for each other at all (`strategy: free`).
    pub free: bool,
    /// Hosts wait for each other before each task.
    pub lockstep: bool,
    /// `max_fail_percentage`.
    pub max_fail: Option<f64>,
    /// Handlers run on hosts that have failed too.
    pub force_handlers: bool,
    /// `--step`: what the user said.
    pub ask_first: AskFirst,
    /// Where the hosts meet.
    pub barrier: Barrier,
}

impl PlayRun {
    /// Hosts of this batch that have not failed.
    pub fn alive(&self) -> Vec<String> {
        self.hosts
            .iter()
            .zip(self.barrier.alive())
            .filter(|(_, alive)| *alive)
            .map(|(host, _)| host.clone())
            .collect()
    }
}
