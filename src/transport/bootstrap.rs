//! How the agent comes to a host: found there by the SHA-256 of its binary, or sent once. It is this
//! very program, or one for the host's architecture that was put beside it ([`super::agents`]).
//!
//! One shell command does it all, so a connection costs one round trip where the agent is there and
//! two where it is not. The host says `GXDEPLOY have|need|none ARCH [REASON]`; on `need` it is sent
//! the compressed length in a line, then that many bytes. What is on the stream before (a banner,
//! what the user's shell says) is skipped; what follows is [`crate::wire`].

use super::agents::{self, Agents};
use super::fault::{self, Cause};
use std::io::{self, BufRead, Read, Write};

/// Begins the line in which the host answers.
const MARKER: &str = "GXDEPLOY ";

/// What is skipped at most before the host answers, in bytes.
const NOISE: u64 = 1 << 20;

/// The command that a host is to run. It has neither newlines, single quotes nor backslashes inside
/// its quotes: the user's shell there need not be a POSIX one.
pub fn command(agents: &Agents) -> String {
    let mut others = String::new();
    for (arch, agent) in &agents.others {
        others += &format!("{arch}) h={}; k={};; ", agent.sha256(), agent.kib());
    }
    if !others.is_empty() {
        others = format!("case $a in {others}esac; ");
    }
    format!(
        "exec sh -c 'a=$(uname -m); h={}; k={}; {others}{SCRIPT}'",
        agents.this.sha256(),
        agents.this.kib(),
        SCRIPT = SCRIPT.trim().replace('\n', " ")
    )
}

/// A directory is used only if it belongs to the user: others can make one of that name in /tmp.
/// The probe has no `#!` line; a shell runs it all the same, unless the mount forbids it.
const SCRIPT: &str = r#"
umask 022; u=$(id -u); w=missing;
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
    /// The stream ended or broke: whatever carries it knows why. With what the host said before, since
    /// that may be the reason (a user without a shell).
    Stream(String),
    /// The host said so.
    Host(Cause),
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Stopped {
        Stopped::Stream(String::new())
    }
}

/// Talks to the command of [`command`] until the agent has begun to answer. Gives the number of bytes
/// of it that were sent.
///
/// # Errors
/// See [`Stopped`].
pub fn start(
    agents: &Agents,
    to: &mut impl Write,
    from: &mut impl BufRead,
) -> Result<usize, Stopped> {
    let answer = answer(from)?;
    let words: Vec<&str> = answer.split_whitespace().collect();
    let sent = match words.as_slice() {
        ["have", ..] => 0,
        ["need", arch] => {
            let agent = agents
                .of(arch)
                .ok_or_else(|| Stopped::Host(missing(arch)))?;
            let bytes = agent.compressed();
            writeln!(to, "{}", bytes.len())?;
            to.write_all(bytes)?;
            to.flush()?;
            bytes.len()
        }
        ["none", _, why] => return Err(Stopped::Host(no_directory(why))),
        _ => {
            let why = format!("unexpected answer {answer:?}");
            return Err(Stopped::Host(Cause::new(why)));
        }
    };
    match from.fill_buf()? {
        [] => Err(Stopped::Stream(String::new())),
        _ => Ok(sent),
    }
}

fn missing(arch: &str) -> Cause {
    let why = format!(
        "wrong architecture: the host is {arch}, this gxdeploy is for {}, and there is no {}",
        std::env::consts::ARCH,
        agents::name(arch),
    );
    Cause::with(why, agents::HELP)
}

fn no_directory(why: &str) -> Cause {
    let (why, help) = match why {
        "space" => ("no space left", fault::NO_SPACE),
        "noexec" => (
            "programs must not be run there (noexec)",
            "set XDG_CACHE_HOME on the host to a directory in which programs may be run, or mount one of these without noexec",
        ),
        _ => (
            "they cannot be made or belong to somebody else",
            "look at their owners and modes on the host",
        ),
    };
    let places = "no directory for the agent in the user's cache, /var/tmp or /tmp";
    Cause::with(format!("{places}: {why}"), help)
}

