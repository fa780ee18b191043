//! A path as the user gave it and as it is.

use crate::diag::Result;
use crate::sys::path::{expand_home, expand_variables, join};
use crate::sys::{Known, Stat, View};
use std::path::{Path, PathBuf};

/// An option of type `path`: `~` and variables expanded as Ansible does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As results show it: expanded, but relative or with a trailing slash where it was given so.
    pub shown: String,
    /// Absolute and normalised.
    pub at: PathBuf,
}

impl Place {
    /// Expands what the user wrote.
    ///
    /// # Errors
    /// Those of the view.
    pub fn of(text: &str, view: &dyn View) -> Result<Place> {
        let shown = expand_home(&expand_variables(text, &|name| view.env(name)), view)?;
        Ok(Place {
            at: join(&view.cwd(), Path::new(&shown)),
            shown,
        })
    }

    /// A path that is absolute already.
    pub fn at(path: &Path) -> Place {
        Place {
            shown: path.display().to_string(),
            at: path.to_owned(),
        }
    }

    /// A name below this place.
    #[must_use]
    pub fn child(&self, name: &str) -> Place {
        Place {
            shown: format!("{}/{name}", self.shown.trim_end_matches('/')),
            at: self.at.join(name),
        }
    }

    /// The file itself where this is a link.
    ///
    /// # Errors
    /// Those of the view.
    pub fn followed(&self, view: &dyn View) -> Result<Place> {
        match view.lstat(&self.at)? {
            Known::Known(Some(stat)) if stat.is_link() => match view.resolve(&self.at) {
                Err(diag) if diag.code == "too-many-links" => Ok(self.clone()),
                end => Ok(Place::at(&end?)),
            },
            _ => Ok(self.clone()),
        }
    }
}

/// True if a directory is there, or may be there for all a dry run can tell.
///
/// # Errors
/// Those of the view.
pub fn may_be_dir(path: &Path, view: &dyn View) -> Result<bool> {
    Ok(match view.stat(path)? {
        Known::Known(stat) => stat.is_some_and(|s| s.is_dir()),
        Known::Unknown => true,
    })
}

/// True if a directory is there for certain.
///
/// # Errors
/// Those of the view.
pub fn is_dir(path: &Path, view: &dyn View) -> Result<bool> {
    Ok(view
        .stat(path)?
        .known()
        .flatten()
        .is_some_and(|s| s.is_dir()))
}

/// What is at a path, links followed; `None` for nothing and for what cannot be known.
///
/// # Errors
/// Those of the view.
pub fn stat(path: &Path, view: &dyn View) -> Result<Option<Stat>> {
    Ok(view.stat(path)?.known().flatten())
}

/// True if nothing is there, links followed, for certain.
///
/// # Errors
/// Those of the view.
pub fn is_missing(path: &Path, view: &dyn View) -> Result<bool> {
    Ok(view.stat(path)? == Known::Known(None))
}
