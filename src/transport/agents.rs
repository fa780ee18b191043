//! The binaries that are to run on hosts: this very program, and those for other architectures that
//! were put where they are looked for.

use crate::diag::{Diag, Result, reason};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What to do where there is none.
pub const HELP: &str = "put a gxdeploy of the same version that was built for it, under this name, beside gxdeploy, \
in ~/.local/share/gxdeploy/agents or where GXDEPLOY_AGENTS says";

/// The directory for them.
const VARIABLE: &str = "GXDEPLOY_AGENTS";

/// One binary.
#[derive(Debug)]
pub struct Agent {
    bytes: Vec<u8>,
    sha256: String,
    compressed: OnceLock<Vec<u8>>,
}

impl Agent {
    /// One that consists of these bytes.
    pub fn new(bytes: Vec<u8>) -> Agent {
        let mut sha256 = String::new();
        for byte in Sha256::digest(&bytes) {
            // Writing to a string cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Agent {
            bytes,
            sha256,
            compressed: OnceLock::new(),
        }
    }

    /// What it is known by.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The room it needs.
    pub fn kib(&self) -> usize {
        self.bytes.len().div_ceil(1024)
    }

    /// Compressed by the first host that needs it, for all.
    pub fn compressed(&self) -> &[u8] {
        self.compressed.get_or_init(|| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            // Writing to memory cannot fail.
            let _ = gzip.write_all(&self.bytes);
            gzip.finish().unwrap_or_default()
        })
    }
}

/// All that there are.
#[derive(Debug)]
pub struct Agents {
    /// This very program.
    pub this: Agent,
    /// By architecture, as `uname -m` calls it on the host.
    pub others: BTreeMap<String, Agent>,
}

impl Agents {
    /// Read once, since they may be replaced while this program runs.
    ///
    /// # Errors
    /// `connection`: this program cannot be read.
    pub fn all() -> Result<Arc<Agents>> {
        static ALL: OnceLock<Result<Arc<Agents>, String>> = OnceLock::new();
        ALL.get_or_init(|| {
            let this = std::fs::read("/proc/self/exe").map_err(|e| reason(&e))?;
            Ok(Arc::new(Agents {
                this: Agent::new(this),
                others: found(&directories()),
            }))
        })
        .clone()
        .map_err(|why| Diag::error("connection", format!("cannot read this program: {why}")))
    }

    /// The one for an architecture.
    pub fn of(&self, arch: &str) -> Option<&Agent> {
        match arch == std::env::consts::ARCH {
            true => Some(&self.this),
            false => self.others.get(arch),
        }
    }

    #[cfg(test)]
    pub fn of_this(this: Agent) -> Agents {
        Agents {
            this,
            others: BTreeMap::new(),
        }
    }
}

/// What the file of an architecture is called.
pub fn name(arch: &str) -> String {
    format!("gxdeploy-{arch}")
}

/// Where they are looked for, the first one counts.
fn directories() -> Vec<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty());
    if let Some(dir) = of(VARIABLE) {
        return vec![PathBuf::from(dir)];
    }
    let beside = std::env::current_exe().ok();
    let beside = beside.as_deref().and_then(Path::parent).map(Path::to_owned);
    let data = of("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| of("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let own = data.map(|data| data.join("gxdeploy/agents"));
    let system = PathBuf::from("/usr/share/gxdeploy/agents");
    beside.into_iter().chain(own).chain([system]).collect()
}

/// Those in some directories. What is no program counts as none.
fn found(directories: &[PathBuf]) -> BTreeMap<String, Agent> {
    let mut found = BTreeMap::new();
    let entries = directories
        .iter()
        .filter_map(|dir| std::fs::read_dir(dir).ok())
        .flat_map(Iterator::flatten);
    for entry in entries {
        let name = entry.file_name();
        let arch = name
            .to_str()
            .and_then(|name| name.strip_prefix("gxdeploy-"));
        let Some(arch) = arch.filter(|arch| is_architecture(arch)) else {
            continue;
        };
        if found.contains_key(arch) || arch == std::env::consts::ARCH {
            continue;
        }
        if let Ok(bytes) = std::fs::read(entry.path())
            && bytes.starts_with(b"\x7fELF")
        {
            found.insert(arch.to_owned(), Agent::new(bytes));
        }
    }
    found
}

/// It becomes part of a shell command.
fn is_architecture(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_found_by_name() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |dir: &tempfile::TempDir, name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
        };
        write(&first, "gxdeploy-aarch64", "\x7fELF first");
        write(&first, "gxdeploy-notes", "text");
        write(&first, "gxdeploy-a b", "\x7fELF");
        write(&first, "gxdeploy", "\x7fELF");
        write(&second, "gxdeploy-aarch64", "\x7fELF second");
        write(&second, "gxdeploy-armv7l", "\x7fELF");
        let dirs = [
            "/nonexistent".into(),
            first.path().to_owned(),
            second.path().to_owned(),
        ];
        let others = found(&dirs);
        let names: Vec<&str> = others.keys().map(String::as_str).collect();
        assert_eq!(names, ["aarch64", "armv7l"]);
        assert_eq!(others["aarch64"].bytes, b"\x7fELF first");
        let agents = Agents {
            this: Agent::new(Vec::new()),
            others,
        };
        assert!(agents.of("aarch64").is_some() && agents.of("sparc64").is_none());
        assert!(agents.of(std::env::consts::ARCH).unwrap().bytes.is_empty());
    }
}
