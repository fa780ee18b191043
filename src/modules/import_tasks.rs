//! `import_tasks`: puts the tasks of a file here before the play starts.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads a file of tasks when the playbook is loaded; its tasks stand as if written here.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The file: beside the importing file, or in `tasks/` of the role.
    pub file: String,
}

/// The module.
pub struct ImportTasks;

impl Module for ImportTasks {
    const NAME: &'static str = "import_tasks";
    const FQCN: &'static str = "ansible.builtin.import_tasks";
    const SIDE: Side = Side::Control;
    const FREE_FORM: Option<&'static str> = Some("file");
    type Args = Args;
}
