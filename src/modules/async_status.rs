//! `async_status`: asks after a task in the background.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks how a task started with `async` and `poll: 0` is doing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The `ansible_job_id` that the task returned.
    pub jid: String,
    /// Whether to ask or to remove the job's file.
    #[serde(default = "status")]
    pub mode: Mode,
}

/// What to do about the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Asks.
    Status,
    /// Removes its file.
    Cleanup,
}

fn status() -> Mode {
    Mode::Status
}

/// The module.
pub struct AsyncStatus;

impl Module for AsyncStatus {
    const NAME: &'static str = "async_status";
    const FQCN: &'static str = "ansible.builtin.async_status";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
