//! `meta`: steers the run itself.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Does something to the run, not to a host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// What to do.
    pub free_form: What,
}

/// What `meta` can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Runs the notified handlers now.
    FlushHandlers,
    /// Reads the inventory again.
    RefreshInventory,
    /// Nothing.
    Noop,
    /// Forgets the facts of the hosts.
    ClearFacts,
    /// Takes failed and unreachable hosts up again.
    ClearHostErrors,
    /// Ends the play for all hosts.
    EndPlay,
    /// Ends the play for this host, without failing it.
    EndHost,
    /// Ends the batch of `serial`.
    EndBatch,
    /// Ends the role for this host.
    EndRole,
    /// Connects anew.
    ResetConnection,
}

/// The module.
pub struct Meta;

impl Module for Meta {
    const NAME: &'static str = "meta";
    const FQCN: &'static str = "ansible.builtin.meta";
    const SIDE: Side = Side::Control;
    const FREE_FORM: Option<&'static str> = Some("free_form");
    type Args = Args;
}
