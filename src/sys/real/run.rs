//! Running programs.

use super::{RealHost, no_account, now};
use crate::diag::{Diag, Result, reason};
use crate::sys::{Command, Known, Output, View};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Pid, Uid, setgid, setgroups, setsid, setuid};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a pipe must be silent after the program's end before it counts as held by a process
/// left in the background (as Ansible waits; observed: ansible-core 2.19.14).
const SILENCE: Duration = Duration::from_secs(1);

/// How often a program that has closed its pipes, or is silent, is asked whether it has ended.
const TICK: Duration = Duration::from_millis(20);

/// Why a command did not run to its end.
pub(super) enum Failure {
    /// There is no such program.
    NoProgram,
    /// The operating system refused.
    Os(io::Error),
    /// Anything else, already in words.
    Other(Box<Diag>),
}

impl Failure {
    /// The message to the user. Keys and wording of `msg` and `rc` are Ansible's (observed:
    /// ansible-core 2.19.14).
    pub(super) fn diag(self, command: &Command) -> Box<Diag> {
        let program = command.argv.first().map_or("", String::as_str);
        let error = match self {
            Failure::Other(diag) => return diag,
            Failure::NoProgram => io::Error::from_raw_os_error(Errno::ENOENT as i32),
            Failure::Os(error) => error,
        };
        let code = if error.kind() == io::ErrorKind::NotFound {
            "no-such-program"
        } else {
            "cannot-run"
        };
        Diag::error(code, format!("cannot run `{program}`: {}", reason(&error)))
            .with("cmd", shell_words::join(&command.argv))
            .with("rc", error.raw_os_error().unwrap_or(257))
            .with("msg", "Error executing command.")
            .with("stdout", "")
            .with("stderr", "")
            .with("stdout_lines", Vec::<String>::new())
            .with("stderr_lines", Vec::<String>::new())
    }
}

impl From<Box<Diag>> for Failure {
    fn from(diag: Box<Diag>) -> Failure {
        Failure::Other(diag)
    }
}

/// Runs a command to its end, with both pipes read all the while.
pub(super) fn run(
    host: &RealHost,
    command: &Command,
    on_line: Option<&mut super::OnLine>,
) -> Result<Output, Failure> {
    let mut prepared = prepare(host, command)?;
    let start = now();
    let (mut child, _running) = super::running::spawn(&mut prepared)?;
    drop(prepared);
    let input = command.stdin.as_deref().unwrap_or_default();
    let mut pump = Pump::new(&mut child, input, on_line).map_err(Failure::Os)?;
    let status = match pump.run(&mut child, host.deadline) {
        Ok(Some(status)) => status,
        Ok(None) => {
            kill(&mut child);
            return Err(Failure::Other(Diag::error(
                "timed-out",
                format!("`{}` took too long and was killed", command.argv.join(" ")),
            )));
        }
        Err(error) => {
            kill(&mut child);
            return Err(Failure::Os(error));
        }
    };
    let [stdout, stderr] = pump.finish();
    Ok(Output {
        rc: code(status),
        stdout,
        stderr,
        start,
        end: now(),
    })
}

fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| -status.signal().unwrap_or(1))
}

/// Ends the program and all it started in its session.
fn kill(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // It may have ended by itself meanwhile.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = child.wait();
}

