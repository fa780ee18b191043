//! The files of keys that apt trusts.

use super::super::common::pgp;
use super::Number;
use crate::diag::Result;
use crate::sys::{Content, Known, Op, Owner, View};
use std::path::{Path, PathBuf};

/// Where keys go that have no keyring of their own.
const MAIN: &str = "/etc/apt/trusted.gpg";
/// Further keyrings.
const PARTS: &str = "/etc/apt/trusted.gpg.d";

/// The keyrings of a host, or one that the user named.
pub(super) struct Keyrings {
    files: Vec<Keyring>,
    /// The one to add to.
    target: PathBuf,
}

struct Keyring {
    path: PathBuf,
    /// The keys in binary form.
    bytes: Vec<u8>,
}

impl Keyrings {
    pub(super) fn load(only: Option<PathBuf>, view: &dyn View) -> Result<Keyrings> {
        let target = only.clone().unwrap_or_else(|| PathBuf::from(MAIN));
        let mut paths = vec![target.clone()];
        if only.is_none()
            && let Known::Known(Some(names)) = view.list(Path::new(PARTS))?
        {
            let keys = names
                .into_iter()
                .filter(|name| name.ends_with(".gpg") || name.ends_with(".asc"));
            paths.extend(keys.map(|name| Path::new(PARTS).join(name)));
        }
        let mut files = Vec::new();
        for path in paths {
            if let Known::Known(Some(bytes)) = view.read(&path)?
                && let Some(bytes) = pgp::binary(&bytes)
            {
                files.push(Keyring { path, bytes });
            }
        }
        Ok(Keyrings { files, target })
    }

    pub(super) fn has(&self, number: &Number) -> bool {
        self.files.iter().any(|ring| number.is_in(&ring.bytes))
    }

    /// The numbers of all keys, short or long.
    pub(super) fn numbers(&self, short: bool) -> Vec<String> {
        let keys = self.files.iter().flat_map(|ring| pgp::ids(&ring.bytes));
        keys.map(|key| {
            let id = key.id();
            id[if short { id.len() - 8 } else { 0 }..].to_owned()
        })
        .collect()
    }

    /// Adds a key (one that only apply will bring, where absent) to the keyring.
    pub(super) fn add(&self, key: Option<&[u8]>, view: &dyn View) -> Result<Op> {
        let old = self.files.iter().find(|ring| ring.path == self.target);
        let old = old.map(|ring| ring.bytes.as_slice()).unwrap_or_default();
        let content = match key {
            Some(key) => Content::Bytes([old, key].concat().into()),
            None => Content::Unknown,
        };
        let is_new = matches!(view.stat(&self.target)?, Known::Known(None));
        // An unknown key is planned in the same words each time, whatever the plan did before.
        let mode = (is_new || key.is_none()).then_some(0o644);
        Ok(write(&self.target, content, mode))
    }

    /// Takes a key, with all that belongs to it, out of all keyrings.
    pub(super) fn remove(&self, number: &Number) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        for ring in self.files.iter().filter(|r| number.is_in(&r.bytes)) {
            let blocks = pgp::blocks(&ring.bytes);
            let left: Vec<u8> = blocks
                .into_iter()
                .filter(|block| !number.is_in(block.bytes))
                .flat_map(|block| block.bytes.to_vec())
                .collect();
            let path = ring.path.clone();
            ops.push(if left.is_empty() {
                Op::Remove { path }
            } else {
                write(&path, Content::Bytes(left.into()), None)
            });
        }
        Ok(ops)
    }
}

fn write(path: &Path, content: Content, mode: Option<u32>) -> Op {
    Op::Write {
        path: path.to_owned(),
        content,
        mode,
        owner: Owner::default(),
        backup: None,
        validate: None,
        secret: false,
    }
}
