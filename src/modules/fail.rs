//! `fail`: fails with a message.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fails the host; usually together with `when`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The reason that is shown.
    #[serde(default = "requested")]
    pub msg: String,
}

fn requested() -> String {
    "Failed as requested from task".into()
}

/// The module.
pub struct Fail;

impl Module for Fail {
    const NAME: &'static str = "fail";
    const FQCN: &'static str = "ansible.builtin.fail";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