fn prepare(host: &RealHost, command: &Command) -> Result<std::process::Command, Failure> {
    let program = command
        .argv
        .first()
        .ok_or_else(|| Failure::Other(Diag::error("no-command", "there is no command to run")))?;
    let mut prepared = std::process::Command::new(locate(host, program)?);
    prepared
        .arg0(program)
        .args(&command.argv[1..])
        .current_dir(directory(host, command)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if command.stdin.is_none() {
        prepared.stdin(Stdio::null());
    }
    let identity = match &command.user {
        Some(name) => identity(host, name, &mut prepared)?,
        None => None,
    };
    prepared.envs(&host.env).envs(&command.env);
    let mask = command.umask.unwrap_or(host.umask);
    let mask = Mode::from_bits_truncate(mask);
    let before_exec = move || {
        // A session of its own: it can be killed as a whole, and no terminal can stop it.
        setsid()?;
        umask(mask);
        if let Some((uid, gid, groups)) = &identity {
            setgroups(groups)?;
            setgid(*gid)?;
            setuid(*uid)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; nothing allocates.
    unsafe { prepared.pre_exec(before_exec) };
    Ok(prepared)
}

/// The program's file: names are looked for in the sbin directories too.
fn locate(host: &RealHost, program: &str) -> Result<PathBuf, Failure> {
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    match host.which(program)? {
        Known::Known(Some(path)) => Ok(path),
        _ => Err(Failure::NoProgram),
    }
}

fn directory(host: &RealHost, command: &Command) -> Result<PathBuf, Failure> {
    let Some(dir) = &command.cwd else {
        return Ok(host.cwd.clone());
    };
    let dir = host.abs(dir);
    match std::fs::metadata(&dir) {
        Ok(meta) if meta.is_dir() => Ok(dir),
        Ok(_) => Err(no_directory(&dir, "it is no directory")),
        Err(e) => Err(no_directory(&dir, &reason(&e))),
    }
}

fn no_directory(dir: &std::path::Path, why: &str) -> Failure {
    Failure::Other(Diag::error(
        "no-such-directory",
        format!("cannot change to {}: {why}", dir.display()),
    ))
}

type Identity = (Uid, Gid, Vec<Gid>);

/// The numbers to run under, `None` for the process's own. Sets the variables that login sets.
fn identity(
    host: &RealHost,
    name: &str,
    prepared: &mut std::process::Command,
) -> Result<Option<Identity>, Failure> {
    let Known::Known(Some(user)) = host.user(name)? else {
        return Err(Failure::Other(no_account("user", name)));
    };
    let (Some(uid), Some(gid)) = (user.uid, user.gid) else {
        return Err(Failure::Other(no_account("user", name)));
    };
    if host.me.uid == Some(uid) {
        return Ok(None);
    }
    prepared
        .env("HOME", &user.home)
        .env("USER", &user.name)
        .env("LOGNAME", &user.name)
        .env("SHELL", &user.shell);
    let groups = host.accounts.borrow_mut().groups_of(&user)?;
    let groups = groups.into_iter().map(Gid::from_raw).collect();
    Ok(Some((Uid::from_raw(uid), Gid::from_raw(gid), groups)))
}

/// Feeds a child's input and collects its two outputs in one loop.
struct Pump<'a> {
    stdin: Option<std::process::ChildStdin>,
    input: &'a [u8],
    streams: [Stream; 2],
    on_line: Option<&'a mut super::OnLine>,
}

struct Stream {
    pipe: Option<Box<dyn Pipe>>,
    all: Vec<u8>,
    /// Where the last line that was not yet shown begins.
    shown: usize,
}

trait Pipe: Read + AsFd {}
impl<T: Read + AsFd> Pipe for T {}

impl<'a> Pump<'a> {
    fn new(
        child: &mut Child,
        input: &'a [u8],
        on_line: Option<&'a mut super::OnLine>,
    ) -> io::Result<Pump<'a>> {
        let stdin = child.stdin.take();
        if let Some(pipe) = &stdin {
            non_blocking(pipe.as_fd())?;
        }
        let stdout = child.stdout.take().map(|p| Box::new(p) as Box<dyn Pipe>);
        let stderr = child.stderr.take().map(|p| Box::new(p) as Box<dyn Pipe>);
        Ok(Pump {
            stdin,
            input,
            streams: [Stream::new(stdout)?, Stream::new(stderr)?],
            on_line,
        })
    }

    /// Runs until the program has ended and its pipes are closed or silent. `None` where the
    /// deadline came first.
    fn run(
        &mut self,
        child: &mut Child,
        deadline: Option<Instant>,
    ) -> io::Result<Option<ExitStatus>> {
        let mut ended = None;
        let mut last = Instant::now();
        loop {
            let open = self.streams.iter().any(|s| s.pipe.is_some());
            if ended.is_none() && !open && self.stdin.is_none() && deadline.is_none() {
                return child.wait().map(Some);
            }
            if ended.is_none() {
                ended = child.try_wait()?;
            }
            if ended.is_some() && (!open || last.elapsed() >= SILENCE) {
                return Ok(ended);
            }
            if deadline.is_some_and(|at| Instant::now() >= at) {
                return Ok(None);
            }
            if self.step()? {
                last = Instant::now();
            }
        }
    }

    /// Waits for one tick at most and moves what can be moved. True if anything was.
    fn step(&mut self) -> io::Result<bool> {
        if self.input.is_empty() {
            self.stdin = None;
        }
        let mut fds = Vec::with_capacity(3);
        if let Some(pipe) = &self.stdin {
            fds.push(PollFd::new(pipe.as_fd(), PollFlags::POLLOUT));
        }
        for pipe in self.streams.iter().filter_map(|s| s.pipe.as_deref()) {
            fds.push(PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
        }
        let tick = PollTimeout::try_from(TICK).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, tick) {
            Ok(0) | Err(Errno::EINTR) => return Ok(false),
            Ok(_) => {}
            Err(e) => return Err(e.into()),
        }
        let mut moved = self.feed()?;
        for stream in &mut self.streams {
            if stream.take()? {
                moved = true;
                if let Some(on_line) = &mut self.on_line {
                    stream.show(on_line);
                }
            }
        }
        Ok(moved)
    }

    fn feed(&mut self) -> io::Result<bool> {
        let Some(pipe) = &mut self.stdin else {
            return Ok(false);
        };
        match pipe.write(self.input) {
            Ok(n) => {
                self.input = &self.input[n..];
                Ok(true)
            }
            Err(e) if is_later(&e) => Ok(false),
            // It does not want to read more.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.stdin = None;
                Ok(true)
            }
            Err(e) => Err(e),
        }
    }

    fn finish(self) -> [Vec<u8>; 2] {
        let mut on_line = self.on_line;
        self.streams.map(|mut stream| {
            if let Some(on_line) = &mut on_line
                && stream.shown < stream.all.len()
            {
                on_line(&String::from_utf8_lossy(&stream.all[stream.shown..]));
                stream.shown = stream.all.len();
            }
            stream.all
        })
    }
}

