//! One copy of a program: found, forked, executed.

use super::config::Program;
use super::spare::spare;
use nix::unistd::{AccessFlags, Gid, Uid, User};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The running copy and the daemon's ends of its pipes.
#[derive(Debug)]
pub struct Child {
    /// Its process id, which is its process group too.
    pub pid: i32,
    /// To its standard input, unless that is a shared socket.
    pub stdin: Option<OwnedFd>,
    /// From its standard output (and error, if redirected).
    pub stdout: OwnedFd,
    /// From its standard error, if not redirected.
    pub stderr: Option<OwnedFd>,
}

/// Whether a program could be started: its command can be read and found.
///
/// # Errors
/// supervisord's `spawnerr` texts.
pub fn preflight(program: &Program, environment: &[(String, String)]) -> Result<(), String> {
    find(&words(&program.command)?[0], environment).map(drop)
}

/// Starts a copy with this environment, on a shared socket as standard input if there is one. It
/// enters the control group that `cgroup` is the list of processes of.
///
/// # Errors
/// supervisord's `spawnerr` texts. What goes wrong after the fork is written to the copy's
/// standard error instead, and the copy ends with code 127.
pub fn spawn(
    program: &Program,
    environment: &[(String, String)],
    shared: Option<OwnedFd>,
    cgroup: Option<OwnedFd>,
) -> Result<Child, String> {
    let words = words(&program.command)?;
    let file = find(&words[0], environment)?;
    let text = |s: &OsStr| CString::new(s.as_bytes()).map_err(|e| e.to_string());
    let path = text(file.as_os_str())?;
    let argv: Result<Vec<_>, _> = words.iter().map(|w| text(OsStr::new(w))).collect();
    let argv = argv?;
    let envp: Result<Vec<_>, _> = environment
        .iter()
        .map(|(k, v)| text(OsStr::new(&format!("{k}={v}"))))
        .collect();
    let envp = envp?;
    let account = account(program)?;
    let directory = program.directory.as_deref().map(|d| text(OsStr::new(d)));
    let directory = directory.transpose()?;
    let umask = program.umask;
    let limits = program.extra.limits.clone();

    let pipes = Pipes::new(program.redirect_stderr).map_err(|e| dispatcher_error(program, e))?;
    let mut command = Command::new(&file);
    let stdin = shared.is_none().then_some(pipes.stdin);
    command.stdin(Stdio::from(shared.unwrap_or(pipes.child_stdin)));
    command.stdout(Stdio::from(pipes.child_stdout));
    command.stderr(Stdio::from(pipes.child_stderr));
    command.process_group(0);
    let shown = file.display().to_string();
    // SAFETY: the closure only makes system calls on values prepared here; it allocates nothing
    // unless a call failed, and then the copy is about to end.
    unsafe {
        command.pre_exec(move || {
            // What the daemon was started with besides its own (4.3.0 closes them). A kernel that
            // does not know the call (before 5.11) leaves them open.
            nix::libc::syscall(
                nix::libc::SYS_close_range,
                3,
                nix::libc::c_uint::MAX,
                nix::libc::CLOSE_RANGE_CLOEXEC,
            );
            if let Some(list) = &cgroup
                && let Err(e) = nix::unistd::write(list, b"0")
            {
                give_up(&format!("couldn't enter its control group: {e:?}"));
            }
            for (resource, value) in &limits {
                if let Err(e) = nix::sys::resource::setrlimit(*resource, *value, *value) {
                    give_up(&format!("couldn't set {resource:?} to {value}: {e:?}"));
                }
            }
            if let Some((uid, gid, groups)) = &account {
                let become_user = nix::unistd::setgroups(groups)
                    .and_then(|()| nix::unistd::setgid(*gid))
                    .and_then(|()| nix::unistd::setuid(*uid));
                if let Err(e) = become_user {
                    give_up(&format!("couldn't setuid to {uid}: {e:?}"));
                }
            }
            if let Some(dir) = &directory
                && let Err(e) = nix::unistd::chdir(dir.as_c_str())
            {
                give_up(&format!(
                    "couldn't chdir to {}: {e:?}",
                    dir.to_string_lossy()
                ));
            }
            if let Some(mask) = umask {
                nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(mask));
            }
            let Err(e) = nix::unistd::execve(&path, &argv, &envp);
            give_up(&format!("couldn't exec {shown}: {e:?}"))
        });
    }
    let child = command.spawn().map_err(|e| match e.raw_os_error() {
        Some(nix::libc::EAGAIN) => format!(
            "Too many processes in process table to spawn '{}'",
            program.name
        ),
        _ => format!("unknown error during fork for '{}': {e}", program.name),
    })?;
    Ok(Child {
        pid: i32::try_from(child.id()).unwrap_or(i32::MAX),
        stdin,
        stdout: pipes.stdout,
        stderr: pipes.stderr,
    })
}

