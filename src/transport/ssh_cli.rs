//! A host behind SSH, reached by the user's own `ssh` program: all of its configuration holds.

use super::agents::Agents;
use super::bootstrap::{self, Stopped};
use super::fault::{Cause, Failed, WRONG_PASSWORD, cause, ended, failed};
use super::target::{ALIVE, Ssh};
use super::traffic::Counted;
use super::{Link, Traffic, askpass};
use crate::diag::{Diag, reason};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The arguments. Of options that are given twice `ssh` takes the first, so the order is that of
/// precedence.
fn arguments(ssh: &Ssh, command: &str) -> Vec<String> {
    let mut options = Vec::new();
    let mut option = |name: &str, value: Option<&str>| {
        options.extend(value.map(|value| format!("{name}={value}")));
    };
    let timeout = ssh.timeout.map(|seconds| seconds.to_string());
    let key = ssh.private_key.as_ref().map(|path| format!("\"{path}\""));
    match ssh.password {
        Some(_) => option("NumberOfPasswordPrompts", Some("1")),
        None => option("BatchMode", Some("yes")),
    }
    let strict = ssh.skip_host_key_check.then_some("no");
    option("StrictHostKeyChecking", strict);
    option("Port", ssh.port.as_deref());
    option("IdentityFile", key.as_deref());
    option("User", ssh.user.as_deref());
    option("ConnectTimeout", timeout.as_deref());
    let mut arguments = vec!["-T".to_owned()];
    arguments.extend(ssh.args.iter().cloned());
    for option in options {
        arguments.extend(["-o".to_owned(), option]);
    }
    arguments.extend(ssh.more_args.iter().cloned());
    arguments.extend(alive(ssh));
    arguments.extend(["--".to_owned(), ssh.host.clone(), command.to_owned()]);
    arguments
}

/// Signs of life, unless the user's configuration says how many.
fn alive(ssh: &Ssh) -> Vec<String> {
    let settings = ssh.settings().unwrap_or_default();
    if settings.get("serveraliveinterval").is_some() {
        return Vec::new();
    }
    let (interval, count) = ALIVE;
    vec![
        "-o".to_owned(),
        format!("ServerAliveInterval={interval}"),
        "-o".to_owned(),
        format!("ServerAliveCountMax={count}"),
    ]
}

/// Connects, brings the agent there if it is missing, and starts it.
///
/// # Errors
/// `connection`, with the cause in a sentence and the last lines of `ssh` as notes.
pub fn open(ssh: &Ssh, traffic: &Arc<Traffic>) -> Result<Link, Failed> {
    let agents = Agents::all()?;
    let program = match ssh.program.as_str() {
        "" => "ssh",
        program => program,
    };
    let mut command = Command::new(program);
    command
        .args(arguments(ssh, &bootstrap::command(&agents)))
        // Ctrl-C is for the control side, which tells the agent.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(password) = &ssh.password {
        askpass::prepare(&mut command, password);
    }
    let mut child = command.spawn().map_err(|e| {
        failed(
            &ssh.host,
            &format!("cannot run `{program}`: {}", reason(&e)),
        )
    })?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut process = Process(child);
    let (Some(to), Some(from), Some(errors)) = pipes else {
        return Err(failed(&ssh.host, "the pipes of ssh are missing").into());
    };
    let errors = Errors::watch(errors);
    let mut to = Counted {
        stream: to,
        traffic: traffic.clone(),
    };
    let mut from = BufReader::new(Counted {
        stream: from,
        traffic: traffic.clone(),
    });
    match bootstrap::start(&agents, &mut to, &mut from) {
        Ok(bytes) => {
            traffic.agent_bytes(bytes);
            Ok(Link {
                to: Box::new(to),
                from: Box::new(from),
                guard: Box::new(process),
                traffic: traffic.clone(),
            })
        }
        Err(stopped) => {
            drop((to, from));
            let status = process.end();
            let said = errors.last_lines();
            let cause = match stopped {
                Stopped::Host(cause) => cause,
                Stopped::Stream(before) => explained(ssh, &before, &said.join("\n"), status),
            };
            let failed = Failed::by(&ssh.host, &cause);
            Err(Failed {
                diag: said.into_iter().fold(failed.diag, Diag::note),
                ..failed
            })
        }
    }
}

