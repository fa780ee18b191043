//! The places of agents on a host: which ones go, and where other users can run this one.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// An agent that was not used for so long goes when another one runs.
const UNUSED: Duration = Duration::from_secs(2 * 24 * 3600);

/// Marks this agent as used and removes others that no run uses. Concurrent runs of other versions
/// are safe: an agent holds a lock on its file for as long as it runs, and is young after each start.
pub fn settle() {
    static LOCK: OnceLock<Option<File>> = OnceLock::new();
    LOCK.get_or_init(|| {
        let exe = std::env::current_exe().ok()?;
        let kept = hold(&exe);
        tidy(&exe, SystemTime::now());
        kept
    });
}

/// Locks an agent's file and makes it young; `None` if it is not one that was sent.
fn hold(exe: &Path) -> Option<File> {
    if !is_agent(exe) {
        return None;
    }
    let file = File::open(exe).ok()?;
    // Whoever may not do this does not tidy here either.
    let _ = file.try_lock_shared();
    let _ = file.set_modified(SystemTime::now());
    Some(file)
}

fn is_agent(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("agent-"))
}

/// Removes the other agents in a directory, and what a cut transfer left, if they are old.
fn tidy(exe: &Path, now: SystemTime) {
    let Some(entries) = exe
        .parent()
        .filter(|_| is_agent(exe))
        .and_then(|dir| std::fs::read_dir(dir).ok())
    else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = is_agent(&path) || name.starts_with(".new-");
        if path != exe && ours && is_unused(&path, now) {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn is_unused(path: &Path, now: SystemTime) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let used = file.metadata().and_then(|found| found.modified());
    let age = used.ok().and_then(|used| now.duration_since(used).ok());
    age.is_some_and(|age| age > UNUSED) && file.try_lock().is_ok()
}

/// A path under which other users can run an agent that was sent here. It is copied once, to a
/// directory that others can enter but not list, since its own is closed to them.
///
/// # Errors
/// It cannot be copied, or the directory belongs to somebody else.
pub fn for_others(exe: PathBuf) -> io::Result<PathBuf> {
    let uid = nix::unistd::geteuid().as_raw();
    copied(
        exe,
        &PathBuf::from(format!("/var/tmp/gxdeploy-{uid}-shared")),
    )
}

fn copied(exe: PathBuf, to: &Path) -> io::Result<PathBuf> {
    // Only the name of an agent that was sent says what it contains.
    let Some(name) = exe.file_name().and_then(|name| name.to_str()) else {
        return Ok(exe);
    };
    if !is_agent(&exe) || is_open(&exe) {
        return Ok(exe);
    }
    match DirBuilder::new().mode(0o711).create(to) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let found = to.symlink_metadata()?;
    let own = found.uid() == nix::unistd::geteuid().as_raw();
    if !found.is_dir() || !own || found.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "{} belongs to somebody else",
            to.display()
        )));
    }
    let target = to.join(name);
    if !target.exists() {
        let new = to.join(format!(".new-{}", std::process::id()));
        std::fs::copy(&exe, &new)?;
        std::fs::set_permissions(&new, Permissions::from_mode(0o755))?;
        std::fs::rename(&new, &target)?;
        tidy(&target, SystemTime::now());
    }
    Ok(target)
}

/// True if everybody may enter every directory above.
fn is_open(path: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .all(|dir| dir.metadata().is_ok_and(|found| found.mode() & 1 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_go_when_they_are_neither_young_nor_running() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["agent-me", "agent-old", "agent-runs", ".new-cut", "other"] {
            std::fs::write(path(name), name).unwrap();
        }
        let left = || {
            let entries = std::fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort_unstable();
            names
        };
        let _runs = hold(&path("agent-runs")).unwrap();
        tidy(&path("agent-me"), SystemTime::now());
        assert_eq!(left().len(), 5);
        tidy(&path("agent-me"), SystemTime::now() + 2 * UNUSED);
        assert_eq!(left(), ["agent-me", "agent-runs", "other"]);
        assert!(hold(&path("other")).is_none());
    }

    #[test]
    fn an_agent_in_a_closed_home_is_copied() {
        let home = tempfile::tempdir().unwrap();
        std::fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        let (exe, to) = (home.path().join("agent-1"), home.path().join("open"));
        std::fs::write(&exe, "agent").unwrap();
        let target = copied(exe.clone(), &to).unwrap();
        assert_eq!(target, to.join("agent-1"));
        assert_eq!(std::fs::read(&target).unwrap(), b"agent");
        assert_eq!(target.metadata().unwrap().mode() & 0o777, 0o755);
        std::fs::set_permissions(&to, Permissions::from_mode(0o777)).unwrap();
        assert!(copied(exe, &to).is_err());
        let other = home.path().join("gxdeploy");
        assert_eq!(copied(other.clone(), &to).unwrap(), other);
    }
}
