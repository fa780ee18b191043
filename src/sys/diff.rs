//! What an operation changes, as before and after: the `diff` of Ansible's results.
//!
//! Keys and rules were observed by running ansible-core 2.19.14.

use super::path::is_temporary;
use super::{Content, FileKind, Known, Op, Owner, Stat, View};
use crate::diag::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Larger texts are not shown (`max_diff_size`).
const MAX_SIZE: usize = 104_448;

/// A removed directory lists no more entries than this.
const MAX_ENTRIES: usize = 1000;

/// What stands for a text that nobody may see.
const HIDDEN: &str =
    " [[ Diff output has been hidden because 'no_log: true' was specified for this result ]]\n";

/// One entry of a result's `diff` list (Ansible's keys).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// Text before, or an object of attributes before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Json>,
    /// Text or attributes after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Json>,
    /// Heading of the text before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before_header: Option<String>,
    /// Heading of the text after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after_header: Option<String>,
    /// Text that is no before/after pair, such as what apt prints.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prepared: Option<String>,
    /// 1 where the file before is binary.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dst_binary: Option<u8>,
    /// 1 where the content after is binary.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub src_binary: Option<u8>,
    /// The limit, where the file before is larger.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dst_larger: Option<usize>,
    /// The limit, where the content after is larger.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub src_larger: Option<usize>,
}

/// The difference that an operation is about to make, or `None` if there is nothing to show.
///
/// # Errors
/// Those of the view.
pub fn of(op: &Op, view: &dyn View) -> Result<Option<Diff>> {
    Ok(match op {
        Op::Write {
            path,
            content,
            secret,
            ..
        } => {
            let after = match content {
                Content::Bytes(bytes) => Known::Known(bytes.clone()),
                // Not fetched to be found too large.
                Content::Blob(blob) if blob.size > MAX_SIZE as u64 => {
                    Known::Known(vec![0; MAX_SIZE + 1].into())
                }
                Content::Blob(blob) => Known::Known(view.blob(blob)?),
                Content::Unknown => Known::Unknown,
            };
            text(path, view.read(path)?, &after, *secret)
        }
        Op::CopyFile { path, .. } if is_temporary(path) => None,
        Op::CopyFile { from, path, .. } => {
            let after = view
                .read(from)?
                .map(|bytes| bytes.unwrap_or_else(|| Arc::from(&b""[..])));
            text(path, view.read(path)?, &after, false)
        }
        Op::Mkdir { path, mode } => {
            let mut pair = Pair::new(path);
            pair.set("state", state(view, path)?, "directory");
            if let Some(mode) = mode {
                let fresh = 0o777 & !view.umask();
                pair.change("mode", octal(fresh), octal(*mode));
            }
            Some(pair.diff())
        }
        Op::Mode { path, mode } => {
            let mut pair = Pair::new(path);
            if let Known::Known(Some(stat)) = view.stat(path)? {
                pair.change("mode", octal(stat.mode), octal(*mode));
            }
            pair.some()
        }
        Op::Chown { path, owner } => {
            let mut pair = Pair::new(path);
            if let Known::Known(Some(stat)) = view.lstat(path)? {
                owners(&mut pair, &stat, owner, view)?;
            }
            pair.some()
        }
        Op::Times { path, atime, mtime } => {
            let mut pair = Pair::new(path);
            if let Known::Known(Some(stat)) = view.stat(path)? {
                for (key, old, new) in [("atime", stat.atime, atime), ("mtime", stat.mtime, mtime)]
                {
                    if let Some(new) = new {
                        pair.change(key, old, *new);
                    }
                }
            }
            pair.some()
        }
        Op::Touch { path } => {
            let mut pair = Pair::new(path);
            if let Known::Known(Some(stat)) = view.stat(path)? {
                let now = view.now();
                pair.change("atime", stat.atime, now);
                pair.change("mtime", stat.mtime, now);
            }
            pair.some()
        }
        Op::Symlink { path, target } => {
            let mut pair = Pair::new(path);
            if let Known::Known(Some(Stat {
                target: Some(old), ..
            })) = view.lstat(path)?
            {
                pair.change("src", json!(old), json!(target));
            }
            pair.change("state", state(view, path)?, "link");
            pair.some()
        }
        Op::Hardlink { path, .. } => {
            let mut pair = Pair::new(path);
            pair.set("state", state(view, path)?, "hard");
            Some(pair.diff())
        }
        Op::Rename { from, to } => {
            let mut pair = Pair::new(from);
            pair.after.insert("path".into(), json!(to));
            Some(pair.diff())
        }
        Op::Remove { path } if is_temporary(path) => None,
        Op::Remove { path } => {
            let before = state(view, path)?;
            let mut pair = Pair::new(path);
            if before == "directory" {
                pair.before
                    .insert("path_content".into(), contents(view, path)?);
            }
            pair.change("state", before, "absent");
            pair.some()
        }
        Op::Run { .. } | Op::Http { .. } | Op::Wait { .. } | Op::Declare(_) => None,
    })
}