/// Says on the copy's standard error why it does not come up, and ends it.
fn give_up(why: &str) -> ! {
    let text = format!("supervisor: {why}\nsupervisor: child process was not spawned\n");
    let _ = nix::unistd::write(std::io::stderr().as_fd(), text.as_bytes());
    // SAFETY: ends this forked copy without running the daemon's exit handlers.
    unsafe { nix::libc::_exit(127) }
}

struct Pipes {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: Option<OwnedFd>,
    child_stdin: OwnedFd,
    child_stdout: OwnedFd,
    child_stderr: OwnedFd,
}

impl Pipes {
    fn new(redirect: bool) -> std::io::Result<Pipes> {
        let pipe = || nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC);
        // The others follow: the first end that is kept tells for them.
        let (child_stdin, stdin) = pipe()?;
        let stdin = spare(stdin)?;
        let (stdout, child_stdout) = pipe()?;
        let (child_stdin, child_stdout) = (both_ends(child_stdin), both_ends(child_stdout));
        let (stderr, child_stderr) = match redirect {
            true => (None, child_stdout.try_clone()?),
            false => {
                let (stderr, child) = pipe()?;
                (Some(stderr), both_ends(child))
            }
        };
        Ok(Pipes {
            stdin,
            stdout,
            stderr,
            child_stdin,
            child_stdout,
            child_stderr,
        })
    }
}

/// One descriptor for both ends of a pipe. The copy holds it, so that the pipe with all that is in
/// it outlives the daemon, and the copy is neither killed by writing nor told of an end of input.
fn both_ends(fd: OwnedFd) -> OwnedFd {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let both = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path);
    both.map_or(fd, OwnedFd::from)
}

fn dispatcher_error(program: &Program, error: std::io::Error) -> String {
    match error.raw_os_error() {
        Some(nix::libc::EMFILE | nix::libc::ENFILE) => {
            format!("too many open files to spawn '{}'", program.name)
        }
        _ => format!("unknown error making pipes for '{}': {error}", program.name),
    }
}

type Account = (Uid, Gid, Vec<Gid>);

/// Whom to become; `None` where the daemon already is that user or the option is not set.
fn account(program: &Program) -> Result<Option<Account>, String> {
    let Some(uid) = program.uid.map(Uid::from_raw) else {
        return Ok(None);
    };
    if uid == nix::unistd::getuid() && !uid.is_root() {
        return Ok(None);
    }
    let user = User::from_uid(uid).ok().flatten();
    let user = user.ok_or(format!("couldn't setuid to {uid}: no such user"))?;
    let name = CString::new(user.name).map_err(|e| e.to_string())?;
    let groups = nix::unistd::getgrouplist(&name, user.gid).map_err(|e| e.to_string())?;
    Ok(Some((uid, user.gid, groups)))
}

fn words(command: &str) -> Result<Vec<String>, String> {
    let words = shell_words::split(command).map_err(|_| {
        let shown = crate::value::quote_repr(command);
        format!("can't parse command {shown}: No closing quotation")
    })?;
    match words.is_empty() {
        true => Err("command is empty".into()),
        false => Ok(words),
    }
}

/// The file a command names, on the program's own PATH if it has no slash.
fn find(word: &str, environment: &[(String, String)]) -> Result<PathBuf, String> {
    let file = if word.contains('/') {
        PathBuf::from(word)
    } else {
        let path = environment.iter().find(|(k, _)| k == "PATH");
        let path = path.map_or("/bin:/usr/bin:/usr/local/bin", |(_, v)| v.as_str());
        let mut places = path.split(':').map(|dir| Path::new(dir).join(word));
        places.find(|p| p.exists()).unwrap_or(PathBuf::from(word))
    };
    let shown = file.display();
    let Ok(meta) = std::fs::metadata(&file) else {
        return Err(format!("can't find command '{shown}'"));
    };
    if meta.is_dir() {
        return Err(format!("command at '{shown}' is a directory"));
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return Err(format!("command at '{shown}' is not executable"));
    }
    if nix::unistd::access(&file, AccessFlags::X_OK).is_err() {
        return Err(format!("no permission to run command '{shown}'"));
    }
    Ok(file)
}
