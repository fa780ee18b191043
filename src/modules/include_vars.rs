//! `include_vars`: loads variables from files.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Loads variables from a file or directory of the control side while the play runs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// A YAML or JSON file; instead of `dir`.
    #[serde(default)]
    pub file: Option<String>,
    /// A directory whose files are read in alphabetical order.
    #[serde(default)]
    pub dir: Option<String>,
    /// Puts all of them into one variable of this name.
    #[serde(default)]
    pub name: Option<String>,
    /// How many levels of the directory are read; 0 is all.
    #[serde(default)]
    pub depth: i64,
    /// Regular expression that names of files must match.
    #[serde(default)]
    pub files_matching: Option<String>,
    /// Names of files to leave out.
    #[serde(default)]
    pub ignore_files: Vec<String>,
    /// Extensions that are read.
    #[serde(default = "extensions")]
    pub extensions: Vec<String>,
    /// Passes over other extensions instead of failing.
    #[serde(default)]
    pub ignore_unknown_extensions: bool,
    /// What happens to dicts that exist already.
    #[serde(default)]
    pub hash_behaviour: Option<HashBehaviour>,
}

/// How a dict meets one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HashBehaviour {
    /// It takes its place.
    Replace,
    /// Its entries are added.
    Merge,
}

fn extensions() -> Vec<String> {
    ["yaml", "yml", "json"].map(String::from).into()
}

/// The module.
pub struct IncludeVars;

impl Module for IncludeVars {
    const NAME: &'static str = "include_vars";
    const FQCN: &'static str = "ansible.builtin.include_vars";
    const SIDE: Side = Side::Control;
    const FREE_FORM: Option<&'static str> = Some("file");
    type Args = Args;
}
