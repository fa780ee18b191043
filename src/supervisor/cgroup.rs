//! `limit_memory`: a control group (version 2) for each process that has one.
//!
//! A group that hands controllers on may hold no process itself, unless it is the top one. The daemon
//! therefore moves into a group below its own and makes those of its processes beside that.

use super::config::Program;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where the kernel shows the groups.
const MOUNT: &str = "/sys/fs/cgroup";
/// The daemon's own group.
const DAEMON: &str = "supervisord";
/// What the names of the processes' groups begin with.
const PROGRAM: &str = "program.";
/// Processes may come into a group while it is being emptied; it is tried so often.
const MOVES: usize = 8;

/// The groups below the daemon's; found out when the first is needed.
#[derive(Debug, Default)]
pub struct Cgroups(Option<Result<PathBuf, String>>);

/// The group of one process.
#[derive(Clone, Debug)]
pub struct Cgroup {
    dir: PathBuf,
    /// Processes that were killed in it before the running copy was started.
    before: u64,
}

impl Cgroups {
    /// The group for a copy of a program, its limit set, and the file by which the copy enters it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn enter(
        &mut self,
        group: &str,
        program: &Program,
        limit: u64,
    ) -> Result<(Cgroup, OwnedFd), String> {
        let cgroup = self.of(group, program)?;
        let text = |e: io::Error| format!("{}: {}", cgroup.dir.display(), crate::diag::reason(&e));
        if !cgroup.dir.exists() {
            std::fs::create_dir(&cgroup.dir).map_err(text)?;
        }
        let dir = &cgroup.dir;
        std::fs::write(dir.join("memory.max"), limit.to_string()).map_err(text)?;
        let procs = OpenOptions::new()
            .write(true)
            .open(dir.join("cgroup.procs"));
        let before = kills(dir);
        let entry: File = procs.map_err(text)?;
        Ok((Cgroup { before, ..cgroup }, entry.into()))
    }

    /// The group of a copy that is there already. Its limit stays; where the controller was taken
    /// away meanwhile, and the limit with it, it is set again.
    pub fn found(&mut self, group: &str, program: &Program, limit: u64) -> Option<Cgroup> {
        let cgroup = self.of(group, program).ok()?;
        let file = cgroup.dir.join("memory.max");
        let now = std::fs::read_to_string(&file).ok()?;
        if now.trim() == "max" {
            std::fs::write(&file, limit.to_string()).ok()?;
        }
        let before = kills(&cgroup.dir);
        Some(Cgroup { before, ..cgroup })
    }

    fn of(&mut self, group: &str, program: &Program) -> Result<Cgroup, String> {
        let base = self.0.get_or_insert_with(base).clone()?;
        let name = format!("{group}:{}", program.name).replace('/', "_");
        Ok(Cgroup {
            dir: base.join(format!("{PROGRAM}{name}")),
            before: 0,
        })
    }
}

impl Cgroup {
    /// Whether the kernel killed something in it for want of memory since the copy was started.
    pub fn out_of_memory(&self) -> bool {
        kills(&self.dir) > self.before
    }

    /// Takes it away, unless something is left in it.
    pub fn remove(&self) {
        let _ = std::fs::remove_dir(&self.dir);
    }
}

/// How many processes of a group the kernel killed for want of memory.
fn kills(dir: &Path) -> u64 {
    let text = std::fs::read_to_string(dir.join("memory.events")).unwrap_or_default();
    let count = text.lines().find_map(|l| l.strip_prefix("oom_kill "));
    count.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

/// The group below which those of the processes are made.
fn base() -> Result<PathBuf, String> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let root = Path::new(MOUNT);
    let own = own.filter(|_| root.join("cgroup.controllers").exists());
    let Some(own) = own.map(|own| root.join(own)) else {
        return Err("this system has no control groups of version 2".into());
    };
    // The program before an upgrade, or a daemon started by a user of this one, was here.
    let base = match own.ends_with(DAEMON) {
        true => own.parent().unwrap_or(root).to_path_buf(),
        false => own,
    };
    let shown = base.display();
    let has = |file: &str| {
        let text = std::fs::read_to_string(base.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == "memory")
    };
    if !has("cgroup.controllers") {
        return Err(format!("{shown} has no memory controller"));
    }
    if base != root && !delegated(&base) && !unit_of_user(&base) {
        return Err(format!(
            "{shown} is not the daemon's own (systemd: Delegate=yes in its unit)"
        ));
    }
    if !has("cgroup.subtree_control") {
        hand_on(&base).map_err(|e| format!("{shown}: {}", crate::diag::reason(&e)))?;
    }
    sweep(&base);
    Ok(base)
}

