//! Takes over the processes of an earlier daemon, and hands them on to a later one.

use super::config::GroupKind;
use super::group::Supervisor;
use super::keep::{Kept, since_of};
use super::life::signal_process;
use super::mainlog::Level;
use super::proc::{Event, State};
use super::stat::stat;
use super::streams::Input;
use super::watch::Report;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The inode behind a descriptor.
pub fn inode(fd: BorrowedFd<'_>) -> u64 {
    nix::sys::stat::fstat(fd).map_or(0, |s| s.st_ino)
}

impl Supervisor {
    /// A process as the file of the daemon's children has it.
    pub(super) fn kept(&self, group: usize, n: usize) -> Kept {
        let running = &self.groups[group].procs[n];
        let log = |log: &super::proclogs::SharedLog| log.as_ref().map(|l| l.borrow().path().into());
        let pid = running.proc.pid;
        Kept {
            group: self.groups[group].config.name.clone(),
            name: running.proc.program.name.clone(),
            pid,
            since: pid.and_then(|p| since_of(p.unsigned_abs())).unwrap_or(0),
            start: running.start,
            stop: running.stop,
            state: running.proc.state as i64,
            pipes: running.record.pipes,
            fds: [-1; 3],
            logs: [log(&running.stdout), log(&running.stderr)],
            tree: running.record.tree.clone(),
            ready: running.record.ready,
        }
    }

    /// All that run.
    pub(super) fn all_kept(&self, resting: bool) -> Vec<Kept> {
        let mut all = Vec::new();
        for (g, group) in self.groups.iter().enumerate() {
            for n in 0..group.procs.len() {
                if resting || group.procs[n].proc.pid.is_some() {
                    all.push(self.kept(g, n));
                }
            }
        }
        all
    }

    /// Gives a process back what an earlier daemon left of it; false where it is to be started as
    /// usual.
    pub(super) fn take_over(&mut self, group: usize, n: usize) -> bool {
        let name = &self.groups[group].procs[n].proc.program.name;
        let full = format!("{}:{name}", self.groups[group].config.name);
        let Some(kept) = self.left.remove(&full) else {
            return false;
        };
        let running = &mut self.groups[group].procs[n];
        running.start = kept.start;
        running.stop = kept.stop;
        let Some(pid) = kept.pid else {
            let Some(state) = resting(kept.state) else {
                return false;
            };
            running.proc.rest(state);
            return true;
        };
        if since_of(pid.unsigned_abs()) != Some(kept.since) {
            let line = format!("{full} ended while no daemon was there to see it");
            self.log.write(Level::Warn, &line);
            return false;
        }
        if self.groups[group].config.kind != GroupKind::Plain {
            // Its dialogue with the earlier daemon cannot be continued.
            signal_process(pid, Signal::SIGKILL, false);
            return false;
        }
        self.adopt(group, n, pid, &kept);
        true
    }

    fn adopt(&mut self, group: usize, n: usize, pid: i32, kept: &Kept) {
        let name = self.groups[group].config.name.clone();
        let program = self.groups[group].procs[n].proc.program.clone();
        let oom_kills = self.oom_kills.about(self.now());
        let running = &mut self.groups[group].procs[n];
        running.record.started(oom_kills);
        running.record.adopted = true;
        running.record.pipes = kept.pipes;
        running.record.tree.clone_from(&kept.tree);
        if let Some(limit) = program.extra.limit_memory {
            running.record.cgroup = self.cgroups.found(&name, &program, limit);
        }
        for (at, channel) in [(1, "stdout"), (2, "stderr")] {
            let Some(fd) = stream(pid, kept, at) else {
                continue;
            };
            self.groups[group].procs[n].record.fds[at] = fd.as_raw_fd();
            let sink = self.sink(group, n, pid, channel);
            self.groups[group].procs[n].streams[at - 1] = self.streams.follow(fd, sink);
        }
        let running = &mut self.groups[group].procs[n];
        if let Some(fd) = stream(pid, kept, 0) {
            running.record.fds[0] = fd.as_raw_fd();
            running.stdin = Input::new(fd).ok().map(Rc::new);
        }
        if !is_own_child(pid) {
            self.wait_for_stranger(pid);
        }
        let age = (super::group::wall() - kept.start)
            .max(0)
            .saturating_mul(1000);
        self.send(group, n, Event::Adopted(pid, age));
        self.groups[group].procs[n].record.ready = kept.ready;
        let environment = self.environment(&name, &program);
        self.watch(group, n, pid, None, &environment);
        if self.left_stopping.contains(&pid) {
            self.send(group, n, Event::Stop);
        }
    }

