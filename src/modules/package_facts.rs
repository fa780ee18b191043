//! `package_facts`: which packages a host has.

mod origins;

use super::Module;
use super::common::apt::dpkg;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Outcome, View};
use crate::value::order;
use crate::value::unknown_json;
use origins::Origins;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// Finds the installed packages of a host. They are the fact `packages` afterwards.
///
/// In a dry run planned packages are among them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Whose packages: `auto`, or names of package managers. Only those of dpkg are known.
    #[serde(default = "auto")]
    manager: Vec<String>,
    /// Stop at the first manager that has packages, or ask all.
    #[serde(default)]
    strategy: Strategy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Strategy {
    /// Stop at the first.
    #[default]
    First,
    /// Ask all.
    All,
}

fn auto() -> Vec<String> {
    vec!["auto".to_owned()]
}

/// All names that Ansible knows (observed: ansible-core 2.19.14).
const MANAGERS: &[&str] = &[
    "apk",
    "apt",
    "pacman",
    "pkg",
    "pkg_info",
    "portage",
    "rpm",
    "dnf",
    "dnf5",
    "yum",
    "zypper",
    "pkg5",
    "pkgng",
    "openbsd_pkg",
];

/// The module.
pub struct PackageFacts;

impl Module for PackageFacts {
    const NAME: &'static str = "package_facts";
    const FQCN: &'static str = "ansible.builtin.package_facts";
    const BRINGS_FACTS: bool = true;
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let managers = args.managers()?;
        let packages = if managers.iter().any(|name| name == "apt") {
            installed(view)?
        } else {
            Map::new()
        };
        if packages.is_empty() {
            let names: Vec<String> = managers.iter().map(|name| format!("'{name}'")).collect();
            let message = format!(
                "Could not detect a supported package manager from the following list: [{}], or \
                 the required Python library is not installed. Check warnings for details.",
                names.join(", ")
            );
            return Err(Diag::error("no-package-manager", message).about("manager"));
        }
        Ok(json!({"ansible_facts": {"packages": packages}}))
    }
}

impl Args {
    fn managers(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = self.manager.iter().map(|n| n.to_lowercase()).collect();
        let is_auto = names.iter().any(|name| name == "auto");
        names.retain(|name| name != "auto");
        if is_auto {
            names.extend(MANAGERS.iter().map(|name| (*name).to_owned()));
        }
        let unsupported: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !MANAGERS.contains(name))
            .collect();
        if unsupported.is_empty() {
            return Ok(names);
        }
        let names = unsupported.join(", ");
        let message = format!("Unsupported package managers requested: {names}");
        Err(Diag::error("bad-package-manager", message).about("manager"))
    }
}

fn installed(view: &dyn View) -> Result<Map<String, Json>> {
    let database = dpkg::load(view)?;
    let origins = Origins::load(view)?;
    let mut packages = Map::new();
    // Half-installed and unpacked ones count too, as they do for apt's library.
    let present =
        |p: &&dpkg::Package| !matches!(p.state.as_str(), "not-installed" | "config-files");
    let mut all: Vec<&dpkg::Package> = database.packages().iter().filter(present).collect();
    order::sort_by(&mut all, |a, b| a.name.cmp(&b.name));
    for package in all {
        let native = package.arch == database.native() || package.arch == "all";
        let name = if native {
            package.name.clone()
        } else {
            format!("{}:{}", package.name, package.arch)
        };
        let entry = json!([{
            "name": name,
            "version": package.version,
            "arch": package.arch,
            "category": package.section,
            "origin": origins.of(&package.name, &package.version),
            "source": "apt",
        }]);
        packages.insert(name, entry);
    }
    plan(&mut packages, database.native(), view);
    Ok(packages)
}

/// What earlier planned steps install and remove.
fn plan(packages: &mut Map<String, Json>, native: &str, view: &dyn View) {
    for (name, state) in view.assumptions("package:") {
        if dpkg::assumed(view, &name) == Some(false) {
            packages.remove(&name);
            continue;
        }
        let unknown = |what: &str| unknown_json(&format!("{what} of package {name}"));
        let version = match &state["version"] {
            Json::Null => unknown("version"),
            version => version.clone(),
        };
        let entry = packages.entry(name.clone()).or_insert_with(|| {
            json!([{
                "name": name,
                "arch": native,
                "category": unknown("section"),
                "origin": unknown("origin"),
                "source": "apt",
            }])
        });
        entry[0]["version"] = version;
    }
}

/// The text of a file of the host; empty where there is none.
fn text(path: &Path, view: &dyn View) -> Result<String> {
    Ok(match view.read(path)? {
        Known::Known(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    })
}
