//! Making directories with those above them.

use super::file_attrs::{FileAttrs, failure};
use super::place::Place;
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Stat, View};
use std::path::{Path, PathBuf};

/// Operations that make a directory and those above it; all new ones get the attributes.
///
/// # Errors
/// Where something on the way is no directory.
pub fn make(path: &Path, attrs: &FileAttrs, view: &dyn View) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    for dir in missing(path, view).map_err(|dir| not_a_directory(path, &dir, view))? {
        let owner = attrs.owner_for_new(&dir, view)?;
        ops.push(Op::Mkdir {
            path: dir.clone(),
            mode: attrs.mode_for(None, true, view),
        });
        if !owner.is_empty() {
            ops.push(Op::Chown { path: dir, owner });
        }
    }
    Ok(ops)
}

/// The directories on the way that are not there, from the top. The error is the first path that
/// cannot be made because something above it is no directory.
fn missing(path: &Path, view: &dyn View) -> Result<Vec<PathBuf>, PathBuf> {
    let mut dirs = Vec::new();
    let mut above: Vec<&Path> = path.ancestors().collect();
    above.reverse();
    for pair in above.windows(2) {
        let stat = view.stat(pair[0]).map_err(|_| pair[1].to_owned())?;
        if stat.known().flatten().is_some_and(|s: Stat| !s.is_dir()) {
            return Err(pair[1].to_owned());
        }
        match view.stat(pair[1]).map_err(|_| pair[1].to_owned())? {
            Known::Known(Some(_)) => {}
            _ => dirs.push(pair[1].to_owned()),
        }
    }
    Ok(dirs)
}

fn not_a_directory(path: &Path, dir: &Path, view: &dyn View) -> Box<Diag> {
    let dir = dir.display();
    failure(
        "bad-file",
        &Place::at(path),
        &format!(
            "There was an issue creating {dir} as requested: [Errno 20] Not a directory: b'{dir}'"
        ),
        view,
    )
}

impl FileAttrs {
    /// The same owner and group with another mode: for the directories of a tree.
    #[must_use]
    pub fn for_dirs(&self, mode: Option<&Mode>) -> FileAttrs {
        FileAttrs {
            mode: mode.cloned(),
            attributes: None,
            ..self.clone()
        }
    }
}
