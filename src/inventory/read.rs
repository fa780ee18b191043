//! From the sources on the command line to an inventory.

use super::model::{Data, Inventory};
use super::vars_files::{self, Decrypt};
use super::{ini, yaml};
use crate::diag::{Diag, Result, SourceMap, reason};
use crate::value::{Key, from_json};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens vaulted files.
pub type Decryptor = Arc<dyn Fn(&Path, &[u8]) -> Result<Vec<u8>> + Send + Sync>;

/// What to read.
#[derive(Clone)]
pub struct Options {
    /// Sources: files, directories, executables, or lists of hosts with a comma.
    pub sources: Vec<String>,
    /// The directory of the playbook, whose `group_vars` and `host_vars` count too.
    pub playbook_dir: Option<PathBuf>,
    /// Opens vaulted files.
    pub decrypt: Decryptor,
    /// Dicts of several sources are merged (`hash_behaviour = merge`).
    pub merge: bool,
}

/// Reads an inventory.
///
/// # Errors
/// `inventory` and those of the files. A source that does not exist is a warning in Ansible; here
/// it is in the second part of the answer.
pub fn load(sources: &SourceMap, options: &Options) -> Result<(Inventory, Vec<Box<Diag>>)> {
    let (data, warnings) = read(sources, options)?;
    let again = options.clone();
    let reload = move |sources: &SourceMap| read(sources, &again).map(|(data, _)| data);
    let (later, sources) = (options.clone(), sources.clone());
    let complete = move |data: &mut Data| {
        // Files that cannot be read were an error when the inventory was read; a later host or
        // group goes without them.
        let _ = vars_files_of(&sources, data, &later);
    };
    let inventory = Inventory::new(
        data,
        options.sources.clone(),
        Box::new(reload),
        Box::new(complete),
    );
    Ok((inventory.merging(options.merge), warnings))
}

fn read(sources: &SourceMap, options: &Options) -> Result<(Data, Vec<Box<Diag>>)> {
    let mut reader = Reader {
        sources,
        data: Data::new(),
        warnings: Vec::new(),
        parsed: false,
    };
    for source in &options.sources {
        let before = options.merge.then(|| reader.data.clone());
        reader.source(source)?;
        if let Some(before) = before {
            reader.data.merge_over(&before);
        }
    }
    reader.data.reconcile();
    vars_files_of(sources, &mut reader.data, options)?;
    if !reader.parsed {
        reader.warnings.push(Diag::warning(
            "empty-inventory",
            "No inventory was parsed, only implicit localhost is available",
        ));
    }
    Ok((reader.data, reader.warnings))
}

/// Reads the `group_vars` and `host_vars` of all that is known, beside the sources and the playbook.
fn vars_files_of(sources: &SourceMap, data: &mut Data, options: &Options) -> Result<()> {
    let decrypt = options.decrypt.as_ref();
    for source in &options.sources {
        if source.contains(',') && !Path::new(source).exists() {
            continue;
        }
        let path = Path::new(source);
        let dir = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        if let Some(dir) = dir {
            add_files(sources, data, dir, false, &decrypt)?;
        }
    }
    if let Some(dir) = &options.playbook_dir {
        add_files(sources, data, dir, true, &decrypt)?;
    }
    Ok(())
}

/// Reads `group_vars` and `host_vars` below a directory for everything that is known.
fn add_files(
    sources: &SourceMap,
    data: &mut Data,
    dir: &Path,
    playbook: bool,
    decrypt: Decrypt<'_>,
) -> Result<()> {
    let groups = dir.join("group_vars");
    if groups.is_dir() {
        let names: Vec<String> = data.groups.keys().cloned().collect();
        for name in names {
            if let Some(mut vars) = vars_files::read(sources, &groups, &name, decrypt)? {
                let entry = data.group(&name);
                if let Some(priority) = vars.remove("ansible_group_priority") {
                    entry.priority = priority.to_text().parse().unwrap_or(1);
                }
                let level = if playbook {
                    &mut entry.playbook_files
                } else {
                    &mut entry.inventory_files
                };
                level_extend(level, vars);
            }
        }
    }
    let hosts = dir.join("host_vars");
    if hosts.is_dir() {
        let names: Vec<String> = data
            .hosts
            .keys()
            .cloned()
            .chain(local_names(data))
            .collect();
        for name in names {
            if let Some(vars) = vars_files::read(sources, &hosts, &name, decrypt)? {
                if !data.hosts.contains_key(&name) {
                    data.host(&name).implicit = true;
                    data.host(&name).vars.insert("ansible_connection", "local");
                }
                let entry = data.host(&name);
                let level = if playbook {
                    &mut entry.playbook_files
                } else {
                    &mut entry.inventory_files
                };
                level_extend(level, vars);
            }
        }
    }
    Ok(())
}

fn local_names(data: &Data) -> Option<String> {
    (!data.hosts.contains_key("localhost")).then(|| "localhost".to_owned())
}

fn level_extend(level: &mut crate::value::Map, vars: crate::value::Map) {
    for (key, value) in vars {
        level.insert(key, value);
    }
}

struct Reader<'a> {
    sources: &'a SourceMap,
    data: Data,
    warnings: Vec<Box<Diag>>,
    /// There was a source, even if it holds nothing.
    parsed: bool,
}

/// Endings of files in an inventory directory that are no inventories (`INVENTORY_IGNORE_EXTS`).
const IGNORED: [&str; 10] = [
    ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig",
];

