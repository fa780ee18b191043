//! dpkg's database, read from its file: no process is started to find that all is in place.

use crate::diag::Result;
use crate::sys::{Known, Stat, View};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Where dpkg keeps it.
pub const STATUS: &str = "/var/lib/dpkg/status";

/// One package of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Name without architecture.
    pub name: String,
    /// `amd64`, `all` ...
    pub arch: String,
    /// Version.
    pub version: String,
    /// First word of its status: `install`, `hold`, `deinstall`, `purge`.
    pub want: String,
    /// Third word of its status: `installed`, `config-files`, `half-installed` ...
    pub state: String,
    /// Virtual packages it stands for.
    pub provides: Vec<String>,
    /// Section (`web`).
    pub section: String,
    /// Source package, where it has another name.
    pub source: String,
}

impl Package {
    /// True where the package is there, unpacked and configured (or nearly).
    pub fn is_installed(&self) -> bool {
        matches!(
            self.state.as_str(),
            "installed" | "triggers-pending" | "triggers-awaited"
        )
    }

    /// True where at least its configuration files are there.
    pub fn has_files(&self) -> bool {
        self.state != "not-installed"
    }
}

/// The database.
#[derive(Debug, Default)]
pub struct Database {
    packages: Vec<Package>,
    by_name: HashMap<String, Vec<usize>>,
    native: String,
}

/// What a text is known to be: the file's identity, and what was read.
type Cached = (u64, u64, f64, Arc<Database>);

static CACHE: Mutex<Option<Cached>> = Mutex::new(None);

/// Reads the database. It is kept in memory until the file changes.
pub fn load(view: &dyn View) -> Result<Arc<Database>> {
    let stat = view.stat(Path::new(STATUS))?.presume(None);
    if let Some(database) = stat.as_ref().and_then(cached) {
        return Ok(database);
    }
    let text = match view.read(Path::new(STATUS))? {
        Known::Known(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    };
    let database = Arc::new(parse(&text));
    // Only real files have an inode number; planned and made-up ones are read each time.
    if let Some(stat) = stat
        && stat.ino != 0
        && let Ok(mut cache) = CACHE.lock()
    {
        *cache = Some((stat.ino, stat.size, stat.mtime, Arc::clone(&database)));
    }
    Ok(database)
}

fn cached(stat: &Stat) -> Option<Arc<Database>> {
    let cache = CACHE.lock().ok()?;
    let (ino, size, mtime, database) = cache.as_ref()?;
    let same = *ino == stat.ino && *size == stat.size && *mtime == stat.mtime && stat.ino != 0;
    same.then(|| Arc::clone(database))
}

fn parse(text: &str) -> Database {
    let mut database = Database::default();
    for paragraph in text.split("\n\n") {
        let package = parse_package(paragraph);
        if package.name.is_empty() {
            continue;
        }
        if package.name == "dpkg" {
            database.native.clone_from(&package.arch);
        }
        let index = database.packages.len();
        database
            .by_name
            .entry(package.name.clone())
            .or_default()
            .push(index);
        database.packages.push(package);
    }
    database
}

fn parse_package(paragraph: &str) -> Package {
    let mut package = Package::default();
    for line in paragraph.lines() {
        let Some((key, value)) = line.split_once(": ") else {
            continue;
        };
        match key {
            "Package" => package.name = value.trim().to_owned(),
            "Architecture" => package.arch = value.trim().to_owned(),
            "Version" => package.version = value.trim().to_owned(),
            "Section" => package.section = value.trim().to_owned(),
            "Source" => package.source = value.trim().to_owned(),
            "Status" => {
                let mut words = value.split_whitespace();
                package.want = words.next().unwrap_or_default().to_owned();
                package.state = words.nth(1).unwrap_or_default().to_owned();
            }
            "Provides" => {
                package.provides = value
                    .split(',')
                    .filter_map(|word| word.split_whitespace().next())
                    .map(str::to_owned)
                    .collect();
            }
            _ => {}
        }
    }
    package
}

impl Database {
    /// All packages that dpkg knows of.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The architecture of this host.
    pub fn native(&self) -> &str {
        &self.native
    }

    /// A package by `name` or `name:arch`; the native one where several architectures have it.
    pub fn get(&self, name: &str) -> Option<&Package> {
        let (name, arch) = match name.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (name, None),
        };
        let all = || self.by_name.get(name).into_iter().flatten();
        let pick = |wanted: &str| {
            all()
                .map(|index| &self.packages[*index])
                .find(|p| p.arch == wanted || p.arch == "all")
        };
        match arch {
            Some("any") => all().map(|index| &self.packages[*index]).next(),
            Some("native") => pick(&self.native),
            Some(arch) => pick(arch),
            None => pick(&self.native),
        }
    }

    /// A package that is installed.
    pub fn installed(&self, name: &str) -> Option<&Package> {
        self.get(name).filter(|p| p.is_installed())
    }

    /// An installed package that provides a virtual one.
    pub fn provider(&self, name: &str) -> Option<&Package> {
        self.packages
            .iter()
            .find(|p| p.is_installed() && p.provides.iter().any(|v| v == name))
    }
}

/// Whether earlier planned steps install (`true`) or remove a package.
pub fn assumed(view: &dyn View, name: &str) -> Option<bool> {
    let bare = name.split(':').next().unwrap_or(name);
    match view.assumed(&format!("package:{bare}"))? {
        Json::Null => Some(false),
        state => Some(state["installed"] != Json::Bool(false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n\
        Package: mawk\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1.3\nProvides: awk, other (= 2)\n\n\
        Package: old\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\nDescription: x\n y: z\n";

    #[test]
    fn reads_states_providers_and_architectures() {
        let database = parse(TEXT);
        let version = |name: &str| database.installed(name).map(|p| p.version.as_str());
        assert_eq!(version("mawk"), Some("1.3"));
        assert_eq!(version("mawk:amd64"), Some("1.3"));
        assert_eq!(version("mawk:i386"), None);
        assert_eq!(version("old"), None);
        assert!(database.get("old").is_some_and(Package::has_files));
        assert_eq!(
            database.provider("awk").map(|p| p.name.as_str()),
            Some("mawk")
        );
        assert_eq!(
            database.provider("other").map(|p| p.want.as_str()),
            Some("hold")
        );
        assert_eq!(database.native(), "amd64");
    }
}
