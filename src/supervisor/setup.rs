//! What the daemon's process is before it serves: limits, user, background.

use super::config::Config;

/// Raises the soft limits to what the configuration asks for.
pub(super) fn raise_limits(config: &Config) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = [
        (
            Resource::RLIMIT_NOFILE,
            config.daemon.minfds,
            "minfds",
            "RLIMIT_NOFILE",
        ),
        (
            Resource::RLIMIT_NPROC,
            config.daemon.minprocs,
            "minprocs",
            "RLIMIT_NPROC",
        ),
    ];
    for (resource, least, option, name) in wanted {
        let (soft, hard) = getrlimit(resource).map_err(|e| e.to_string())?;
        if soft < least && setrlimit(resource, least, hard.max(least)).is_err() {
            return Err(format!(
                "The {option} setting asks for a limit of {least} ({name}) but only {hard} are allowed"
            ));
        }
    }
    Ok(())
}

/// Sets the daemon's own user. What is to be said of it in the log, if something is.
pub(super) fn become_user(config: &Config) -> Result<Option<String>, String> {
    use nix::unistd::{Uid, User, getuid, setgid, setgroups, setuid};
    let Some(uid) = config.daemon.user.map(Uid::from_raw) else {
        return Ok(None);
    };
    let said = format!("Set uid to user {uid} succeeded");
    if uid == getuid() {
        return Ok(uid.is_root().then_some(said));
    }
    if !getuid().is_root() {
        return Err("Can't drop privilege as nonroot user".into());
    }
    let user = User::from_uid(uid).ok().flatten();
    let user = user.ok_or(format!("Invalid user id {uid}"))?;
    let name = std::ffi::CString::new(user.name).map_err(|e| e.to_string())?;
    nix::unistd::getgrouplist(&name, user.gid)
        .and_then(|groups| setgroups(&groups))
        .and_then(|()| setgid(user.gid))
        .and_then(|()| setuid(uid))
        .map_err(|e| format!("Can't drop privilege: {e}"))?;
    Ok(Some(said))
}

/// Goes into the background; the parent ends with code 0. No thread runs yet.
pub(super) fn daemonize(config: &Config) -> Result<(), String> {
    use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
    let text = |e: nix::errno::Errno| format!("cannot daemonize: {e}");
    // SAFETY: the process has one thread, and the parent only ends.
    if let ForkResult::Parent { .. } = unsafe { fork() }.map_err(text)? {
        // SAFETY: ends the parent without running what the child will run.
        unsafe { nix::libc::_exit(0) }
    }
    setsid().map_err(text)?;
    if let Some(dir) = &config.daemon.directory {
        nix::unistd::chdir(dir.as_str()).map_err(text)?;
    }
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(|e| e.to_string())?;
    dup2_stdin(&null).map_err(text)?;
    dup2_stdout(&null).map_err(text)?;
    dup2_stderr(&null).map_err(text)?;
    let mask = nix::sys::stat::Mode::from_bits_truncate(config.daemon.umask);
    nix::sys::stat::umask(mask);
    Ok(())
}
