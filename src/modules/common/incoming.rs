//! A file whose content comes from the control side: what `copy` and `template` share.

use super::dirs;
use super::file_attrs::{FileAttrs, describe};
use super::place::{Place, is_dir, is_missing};
use super::write::{Rewrite, backup_of};
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Algorithm, Blob, Content, Known, Op, Outcome, View};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// A file as the control side read or rendered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// Last part of its path: its name inside a directory.
    pub name: String,
    /// The content; `None` where only apply will tell.
    pub blob: Option<Blob>,
    /// Permission bits on the control side, for `mode: preserve`.
    pub mode: u32,
}

/// Where and how such a file is put.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The file.
    pub sent: &'a Sent,
    /// The option `dest` as written.
    pub dest: &'a str,
    /// The shared options.
    pub attrs: &'a FileAttrs,
    /// Mode of directories that are made on the way.
    pub directory_mode: Option<&'a Mode>,
    /// Replace a file that differs.
    pub force: bool,
    /// Write to what a link at the destination points to.
    pub follow: bool,
    /// Keep the old file.
    pub backup: bool,
    /// Command that checks the new file.
    pub validate: Option<&'a str>,
}

impl Incoming<'_> {
    /// The file's place: inside of a directory, else the path itself.
    ///
    /// # Errors
    /// Those of the view.
    pub fn place(&self, view: &dyn View) -> Result<Place> {
        let place = Place::of(self.dest, view)?;
        if self.dest.ends_with('/') || is_dir(&place.at, view)? {
            return Ok(place.child(&self.sent.name));
        }
        Ok(place)
    }

    /// The place that is written: what a link leads to, if links are followed.
    fn target(&self, view: &dyn View) -> Result<Place> {
        let place = self.place(view)?;
        if self.follow && !is_missing(&place.at, view)? {
            return place.followed(view);
        }
        Ok(place)
    }

    /// Operations that put the file there.
    ///
    /// # Errors
    /// `no-such-directory`, `bad-validate` and those of the attributes.
    pub fn plan(&self, view: &dyn View) -> Result<Vec<Op>> {
        let target = self.target(view)?;
        let dir = parent(&target.at);
        let mut ops = Vec::new();
        if self.dest.ends_with('/') {
            ops = dirs::make(dir, &self.attrs.for_dirs(self.directory_mode), view)?;
        } else if is_missing(dir, view)? {
            return Err(Diag::error(
                "no-such-directory",
                format!("Destination directory {} does not exist", dir.display()),
            ));
        }
        ops.extend(self.file(&target, view)?);
        Ok(ops)
    }

    /// Operations for the file alone; its directory is there or planned.
    ///
    /// # Errors
    /// As [`Incoming::plan`].
    pub fn file(&self, target: &Place, view: &dyn View) -> Result<Vec<Op>> {
        let attrs = preserved(self.attrs, self.sent.mode);
        let stat = view.lstat(&target.at)?;
        let known_there = matches!(stat, Known::Known(Some(_)));
        if known_there && !self.force {
            return Ok(Vec::new());
        }
        // A large file of another size need not be read. (Files of the kernel tell no size.)
        let other = match (&stat, &self.sent.blob) {
            (Known::Known(Some(stat)), Some(blob)) => {
                stat.is_link() || (blob.is_large() && stat.size != blob.size)
            }
            _ => false,
        };
        if !other && self.is_same(target, view)? {
            return attrs.ops(&target.at, view);
        }
        let rewrite = Rewrite {
            path: &target.at,
            attrs: &attrs,
            backup: self.backup,
            validate: self.validate,
        };
        let content = match &self.sent.blob {
            Some(blob) => Content::Blob(blob.clone()),
            None => Content::Unknown,
        };
        Ok(vec![rewrite.op(content, view)?])
    }

    fn is_same(&self, target: &Place, view: &dyn View) -> Result<bool> {
        let Some(blob) = &self.sent.blob else {
            return Ok(false);
        };
        let current = view.digest(&target.at, Algorithm::Name)?;
        Ok(current.known().flatten().as_ref() == Some(&blob.name))
    }

    /// Result keys that the plan tells.
    ///
    /// # Errors
    /// Those of the view.
    pub fn explain(&self, planned: &[Op], view: &dyn View) -> Result<Json> {
        let mut keys = Map::new();
        let written = planned.iter().any(|op| matches!(op, Op::Write { .. }));
        match (&self.sent.blob, written) {
            (Some(blob), true) => {
                // A large one is summed up as it comes, if somebody will see the sum.
                if !blob.is_large() {
                    let md5 = Algorithm::Md5.of(&view.blob(blob)?);
                    keys.insert("md5sum".into(), json!(md5));
                }
                keys.insert("src".into(), json!(self.sent.name));
            }
            _ => {
                keys.insert("path".into(), json!(self.place(view)?.shown));
            }
        }
        if let Some(backup) = backup_of(planned) {
            keys.insert("backup_file".into(), backup);
        }
        Ok(Json::Object(keys))
    }

    /// Result keys after the operations.
    ///
    /// # Errors
    /// Those of the view.
    pub fn result(&self, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let mut keys = Map::new();
        let place = self.place(view)?;
        keys.insert("dest".into(), json!(place.shown));
        if let Some(blob) = &self.sent.blob {
            keys.extend(
                blob.sha1
                    .iter()
                    .map(|sha1| ("checksum".to_owned(), json!(sha1))),
            );
            if blob.is_large() && blob.sha1.is_some() && !done.is_empty() {
                let md5 = view.digest(&place.at, Algorithm::Md5)?.known().flatten();
                keys.extend(md5.map(|md5| ("md5sum".to_owned(), json!(md5))));
            }
        }
        keys.extend(describe(&place.at, view)?);
        Ok(Json::Object(keys))
    }
}

/// The attributes with `mode: preserve` resolved.
pub fn preserved(attrs: &FileAttrs, mode: u32) -> FileAttrs {
    let mut attrs = attrs.clone();
    if matches!(&attrs.mode, Some(Mode::Symbolic(text)) if text == "preserve") {
        attrs.mode = Some(Mode::Bits(mode));
    }
    attrs
}