impl Reader<'_> {
    fn source(&mut self, source: &str) -> Result<()> {
        let path = Path::new(source);
        self.parsed |= path.is_dir() || path.exists() || source.contains(',');
        if source.contains(',') && !path.exists() {
            return self.list(source);
        }
        if path.is_dir() {
            return self.directory(path);
        }
        if !path.exists() {
            self.warnings.push(Diag::warning(
                "inventory",
                format!("Unable to parse {} as an inventory source", path.display()),
            ));
            return Ok(());
        }
        self.file(path)
    }

    fn list(&mut self, list: &str) -> Result<()> {
        for name in list.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            // Ranges are not expanded here: that is the plugin `advanced_host_list`, which is off.
            let (name, port) = ini::split_port(name);
            self.data.add_to_group(&name, "ungrouped");
            if let Some(port) = port {
                let vars = &mut self.data.host(&name).vars;
                vars.insert("ansible_port", i64::from(port));
            }
        }
        Ok(())
    }

    fn directory(&mut self, dir: &Path) -> Result<()> {
        let entries = std::fs::read_dir(dir).map_err(|e| Diag::io("read", dir, &e))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort_unstable();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ignored = name.starts_with('.')
                || matches!(name.as_ref(), "group_vars" | "host_vars" | "vars_plugins")
                || IGNORED.iter().any(|ending| name.ends_with(ending))
                || name.ends_with(".cfg")
                || name.ends_with(".retry");
            if ignored {
                continue;
            }
            if path.is_dir() {
                self.directory(&path)?;
            } else {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let bytes = self
            .sources
            .read(path)
            .map_err(|e| Diag::io("read", path, &e))?;
        if is_executable(path) && looks_like_program(&bytes) {
            return self.script(path);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        if matches!(extension, "yml" | "yaml" | "json") {
            let value = crate::yaml::load(self.sources, path, &text)?;
            if value.is_null() {
                return Ok(());
            }
            return yaml::read(&mut self.data, path, &value);
        }
        ini::read(&mut self.data, self.sources, path, &text)
    }

    /// An executable: `--list` answers with groups, and with variables under `_meta`.
    fn script(&mut self, path: &Path) -> Result<()> {
        let listed = run(path, &["--list"])?;
        let meta = listed.get("_meta").and_then(|m| m.get("hostvars")).cloned();
        for (name, body) in listed.as_object().into_iter().flatten() {
            if name != "_meta" {
                self.script_group(path, name, body)?;
            }
        }
        let hosts: Vec<String> = self.data.hosts.keys().cloned().collect();
        for host in hosts {
            let vars = match &meta {
                Some(meta) => meta.get(&host).cloned().unwrap_or(Json::Null),
                None => run(path, &["--host", &host])?,
            };
            for (key, value) in vars.as_object().into_iter().flatten() {
                let entry = self.data.host(&host);
                entry.vars.insert(Key::from(key.as_str()), from_json(value));
            }
        }
        Ok(())
    }

    fn script_group(&mut self, path: &Path, name: &str, body: &Json) -> Result<()> {
        self.data.group(name);
        let own;
        let (hosts, vars, children) = match body {
            Json::Array(hosts) => (Some(hosts), None, None),
            // A dict of variables alone, for a host of this name.
            Json::Object(vars)
                if !["hosts", "vars", "children"]
                    .iter()
                    .any(|k| vars.contains_key(*k)) =>
            {
                own = Json::from(vec![name]);
                (own.as_array(), Some(vars), None)
            }
            Json::Object(body) => (
                body.get("hosts").and_then(Json::as_array),
                body.get("vars").and_then(Json::as_object),
                body.get("children").and_then(Json::as_array),
            ),
            _ => {
                return Err(Diag::error(
                    "inventory",
                    format!(
                        "{}: group `{name}` is neither a list nor a dict",
                        path.display()
                    ),
                ));
            }
        };
        for host in hosts.into_iter().flatten().filter_map(Json::as_str) {
            self.data.add_to_group(host, name);
            let entry = self.data.host(host);
            if entry.source.is_none() {
                entry.source = Some(path.to_path_buf());
            }
        }
        for (key, value) in vars.into_iter().flatten() {
            let entry = self.data.group(name);
            entry.vars.insert(Key::from(key.as_str()), from_json(value));
        }
        for child in children.into_iter().flatten().filter_map(Json::as_str) {
            self.data.group(child);
            self.data.group(name).children.insert(child.to_owned());
        }
        Ok(())
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o111 != 0)
}

/// A `#!` line or a binary; a text file with a stray x bit is read as what its content is.
fn looks_like_program(bytes: &[u8]) -> bool {
    bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF")
}

fn run(path: &Path, args: &[&str]) -> Result<Json> {
    let program = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let output = std::process::Command::new(program)
        .args(args)
        .output()
        .map_err(|e| {
            Diag::error(
                "inventory",
                format!("cannot run {}: {}", path.display(), reason(&e)),
            )
        })?;
    if !output.status.success() {
        let mut diag = Diag::error(
            "inventory",
            format!(
                "inventory script {} failed: {}",
                path.display(),
                output.status
            ),
        );
        for line in String::from_utf8_lossy(&output.stderr).lines().take(5) {
            diag = diag.note(line);
        }
        return Err(diag);
    }
    serde_json::from_slice(&output.stdout).map_err(|e| {
        Diag::error(
            "inventory",
            format!(
                "inventory script {} did not answer with JSON: {e}",
                path.display()
            ),
        )
    })
}
