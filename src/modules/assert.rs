//! `assert`: fails unless conditions hold.

use super::{Module, Side};
use crate::args::Raw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fails the host unless all conditions are true.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// One condition or a list of them, written as in `when`.
    pub that: Raw,
    /// The message if one does not hold. Alias: msg
    #[serde(default, alias = "msg")]
    pub fail_msg: Option<Raw>,
    /// The message if all hold.
    #[serde(default)]
    pub success_msg: Option<Raw>,
    /// Prints less.
    #[serde(default)]
    pub quiet: bool,
}

/// The module.
pub struct Assert;

impl Module for Assert {
    const NAME: &'static str = "assert";
    const FQCN: &'static str = "ansible.builtin.assert";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
