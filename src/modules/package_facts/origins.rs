//! Who made a package: the `Origin` of the archive that offers its version.

use super::text;
use crate::diag::Result;
use crate::sys::{Known, View};
use std::collections::HashMap;
use std::path::Path;

const LISTS: &str = "/var/lib/apt/lists";

/// The origins of all packages that apt's lists offer.
#[derive(Debug, Default)]
pub(super) struct Origins {
    names: Vec<String>,
    /// Name and version of a package to the origin's place among the names.
    packages: HashMap<(String, String), usize>,
}

impl Origins {
    pub(super) fn load(view: &dyn View) -> Result<Origins> {
        let mut origins = Origins::default();
        let dir = Path::new(LISTS);
        let Known::Known(Some(files)) = view.list(dir)? else {
            return Ok(origins);
        };
        let mut releases = Vec::new();
        for file in &files {
            let start = file
                .strip_suffix("InRelease")
                .or(file.strip_suffix("Release"));
            if let Some(start) = start {
                releases.push((start, origin(&text(&dir.join(file), view)?)));
            }
        }
        for file in files.iter().filter(|file| file.ends_with("_Packages")) {
            let of_file = releases
                .iter()
                .filter(|(start, _)| file.starts_with(start))
                .max_by_key(|(start, _)| start.len());
            if let Some((_, origin)) = of_file {
                origins.add(origin, &text(&dir.join(file), view)?);
            }
        }
        Ok(origins)
    }

    fn add(&mut self, origin: &str, list: &str) {
        let number = self.names.len();
        self.names.push(origin.to_owned());
        let mut name = "";
        for line in list.lines() {
            if let Some(value) = line.strip_prefix("Package: ") {
                name = value;
            } else if let Some(version) = line.strip_prefix("Version: ") {
                let package = (name.to_owned(), version.to_owned());
                self.packages.entry(package).or_insert(number);
            }
        }
    }

    /// The origin; empty for a version that no archive offers.
    pub(super) fn of(&self, name: &str, version: &str) -> &str {
        let package = (name.to_owned(), version.to_owned());
        let number = self.packages.get(&package);
        number
            .and_then(|n| self.names.get(*n))
            .map_or("", String::as_str)
    }
}

/// `Origin: Debian` of a release file.
fn origin(release: &str) -> String {
    release
        .lines()
        .find_map(|line| line.strip_prefix("Origin:"))
        .map(|origin| origin.trim().to_owned())
        .unwrap_or_default()
}
