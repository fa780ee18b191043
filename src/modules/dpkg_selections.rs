//! `dpkg_selections`: what dpkg shall do with a package.

use super::Module;
use super::common::apt::dpkg;
use super::common::command;
use crate::diag::{Diag, Result};
use crate::sys::{Effect, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Puts packages on hold, or marks them for removal.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The package.
    name: String,
    /// What shall become of it.
    selection: Selection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Selection {
    /// It is kept, and upgraded.
    Install,
    /// It is kept as it is.
    Hold,
    /// It is to be removed.
    Deinstall,
    /// It is to be removed with its configuration.
    Purge,
}

impl Selection {
    fn name(self) -> &'static str {
        match self {
            Selection::Install => "install",
            Selection::Hold => "hold",
            Selection::Deinstall => "deinstall",
            Selection::Purge => "purge",
        }
    }
}

/// The module.
pub struct DpkgSelections;

impl Module for DpkgSelections {
    const NAME: &'static str = "dpkg_selections";
    const FQCN: &'static str = "ansible.builtin.dpkg_selections";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let wanted = args.selection.name();
        if args.current(view)? == wanted {
            return Ok(Vec::new());
        }
        let set = command::c_locale(["dpkg", "--set-selections"])
            .stdin(format!("{} {wanted}", args.name).into_bytes());
        let effect = Effect::Assume(key(&args.name), json!(wanted));
        Ok(vec![command::run(set, vec![effect])])
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], _: bool) -> Result<Json> {
        Ok(json!({"before": args.current(view)?, "after": args.selection}))
    }

    fn result(_: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({}))
    }
}

fn key(name: &str) -> String {
    format!("dpkg:selection:{name}")
}

impl Args {
    fn current(&self, view: &dyn View) -> Result<String> {
        if let Some(planned) = view.assumed(&key(&self.name)) {
            return Ok(planned.as_str().unwrap_or_default().to_owned());
        }
        if dpkg::assumed(view, &self.name) == Some(true) {
            return Ok("install".to_owned());
        }
        match dpkg::load(view)?.get(&self.name) {
            Some(package) => Ok(package.want.clone()),
            None => {
                let (name, wanted) = (&self.name, self.selection.name());
                let message =
                    format!("Failed to find package '{name}' to perform selection '{wanted}'.");
                Err(Diag::error("no-such-package", message).about("name"))
            }
        }
    }
}
