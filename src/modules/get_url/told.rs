//! What the result of `get_url` says.

use super::super::common::file_attrs::describe;
use super::super::common::place::{Place, is_dir};
use super::super::common::web;
use super::{Args, Download};
use crate::diag::Result;
use crate::sys::path::parent;
use crate::sys::{Algorithm, Known, Op, Outcome, Response, View};
use crate::value::unknown_json;
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// The last answer among the outcomes.
pub(super) fn answer(done: &[Outcome]) -> Option<&Response> {
    done.iter().rev().find_map(|outcome| match outcome {
        Outcome::Answered(answer) => Some(answer),
        _ => None,
    })
}

/// True where more came of it than that the temporary file was removed again.
fn has_changed(done: &[Outcome]) -> bool {
    let after = done.iter().rev().take_while(|o| **o == Outcome::Done);
    after.count() > 1
}

impl Args {
    /// What the host tells before anything is done.
    pub(super) fn told_before(&self, planned: &[Op], view: &dyn View) -> Result<Json> {
        let place = Place::of(&self.dest, view)?;
        let mut keys = Map::new();
        keys.insert("dest".into(), json!(place.shown));
        keys.insert("url".into(), json!(self.shared.shown()));
        keys.insert("elapsed".into(), json!(0));
        if !matches!(planned, [Op::Http { .. }]) {
            keys.insert("checksum_dest".into(), Json::Null);
            keys.insert("checksum_src".into(), Json::Null);
            return Ok(Json::Object(keys));
        }
        let file = if is_dir(&place.at, view)? {
            self.guess(view)?
        } else {
            place.at.clone()
        };
        let before = view.digest(&file, Algorithm::Sha1)?.known().flatten();
        keys.insert("checksum_dest".into(), json!(before));
        if view.is_dry() {
            let certain = view.is_check() || before.is_none() || !self.checksum.is_empty();
            let changed = if certain {
                json!(true)
            } else {
                unknown_json(&format!("whether {} differs", self.shared.shown()))
            };
            keys.insert("changed".into(), changed);
        }
        Ok(Json::Object(keys))
    }

    /// The result after the operations.
    pub(super) fn told(&self, done: &[Outcome], view: &dyn View) -> Result<Json> {
        let place = Place::of(&self.dest, view)?;
        let Some(first) = done.iter().find(|outcome| **outcome != Outcome::Done) else {
            return self.told_of_file(&place, !done.is_empty(), view);
        };
        let foreseen;
        let answer = match answer(done) {
            Some(answer) => Some(answer),
            None => {
                foreseen = self.foresee(has_changed(done), view)?;
                foreseen.as_ref()
            }
        };
        let is_dry = *first == Outcome::Unknown;
        let mut keys = Map::new();
        match answer {
            None => self.told_nothing(&mut keys),
            Some(answer) if answer.is_silence() => {
                keys.insert("failed".into(), json!(true));
                keys.insert("changed".into(), json!(false));
                keys.insert("msg".into(), json!(web::refusal(&answer.reason)));
            }
            Some(answer) if answer.status == 304 => {
                keys.insert("changed".into(), json!(false));
                keys.insert("status_code".into(), json!(304));
                keys.insert("msg".into(), json!(web::message(answer)));
            }
            Some(answer) if answer.status != 200 => {
                keys.insert("failed".into(), json!(true));
                keys.insert("changed".into(), json!(false));
                keys.insert("status_code".into(), json!(answer.status));
                keys.insert("response".into(), json!(web::message(answer)));
                keys.insert("msg".into(), json!("Request failed"));
            }
            Some(answer) => self.told_of_answer(answer, is_dry, done, &mut keys, view)?,
        }
        let target = match answer {
            Some(answer) if answer.status == 200 => self.target(answer, view)?,
            _ => place.at.clone(),
        };
        keys.extend(describe(&target, view)?);
        Ok(Json::Object(keys))
    }

    fn told_nothing(&self, keys: &mut Map<String, Json>) {
        for key in ["msg", "status_code", "checksum_src"] {
            let why = format!("{key} of {}", self.shared.shown());
            keys.insert(key.to_owned(), unknown_json(&why));
        }
    }

    fn told_of_file(&self, place: &Place, changed: bool, view: &dyn View) -> Result<Json> {
        let msg = if changed {
            "file already exists but file attributes changed"
        } else {
            "file already exists"
        };
        let mut keys = describe(&place.at, view)?;
        keys.insert("msg".into(), json!(msg));
        Ok(Json::Object(keys))
    }

    fn told_of_answer(
        &self,
        answer: &Response,
        is_dry: bool,
        done: &[Outcome],
        keys: &mut Map<String, Json>,
        view: &dyn View,
    ) -> Result<()> {
        let target = self.target(answer, view)?;
        let from = self.temporary(view)?;
        keys.insert("src".into(), json!(from));
        let place = Place::of(&self.dest, view)?;
        if is_dir(&place.at, view)? {
            let name = super::name::of_answer(answer);
            keys.insert("dest".into(), json!(place.child(&name).shown));
        }
        keys.insert("msg".into(), json!(web::message(answer)));
        if is_dry {
            keys.insert(
                "checksum_src".into(),
                unknown_json("the checksum of the file"),
            );
            return Ok(());
        }
        keys.insert("checksum_src".into(), json!(answer.sum(Algorithm::Sha1)));
        if let Some(msg) = self.mismatch(answer, &from, view)? {
            keys.insert("failed".into(), json!(true));
            keys.insert("changed".into(), json!(false));
            keys.insert("msg".into(), json!(msg));
            return Ok(());
        }
        keys.insert("status_code".into(), json!(answer.status));
        keys.insert("changed".into(), json!(has_changed(done)));
        keys.insert("md5sum".into(), json!(answer.sum(Algorithm::Md5)));
        if let Some(backup) = self.last_backup(&target, done, view)? {
            keys.insert("backup_file".into(), json!(backup));
        }
        Ok(())
    }

    fn mismatch(&self, answer: &Response, from: &Path, view: &dyn View) -> Result<Option<String>> {
        let Some(wanted) = self.wanted(view)? else {
            return Ok(None);
        };
        let sum = answer.sum(wanted.algorithm);
        if wanted.may_be(sum) {
            return Ok(None);
        }
        Ok(Some(format!(
            "The checksum for {} did not match {}; it was {}.",
            from.display(),
            wanted.digest.unwrap_or_default(),
            sum.unwrap_or_default()
        )))
    }

    /// Where this step has kept the old file. The name holds the time of planning, so it is looked
    /// up.
    fn last_backup(
        &self,
        target: &Path,
        done: &[Outcome],
        view: &dyn View,
    ) -> Result<Option<std::path::PathBuf>> {
        if !self.backup || !has_changed(done) {
            return Ok(None);
        }
        let dir = parent(target);
        let start = format!(
            "{}.{}.",
            crate::sys::path::file_name(target),
            std::process::id()
        );
        let names = match view.list(dir)? {
            Known::Known(Some(names)) => names,
            _ => Vec::new(),
        };
        let mut backups = names
            .into_iter()
            .filter(|n| n.starts_with(&start) && n.ends_with('~'));
        Ok(backups.next_back().map(|name| dir.join(name)))
    }
}