    /// The kernel tells the end of a process only to its parent; others learn that it ended.
    fn wait_for_stranger(&self, pid: i32) {
        // SAFETY: the call takes numbers and gives a new descriptor or -1.
        let fd = unsafe { nix::libc::syscall(nix::libc::SYS_pidfd_open, pid, 0) };
        let reports = self.reports.clone();
        let Some(fd) = i32::try_from(fd).ok().filter(|fd| *fd >= 0) else {
            let line = format!("cannot watch adopted process {pid}: pidfd_open failed");
            self.log.write(Level::Error, &line);
            return;
        };
        // SAFETY: the descriptor is new and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        tokio::task::spawn_local(async move {
            // SAFETY: an owned descriptor stays what it is until it is dropped.
            let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
            if let Ok(fd) = fd
                && fd.readable().await.is_ok()
            {
                let _ = reports.send(Report::Gone(pid));
            }
        });
    }

    /// Processes of an earlier daemon that the configuration does not name any more are stopped.
    pub(super) fn dismiss_left(&mut self) {
        for (full, kept) in std::mem::take(&mut self.left) {
            let Some(pid) = kept.pid else {
                continue;
            };
            if since_of(pid.unsigned_abs()) == Some(kept.since) {
                let line = format!("{full} ({pid}) is not configured any more: stopping it");
                self.log.write(Level::Warn, &line);
                signal_process(pid, Signal::SIGTERM, false);
            }
        }
    }

    /// Becomes the program that is now at its place on the disk. Returns only if that failed.
    pub fn exec_again(&mut self) -> String {
        let mut kept = self.all_kept(true);
        let mut open = Vec::new();
        for kept in kept.iter_mut().filter(|k| k.pid.is_some()) {
            let Some((g, Some(n))) = self.find(&kept.full()) else {
                continue;
            };
            let fds = self.groups[g].procs[n].record.fds;
            for (at, fd) in fds.into_iter().enumerate() {
                if fd >= 0 && is_pipe(fd, kept.pipes[at]) {
                    kept.fds[at] = fd;
                    open.push(fd);
                }
            }
        }
        open.iter().for_each(|fd| close_on_exec(*fd, false));
        if let Err(e) = self.keeper.rewrite(&kept, true) {
            open.iter().for_each(|fd| close_on_exec(*fd, true));
            return format!("cannot write the file of the processes: {e}");
        }
        let (program, arguments, directory) = &self.origin;
        let mut command = std::process::Command::new(program);
        command.args(arguments.iter().skip(1));
        if let Some(name) = arguments.first() {
            command.arg0(name);
        }
        command.current_dir(directory);
        let error = command.exec();
        open.iter().for_each(|fd| close_on_exec(*fd, true));
        let why = format!("cannot run {}: {error}", program.display());
        self.keep_all();
        why
    }

    /// Writes the file of the daemon's children anew.
    pub(super) fn keep_all(&mut self) {
        let all = self.all_kept(false);
        let written = self.keeper.rewrite(&all, false);
        self.tell_kept(written);
    }

    /// Tells of a file that cannot be written, and of its end, once each.
    pub(super) fn tell_kept(&mut self, written: std::io::Result<()>) {
        if let Some(line) = self.keeper.news(written) {
            self.log.write(Level::Error, &line);
        }
    }
}

/// A descriptor of a process's pipe: the one kept open, or another one of the same pipe, of which
/// the process holds both ends.
fn stream(pid: i32, kept: &Kept, at: usize) -> Option<OwnedFd> {
    let inode_wanted = kept.pipes[at];
    if inode_wanted == 0 {
        return None;
    }
    let fd = kept.fds[at];
    if fd >= 0 && is_pipe(fd, inode_wanted) {
        close_on_exec(fd, true);
        // SAFETY: the program before this one left it open for this purpose, and the inode is right.
        return Some(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    let mut options = std::fs::OpenOptions::new();
    match at {
        0 => options.write(true),
        _ => options.read(true),
    };
    let path = PathBuf::from(format!("/proc/{pid}/fd/{at}"));
    let fd: OwnedFd = options.open(path).ok()?.into();
    (inode(fd.as_fd()) == inode_wanted).then_some(fd)
}

fn is_pipe(fd: i32, wanted: u64) -> bool {
    // SAFETY: only asked for its status; a number that is no descriptor is answered with an error.
    wanted != 0 && inode(unsafe { BorrowedFd::borrow_raw(fd) }) == wanted
}

fn close_on_exec(fd: i32, yes: bool) {
    let flag = if yes {
        FdFlag::FD_CLOEXEC
    } else {
        FdFlag::empty()
    };
    // SAFETY: only its flag is changed.
    let _ = fcntl(
        unsafe { BorrowedFd::borrow_raw(fd) },
        FcntlArg::F_SETFD(flag),
    );
}

fn is_own_child(pid: i32) -> bool {
    stat(pid.unsigned_abs()).is_some_and(|stat| stat.parent == std::process::id())
}

/// The states in which a process may be left at rest.
fn resting(number: i64) -> Option<State> {
    [State::Stopped, State::Exited, State::Fatal]
        .into_iter()
        .find(|s| *s as i64 == number)
}
