//! `group_vars/` and `host_vars/` beside the inventory and beside the playbook.

use crate::diag::{Diag, Result, SourceMap};
use crate::value::Map;
use std::path::{Path, PathBuf};

/// Opens a vaulted text.
pub type Decrypt<'a> = &'a dyn Fn(&Path, &[u8]) -> Result<Vec<u8>>;

/// Extensions that such files may have.
const EXTENSIONS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

/// The variables of one group or host below `dir` (`group_vars` or `host_vars`); `None` if there
/// are none.
///
/// # Errors
/// Those of reading the files; a file that is no dict.
pub fn read(
    sources: &SourceMap,
    dir: &Path,
    name: &str,
    decrypt: Decrypt<'_>,
) -> Result<Option<Map>> {
    let mut vars: Option<Map> = None;
    for extension in EXTENSIONS {
        let path = dir.join(format!("{name}{extension}"));
        let mut files = Vec::new();
        if path.is_dir() {
            if extension.is_empty() {
                collect(&path, &mut files);
            }
        } else if path.is_file() {
            files.push(path);
        }
        for file in files {
            let more = file_vars(sources, &file, decrypt)?;
            let vars = vars.get_or_insert_default();
            for (key, value) in more {
                vars.insert(key, value);
            }
        }
    }
    Ok(vars)
}

/// Files of a directory in alphabetical order, hidden and backup files left out.
fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if path.is_dir() {
            collect(&path, into);
            continue;
        }
        let known = match path.extension().and_then(|e| e.to_str()) {
            Some(extension) => ["yml", "yaml", "json"].contains(&extension),
            None => true,
        };
        if known {
            into.push(path);
        }
    }
}

/// The variables of a YAML or JSON file.
///
/// # Errors
/// `io`, `yaml`, `vault`, or `bad-vars-file` where it holds something else than a dict.
pub fn file_vars(sources: &SourceMap, path: &Path, decrypt: Decrypt<'_>) -> Result<Map> {
    let bytes = sources.read(path).map_err(|e| Diag::io("read", path, &e))?;
    let bytes = if bytes.starts_with(b"$ANSIBLE_VAULT;") {
        decrypt(path, &bytes)?
    } else {
        bytes
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| Diag::error("yaml", format!("{} is not UTF-8 text", path.display())))?;
    let value = crate::yaml::load(sources, path, &text)?;
    if value.is_null() {
        return Ok(Map::new());
    }
    match value.as_map() {
        Some(map) => Ok(map.clone()),
        None => Err(Diag::error(
            "bad-vars-file",
            format!("{} must hold a dict of variables", path.display()),
        )
        .at(value.span, "")),
    }
}
