//! What a new process turns into.
//!
//! It begins in the daemon's own memory, on a stack of its own, while the daemon waits until it has
//! become its program or ended (vfork): a thousand starts copy nothing a thousand times. So it must
//! leave no trace in that memory, and signal handlers must not run in it.

use super::berths::Berths;
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, clone};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Pid, Uid, setpgid};
use std::ffi::{CString, c_char};
use std::os::fd::{OwnedFd, RawFd};

/// A user, the user's group and all groups.
pub type Account = (Uid, Gid, Vec<libc::gid_t>);

/// Signals that mean something to the daemon, and SIGPIPE, which it ignores.
const OWN: [Signal; 7] = [
    Signal::SIGCHLD,
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR2,
    Signal::SIGPIPE,
];

/// All that is needed until then.
#[derive(Debug)]
pub struct Image<'a> {
    /// The program's file.
    pub path: CString,
    /// Its arguments, its name first.
    pub argv: Vec<CString>,
    /// Its environment, `KEY=value`.
    pub envp: Vec<CString>,
    /// Standard input, output and error.
    pub stdio: [OwnedFd; 3],
    /// Whom to become.
    pub account: Option<Account>,
    /// Its working directory.
    pub directory: Option<CString>,
    /// Its mask for new files.
    pub umask: Option<u32>,
    /// Its limits, soft and hard.
    pub limits: &'a [(Resource, u64)],
    /// The list of processes of the control group that it enters.
    pub cgroup: Option<OwnedFd>,
}

impl Image<'_> {
    /// Starts a process that becomes this, the first of a process group of its own. What goes wrong
    /// after its beginning is written to its standard error, and it ends with code 127.
    ///
    /// # Errors
    /// What the kernel says of another process.
    pub fn start(&self, berths: &Berths) -> nix::Result<Pid> {
        berths.with(&self.stdio, |stdio, stack| self.start_at(stdio, stack))
    }

    fn start_at(&self, stdio: [RawFd; 3], stack: &mut [u8]) -> nix::Result<Pid> {
        let (argv, envp) = (pointers(&self.argv), pointers(&self.envp));
        let run = Box::new(|| {
            let (what, error) = self.become_it(stdio, &argv, &envp);
            give_up(stdio[2], &what, error)
        });
        let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK | CloneFlags::CLONE_FILES;
        let mut before = SigSet::empty();
        // A signal waits until the new process has none of the daemon's handlers any more.
        sigprocmask(
            SigmaskHow::SIG_SETMASK,
            Some(&SigSet::all()),
            Some(&mut before),
        )?;
        // SAFETY: this thread waits while the new process uses its memory; the stack is large enough
        // for a few system calls and one line of text.
        let started = unsafe { clone(run, stack, flags, Some(libc::SIGCHLD)) };
        // The mask was valid when it was read.
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
        started
    }

    /// Returns only if something goes wrong: what was being done, and the kernel's answer.
    fn become_it(
        &self,
        stdio: [RawFd; 3],
        argv: &[*const c_char],
        envp: &[*const c_char],
    ) -> (Failed<'_>, Errno) {
        match self.prepare(stdio) {
            Err(why) => why,
            Ok(()) => {
                // SAFETY: both lists end with a null pointer, and their texts outlive the call.
                unsafe { libc::execve(self.path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
                (Failed::Exec(&self.path), Errno::last())
            }
        }
    }

    fn prepare(&self, stdio: [RawFd; 3]) -> Result<(), (Failed<'_>, Errno)> {
        if let Some(list) = &self.cgroup {
            nix::unistd::write(list, b"0").map_err(|e| (Failed::Cgroup, e))?;
        }
        part(stdio[2]).map_err(|e| (Failed::Descriptors, e))?;
        // A process can always make a group of its own.
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
        for (place, fd) in stdio.into_iter().enumerate() {
            // SAFETY: the descriptors are this process's own by now.
            unsafe { libc::dup2(fd, place as RawFd) };
        }
        for own in OWN {
            // SAFETY: the default is no handler.
            let _ = unsafe { signal(own, SigHandler::SigDfl) };
        }
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
        for (resource, value) in self.limits {
            let set = setrlimit(*resource, *value, *value);
            set.map_err(|e| (Failed::Limit(*resource, *value), e))?;
        }
        if let Some(account) = &self.account {
            become_user(account).map_err(|e| (Failed::User(account.0), e))?;
        }
        if let Some(dir) = &self.directory {
            nix::unistd::chdir(dir.as_c_str()).map_err(|e| (Failed::Directory(dir), e))?;
        }
        if let Some(mask) = self.umask {
            umask(Mode::from_bits_truncate(mask));
        }
        Ok(())
    }
}

/// What could not be done.
enum Failed<'a> {
    Descriptors,
    Cgroup,
    Limit(Resource, u64),
    User(Uid),
    Directory(&'a CString),
    Exec(&'a CString),
}

impl std::fmt::Display for Failed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Descriptors => write!(f, "part from the daemon's descriptors"),
            Failed::Cgroup => write!(f, "enter its control group"),
            Failed::Limit(resource, RLIM_INFINITY) => write!(f, "set {resource:?} to unlimited"),
            Failed::Limit(resource, value) => write!(f, "set {resource:?} to {value}"),
            Failed::User(uid) => write!(f, "setuid to {uid}"),
            Failed::Directory(dir) => write!(f, "chdir to {}", dir.to_string_lossy()),
            Failed::Exec(path) => write!(f, "exec {}", path.to_string_lossy()),
        }
    }
}

/// Takes a table of descriptors of its own in the place of the daemon's, up to the last that is needed,
/// all of them closed in the program. supervisord 4.3.0 closes what it was started with, too.
fn part(last: RawFd) -> nix::Result<()> {
    // SAFETY: the calls change this process's table only once it has one.
    unsafe {
        let above = libc::c_uint::try_from(last + 1).unwrap_or(libc::c_uint::MAX);
        let most = libc::c_uint::MAX;
        let range = libc::SYS_close_range;
        if libc::syscall(range, above, most, libc::CLOSE_RANGE_UNSHARE) != 0 {
            // A kernel before 5.9; the daemon's own are closed in programs anyway.
            return Errno::result(libc::unshare(libc::CLONE_FILES)).map(drop);
        }
        libc::syscall(range, 3, most, libc::CLOSE_RANGE_CLOEXEC);
    }
    Ok(())
}

/// Takes a user's place. The C library's functions would ask the daemon's other threads to follow.
fn become_user((uid, gid, groups): &Account) -> nix::Result<()> {
    // SAFETY: the list is as long as it says.
    let set = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
    Errno::result(set)?;
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_setgid, gid.as_raw()) })?;
    // SAFETY: numbers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_setuid, uid.as_raw()) })?;
    Ok(())
}

/// The texts as the kernel takes them.
fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    let texts = texts.iter().map(|text| text.as_ptr());
    texts.chain([std::ptr::null()]).collect()
}

/// Says on the standard error why the process does not come up, and ends it.
fn give_up(stderr: RawFd, what: &Failed<'_>, error: Errno) -> ! {
    let text = format!(
        "supervisor: couldn't {what}: {error:?}\nsupervisor: child process was not spawned\n"
    );
    // SAFETY: the descriptor is open, and the text as long as it says.
    unsafe { libc::write(stderr, text.as_ptr().cast(), text.len()) };
    // The daemon's memory, in which the text is, goes on.
    drop(text);
    // SAFETY: ends this process without running the daemon's exit handlers.
    unsafe { libc::_exit(127) }
}
