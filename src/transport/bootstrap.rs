//! How the agent comes to a host: found there by the SHA-256 of this binary, or sent once.
//!
//! One shell command does it all, so a connection costs one round trip where the agent is there and
//! two where it is not. The host says `GXDEPLOY have|need|none ARCH [REASON]`; on `need` it is sent
//! the compressed length in a line, then that many bytes. What is on the stream before (a banner,
//! what the user's shell says) is skipped; what follows is [`crate::wire`].

use crate::diag::{Diag, Result, reason};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, OnceLock};

/// Begins the line in which the host answers.
const MARKER: &str = "GXDEPLOY ";

/// What is skipped at most before the host answers, in bytes.
const NOISE: u64 = 1 << 20;

/// The binary that is to run on hosts.
#[derive(Debug)]
pub struct Agent {
    bytes: Vec<u8>,
    sha256: String,
    compressed: OnceLock<Vec<u8>>,
}

impl Agent {
    /// This very program. Read once, since it may be replaced while it runs.
    ///
    /// # Errors
    /// `connection`: it cannot be read.
    pub fn this() -> Result<Arc<Agent>> {
        static THIS: OnceLock<Result<Arc<Agent>, String>> = OnceLock::new();
        THIS.get_or_init(|| match std::fs::read("/proc/self/exe") {
            Ok(bytes) => Ok(Arc::new(Agent::new(bytes))),
            Err(e) => Err(reason(&e)),
        })
        .clone()
        .map_err(|why| Diag::error("connection", format!("cannot read this program: {why}")))
    }

    fn new(bytes: Vec<u8>) -> Agent {
        let mut sha256 = String::new();
        for byte in Sha256::digest(&bytes) {
            // Writing to a string cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Agent {
            bytes,
            sha256,
            compressed: OnceLock::new(),
        }
    }

    /// Compressed by the first host that needs it, for all.
    fn compressed(&self) -> &[u8] {
        self.compressed.get_or_init(|| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            // Writing to memory cannot fail.
            let _ = gzip.write_all(&self.bytes);
            gzip.finish().unwrap_or_default()
        })
    }

    /// The command that a host is to run. It has neither newlines, single quotes nor backslashes
    /// inside its quotes: the user's shell there need not be a POSIX one.
    pub fn command(&self) -> String {
        let kib = self.bytes.len().div_ceil(1024);
        format!(
            "exec sh -c 'h={}; k={kib}; {SCRIPT}'",
            self.sha256,
            SCRIPT = SCRIPT.trim().replace('\n', " ")
        )
    }
}

/// A directory is used only if it belongs to the user: others can make one of that name in /tmp.
/// The probe has no `#!` line; a shell runs it all the same, unless the mount forbids it.
const SCRIPT: &str = r#"
umask 022; u=$(id -u); a=$(uname -m); w=missing;
c="${XDG_CACHE_HOME:-$HOME/.cache}/gxdeploy"; v="/var/tmp/gxdeploy-$u"; t="/tmp/gxdeploy-$u";
mine() { [ -d "$1" ] && [ ! -h "$1" ] && [ -O "$1" ]; };
for d in "$c" "$v" "$t"; do f="$d/agent-$h";
if mine "$d" && [ -s "$f" ] && [ -x "$f" ]; then
echo "GXDEPLOY have $a"; exec "$f" agent; fi; done;
for d in "$c" "$v" "$t"; do
(umask 077; mkdir -p "$d") 2>/dev/null; mine "$d" && chmod 700 "$d" || continue;
set -- $(df -Pk "$d" 2>/dev/null | tail -n 1);
if [ "$4" -lt "$k" ] 2>/dev/null; then w=space; continue; fi;
n="$d/.new-$h.$$";
{ echo : > "$n" && chmod 755 "$n"; } 2>/dev/null || { rm -f "$n"; continue; };
"$n" 2>/dev/null || { rm -f "$n"; w=noexec; continue; };
f="$d/agent-$h"; w=; break; done;
if [ -n "$w" ]; then echo "GXDEPLOY none $a $w"; exit 1; fi;
echo "GXDEPLOY need $a"; read l || { rm -f "$n"; exit 1; };
if head -c "$l" | gzip -dc > "$n" && chmod 755 "$n" && mv -f "$n" "$f"; then :;
else rm -f "$n"; exit 1; fi;
exec "$f" agent
"#;

/// What stopped a bootstrap.
#[derive(Debug)]
pub enum Stopped {
    /// The stream ended or broke: whatever carries it knows why.
    Stream,
    /// The host said so: a sentence on it.
    Host(String),
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Stopped {
        Stopped::Stream
    }
}

