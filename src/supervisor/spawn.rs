//! One copy of a program: found, given its pipes, started.

use super::berths::Berths;
use super::config::Program;
use super::image::{Account, Image};
use super::spare::spare;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, Gid, Uid, User};
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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
    berths: &Berths,
) -> Result<Child, String> {
    let words = words(&program.command)?;
    let file = find(&words[0], environment)?;
    let pipes = Pipes::new(program.redirect_stderr).map_err(|e| dispatcher_error(program, e))?;
    let (stdin, child_stdin) = match shared {
        Some(shared) => (None, shared),
        None => (Some(pipes.stdin), pipes.child_stdin),
    };
    let image = Image {
        path: text(file.as_os_str())?,
        argv: words.iter().map(text).collect::<Result<_, _>>()?,
        envp: environment
            .iter()
            .map(|(k, v)| text(format!("{k}={v}")))
            .collect::<Result<_, _>>()?,
        stdio: [child_stdin, pipes.child_stdout, pipes.child_stderr],
        account: account(program)?,
        directory: program.directory.as_ref().map(text).transpose()?,
        umask: program.umask,
        limits: &program.extra.limits,
        cgroup,
    };
    let pid = image.start(berths).map_err(|e| match e {
        Errno::EAGAIN => format!(
            "Too many processes in process table to spawn '{}'",
            program.name
        ),
        _ => format!("unknown error during fork for '{}': {e}", program.name),
    })?;
    Ok(Child {
        pid: pid.as_raw(),
        stdin,
        stdout: pipes.stdout,
        stderr: pipes.stderr,
    })
}

fn text(text: impl AsRef<OsStr>) -> Result<CString, String> {
    CString::new(text.as_ref().as_bytes()).map_err(|e| e.to_string())
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
    let groups = groups.into_iter().map(Gid::as_raw).collect();
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