/// Adds a difference to those of the operations before it. Attributes of one path become one
/// entry, as Ansible shows them.
pub fn push(diffs: &mut Vec<Diff>, new: Diff) {
    if let Some(last) = diffs.last_mut()
        && let (Some(Json::Object(before)), Some(Json::Object(after))) =
            (&mut last.before, &mut last.after)
        && let (Some(Json::Object(new_before)), Some(Json::Object(new_after))) =
            (&new.before, &new.after)
        && after.get("path") == new_before.get("path")
    {
        for (key, value) in new_before.iter().filter(|(key, _)| *key != "path") {
            before.entry(key.clone()).or_insert_with(|| value.clone());
        }
        after.extend(new_after.clone());
        return;
    }
    diffs.push(new);
}

/// Two sets of attributes of one path.
struct Pair {
    before: Map<String, Json>,
    after: Map<String, Json>,
}

impl Pair {
    fn new(path: &Path) -> Pair {
        let mut before = Map::new();
        before.insert("path".into(), json!(path));
        Pair {
            after: before.clone(),
            before,
        }
    }

    fn set(&mut self, key: &str, before: impl Into<Json>, after: impl Into<Json>) {
        self.before.insert(key.into(), before.into());
        self.after.insert(key.into(), after.into());
    }

    fn change(&mut self, key: &str, before: impl Into<Json>, after: impl Into<Json>) {
        let (before, after) = (before.into(), after.into());
        if before != after {
            self.set(key, before, after);
        }
    }

    fn diff(self) -> Diff {
        Diff {
            before: Some(Json::Object(self.before)),
            after: Some(Json::Object(self.after)),
            ..Diff::default()
        }
    }

    /// Nothing where nothing differs.
    fn some(self) -> Option<Diff> {
        (self.before != self.after).then(|| self.diff())
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// Ansible's name for what is at a path.
fn state(view: &dyn View, path: &Path) -> Result<&'static str> {
    Ok(match view.lstat(path)? {
        Known::Unknown => "unknown",
        Known::Known(None) => "absent",
        Known::Known(Some(stat)) => match stat.kind {
            FileKind::Dir => "directory",
            FileKind::Link => "link",
            _ if stat.nlink > 1 => "hard",
            _ => "file",
        },
    })
}

/// Numbers where there are any, as Ansible shows them; names of accounts that are only planned.
fn owners(pair: &mut Pair, stat: &Stat, owner: &Owner, view: &dyn View) -> Result<()> {
    if let Some(name) = &owner.user {
        let uid = view.user(name)?.known().flatten().and_then(|u| u.uid);
        pair.change("owner", json!(stat.uid), id(uid, name));
    }
    if let Some(name) = &owner.group {
        let gid = view.group(name)?.known().flatten().and_then(|g| g.gid);
        pair.change("group", json!(stat.gid), id(gid, name));
    }
    Ok(())
}

fn id(number: Option<u32>, name: &str) -> Json {
    match number.or_else(|| name.parse().ok()) {
        Some(number) => json!(number),
        None => json!(name),
    }
}

/// All paths in a directory that is about to go.
fn contents(view: &dyn View, dir: &Path) -> Result<Json> {
    let (mut directories, mut files) = (Vec::new(), Vec::new());
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        let names = view.list(&dir)?.presume(None).unwrap_or_default();
        for path in names.into_iter().map(|name| dir.join(name)) {
            if directories.len() + files.len() >= MAX_ENTRIES {
                break;
            }
            let is_dir = |stat: Stat| stat.is_dir();
            if view.lstat(&path)?.presume(None).is_some_and(is_dir) {
                left.push(path.clone());
                directories.push(path);
            } else {
                files.push(path);
            }
        }
    }
    let sorted = |mut paths: Vec<PathBuf>| {
        paths.sort_unstable();
        paths
    };
    Ok(json!({"directories": sorted(directories), "files": sorted(files)}))
}

type Bytes = Arc<[u8]>;

