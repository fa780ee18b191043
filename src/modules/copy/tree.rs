//! A directory of the control side.

use super::Args;
use crate::diag::Result;
use crate::modules::common::dirs;
use crate::modules::common::incoming::Sent;
use crate::modules::common::place::{Place, is_dir};
use crate::sys::{Known, Op, View};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// All that is below a directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tree {
    /// Name of the directory to make at the destination; `None` copies what is in it.
    pub(super) name: Option<String>,
    /// In order, directories before what is in them.
    pub(super) entries: Vec<Entry>,
}

/// One file, link or directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Path below the directory, with slashes.
    pub(super) path: String,
    /// What it is.
    pub(super) item: Item,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Item {
    File(Sent),
    Dir,
    Link(PathBuf),
}

impl Tree {
    pub(super) fn plan(&self, args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let dest = Place::of(&args.dest, view)?;
        let root = match &self.name {
            Some(name) => dest.at.join(name),
            None => dest.at.clone(),
        };
        let dir_attrs = args.shared.for_dirs(args.directory_mode.as_ref());
        let mut ops = Vec::new();
        // An empty directory copies nothing, as with Ansible.
        if !self.entries.is_empty() {
            ops.extend(dirs::make(&root, &dir_attrs, view)?);
        }
        for entry in &self.entries {
            let path = root.join(&entry.path);
            match &entry.item {
                Item::Dir if is_dir(&path, view)? => ops.extend(dir_attrs.ops(&path, view)?),
                Item::Dir => {
                    let owner = dir_attrs.owner_for_new(&path, view)?;
                    ops.push(Op::Mkdir {
                        path: path.clone(),
                        mode: dir_attrs.mode_for(None, true, view),
                    });
                    if !owner.is_empty() {
                        ops.push(Op::Chown { path, owner });
                    }
                }
                Item::Link(target) => ops.extend(link(&path, target, args, view)?),
                Item::File(sent) => {
                    let incoming = args.incoming(sent, &args.shared);
                    ops.extend(incoming.file(&Place::at(&path), view)?);
                }
            }
        }
        Ok(ops)
    }
}

fn link(path: &Path, target: &Path, args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    let stat = match view.lstat(path)? {
        Known::Known(stat) => stat,
        Known::Unknown => None,
    };
    if stat.is_some_and(|s| s.target.as_deref() == Some(target)) {
        return args.shared.ops(path, view);
    }
    Ok(vec![Op::Symlink {
        path: path.to_owned(),
        target: target.to_owned(),
    }])
}