/// Removes what an earlier daemon left: groups whose last process ended after their program.
fn sweep(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PROGRAM) {
            // One that is still in use stays.
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

/// Hands the memory controller on to the groups below.
fn hand_on(base: &Path) -> io::Result<()> {
    // Only the top group lacks this file.
    let top = !base.join("cgroup.type").exists();
    let mut moves = 0;
    loop {
        if !top {
            make_room(base)?;
        }
        match std::fs::write(base.join("cgroup.subtree_control"), "+memory") {
            Err(e) if e.kind() == io::ErrorKind::ResourceBusy && moves < MOVES => moves += 1,
            done => return done,
        }
    }
}

/// Moves the daemon, and what it has started so far, into a group below.
fn make_room(base: &Path) -> io::Result<()> {
    let below = base.join(DAEMON);
    if !below.exists() {
        std::fs::create_dir(&below)?;
    }
    let procs = std::fs::read_to_string(base.join("cgroup.procs"))?;
    for pid in procs.lines() {
        let moved = std::fs::write(below.join("cgroup.procs"), pid);
        // One may have ended meanwhile.
        let gone = |e: &io::Error| e.raw_os_error() == Some(nix::libc::ESRCH);
        moved.or_else(|e| if gone(&e) { Ok(()) } else { Err(e) })?;
    }
    Ok(())
}

/// Whether this is the group of a user's unit whose program the daemon is. A user's systemd may not
/// mark the groups it leaves to a unit (observed: 252).
fn unit_of_user(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = nix::unistd::geteuid();
    let own = std::fs::metadata(dir).is_ok_and(|meta| meta.uid() == user.as_raw());
    let main =
        std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    own && main && !user.is_root()
}

/// Whether whoever manages the groups has left this one to the daemon. systemd marks such groups.
fn delegated(dir: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(dir.as_os_str().as_bytes()) else {
        return false;
    };
    [c"trusted.delegate", c"user.delegate"].iter().any(|name| {
        let mut value = [0_u8; 1];
        // SAFETY: both texts end with a zero, and the length is that of the buffer.
        let length = unsafe {
            let buffer = value.as_mut_ptr().cast();
            nix::libc::getxattr(path.as_ptr(), name.as_ptr(), buffer, value.len())
        };
        length == 1 && value == *b"1"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::config;

    fn program() -> config::Program {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.conf");
        let text = "[supervisord]\n[program:p]\ncommand=/bin/x\nlimit_memory=512MB\n";
        std::fs::write(&file, text).unwrap();
        let config = config::load(&file).unwrap();
        config::Program::clone(&config.groups[0].programs[0])
    }

    /// Files in the place of the kernel's.
    #[test]
    fn a_limit_is_set_and_a_kill_is_seen() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("program.g_x:p");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("cgroup.procs"), "").unwrap();
        std::fs::write(dir.join("memory.events"), "oom 3\noom_kill 2\n").unwrap();
        let mut groups = Cgroups(Some(Ok(base.path().to_path_buf())));
        let program = program();
        let limit = program.extra.limit_memory.unwrap();
        let (cgroup, _) = groups.enter("g/x", &program, limit).unwrap();
        let limit = std::fs::read_to_string(dir.join("memory.max")).unwrap();
        assert_eq!(limit, (512 << 20).to_string());
        assert!(!cgroup.out_of_memory(), "kills of an earlier copy");
        std::fs::write(dir.join("memory.events"), "oom 4\noom_kill 3\n").unwrap();
        assert!(cgroup.out_of_memory());
        assert!(!groups.found("g/x", &program, 1).unwrap().out_of_memory());
        assert!(groups.found("g", &program, 1).is_none());
        let max = dir.join("memory.max");
        let now = || std::fs::read_to_string(&max).unwrap();
        assert_eq!(now(), limit, "a limit that is there stays");
        std::fs::write(&max, "max\n").unwrap();
        groups.found("g/x", &program, 7).unwrap();
        assert_eq!(now(), "7", "one that was lost is set again");
    }

    #[test]
    fn why_there_is_none_is_told() {
        let mut groups = Cgroups(Some(Err("no groups".into())));
        assert_eq!(groups.enter("g", &program(), 1).unwrap_err(), "no groups");
    }
}
