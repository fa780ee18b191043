//! A host behind SSH, reached by the user's own `ssh` program: all of its configuration holds.

use super::Link;
use super::bootstrap::{self, Agent, Stopped};
use crate::diag::{Diag, Result, reason};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where a host is and how to log in.
#[derive(Clone, Debug, Default)]
pub struct Ssh {
    /// The program; a name is looked up in `PATH`.
    pub program: String,
    /// Address or a name that DNS or the SSH configuration knows.
    pub host: String,
    /// Port, if not the SSH configuration's.
    pub port: Option<String>,
    /// User, if not the SSH configuration's.
    pub user: Option<String>,
    /// Private key file.
    pub private_key: Option<String>,
    /// Arguments before all others: `ssh_args`.
    pub args: Vec<String>,
    /// Arguments after all others: `ssh_common_args`, then `ssh_extra_args`.
    pub more_args: Vec<String>,
    /// Seconds until a connection attempt is given up.
    pub timeout: Option<u64>,
    /// Accept whatever key a host shows.
    pub skip_host_key_check: bool,
}

impl Ssh {
    /// The arguments. Of options that are given twice `ssh` takes the first, so the order is that
    /// of precedence .
    fn arguments(&self, command: &str) -> Vec<String> {
        let mut options = vec!["BatchMode=yes".to_owned()];
        let mut option = |name: &str, value: Option<&str>| {
            options.extend(value.map(|value| format!("{name}={value}")));
        };
        let timeout = self.timeout.map(|seconds| seconds.to_string());
        let key = self.private_key.as_ref().map(|path| format!("\"{path}\""));
        option(
            "StrictHostKeyChecking",
            self.skip_host_key_check.then_some("no"),
        );
        option("Port", self.port.as_deref());
        option("IdentityFile", key.as_deref());
        option("User", self.user.as_deref());
        option("ConnectTimeout", timeout.as_deref());
        let mut arguments = vec!["-T".to_owned()];
        arguments.extend(self.args.iter().cloned());
        for option in options {
            arguments.extend(["-o".to_owned(), option]);
        }
        arguments.extend(self.more_args.iter().cloned());
        arguments.extend(["--".to_owned(), self.host.clone(), command.to_owned()]);
        arguments
    }

