//! `package`: packages, with the manager of the host.

use super::apt::{self, Apt};
use super::{Kind, Module};
use crate::args::{Raw, With};
use crate::diag::{Diag, Result};
use crate::facts;
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Installs and removes packages with the package manager of the host. Takes the options of `apt`
/// too.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The package manager: `auto` or `apt`.
    #[serde(default, rename = "use")]
    manager: Option<String>,
    /// Option of other package managers.
    #[serde(default)]
    enablerepo: Option<Raw>,
    /// Option of other package managers.
    #[serde(default)]
    disablerepo: Option<Raw>,
    /// Option of other package managers.
    #[serde(default)]
    disable_gpg_check: Option<Raw>,
    /// Option of other package managers.
    #[serde(default)]
    exclude: Option<Raw>,
}

type Args = With<Own, apt::Args>;

/// The module.
pub struct Package;

impl Module for Package {
    const NAME: &'static str = "package";
    const FQCN: &'static str = "ansible.builtin.package";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        Apt::kind(&args.shared)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args, view)?;
        Apt::plan(&args.shared, view)
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        Apt::plan_more(&args.shared, view, done)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        Apt::result(&args.shared, view, done)
    }
}

fn check(args: &Args, view: &dyn View) -> Result<()> {
    let manager = match args.manager.as_deref() {
        None | Some("auto") => facts::package_manager(view),
        Some(name) => name.trim_start_matches("ansible.builtin.").to_owned(),
    };
    if manager != "apt" {
        return Err(Diag::error(
            "unsupported-package-manager",
            format!("Could not find a matching action for the \"{manager}\" package manager."),
        )
        .about("use"));
    }
    let foreign = [
        ("enablerepo", &args.enablerepo),
        ("disablerepo", &args.disablerepo),
        ("disable_gpg_check", &args.disable_gpg_check),
        ("exclude", &args.exclude),
    ];
    match foreign.iter().find(|(_, value)| value.is_some()) {
        Some((option, _)) => Err(Diag::error(
            "unknown-option",
            format!("apt has no option `{option}`"),
        )
        .about(option)),
        None => Ok(()),
    }
}