fn answer(from: &mut impl BufRead) -> Result<String, Stopped> {
    let mut from = from.take(NOISE);
    let mut line = Vec::new();
    let mut last = String::new();
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Err(Stopped::Stream(last));
        }
        let text = String::from_utf8_lossy(&line);
        // Noise need not end with a newline.
        if let Some((_, answer)) = text.split_once(MARKER) {
            return match line.ends_with(b"\n") {
                true => Ok(answer.trim().to_owned()),
                // Cut in the middle.
                false => Err(Stopped::Stream(String::new())),
            };
        }
        if !text.trim().is_empty() {
            text.trim().clone_into(&mut last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::agents::Agent;
    use std::io::BufReader;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// An agent that is a shell script: it shows its argument and what it reads.
    fn agent(text: &str) -> Agents {
        Agents::of_this(Agent::new(
            format!("#!/bin/sh\necho {text} $1; cat\n").into_bytes(),
        ))
    }

    fn shell(agent: &Agents, home: &Path) -> Child {
        Command::new("sh")
            .args([
                "-c",
                &format!("echo Welcome; printf noise; {}", command(agent)),
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
    fn run(agent: &Agents, home: &Path) -> (usize, String) {
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
            (
                old.this.compressed().len(),
                "old agent\nprotocol".to_owned()
            )
        );
        assert_eq!(
            run(&old, home.path()),
            (0, "old agent\nprotocol".to_owned())
        );
        assert!(run(&new, home.path()).0 > 0);
        // Another version may be in use: it goes when it has not been used for long (`agent::place`).
        let mut both = [&old, &new].map(|agent| format!("agent-{}", agent.this.sha256()));
        both.sort_unstable();
        assert_eq!(files(home.path()), both);
        let dir = home.path().join(".cache/gxdeploy").metadata().unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&dir) & 0o777, 0o700);
    }

    /// A host of another architecture: its `uname` says so.
    #[test]
    fn another_architecture_has_its_own_agent() {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let uname = bin.join("uname");
        std::fs::write(&uname, "#!/bin/sh\necho aarch64\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&uname, mode).unwrap();
        let mut agents = agent("native");
        let other = agent("foreign").this;
        agents.others.insert("aarch64".to_owned(), other);
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let run = |agents: &Agents| {
            let mut child = Command::new("sh")
                .args(["-c", &command(agents)])
                .env("HOME", home.path())
                .env("PATH", &path)
                .env_remove("XDG_CACHE_HOME")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut to = child.stdin.take().unwrap();
            let mut from = BufReader::new(child.stdout.take().unwrap());
            let sent = start(agents, &mut to, &mut from);
            drop(to);
            let mut said = String::new();
            from.read_to_string(&mut said).unwrap();
            child.wait().unwrap();
            (sent, said)
        };
        let size = agents.others["aarch64"].compressed().len();
        for expected in [size, 0] {
            let (sent, said) = run(&agents);
            assert_eq!(
                (sent.unwrap(), said.as_str()),
                (expected, "foreign agent\n")
            );
        }
        agents.others.clear();
        let Stopped::Host(cause) = run(&agents).0.unwrap_err() else {
            panic!("the host gives no reason");
        };
        assert!(
            cause.why.contains("the host is aarch64") && cause.why.contains("gxdeploy-aarch64")
        );
        assert_eq!(files(home.path()).len(), 1, "nothing half-made is left");
    }

    #[test]
    fn a_cut_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let agent = agent("cut");
        for kept in [0, 1, agent.this.compressed().len() - 1] {
            let mut child = shell(&agent, home.path());
            let mut to = child.stdin.take().unwrap();
            writeln!(to, "{}", agent.this.compressed().len()).unwrap();
            to.write_all(&agent.this.compressed()[..kept]).unwrap();
            drop(to);
            assert!(!child.wait_with_output().unwrap().status.success());
            assert!(files(home.path()).is_empty(), "cut at {kept}");
        }
    }

    #[test]
    fn any_shell_takes_the_command() {
        let mut agents = agent("x");
        let other = Agent::new(b"y".to_vec());
        agents.others.insert("aarch64".to_owned(), other);
        let command = command(&agents);
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
                Err(Stopped::Host(cause)) => cause.why,
                Err(Stopped::Stream(said)) => format!("stream {said}"),
                Ok(sent) => format!("{sent}"),
            }
        };
        assert!(says("motd\nGXDEPLOY need sparc64\n").contains("the host is sparc64"));
        assert!(says("GXDEPLOY none x86_64 noexec\n").contains("noexec"));
        assert!(says("GXDEPLOY none x86_64 space\n").contains("no space left"));
        assert_eq!(says("GXDEPLOY have x86_64\n"), "stream ");
        assert_eq!(says("GXDEPLOY have x86_64\nframe"), "0");
        assert_eq!(says("GXDEPLOY ne"), "stream ");
        assert_eq!(
            says("motd\nno shell for you.\n\n"),
            "stream no shell for you."
        );
    }
}