impl Stream {
    fn new(pipe: Option<Box<dyn Pipe>>) -> io::Result<Stream> {
        if let Some(pipe) = &pipe {
            non_blocking(pipe.as_fd())?;
        }
        Ok(Stream {
            pipe,
            all: Vec::new(),
            shown: 0,
        })
    }

    /// Reads all that is there. True if there was anything, the end included.
    fn take(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let mut any = false;
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => {
                    self.pipe = None;
                    any = true;
                }
                Ok(n) => {
                    self.all.extend_from_slice(&buffer[..n]);
                    any = true;
                }
                Err(e) if is_later(&e) => break,
                Err(e) => return Err(e),
            }
        }
        Ok(any)
    }

    fn show(&mut self, on_line: &mut super::OnLine) {
        while let Some(length) = self.all[self.shown..].iter().position(|b| *b == b'\n') {
            let line = &self.all[self.shown..self.shown + length];
            on_line(&String::from_utf8_lossy(line));
            self.shown += length + 1;
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn non_blocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Declared, Host, Op, Outcome};
    use std::sync::{Arc, Mutex};

    fn sh(script: &str) -> Command {
        Command::new(["sh", "-c", script])
    }

    fn query(command: &Command) -> Output {
        let Ok(Known::Known(output)) = RealHost::new().unwrap().query(command) else {
            panic!("no output");
        };
        output
    }

    #[test]
    fn large_input_and_both_outputs_pass_at_once() {
        let input = vec![b'x'; 1 << 20];
        let output = query(&sh("tee /dev/stderr").stdin(input.clone()));
        assert_eq!(output.rc, 0);
        assert_eq!(output.stdout.len(), input.len());
        assert_eq!(output.stderr.len(), input.len());
    }

    #[test]
    fn input_that_nobody_reads_is_no_error() {
        assert_eq!(query(&Command::new(["true"]).stdin(vec![0; 1 << 20])).rc, 0);
    }

    #[test]
    fn status_of_exits_signals_and_missing_programs() {
        assert_eq!(query(&sh("exit 3")).rc, 3);
        assert_eq!(query(&sh("kill -9 $$")).rc, -9);
        assert_eq!(query(&Command::new(["no-such-program-here"])).rc, 127);
        let mut host = RealHost::new().unwrap();
        let op = Op::Run {
            command: Command::new(["/no/such/program"]),
            effect: Declared::Opaque,
            must_succeed: false,
        };
        let error = host.perform(&op).unwrap_err();
        assert_eq!(error.code, "no-such-program");
        assert_eq!(error.data["rc"], 2);
    }

    #[test]
    fn surroundings_are_those_of_the_command() {
        let mut command = sh("pwd; echo $A$B; umask; ps -o sid= -p $$ | grep -c $$");
        command.umask = Some(0o077);
        let mut host = RealHost::new().unwrap();
        host.set_step([("A".into(), "1".into())].into(), Some("/usr".into()));
        let Ok(Known::Known(output)) = host.query(&command.env("B", "2").cwd("bin")) else {
            panic!("no output");
        };
        let text = output.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1..3], ["12", "0077"]);
        assert!(lines[0].ends_with("/usr/bin"));
        let Err(error) = host.query(&sh("true").cwd("/no/such/dir")) else {
            panic!("no error");
        };
        assert_eq!(error.code, "no-such-directory");
    }

    #[test]
    fn a_process_left_behind_does_not_hold_the_step() {
        let output = query(&sh("sleep 600 & echo $!"));
        let pid: i32 = output.text().trim().parse().unwrap();
        nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    #[test]
    fn lines_arrive_while_it_runs_and_a_deadline_ends_it() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let mut host = RealHost::new().unwrap();
        host.on_line = Some(Box::new(move |line: &str| {
            sink.lock().unwrap().push(line.to_owned());
        }));
        let op = |script: &str| Op::Run {
            command: sh(script),
            effect: Declared::Opaque,
            must_succeed: true,
        };
        let outcome = host.perform(&op("echo a; echo b >&2; printf c")).unwrap();
        assert!(matches!(outcome, Outcome::Ran(output) if output.stdout == b"a\nc"));
        let mut seen = lines.lock().unwrap().clone();
        seen.sort();
        assert_eq!(seen, ["a", "b", "c"]);
        host.deadline = Some(Instant::now() + Duration::from_millis(100));
        let error = host.perform(&op("sleep 600")).unwrap_err();
        assert_eq!(error.code, "timed-out");
    }

    #[test]
    fn runs_as_another_user_with_all_its_groups() {
        if !nix::unistd::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let mut command = sh("id -un; id -G; echo $HOME");
        command.user = Some("daemon".into());
        let text = query(&command).text();
        assert_eq!(text.lines().next(), Some("daemon"));
        assert!(!text.contains(" 0 "));
        command.user = Some("no-such-user-here".into());
        let error = RealHost::new().unwrap().query(&command).unwrap_err();
        assert_eq!(error.code, "no-such-user");
    }
}
