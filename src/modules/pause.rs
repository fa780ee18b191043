//! `pause`: waits for a time or for a person.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pauses the play once for all hosts: for a time, or until someone answers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Minutes to wait.
    #[serde(default)]
    pub minutes: Option<i64>,
    /// Seconds to wait.
    #[serde(default)]
    pub seconds: Option<i64>,
    /// What to ask.
    #[serde(default)]
    pub prompt: Option<String>,
    /// Shows what is typed.
    #[serde(default = "yes")]
    pub echo: bool,
}

fn yes() -> bool {
    true
}

/// The module.
pub struct Pause;

impl Module for Pause {
    const NAME: &'static str = "pause";
    const FQCN: &'static str = "ansible.builtin.pause";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
