//! Where other users can run this binary: a home directory is often closed to them.

use std::fs::{DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A path under which other users can run an agent that was sent here. It is copied once, to the
/// directory that the bootstrap would have taken next, if its own is closed to others.
///
/// # Errors
/// It cannot be copied, or the directory belongs to somebody else.
pub fn for_others(exe: PathBuf) -> io::Result<PathBuf> {
    let uid = nix::unistd::geteuid().as_raw();
    copied(exe, &PathBuf::from(format!("/var/tmp/gxdeploy-{uid}")))
}

fn copied(exe: PathBuf, to: &Path) -> io::Result<PathBuf> {
    // Only the name of an agent that was sent says what it contains.
    let Some(name) = exe.file_name().and_then(|name| name.to_str()) else {
        return Ok(exe);
    };
    if !name.starts_with("agent-") || is_open(&exe) {
        return Ok(exe);
    }
    match DirBuilder::new().mode(0o755).create(to) {
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
