//! `import_role`: puts the tasks of a role here before the play starts.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads a role when the playbook is loaded; its tasks stand as if written here.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The role. Alias: role
    #[serde(alias = "role")]
    pub name: String,
    /// File of `tasks/` to start with instead of `main`.
    #[serde(default)]
    pub tasks_from: Option<String>,
    /// File of `vars/` instead of `main`.
    #[serde(default)]
    pub vars_from: Option<String>,
    /// File of `defaults/` instead of `main`.
    #[serde(default)]
    pub defaults_from: Option<String>,
    /// File of `handlers/` instead of `main`.
    #[serde(default)]
    pub handlers_from: Option<String>,
    /// False: a second use with the same parameters is left out.
    #[serde(default = "yes")]
    pub allow_duplicates: bool,
    /// Whether the role's defaults and vars are visible to the rest of the play.
    #[serde(default)]
    pub public: Option<bool>,
    /// Whether the role's argument specification is checked.
    #[serde(default = "yes")]
    pub rolespec_validate: bool,
}

fn yes() -> bool {
    true
}

/// The module.
pub struct ImportRole;

impl Module for ImportRole {
    const NAME: &'static str = "import_role";
    const FQCN: &'static str = "ansible.builtin.import_role";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
