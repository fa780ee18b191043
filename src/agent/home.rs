//! Where an agent keeps what it has to remember.

use std::path::PathBuf;

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