    /// Connects, brings the agent there if it is missing, and starts it.
    ///
    /// # Errors
    /// `connection`, with the cause in a sentence and the last lines of `ssh` as notes.
    pub fn open(&self) -> Result<Link> {
        let agent = Agent::this()?;
        let mut child = Command::new(&self.program)
            .args(self.arguments(&agent.command()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| self.failed(&format!("cannot run `{}`: {}", self.program, reason(&e))))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut process = Process(child);
        let (Some(mut to), Some(from), Some(errors)) = pipes else {
            return Err(self.failed("the pipes of ssh are missing"));
        };
        let errors = Errors::watch(errors);
        let mut from = BufReader::new(from);
        match bootstrap::start(&agent, &mut to, &mut from) {
            Ok(_) => Ok(Link {
                to: Box::new(to),
                from: Box::new(from),
                guard: Box::new(process),
            }),
            Err(stopped) => {
                drop((to, from));
                process.end();
                let said = errors.last_lines();
                let diag = match stopped {
                    Stopped::Host(why) => self.failed(&why),
                    Stopped::Stream => self.explained(&said.join("\n")),
                };
                Err(said.into_iter().fold(diag, Diag::note))
            }
        }
    }

    fn failed(&self, why: &str) -> Box<Diag> {
        Diag::error(
            "connection",
            format!("cannot connect to {} by ssh: {why}", self.host),
        )
    }

    fn explained(&self, said: &str) -> Box<Diag> {
        let (why, help) = cause(said);
        let diag = self.failed(&why);
        match help {
            Some(help) => diag.help(help),
            None => diag,
        }
    }
}

/// What stands in ssh's messages, what it means, and what to do about it.
const CAUSES: [(&str, &str, Option<&str>); 13] = [
    (
        "Could not resolve hostname",
        "the name cannot be resolved",
        Some("check the name, or set ansible_host to an address"),
    ),
    ("Connection refused", "connection refused", None),
    ("timed out", "connection timed out", None),
    ("No route to host", "no route to the host", None),
    ("Network is unreachable", "the network is unreachable", None),
    (
        "Host key verification failed",
        "the host's key is not known",
        Some("connect once with ssh and check the key, or set host_key_checking = False"),
    ),
    (
        "Permission denied (",
        "permission denied: the host accepted none of the keys",
        Some(
            "check ansible_user and ansible_ssh_private_key_file; passwords are not used this way",
        ),
    ),
    (
        "Too many authentication failures",
        "permission denied: too many keys were tried",
        Some("set ansible_ssh_private_key_file and the ssh option IdentitiesOnly=yes"),
    ),
    (
        "No space left on device",
        "no space left for the agent",
        None,
    ),
    (
        "Disk quota exceeded",
        "no space left for the agent (quota)",
        None,
    ),
    (
        "Exec format error",
        "wrong architecture: the host cannot run this program",
        None,
    ),
    ("gzip: not found", "the host has no gzip", None),
    (
        "account is currently not available",
        "the user has no login shell",
        None,
    ),
];

fn cause(said: &str) -> (String, Option<&'static str>) {
    let verification = "Host key verification failed";
    if said.contains("HOST IDENTIFICATION HAS CHANGED") && said.contains(verification) {
        let help = "somebody may be intercepting the connection; if the host was reinstalled, remove its old key with ssh-keygen -R";
        return ("the host's key has changed".to_owned(), Some(help));
    }
    for (text, why, help) in CAUSES {
        if said.contains(text) {
            return (why.to_owned(), help);
        }
    }
    let last = said.lines().last().unwrap_or("it gave no reason");
    (last.to_owned(), None)
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
    fn end(&mut self) {
        let start = Instant::now();
        while start.elapsed() < GRACE {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // Failing means that it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
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
        let bare = Ssh {
            host: "web1".to_owned(),
            ..Ssh::default()
        };
        assert_eq!(
            bare.arguments("c").join(" "),
            "-T -o BatchMode=yes -- web1 c"
        );
        let words = |text: &str| shell_words::split(text).unwrap();
        let full = Ssh {
            program: "ssh".to_owned(),
            host: "10.0.0.1".to_owned(),
            port: Some("2222".to_owned()),
            user: Some("admin".to_owned()),
            private_key: Some("~/.ssh/my key".to_owned()),
            args: words("-C -o ControlMaster=auto"),
            more_args: words("-o ProxyJump=gate -v"),
            timeout: Some(7),
            skip_host_key_check: true,
        };
        assert_eq!(
            full.arguments("c").join("|"),
            "-T|-C|-o|ControlMaster=auto|-o|BatchMode=yes|-o|StrictHostKeyChecking=no|-o|Port=2222\
             |-o|IdentityFile=\"~/.ssh/my key\"|-o|User=admin|-o|ConnectTimeout=7\
             |-o|ProxyJump=gate|-v|--|10.0.0.1|c"
        );
    }

    #[test]
    fn causes() {
        for (said, why) in [
            (
                "ssh: Could not resolve hostname x: Name or service not known",
                "resolved",
            ),
            (
                "ssh: connect to host x port 22: Connection refused",
                "refused",
            ),
            (
                "ssh: connect to host x port 22: Connection timed out",
                "timed out",
            ),
            ("a@x: Permission denied (publickey).", "permission denied"),
            (
                "No ED25519 host key is known\nHost key verification failed.",
                "not known",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                "has changed",
            ),
            ("gzip: stdout: No space left on device", "no space"),
            ("something\nelse", "else"),
            ("", "no reason"),
        ] {
            assert!(cause(said).0.contains(why), "{said}");
        }
    }

    #[test]
    fn a_program_that_fails_is_explained() {
        let missing = Ssh {
            program: "/nonexistent/ssh".to_owned(),
            host: "x".to_owned(),
            ..Ssh::default()
        };
        let diag = missing.open().err().unwrap();
        assert_eq!(diag.code, "connection");
        assert!(
            diag.message.contains("/nonexistent/ssh"),
            "{}",
            diag.message
        );
    }
}
