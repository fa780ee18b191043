//! Owner, group, mode and the like: the options that every file module has.

use super::place::Place;
use super::selinux;
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::sys::{Command, Declared, FileKind, Known, Op, Owner, Stat, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// The shared options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileAttrs {
    /// User name or uid that shall own the file.
    pub owner: Option<String>,
    /// Group name or gid.
    pub group: Option<String>,
    /// Permissions, octal (`"0644"`) or symbolic (`u=rw,g=r,o=r`).
    pub mode: Option<Mode>,
    /// Attributes as `chattr` takes them. Alias: attr
    #[serde(alias = "attr")]
    pub attributes: Option<String>,
    /// User part of the SELinux context.
    pub seuser: Option<String>,
    /// Role part of the SELinux context.
    pub serole: Option<String>,
    /// Type part of the SELinux context.
    pub setype: Option<String>,
    /// Level part of the SELinux context.
    pub selevel: Option<String>,
    /// Accepted for compatibility; writes are always atomic.
    #[serde(default)]
    pub unsafe_writes: bool,
}

impl FileAttrs {
    /// Operations that bring a file to these attributes. A link is changed itself (its mode cannot
    /// be); resolve it first to follow it. Nothing at the path means that it is only planned.
    ///
    /// # Errors
    /// `no-such-account` for an owner or group that the host does not have.
    pub fn ops(&self, path: &Path, view: &dyn View) -> Result<Vec<Op>> {
        let stat = match view.lstat(path)? {
            Known::Known(None) => return Ok(Vec::new()),
            Known::Known(stat) => stat,
            Known::Unknown => None,
        };
        let mut ops = Vec::new();
        let owner = self.owner_change(stat.as_ref(), path, view)?;
        if !owner.is_empty() {
            ops.push(Op::Chown {
                path: path.to_owned(),
                owner,
            });
        }
        if let Some(mode) = self.mode_change(stat.as_ref(), view) {
            ops.push(Op::Mode {
                path: path.to_owned(),
                mode,
            });
        }
        ops.extend(self.attribute_ops(path, stat.as_ref(), view)?);
        ops.extend(selinux::ops(self, path, view)?);
        Ok(ops)
    }

    fn mode_change(&self, stat: Option<&Stat>, view: &dyn View) -> Option<u32> {
        if stat.is_some_and(Stat::is_link) {
            return None;
        }
        let wanted = self.mode_for(stat, stat.is_some_and(Stat::is_dir), view)?;
        (stat.map(|s| s.mode) != Some(wanted)).then_some(wanted)
    }

    /// The bits that a file shall have; `None` where no mode is asked for. A file that is not there
    /// yet starts from what the umask leaves.
    pub fn mode_for(&self, stat: Option<&Stat>, is_dir: bool, view: &dyn View) -> Option<u32> {
        let mode = self.mode.as_ref()?;
        if matches!(mode, Mode::Symbolic(text) if text == "preserve") {
            return None;
        }
        let fresh = if is_dir { 0o777 } else { 0o666 } & !view.umask();
        Some(mode.apply(stat.map_or(fresh, |s| s.mode), is_dir, view.umask()))
    }

    /// Owner and group as asked for, checked.
    ///
    /// # Errors
    /// `no-such-account`.
    pub fn owner_for_new(&self, path: &Path, view: &dyn View) -> Result<Owner> {
        self.owner_change(None, path, view)
    }

    /// True if a file with this `stat` (or one that is created now) has other attributes.
    ///
    /// # Errors
    /// `no-such-account`.
    pub fn differ(&self, stat: Option<&Stat>, path: &Path, view: &dyn View) -> Result<bool> {
        let Some(stat) = stat else {
            let fresh = 0o666 & !view.umask();
            let mine = [self.owner.as_deref(), self.group.as_deref()]
                .into_iter()
                .flatten()
                .all(|name| name == view.me().name);
            return Ok(!mine || self.mode_for(None, false, view).is_some_and(|m| m != fresh));
        };
        Ok(self.mode_change(Some(stat), view).is_some()
            || !self.owner_change(Some(stat), path, view)?.is_empty())
    }