/// Talks to the command of [`Agent::command`] until the agent has begun to answer. Gives the number
/// of bytes of it that were sent.
///
/// # Errors
/// See [`Stopped`].
pub fn start(
    agent: &Agent,
    to: &mut impl Write,
    from: &mut impl BufRead,
) -> Result<usize, Stopped> {
    let answer = answer(from)?;
    let words: Vec<&str> = answer.split_whitespace().collect();
    let sent = match words.as_slice() {
        ["have", ..] => 0,
        ["need", arch] if *arch == std::env::consts::ARCH => {
            let bytes = agent.compressed();
            writeln!(to, "{}", bytes.len())?;
            to.write_all(bytes)?;
            to.flush()?;
            bytes.len()
        }
        ["need", arch] => {
            return Err(Stopped::Host(format!(
                "wrong architecture: the host is {arch} and needs a gxdeploy built for {arch} as its agent; \
                 this one is for {}",
                std::env::consts::ARCH
            )));
        }
        ["none", _, why] => return Err(Stopped::Host(no_directory(why))),
        _ => return Err(Stopped::Host(format!("unexpected answer {answer:?}"))),
    };
    match from.fill_buf()? {
        [] => Err(Stopped::Stream),
        _ => Ok(sent),
    }
}

fn no_directory(why: &str) -> String {
    let why = match why {
        "space" => "no space left",
        "noexec" => "programs must not be run there (noexec)",
        _ => "they cannot be made or belong to somebody else",
    };
    format!("no directory for the agent in the user's cache, /var/tmp or /tmp: {why}")
}

fn answer(from: &mut impl BufRead) -> Result<String, Stopped> {
    let mut from = from.take(NOISE);
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Err(Stopped::Stream);
        }
        let text = String::from_utf8_lossy(&line);
        // Noise need not end with a newline.
        if let Some((_, answer)) = text.split_once(MARKER) {
            return Ok(answer.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// An agent that is a shell script: it shows its argument and what it reads.
    fn agent(text: &str) -> Agent {
        Agent::new(format!("#!/bin/sh\necho {text} $1; cat\n").into_bytes())
    }

    fn shell(agent: &Agent, home: &Path) -> Child {
        Command::new("sh")
            .args([
                "-c",
                &format!("echo Welcome; printf noise; {}", agent.command()),
            ])
            .env("HOME", home)
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Bytes sent, and what the agent then says.
    fn run(agent: &Agent, home: &Path) -> (usize, String) {
        let mut child = shell(agent, home);
        let mut to = child.stdin.take().unwrap();
        let mut from = BufReader::new(child.stdout.take().unwrap());
        let sent = start(agent, &mut to, &mut from).unwrap();
        to.write_all(b"protocol").unwrap();
        drop(to);
        let mut said = String::new();
        from.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success());
        (sent, said)
    }

    fn files(home: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(home.join(".cache/gxdeploy"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn sent_once_then_found() {
        let home = tempfile::tempdir().unwrap();
        let (old, new) = (agent("old"), agent("new"));
        assert_eq!(
            run(&old, home.path()),
            (old.compressed().len(), "old agent\nprotocol".to_owned())
        );
        assert_eq!(
            run(&old, home.path()),
            (0, "old agent\nprotocol".to_owned())
        );
        assert!(run(&new, home.path()).0 > 0);
        // Another version may be in use: it goes when it has not been used for long (`agent::place`).
        let mut both = [&old, &new].map(|agent| format!("agent-{}", agent.sha256));
        both.sort_unstable();
        assert_eq!(files(home.path()), both);
        let dir = home.path().join(".cache/gxdeploy").metadata().unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&dir) & 0o777, 0o700);
    }

    #[test]
    fn a_cut_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let agent = agent("cut");
        for kept in [0, 1, agent.compressed().len() - 1] {
            let mut child = shell(&agent, home.path());
            let mut to = child.stdin.take().unwrap();
            writeln!(to, "{}", agent.compressed().len()).unwrap();
            to.write_all(&agent.compressed()[..kept]).unwrap();
            drop(to);
            assert!(!child.wait_with_output().unwrap().status.success());
            assert!(files(home.path()).is_empty(), "cut at {kept}");
        }
    }

    #[test]
    fn any_shell_takes_the_command() {
        let command = agent("x").command();
        let inner = command
            .strip_prefix("exec sh -c '")
            .and_then(|rest| rest.strip_suffix('\''))
            .unwrap();
        assert!(!inner.contains(['\'', '\\', '\n']));
    }

    #[test]
    fn answers_of_hosts() {
        let says = |text: &str| {
            let mut to = Vec::new();
            match start(&agent("x"), &mut to, &mut text.as_bytes()) {
                Err(Stopped::Host(why)) => why,
                Err(Stopped::Stream) => "stream".to_owned(),
                Ok(sent) => format!("{sent}"),
            }
        };
        assert!(says("motd\nGXDEPLOY need sparc64\n").contains("the host is sparc64"));
        assert!(says("GXDEPLOY none x86_64 noexec\n").contains("noexec"));
        assert!(says("GXDEPLOY none x86_64 space\n").contains("no space left"));
        assert_eq!(says("GXDEPLOY have x86_64\n"), "stream");
        assert_eq!(says("GXDEPLOY have x86_64\nframe"), "0");
        assert_eq!(says("only a banner"), "stream");
    }
}
