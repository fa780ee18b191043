//! `group_by`: puts hosts into groups by a value.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes a group named by `key`, usually a template over facts, and puts the host into it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Name of the group.
    pub key: String,
    /// Groups above it.
    #[serde(default = "all")]
    pub parents: Vec<String>,
}

fn all() -> Vec<String> {
    vec!["all".into()]
}

/// The module.
pub struct GroupBy;

impl Module for GroupBy {
    const NAME: &'static str = "group_by";
    const FQCN: &'static str = "ansible.builtin.group_by";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
