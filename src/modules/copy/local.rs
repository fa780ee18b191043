//! Reading the source on the control side.

use super::tree::{Entry, Item, Tree};
use super::{Local, Own};
use crate::diag::{Diag, Result};
use crate::modules::common::incoming::Sent;
use crate::modules::common::py_json;
use crate::modules::{Control, FileSearch};
use serde_json::Value as Json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Reads what `src` or `content` name; `None` where the source is on the host.
pub(super) fn read(args: &Own, control: &dyn Control) -> Result<Option<Local>> {
    match (&args.src, &args.content) {
        (None, None) => Err(Diag::error(
            "missing-option",
            "src (or content) is required",
        )),
        (Some(_), Some(_)) => Err(Diag::error(
            "conflicting-options",
            "src and content are mutually exclusive",
        )
        .at(control.span("content"), "")),
        (None, Some(content)) => {
            if args.dest.ends_with('/') {
                return Err(Diag::error(
                    "conflicting-options",
                    "can not use content with a dir as dest",
                )
                .at(control.span("dest"), ""));
            }
            Ok(Some(Local::File(Sent {
                name: String::new(),
                blob: Some(control.blob(text_of(&content.0).into_bytes())),
                mode: 0o600,
            })))
        }
        (Some(_), None) if args.remote_src => Ok(None),
        (Some(src), None) => local(src, args, control)
            .map(Some)
            .map_err(|e| e.at_if_none(control.span("src"))),
    }
}

fn text_of(content: &Json) -> String {
    match content {
        Json::String(text) => text.clone(),
        Json::Array(_) | Json::Object(_) => py_json::dumps(content),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        other => py_json::dumps(other),
    }
}

fn local(src: &str, args: &Own, control: &dyn Control) -> Result<Local> {
    let trimmed = match src.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed,
    };
    let path = control.find(FileSearch::Files, trimmed)?;
    let name = crate::sys::path::file_name(&path);
    if !path.is_dir() {
        return Ok(Local::File(file(&path, name, args, control)?));
    }
    let mut entries = Vec::new();
    let mut above = vec![real(&path)?];
    walk(&path, "", args, control, &mut above, &mut entries)?;
    Ok(Local::Tree(Tree {
        name: (!src.ends_with('/') && name != ".").then_some(name),
        entries,
    }))
}

fn file(path: &Path, name: String, args: &Own, control: &dyn Control) -> Result<Sent> {
    Ok(Sent {
        name,
        blob: Some(control.blob_of_file(path, args.decrypt, args.checksum.is_some())?),
        mode: path
            .metadata()
            .map_or(0o644, |m| m.permissions().mode() & 0o7777),
    })
}

fn real(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|e| Diag::io("read", path, &e))
}

/// Collects a directory, parents before what is in them. `above` are the directories on the way to
/// it; a link to one of them stays a link.
fn walk(
    dir: &Path,
    prefix: &str,
    args: &Own,
    control: &dyn Control,
    above: &mut Vec<PathBuf>,
    out: &mut Vec<Entry>,
) -> Result<()> {
    let entries = dir.read_dir().map_err(|e| Diag::io("list", dir, &e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Diag::io("list", dir, &e))?;
        names.push(entry.file_name());
    }
    names.sort_unstable();
    for name in names {
        let path = dir.join(&name);
        let name = name.to_string_lossy();
        let below = if prefix.is_empty() {
            name.clone().into_owned()
        } else {
            format!("{prefix}/{name}")
        };
        let followed = args.local_follow
            && !(path.is_symlink() && path.is_dir() && above.contains(&real(&path)?));
        if path.is_symlink() && !followed {
            let target = path.read_link().map_err(|e| Diag::io("read", &path, &e))?;
            out.push(Entry {
                path: below,
                item: Item::Link(target),
            });
            continue;
        }
        if path.is_dir() {
            out.push(Entry {
                path: below.clone(),
                item: Item::Dir,
            });
            above.push(real(&path)?);
            walk(&path, &below, args, control, above, out)?;
            above.pop();
        } else {
            let sent = file(&path, name.into_owned(), args, control)?;
            out.push(Entry {
                path: below,
                item: Item::File(sent),
            });
        }
    }
    Ok(())
}
