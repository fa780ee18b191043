//! The files of a role: `tasks/main.yml` and its relatives.

use super::fields::malformed;
use super::files::{Loader, plain};
use super::imports::not_found;
use crate::diag::{Result, Span};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};

const EXTENSIONS: [&str; 3] = ["yml", "yaml", "json"];

/// The files of `dir/sub` that `name` means (`None` is `main`): one file, or with `many` all files
/// of a directory of that name. Empty where the role has none.
///
/// # Errors
/// `file-not-found` for a name that was asked for; `outside-role`.
pub(super) fn find(
    role: &Path,
    sub: &str,
    name: Option<&str>,
    many: bool,
    span: Span,
) -> Result<Vec<PathBuf>> {
    let dir = role.join(sub);
    let stem = name.unwrap_or("main");
    let mut names: Vec<String> = EXTENSIONS.map(|ext| format!("{stem}.{ext}")).into();
    match name {
        Some(_) => names.insert(0, stem.to_owned()),
        None => names.push(stem.to_owned()),
    }
    let candidates: Vec<PathBuf> = names.iter().map(|n| plain(&dir.join(n))).collect();
    let mut found = Vec::new();
    for candidate in &candidates {
        if candidate.is_dir() {
            if many {
                in_dir(candidate, &mut found);
                break;
            }
        } else if candidate.is_file() {
            found.push(candidate.clone());
            break;
        }
    }
    if let (Some(name), true, true) = (name, found.is_empty(), dir.is_dir()) {
        let what = format!("file {name:?} in {sub}/ of the role");
        return Err(not_found(&what, &candidates, span).exit(crate::diag::Exit::Parser));
    }
    let root = plain(&dir);
    if let Some(outside) = found.iter().find(|path| !path.starts_with(&root)) {
        let message = format!(
            "{} cannot be used, as it is not inside the expected role path {}",
            outside.display(),
            root.display()
        );
        return Err(malformed("outside-role", message, span));
    }
    Ok(found)
}

fn in_dir(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    entries.sort_unstable();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
        if path.is_dir() {
            if extension.is_none() {
                in_dir(&path, found);
            }
        } else if extension.is_none_or(|e| EXTENSIONS.contains(&e.as_str())) {
            found.push(path);
        }
    }
}

/// `defaults` or `vars` of a role, the files of a directory merged.
///
/// # Errors
/// Those of the files.
pub(super) fn vars(
    loader: &Loader,
    role: &Path,
    sub: &str,
    name: Option<&str>,
    span: Span,
) -> Result<Map> {
    let mut all = Map::new();
    for path in find(role, sub, name, true, span)? {
        for (key, value) in loader.vars(&path, span)? {
            let value = match all.get_key(&key) {
                Some(old) if loader.config.hash_behaviour == "merge" => value.over(old),
                _ => value,
            };
            all.insert(key, value);
        }
    }
    Ok(all)
}

/// The document of `tasks`, `handlers` or `meta`, with its file.
///
/// # Errors
/// Those of the file.
pub(super) fn document(
    loader: &Loader,
    role: &Path,
    sub: &str,
    name: Option<&str>,
    span: Span,
) -> Result<Option<(PathBuf, Value)>> {
    match find(role, sub, name, false, span)?.pop() {
        Some(path) => {
            let value = loader.yaml(&path, span)?;
            Ok(Some((path, value)))
        }
        None => Ok(None),
    }
}