    /// Owner, group and mode before and after, as far as they change: two objects with Ansible's
    /// keys, accounts by number.
    ///
    /// # Errors
    /// `no-such-account`.
    pub fn changes(
        &self,
        stat: &Stat,
        path: &Path,
        view: &dyn View,
    ) -> Result<Option<(Json, Json)>> {
        let (mut before, mut after) = (Map::new(), Map::new());
        let owner = self.owner_change(Some(stat), path, view)?;
        if let Some(user) = owner.user {
            let uid = view.user(&user)?.known().flatten().and_then(|u| u.uid);
            before.insert("owner".into(), json!(stat.uid));
            after.insert("owner".into(), uid.map_or(json!(user), |uid| json!(uid)));
        }
        if let Some(group) = owner.group {
            let gid = view.group(&group)?.known().flatten().and_then(|g| g.gid);
            before.insert("group".into(), json!(stat.gid));
            after.insert("group".into(), gid.map_or(json!(group), |gid| json!(gid)));
        }
        if let Some(mode) = self.mode_change(Some(stat), view) {
            before.insert("mode".into(), json!(mode_text(stat.mode)));
            after.insert("mode".into(), json!(mode_text(mode)));
        }
        let none = after.is_empty();
        Ok((!none).then(|| (Json::Object(before), Json::Object(after))))
    }

    fn owner_change(&self, stat: Option<&Stat>, path: &Path, view: &dyn View) -> Result<Owner> {
        let uid = |name: &str| Ok(view.user(name)?.map(|user| user.map(|u| u.uid)));
        let gid = |name: &str| Ok(view.group(name)?.map(|group| group.map(|g| g.gid)));
        let user = change(self.owner.as_deref(), stat.map(|s| s.uid), uid)
            .map_err(|e| missing_account(e, "chown", "user", path, view))?;
        let group = change(self.group.as_deref(), stat.map(|s| s.gid), gid)
            .map_err(|e| missing_account(e, "chgrp", "group", path, view))?;
        Ok(Owner { user, group })
    }

    fn attribute_ops(&self, path: &Path, stat: Option<&Stat>, view: &dyn View) -> Result<Vec<Op>> {
        let Some(wanted) = self.attributes.as_deref().filter(|a| !a.is_empty()) else {
            return Ok(Vec::new());
        };
        let (sign, flags) = match wanted.chars().next() {
            Some(sign @ ('+' | '-' | '=')) => (sign, &wanted[1..]),
            _ => ('=', wanted),
        };
        let current = match stat {
            Some(stat) if stat.ino != 0 => flags_of(path, view)?,
            _ => None,
        };
        let current = current.unwrap_or_default();
        let settled = match sign {
            '+' => flags.chars().all(|c| current.contains(c)),
            '-' => !flags.chars().any(|c| current.contains(c)),
            // `e` (extents) comes with the file system and cannot be taken away.
            _ => same_letters(flags, &current.replace('e', "")),
        };
        if settled {
            return Ok(Vec::new());
        }
        Ok(vec![Op::Run {
            command: Command::new(["chattr", &format!("{sign}{flags}"), &path_text(path)]),
            effect: Declared::Effects(Vec::new()),
            must_succeed: true,
        }])
    }
}

fn same_letters(a: &str, b: &str) -> bool {
    a.chars().all(|c| b.contains(c)) && b.chars().all(|c| a.contains(c))
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// What `lsattr` says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The letters that are set.
    pub flags: String,
    /// Version or generation number.
    pub version: String,
}

/// The letters of a file; `None` where the file system has none. Some file systems have letters
/// but no versions.
fn flags_of(path: &Path, view: &dyn View) -> Result<Option<String>> {
    let command = Command::new(["lsattr", "-d", &path_text(path)]);
    let Known::Known(output) = view.query(&command)? else {
        return Ok(None);
    };
    let text = output.text();
    let flags = text.split_whitespace().next().filter(|_| output.ok());
    Ok(flags.map(|flags| flags.replace('-', "")))
}

