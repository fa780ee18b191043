//! A saved plan: what was planned and for what, in a file that `apply` carries out.
//!
//! One line says what the file is (`gxdeploy-plan`, the version of the format, that of gxdeploy, a
//! digest of the rest); a [`Saved`] as JSON follows. Mode 0600, and no secrets: contents are there
//! as digests with a random key, what is shown went through the same masks as the screen, operations
//! of `no_log` tasks have no text, and values of `-e` whose names speak of secrets are left out.

use crate::diag::{Diag, Result};
use crate::modules::{Foreseen, digest};
use crate::output::Event;
use crate::sys::Algorithm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &str = "gxdeploy-plan ";

/// Version of the format.
const FORMAT: &str = "1";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a plan file holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Saved {
    /// Its name, random.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// The directory it was made in, and where it is applied.
    pub dir: PathBuf,
    /// The options of `plan`, values of `-e` left out.
    pub words: Vec<String>,
    /// `-e` in order, what may be secret left out.
    pub extra_vars: Vec<String>,
    /// Names of the variables that were left out.
    pub withheld: Vec<String>,
    /// In all digests.
    pub key: String,
    /// A digest of each variable that `-e` has set.
    pub vars: BTreeMap<String, String>,
    /// A digest of each file that was read.
    pub files: BTreeMap<String, String>,
    /// All hosts of the inventory.
    pub hosts: Vec<String>,
    /// The steps that do something.
    pub steps: Vec<Planned>,
    /// The tasks that only apply can tell: host and place.
    pub unknown: Vec<(String, String)>,
    /// What the plan showed.
    pub events: Vec<Event>,
}

/// A step of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// The host, or `*` for one that does it for all.
    pub host: String,
    /// Which step of the run it is.
    pub key: String,
    /// What it does.
    pub does: Foreseen,
}

/// True for a file that says it is a plan.
pub fn is_plan(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == MAGIC.as_bytes()
}

impl Saved {
    /// Reads a plan.
    ///
    /// # Errors
    /// `not-a-plan`, `plan-version`, `plan-broken`.
    pub fn read(path: &Path) -> Result<Saved> {
        let bytes = std::fs::read(path).map_err(|e| Diag::io("read", path, &e))?;
        Saved::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Saved> {
        let name = path.display();
        let broken = || {
            let message = format!("the plan in {name} is broken: it was cut short or changed");
            Diag::error("plan-broken", message).help("make it again with `gxdeploy plan -o`")
        };
        let Some(rest) = bytes.strip_prefix(MAGIC.as_bytes()) else {
            let message = format!("{name} is not a saved plan");
            return Err(
                Diag::error("not-a-plan", message).help("`gxdeploy plan -o FILE` makes one")
            );
        };
        let end = rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(broken)?;
        let head = std::str::from_utf8(&rest[..end]).map_err(|_| broken())?;
        let words: Vec<&str> = head.split(' ').collect();
        let [format, version, sum] = words[..] else {
            return Err(broken());
        };
        if (format, version) != (FORMAT, VERSION) {
            let message = format!(
                "the plan in {name} was made by gxdeploy {version} (format {format}), and this is \
                 gxdeploy {VERSION} (format {FORMAT})"
            );
            return Err(Diag::error("plan-version", message)
                .help("apply it with that version, or make it again with this one"));
        }
        let body = &rest[end + 1..];
        if Algorithm::Sha256.of(body) != sum {
            return Err(broken());
        }
        serde_json::from_slice(body).map_err(|_| broken())
    }

    /// Writes it, all or nothing.
    ///
    /// # Errors
    /// `io`.
    pub fn write(&self, path: &Path) -> Result<()> {
        let fail = |e: std::io::Error| Diag::io("write", path, &e);
        let body = serde_json::to_vec(self).map_err(|e| fail(e.into()))?;
        let sum = Algorithm::Sha256.of(&body);
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        // A temporary file has mode 0600.
        let mut file =
            tempfile::NamedTempFile::new_in(dir.unwrap_or(Path::new("."))).map_err(fail)?;
        writeln!(file, "{MAGIC}{FORMAT} {VERSION} {sum}").map_err(fail)?;
        file.write_all(&body).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        file.persist(path).map_err(|e| fail(e.error))?;
        Ok(())
    }

    /// A digest that only this plan has.
    pub fn digest(&self, text: &str) -> String {
        digest(&self.key, &[text.as_bytes()])
    }

    /// The file of a digest list, as the user knows it.
    pub fn shown<'a>(&self, file: &'a str) -> &'a str {
        let dir = format!("{}/", self.dir.display());
        file.strip_prefix(dir.as_str()).unwrap_or(file)
    }

    /// Refuses where a file is not as it was.
    ///
    /// # Errors
    /// `plan-stale`, with the names of all of them.
    pub fn check_files(&self) -> Result<()> {
        let changed = self.files.iter().filter_map(|(file, sum)| {
            let now = std::fs::File::open(file).and_then(|f| Algorithm::Sha256.of_reader(f));
            let what = match now {
                Ok(now) if self.digest(&now) == *sum => return None,
                Ok(_) => "changed",
                Err(_) => "cannot be read any more",
            };
            Some(format!("{what}: {}", self.shown(file)))
        });
        self.refuse(
            "files are not as they were when the plan was made",
            changed.collect(),
        )
    }

    /// An error that names everything that is not as it was, or none.
    ///
    /// # Errors
    /// `plan-stale`.
    pub fn refuse(&self, message: &str, what: Vec<String>) -> Result<()> {
        const MOST: usize = 8;
        if what.is_empty() {
            return Ok(());
        }
        let mut diag = Diag::error("plan-stale", message).help("make a new plan");
        for text in what.iter().take(MOST) {
            diag = diag.note(text.as_str());
        }
        if what.len() > MOST {
            diag = diag.note(format!("and {} more", what.len() - MOST));
        }
        Err(diag)
    }
}

