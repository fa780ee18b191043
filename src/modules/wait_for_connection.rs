//! `wait_for_connection`: the host answers.

use super::{Kind, Module};
use crate::diag::Result;
use crate::sys::op::Condition;
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Waits until the host can be reached. Connecting is the control side's part: where this runs,
/// the host has answered.
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
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, _: &dyn View) -> Result<Vec<Op>> {
        if args.delay == 0 {
            return Ok(Vec::new());
        }
        Ok(vec![Op::Wait {
            until: Condition::Elapsed,
            delay: Duration::ZERO,
            sleep: Duration::from_secs(args.sleep),
            timeout: Duration::from_secs(args.delay),
        }])
    }

    fn result(args: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({"changed": false, "elapsed": args.delay}))
    }
}
