//! What `stat` and `find` tell of a file.

use crate::diag::Result;
use crate::sys::{FileKind, Stat, View};
use serde_json::{Map, Value as Json, json};

/// The keys that both have, under Ansible's names.
///
/// # Errors
/// Those of the view.
pub fn facts(path: &str, stat: &Stat, view: &dyn View) -> Result<Map<String, Json>> {
    let kind = |kind| json!(stat.kind == kind);
    let bit = |mask: u32| json!(stat.mode & mask != 0);
    let mut facts = Map::new();
    let mut put = |key: &str, value: Json| {
        facts.insert(key.to_owned(), value);
    };
    put("path", json!(path));
    put("mode", json!(format!("{:04o}", stat.mode)));
    put("isdir", kind(FileKind::Dir));
    put("ischr", kind(FileKind::Char));
    put("isblk", kind(FileKind::Block));
    put("isreg", kind(FileKind::File));
    put("isfifo", kind(FileKind::Fifo));
    put("islnk", kind(FileKind::Link));
    put("issock", kind(FileKind::Socket));
    put("uid", json!(stat.uid));
    put("gid", json!(stat.gid));
    put("size", json!(stat.size));
    put("inode", json!(stat.ino));
    put("dev", json!(stat.dev));
    put("nlink", json!(stat.nlink));
    put("atime", json!(stat.atime));
    put("mtime", json!(stat.mtime));
    put("ctime", json!(stat.ctime));
    for (key, mask) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        put(key, bit(mask));
    }
    if let Some(user) = stat
        .uid
        .map(|uid| view.user_by_id(uid))
        .transpose()?
        .flatten()
    {
        put("pw_name", json!(user.name));
    }
    if let Some(group) = stat
        .gid
        .map(|gid| view.group_by_id(gid))
        .transpose()?
        .flatten()
    {
        put("gr_name", json!(group.name));
    }
    Ok(facts)
}

/// May the account of this step read (4), write (2) or execute (1) a file?
///
/// # Errors
/// Those of the view.
pub fn may(stat: &Stat, what: u32, view: &dyn View) -> Result<bool> {
    let me = view.me();
    let everyone = stat.mode | stat.mode >> 3 | stat.mode >> 6;
    if me.uid == Some(0) {
        return Ok(what != 1 || stat.is_dir() || everyone & 1 != 0);
    }
    if stat.uid == me.uid {
        return Ok(stat.mode >> 6 & what != 0);
    }
    let named = match stat.gid {
        Some(gid) => view
            .group_by_id(gid)?
            .is_some_and(|group| group.members.contains(&me.name)),
        None => false,
    };
    if stat.gid == me.gid || named {
        return Ok(stat.mode >> 3 & what != 0);
    }
    Ok(stat.mode & what != 0)
}
