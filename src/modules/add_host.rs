//! `add_host`: adds a host to the inventory of this run.

use super::{Anything, Module, Side};
use crate::args::With;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds a host, and groups, to the inventory for the rest of the run. Other options become
/// variables of the host.
pub type Args = With<Own, Anything>;

/// What is not a variable.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Name or address. Alias: host, hostname
    #[serde(alias = "host", alias = "hostname")]
    pub name: String,
    /// Groups to put it into. Alias: group, groupname
    #[serde(default, alias = "group", alias = "groupname")]
    pub groups: Vec<String>,
}

/// The module.
pub struct AddHost;

impl Module for AddHost {
    const NAME: &'static str = "add_host";
    const FQCN: &'static str = "ansible.builtin.add_host";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
