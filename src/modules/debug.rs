//! `debug`: shows a message or the value of a variable.

use super::{Module, Side};
use crate::args::Raw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Prints a message, or the value of a variable, without doing anything on a host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// What to print: text or any value.
    #[serde(default)]
    pub msg: Option<Raw>,
    /// An expression without braces whose value is printed; instead of `msg`.
    #[serde(default)]
    pub var: Option<Raw>,
    /// Prints only from this verbosity on (`-v` is 1).
    #[serde(default)]
    pub verbosity: i64,
}

/// The module.
pub struct Debug;

impl Module for Debug {
    const NAME: &'static str = "debug";
    const FQCN: &'static str = "ansible.builtin.debug";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
