//! `import_playbook`: puts the plays of another playbook here.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads another playbook when this one is loaded; stands where a play stands.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The playbook, relative to this one.
    pub file: String,
}

/// The module.
pub struct ImportPlaybook;

impl Module for ImportPlaybook {
    const NAME: &'static str = "import_playbook";
    const FQCN: &'static str = "ansible.builtin.import_playbook";
    const SIDE: Side = Side::Control;
    const FREE_FORM: Option<&'static str> = Some("file");
    type Args = Args;
}