/// Whose steps those are that one host performs for all.
const ANY: &str = "*";

/// Whose step it is.
pub fn owner<'a>(key: &str, host: &'a str) -> &'a str {
    match key.starts_with('*') {
        true => ANY,
        false => host,
    }
}

/// The place of a step without its number.
pub fn place(key: &str) -> &str {
    let key = key.trim_start_matches('*');
    key.split('+').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan() -> (Saved, Vec<u8>) {
        let saved = Saved {
            id: "1".to_owned(),
            words: vec!["-i".to_owned(), "hosts".to_owned(), "p.yml".to_owned()],
            unknown: vec![("a".to_owned(), "1:4.0#-".to_owned())],
            events: vec![Event::NoHosts],
            ..Saved::default()
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan");
        saved.write(&path).unwrap();
        (saved, std::fs::read(path).unwrap())
    }

    fn code(bytes: &[u8]) -> String {
        match Saved::parse(bytes, Path::new("plan")) {
            Ok(saved) => saved.id,
            Err(diag) => diag.code,
        }
    }

    #[test]
    fn other_versions_are_told_apart() {
        let (_, bytes) = plan();
        let text = String::from_utf8(bytes).unwrap();
        let with = |from: &str, to: &str| code(text.replacen(from, to, 1).as_bytes());
        assert_eq!(with("x", "x"), "1");
        assert_eq!(with(VERSION, "0.0.9"), "plan-version");
        assert_eq!(with("gxdeploy-plan 1 ", "gxdeploy-plan 9 "), "plan-version");
        assert_eq!(with("p.yml", "q.yml"), "plan-broken");
        assert_eq!(with("gxdeploy-plan", "---"), "not-a-plan");
        assert_eq!(code(b""), "not-a-plan");
    }

    proptest! {
        #[test]
        fn one_that_is_cut_or_damaged_is_refused(cut in 0usize..4000, at in 0usize..4000, to in any::<u8>()) {
            let (_, bytes) = plan();
            let cut = cut % bytes.len();
            let said = code(&bytes[..cut]);
            prop_assert!(said == "plan-broken" || said == "not-a-plan", "{}", said);
            let mut damaged = bytes.clone();
            let at = at % bytes.len();
            damaged[at] = to;
            let said = code(&damaged);
            prop_assert!(damaged == bytes || said.starts_with("plan-") || said == "not-a-plan", "{}", said);
        }
    }
}
