//! What is installed.

use super::requirement::normal;
use crate::diag::Result;
use crate::modules::common::command;
use crate::sys::{Known, View};
use std::collections::HashMap;
use std::path::Path;

/// Names to versions.
pub type Installed = HashMap<String, String>;

/// Reads the names of the directories in an environment: `name-1.0.dist-info`.
pub fn of_environment(view: &dyn View, dir: &Path) -> Result<Known<Installed>> {
    let lib = dir.join("lib");
    let mut found = Installed::new();
    let pythons = match view.list(&lib)? {
        Known::Known(names) => names.unwrap_or_default(),
        Known::Unknown => return Ok(Known::Unknown),
    };
    for python in pythons.iter().filter(|name| name.starts_with("python")) {
        let packages = match view.list(&lib.join(python).join("site-packages"))? {
            Known::Known(names) => names.unwrap_or_default(),
            Known::Unknown => return Ok(Known::Unknown),
        };
        for entry in packages {
            let stem = [".dist-info", ".egg-info"]
                .iter()
                .find_map(|suffix| entry.strip_suffix(suffix));
            let Some((name, version)) = stem.and_then(|stem| stem.split_once('-')) else {
                continue;
            };
            let version = version.split("-py").next().unwrap_or(version);
            found.insert(normal(name), version.to_owned());
        }
    }
    Ok(Known::Known(found))
}

/// Asks pip.
pub fn asked(view: &dyn View, program: &[String]) -> Result<Known<Installed>> {
    let words = ["list", "--format=freeze", "--disable-pip-version-check"];
    let argv = program.iter().cloned().chain(words.map(str::to_owned));
    Ok(command::query(view, argv)?.map(|output| {
        let text = output.text();
        let pairs = text.lines().filter_map(|line| line.split_once("=="));
        pairs
            .map(|(name, version)| (normal(name), version.trim().to_owned()))
            .collect()
    }))
}
