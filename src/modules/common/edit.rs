//! A file that is edited in place: what `lineinfile`, `blockinfile`, `replace` and `ini_file` share.

use super::dirs;
use super::file_attrs::FileAttrs;
use super::place::{Place, is_missing};
use super::text::Coding;
use super::write::{Rewrite, check_validate};
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Content, Known, Op, View};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// The file as it is now.
#[derive(Debug)]
pub struct Editable {
    /// As the user named it.
    pub place: Place,
    /// The file itself, all links followed.
    pub target: PathBuf,
    /// Its text; `None` where it does not exist, `Unknown` where only apply will tell.
    pub text: Known<Option<String>>,
    /// How its bytes became text.
    pub coding: Coding,
}

/// How the edited file is written.
#[derive(Clone, Copy, Debug)]
pub struct How<'a> {
    /// The shared options.
    pub attrs: &'a FileAttrs,
    /// Keep the old file.
    pub backup: bool,
    /// Command that checks the new file.
    pub validate: Option<&'a str>,
}

/// What Ansible adds to a message where owner, mode or the like differ too.
pub const ATTRIBUTES_CHANGED: &str = "ownership, perms or SE linux context changed";

impl Editable {
    /// Reads the file.
    ///
    /// # Errors
    /// `is-directory` with Ansible's `rc` of 256.
    pub fn open(path: &str, view: &dyn View) -> Result<Editable> {
        let place = Place::of(path, view)?;
        let target = view.resolve(&place.at)?;
        let stat = super::place::stat(&target, view)?;
        if stat.as_ref().is_some_and(|s| s.is_dir()) {
            let message = format!("Path {} is a directory !", place.shown);
            return Err(Diag::error("is-directory", message).with("rc", 256));
        }
        let mut coding = Coding::Utf8;
        let mut content = view.read(&target)?;
        if content == Known::Known(None) && stat.is_some() {
            // A device such as /dev/null is there, and empty.
            content = Known::Known(Some(Vec::new().into()));
        }
        let text = content.map(|bytes| {
            bytes.map(|bytes| {
                let (text, how) = Coding::read(&bytes);
                coding = how;
                text
            })
        });
        Ok(Editable {
            place,
            target,
            text,
            coding,
        })
    }

    /// True if the file does not exist for certain.
    pub fn is_missing(&self) -> bool {
        self.text == Known::Known(None)
    }

    /// The error for a file that must exist, with Ansible's `rc` of 257.
    pub fn missing(&self, what: &str, end: &str) -> Box<Diag> {
        let message = format!("{what} {} does not exist{end}", self.place.shown);
        Diag::error("no-such-file", message)
            .with("rc", 257)
            .about("path")
    }

    /// Operations that write the new text (or, for `None`, leave it) and set the attributes.
    /// Directories above a new file are made.
    ///
    /// # Errors
    /// Those of [`Rewrite::op`].
    pub fn finish(&self, text: Option<&str>, how: How, view: &dyn View) -> Result<Vec<Op>> {
        let content = match (&self.text, text) {
            (Known::Unknown, _) => Content::Unknown,
            (_, Some(text)) => Content::Bytes(self.coding.bytes(text).into()),
            (_, None) => return self.settle(how.attrs, view),
        };
        check_validate(how.validate)?;
        let rewrite = Rewrite {
            path: &self.target,
            attrs: how.attrs,
            backup: how.backup,
            validate: how.validate,
        };
        let dir = parent(&self.target);
        let mut ops = Vec::new();
        if is_missing(dir, view)? {
            ops = dirs::make(dir, &FileAttrs::default(), view)?;
        }
        ops.push(rewrite.op(content, view)?);
        Ok(ops)
    }

    /// Operations for the attributes alone.
    ///
    /// # Errors
    /// Those of the attributes.
    pub fn settle(&self, attrs: &FileAttrs, view: &dyn View) -> Result<Vec<Op>> {
        attrs.ops(&self.target, view)
    }

    /// The differences that a result shows, of the text and of the attributes, both also where
    /// nothing changes (observed: ansible-core 2.19.14). Nothing where the text is not known yet.
    ///
    /// # Errors
    /// Those of the attributes.
    pub fn diff(
        &self,
        text: Option<&str>,
        attrs: &FileAttrs,
        view: &dyn View,
    ) -> Result<Option<Json>> {
        let Known::Known(before) = &self.text else {
            return Ok(None);
        };
        let before = before.as_deref().unwrap_or_default();
        let head = |what: &str| format!("{} ({what})", self.place.shown);
        let mut of_attrs = json!({
            "before_header": head("file attributes"),
            "after_header": head("file attributes"),
        });
        let stat = super::place::stat(&self.target, view)?;
        if let Some(stat) = &stat
            && let Some((old, new)) = attrs.changes(stat, &self.target, view)?
        {
            of_attrs["before"] = old;
            of_attrs["after"] = new;
        }
        let of_text = json!({
            "before": before,
            "after": text.unwrap_or(before),
            "before_header": head("content"),
            "after_header": head("content"),
        });
        Ok(Some(json!([of_text, of_attrs])))
    }

    /// The message with a word on attributes, where they change too.
    ///
    /// # Errors
    /// Those of the attributes.
    pub fn message(&self, message: &str, attrs: &FileAttrs, view: &dyn View) -> Result<String> {
        let stat = super::place::stat(&self.target, view)?;
        if !attrs.differ(stat.as_ref(), &self.target, view)? {
            return Ok(message.to_owned());
        }
        Ok(if message.is_empty() {
            ATTRIBUTES_CHANGED.to_owned()
        } else {
            format!("{message} and {ATTRIBUTES_CHANGED}")
        })
    }
}