/// Reads a file's attributes; `None` where the file system has none.
///
/// # Errors
/// Those of the view.
pub fn attributes_of(path: &Path, view: &dyn View) -> Result<Option<Attributes>> {
    let command = Command::new(["lsattr", "-vd", &path_text(path)]);
    let Known::Known(output) = view.query(&command)? else {
        return Ok(None);
    };
    let text = output.text();
    let mut words = text.split_whitespace();
    Ok(match (output.ok(), words.next(), words.next()) {
        (true, Some(version), Some(flags)) => Some(Attributes {
            flags: flags.replace('-', ""),
            version: version.to_owned(),
        }),
        _ => None,
    })
}

/// The name to set, or `None` where nothing is to be changed. `Err(None)` for a missing account.
fn change(
    wanted: Option<&str>,
    current: Option<Option<u32>>,
    look_up: impl Fn(&str) -> Result<Known<Option<Option<u32>>>>,
) -> Result<Option<String>, Missing> {
    let Some(wanted) = wanted.filter(|w| !w.is_empty()) else {
        return Ok(None);
    };
    let id = match wanted.parse::<u32>() {
        Ok(number) => Some(number),
        Err(_) => match look_up(wanted).map_err(Missing::Other)? {
            Known::Known(Some(id)) => id,
            Known::Known(None) => return Err(Missing::Account(wanted.to_owned())),
            Known::Unknown => return Ok(Some(wanted.to_owned())),
        },
    };
    Ok((current != Some(id)).then(|| wanted.to_owned()))
}

enum Missing {
    Account(String),
    Other(Box<Diag>),
}

fn missing_account(
    missing: Missing,
    verb: &str,
    kind: &str,
    path: &Path,
    view: &dyn View,
) -> Box<Diag> {
    match missing {
        Missing::Other(diag) => diag,
        Missing::Account(name) => failure(
            "no-such-account",
            &Place::at(path),
            &format!("{verb} failed: failed to look up {kind} {name}"),
            view,
        ),
    }
}

/// An error about a path whose result also says what is there now, as Ansible's do.
pub fn failure(code: &str, place: &Place, message: &str, view: &dyn View) -> Box<Diag> {
    let mut diag = Diag::error(code, message).with("path", place.shown.clone());
    // What cannot be read must not hide the error itself.
    for (key, value) in describe(&place.at, view).unwrap_or_default() {
        diag = diag.with(&key, value);
    }
    diag
}

/// Ansible's name for what is at a path: `file`, `directory`, `link`, `hard` or `absent`.
pub fn state_of(stat: Option<&Stat>) -> &'static str {
    match stat {
        None => "absent",
        Some(stat) => match stat.kind {
            FileKind::Link => "link",
            FileKind::Dir => "directory",
            _ if stat.nlink > 1 => "hard",
            _ => "file",
        },
    }
}

/// The result keys `uid gid owner group mode state size` (and `secontext`) of what is at a path;
/// empty where nothing is or only apply can tell.
///
/// # Errors
/// Those of the view.
pub fn describe(path: &Path, view: &dyn View) -> Result<Map<String, Json>> {
    let mut keys = Map::new();
    let (Known::Known(Some(_)), Known::Known(Some(stat))) = (view.stat(path)?, view.lstat(path)?)
    else {
        return Ok(keys);
    };
    keys.insert("mode".into(), json!(mode_text(stat.mode)));
    keys.insert("state".into(), json!(state_of(Some(&stat))));
    keys.insert("size".into(), json!(stat.size));
    if let Some(uid) = stat.uid {
        keys.insert("uid".into(), json!(uid));
        let name = view.user_by_id(uid)?.map_or(uid.to_string(), |u| u.name);
        keys.insert("owner".into(), json!(name));
    }
    if let Some(gid) = stat.gid {
        keys.insert("gid".into(), json!(gid));
        let name = view.group_by_id(gid)?.map_or(gid.to_string(), |g| g.name);
        keys.insert("group".into(), json!(name));
    }
    if let Some(context) = selinux::context(path, view)? {
        keys.insert("secontext".into(), json!(context));
    }
    Ok(keys)
}

/// Permission bits as Ansible prints them: `0644`, `01777`.
pub fn mode_text(mode: u32) -> String {
    format!("0{mode:03o}")
}