/// The exit code of an ssh whose connection failed (documented: ssh(1)).
const NO_CONNECTION: i32 = 255;

fn explained(ssh: &Ssh, before: &str, said: &str, status: Option<ExitStatus>) -> Cause {
    if ssh.password.is_some() && said.contains("Permission denied (") {
        return Cause::with(WRONG_PASSWORD.0, WRONG_PASSWORD.1);
    }
    match status.and_then(|status| status.code()) {
        Some(NO_CONNECTION) | None => cause(said),
        Some(_) => ended(before, said),
    }
}

/// The lines of ssh's standard error that are kept.
const KEPT: usize = 20;

/// Reads standard error to its end, so that nothing blocks on it, and keeps the last lines.
struct Errors {
    lines: Arc<Mutex<VecDeque<String>>>,
    ended: Receiver<()>,
}

impl Errors {
    fn watch(from: impl Read + Send + 'static) -> Errors {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = lines.clone();
        let (end, ended) = channel();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while let Ok(1..) = from.read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                line.clear();
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if !text.is_empty() {
                    kept.push_back(text);
                }
                if kept.len() > KEPT {
                    kept.pop_front();
                }
            }
            // Nobody waits where the connection was made.
            let _ = end.send(());
        });
        Errors { lines, ended }
    }

    /// The process has ended; but a shared connection (ControlPersist) may hold the stream open.
    fn last_lines(&self) -> Vec<String> {
        let _ = self.ended.recv_timeout(Duration::from_millis(500));
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// Ends ssh: it goes by itself when the agent does, unless the network is gone.
struct Process(Child);

/// How long an agent has to notice that its input has ended.
const GRACE: Duration = Duration::from_secs(3);

impl Process {
    /// Its exit status, if it has ended by itself.
    fn end(&mut self) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < GRACE {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Ok(ended) => return ended,
                Err(_) => return None,
            }
        }
        // Failing means that it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_in_order_of_precedence() {
        let words = |text: &str| shell_words::split(text).unwrap();
        let bare = Ssh {
            host: "web1".to_owned(),
            more_args: words("-F /dev/null"),
            ..Ssh::default()
        };
        assert_eq!(
            arguments(&bare, "c").join(" "),
            "-T -o BatchMode=yes -F /dev/null -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -- web1 c"
        );
        let full = Ssh {
            program: "ssh".to_owned(),
            host: "10.0.0.1".to_owned(),
            port: Some("2222".to_owned()),
            user: Some("admin".to_owned()),
            private_key: Some("~/.ssh/my key".to_owned()),
            args: words("-C -o ControlMaster=auto"),
            more_args: words("-o ProxyJump=gate -F /dev/null -o ServerAliveInterval=3"),
            timeout: Some(7),
            skip_host_key_check: true,
            ..Ssh::default()
        };
        assert_eq!(
            arguments(&full, "c").join("|"),
            "-T|-C|-o|ControlMaster=auto|-o|BatchMode=yes|-o|StrictHostKeyChecking=no|-o|Port=2222\
             |-o|IdentityFile=\"~/.ssh/my key\"|-o|User=admin|-o|ConnectTimeout=7\
             |-o|ProxyJump=gate|-F|/dev/null|-o|ServerAliveInterval=3|--|10.0.0.1|c"
        );
    }

    #[test]
    fn a_program_that_fails_is_explained() {
        let missing = Ssh {
            program: "/nonexistent/ssh".to_owned(),
            host: "x".to_owned(),
            ..Ssh::default()
        };
        let diag = open(&missing, &Arc::default()).err().unwrap().diag;
        assert_eq!(diag.code, "connection");
        assert!(
            diag.message.contains("/nonexistent/ssh"),
            "{}",
            diag.message
        );
    }
}
