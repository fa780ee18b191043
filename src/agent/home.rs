//! Where an agent keeps what it has to remember.

use std::path::PathBuf;

/// Where it keeps what ends with it, so that a dry run leaves nothing on the disk: the runtime directory
/// of root or of the user, `None` where there is none.
pub fn runtime_dir() -> Option<PathBuf> {
    let uid = nix::unistd::geteuid();
    let base = match uid.is_root() {
        true => PathBuf::from("/run"),
        false => PathBuf::from(format!("/run/user/{uid}")),
    };
    base.is_dir().then(|| base.join("gxdeploy"))
}

/// `$XDG_STATE_HOME/gxdeploy`, else root's in `/var/lib` and everybody else's in their home.
pub fn state_dir() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty());
    if let Some(state) = of("XDG_STATE_HOME") {
        return Some(PathBuf::from(state).join("gxdeploy"));
    }
    if nix::unistd::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/gxdeploy"));
    }
    of("HOME").map(|home| PathBuf::from(home).join(".local/state/gxdeploy"))
}
