//! `include_tasks`: loads a file of tasks when it is reached.

use super::{Module, Side};
use crate::args::Raw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Loads tasks from a file while the play runs, once for each item of a loop.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The file: beside the including file, or in `tasks/` of the role.
    pub file: String,
    /// Keywords for all tasks of the file, such as `tags` or `become`.
    #[serde(default)]
    pub apply: Option<Raw>,
}

/// The module.
pub struct IncludeTasks;

impl Module for IncludeTasks {
    const NAME: &'static str = "include_tasks";
    const FQCN: &'static str = "ansible.builtin.include_tasks";
    const SIDE: Side = Side::Control;
    const FREE_FORM: Option<&'static str> = Some("file");
    type Args = Args;
}
