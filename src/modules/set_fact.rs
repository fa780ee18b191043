//! `set_fact`: sets variables of a host.

use super::{Anything, Module, Side};
use crate::args::With;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sets variables of the host for the rest of the run: each option is a variable.
pub type Args = With<Own, Anything>;

/// What is not a variable.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Keeps the variables in the fact cache too.
    #[serde(default)]
    pub cacheable: bool,
}

/// The module.
pub struct SetFact;

impl Module for SetFact {
    const NAME: &'static str = "set_fact";
    const FQCN: &'static str = "ansible.builtin.set_fact";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