fn text(
    path: &Path,
    before: Known<Option<Bytes>>,
    after: &Known<Bytes>,
    secret: bool,
) -> Option<Diff> {
    if let (Known::Known(Some(before)), Known::Known(after)) = (&before, after)
        && before == after
    {
        return None;
    }
    let header = path.display().to_string();
    let mut diff = Diff::default();
    if secret {
        diff.before = Some("".into());
        diff.after = Some(HIDDEN.into());
        diff.before_header = Some(header.clone());
        diff.after_header = Some(header);
        return Some(diff);
    }
    match before {
        Known::Known(None) => diff.before = Some("".into()),
        Known::Unknown => diff.before = Some(UNKNOWN.into()),
        Known::Known(Some(bytes)) => match shown(&bytes) {
            Shown::Text(text) => {
                diff.before = Some(text.into());
                diff.before_header = Some(header.clone());
            }
            Shown::Binary => diff.dst_binary = Some(1),
            Shown::Large => diff.dst_larger = Some(MAX_SIZE),
        },
    }
    match after {
        Known::Unknown => diff.after = Some(UNKNOWN.into()),
        Known::Known(bytes) if bytes.len() > MAX_SIZE => diff.src_larger = Some(MAX_SIZE),
        Known::Known(bytes) => match shown(bytes) {
            Shown::Text(text) => {
                diff.after = Some(text.into());
                diff.after_header = Some(header);
            }
            Shown::Binary => diff.src_binary = Some(1),
            Shown::Large => diff.src_larger = Some(MAX_SIZE),
        },
    }
    Some(diff)
}

const UNKNOWN: &str = "(known after apply)\n";

enum Shown {
    Text(String),
    Binary,
    Large,
}

fn shown(bytes: &[u8]) -> Shown {
    if bytes.contains(&0) {
        return Shown::Binary;
    }
    if bytes.len() > MAX_SIZE {
        return Shown::Large;
    }
    Shown::Text(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fake::{Entry, FakeHost};
    use crate::sys::{User, execute};

    fn host() -> FakeHost {
        let mut host = FakeHost::new();
        host.put("/f", Entry::file("a\n"))
            .put("/bin", Entry::file(b"\0x"))
            .put("/d/e", Entry::dir())
            .put("/d/x", Entry::file(""))
            .put("/l", Entry::link("/f"))
            .add_user(User {
                name: "bob".into(),
                uid: Some(1001),
                ..User::default()
            });
        host
    }

    fn write(path: &str, text: &[u8], secret: bool) -> Op {
        Op::Write {
            path: path.into(),
            content: Content::Bytes(text.into()),
            mode: None,
            owner: Owner::default(),
            backup: None,
            validate: None,
            secret,
        }
    }

    fn show(op: &Op) -> Json {
        json!(of(op, &host()).unwrap())
    }

    #[test]
    fn texts_have_headings_where_there_is_a_file() {
        assert_eq!(
            show(&write("/f", b"b\n", false)),
            json!({"before": "a\n", "after": "b\n", "before_header": "/f", "after_header": "/f"})
        );
        assert_eq!(
            show(&write("/new", b"b\n", false)),
            json!({"before": "", "after": "b\n", "after_header": "/new"})
        );
        assert_eq!(show(&write("/f", b"a\n", false)), Json::Null);
    }

    #[test]
    fn secrets_binaries_and_large_texts_are_not_shown() {
        let secret = show(&write("/f", b"password", true)).to_string();
        assert!(secret.contains("hidden") && !secret.contains("password"));
        assert!(!secret.contains("a\\n"));
        assert_eq!(
            show(&write("/bin", &vec![b'x'; MAX_SIZE + 1], false)),
            json!({"dst_binary": 1, "src_larger": MAX_SIZE})
        );
        assert_eq!(
            show(&write("/f", b"\0", false)),
            json!({"before": "a\n", "before_header": "/f", "src_binary": 1})
        );
    }

    #[test]
    fn attributes_of_one_path_are_one_difference() {
        let ops = [
            Op::Mkdir {
                path: "/new".into(),
                mode: Some(0o750),
            },
            Op::Chown {
                path: "/new".into(),
                owner: Owner {
                    user: Some("bob".into()),
                    group: Some("root".into()),
                },
            },
            Op::Mode {
                path: "/f".into(),
                mode: 0o600,
            },
        ];
        let done = execute(&mut host(), &ops, true).unwrap();
        assert_eq!(
            json!(done.diffs),
            json!([
                {
                    "before": {"path": "/new", "state": "absent", "mode": "0755", "owner": 0},
                    "after": {"path": "/new", "state": "directory", "mode": "0750", "owner": 1001},
                },
                {
                    "before": {"path": "/f", "mode": "0644"},
                    "after": {"path": "/f", "mode": "0600"},
                },
            ])
        );
    }

    #[test]
    fn links_and_removals() {
        assert_eq!(
            show(&Op::Symlink {
                path: "/l".into(),
                target: "/d".into()
            }),
            json!({"before": {"path": "/l", "src": "/f"}, "after": {"path": "/l", "src": "/d"}})
        );
        assert_eq!(
            show(&Op::Remove { path: "/d".into() }),
            json!({
                "before": {
                    "path": "/d",
                    "path_content": {"directories": ["/d/e"], "files": ["/d/x"]},
                    "state": "directory",
                },
                "after": {"path": "/d", "state": "absent"},
            })
        );
        assert_eq!(show(&Op::Remove { path: "/no".into() }), Json::Null);
    }
}
