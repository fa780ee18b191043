//! `wait_for_connection`: the host answers.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Waits until the host can be reached.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Seconds for one attempt to connect.
    #[serde(default = "connect_timeout")]
    connect_timeout: u64,
    /// Seconds before the first attempt.
    #[serde(default)]
    delay: u64,
    /// Seconds between two attempts.
    #[serde(default = "sleep")]
    sleep: u64,
    /// Seconds at most.
    #[serde(default = "timeout")]
    timeout: u64,
}

fn connect_timeout() -> u64 {
    5
}

fn sleep() -> u64 {
    1
}

fn timeout() -> u64 {
    600
}

/// The module.
pub struct WaitForConnection;

impl Module for WaitForConnection {
    const NAME: &'static str = "wait_for_connection";
    const FQCN: &'static str = "ansible.builtin.wait_for_connection";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
