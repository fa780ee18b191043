//! Why a host cannot be reached: one sentence, and what to do about it. The same for both ways.

use crate::diag::Diag;

/// The error of one host.
pub fn failed(host: &str, why: &str) -> Box<Diag> {
    Diag::error(
        "connection",
        format!("cannot connect to {host} by ssh: {why}"),
    )
}

/// The error of one host, with a suggestion.
pub fn failed_with(host: &str, cause: &Cause) -> Box<Diag> {
    let diag = failed(host, &cause.why);
    match cause.help {
        Some(help) => diag.help(help),
        None => diag,
    }
}

/// Whether another attempt may come to something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// It will fail in the same way.
    #[default]
    Never,
    /// Nobody answers at the address.
    Silent,
    /// The host answered, and the connection broke while it was being made.
    Broke,
}

/// An attempt to connect that came to nothing.
#[derive(Debug)]
pub struct Failed {
    /// For the user.
    pub diag: Box<Diag>,
    /// Whether another one makes sense.
    pub again: Again,
}

impl Failed {
    /// One for a cause.
    pub fn by(host: &str, cause: &Cause) -> Failed {
        Failed {
            diag: failed_with(host, cause),
            again: cause.again,
        }
    }
}

impl From<Box<Diag>> for Failed {
    fn from(diag: Box<Diag>) -> Failed {
        Failed {
            diag,
            again: Again::Never,
        }
    }
}

impl From<Failed> for Box<Diag> {
    fn from(failed: Failed) -> Box<Diag> {
        failed.diag
    }
}

/// A sentence and a suggestion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What happened.
    pub why: String,
    /// What to do.
    pub help: Option<&'static str>,
    /// Whether another attempt makes sense.
    pub again: Again,
}

impl Cause {
    /// A cause without a suggestion.
    pub fn new(why: impl Into<String>) -> Cause {
        Cause {
            why: why.into(),
            help: None,
            again: Again::Never,
        }
    }

    /// A cause with a suggestion.
    pub fn with(why: impl Into<String>, help: &'static str) -> Cause {
        Cause {
            why: why.into(),
            help: Some(help),
            again: Again::Never,
        }
    }

    /// The same, of which another attempt may come to something else.
    pub fn again(self, again: Again) -> Cause {
        Cause { again, ..self }
    }
}

/// The name means nothing to DNS.
pub const UNRESOLVED: (&str, &str) = (
    "the name cannot be resolved",
    "check the name, or set ansible_host to an address",
);

/// Nothing is known of the host's key.
pub const UNKNOWN_KEY: &str = "check the key and pin it with `gxdeploy hosts trust`, or set StrictHostKeyChecking=accept-new or host_key_checking = False";

/// The host's key is not the one it had.
pub const CHANGED_KEY: &str = "somebody may be intercepting the connection; if the host was reinstalled, remove its old key with ssh-keygen -R";

/// The password is not accepted.
pub const WRONG_PASSWORD: (&str, &str) = (
    "permission denied: wrong password",
    "check ansible_user and the password",
);

/// No key is accepted.
pub const NO_KEY: &str =
    "check ansible_user and ansible_ssh_private_key_file, or give a password with -k";

/// Too many keys.
pub const TOO_MANY_KEYS: &str =
    "set ansible_ssh_private_key_file and the ssh option IdentitiesOnly=yes";

/// The host closed the connection.
pub const CLOSED: (&str, &str) = (
    "the host closed the connection while it was being made",
    "is it an SSH server? Its sshd may also be overloaded (MaxStartups), or refuse this user",
);

/// Nobody listens.
pub const REFUSED: &str = "check that sshd runs there, and ansible_port";

/// Nobody answers.
pub const TIMED_OUT: &str =
    "check that the host is up and its address (ansible_host), and firewalls in between";

/// There is no place for the agent.
pub const NO_SPACE: &str =
    "make room in the user's home, /var/tmp or /tmp on the host, or set XDG_CACHE_HOME there";

/// What stands in messages of the ssh program and of the host, what it means, what to do about it,
/// and whether to try again.
const CAUSES: [(&str, &str, Option<&str>, Again); 23] = [
    (
        "Could not resolve hostname",
        UNRESOLVED.0,
        Some(UNRESOLVED.1),
        Again::Never,
    ),
    (
        "Connection refused",
        "connection refused",
        Some(REFUSED),
        Again::Silent,
    ),
    (
        "during banner exchange",
        "connection timed out before the host answered",
        Some(CLOSED.1),
        Again::Broke,
    ),
    (
        "timed out",
        "connection timed out",
        Some(TIMED_OUT),
        Again::Silent,
    ),
    (
        "No route to host",
        "no route to the host",
        Some(TIMED_OUT),
        Again::Silent,
    ),
    (
        "Network is unreachable",
        "the network is unreachable",
        Some(TIMED_OUT),
        Again::Silent,
    ),
    (
        "Host key verification failed",
        "the host's key is not known",
        Some(UNKNOWN_KEY),
        Again::Never,
    ),
    (
        "Permission denied (",
        "permission denied: the host accepted neither keys nor password",
        Some(NO_KEY),
        Again::Never,
    ),
    (
        "Too many authentication failures",
        "permission denied: too many keys were tried",
        Some(TOO_MANY_KEYS),
        Again::Never,
    ),
    (
        "No space left on device",
        "no space left for the agent",
        Some(NO_SPACE),
        Again::Never,
    ),
    (
        "Disk quota exceeded",
        "no space left for the agent (quota)",
        Some(NO_SPACE),
        Again::Never,
    ),
    (
        "Exec format error",
        "wrong architecture: the host cannot run this program",
        None,
        Again::Never,
    ),
    (
        "gzip: not found",
        "the host has no gzip",
        Some("install gzip there, by hand or with the module raw"),
        Again::Never,
    ),
    (
        "account is currently not available",
        "the user has no login shell",
        Some("log in as another user (ansible_user), or give this one a shell"),
        Again::Never,
    ),
    (
        "UNPROTECTED PRIVATE KEY FILE",
        "the private key file may be read by others and is ignored",
        Some("chmod 600 the key file"),
        Again::Never,
    ),
    (
        "Agent admitted failure",
        "the SSH agent refused to sign",
        None,
        Again::Never,
    ),
    (
        "Connection reset by peer",
        CLOSED.0,
        Some(CLOSED.1),
        Again::Broke,
    ),
    (
        "Connection closed by",
        CLOSED.0,
        Some(CLOSED.1),
        Again::Broke,
    ),
    (
        "closed by remote host",
        "the host closed the connection while the agent was started",
        None,
        Again::Broke,
    ),
    (
        "not responding",
        "the host does not answer any more",
        None,
        Again::Broke,
    ),
    ("Broken pipe", "the connection broke", None, Again::Broke),
    (
        "send disconnect",
        "the connection broke",
        None,
        Again::Broke,
    ),
    ("Bad packet length", BROKE, None, Again::Broke),
];

/// The connection of a host that was logged in to is gone.
pub const BROKE: &str = "the connection broke while the agent was started";

/// The cause that messages name; their last line where it is none of the known ones. Where nothing
/// was said, the connection broke.
pub fn cause(said: &str) -> Cause {
    let verification = "Host key verification failed";
    if said.contains("HOST IDENTIFICATION HAS CHANGED") && said.contains(verification) {
        return Cause::with("the host's key has changed", CHANGED_KEY);
    }
    if let Some(host) = unknown_host(said) {
        // Not always the host itself: one on the way may be meant (ProxyJump).
        return Cause::with(format!("the key of {host} is not known"), UNKNOWN_KEY);
    }
    for (text, why, help, again) in CAUSES {
        if said.contains(text) {
            return Cause {
                why: why.to_owned(),
                help,
                again,
            };
        }
    }
    match said.trim().lines().last() {
        Some(line) => Cause::new(line),
        None => Cause::new(BROKE).again(Again::Broke),
    }
}

/// Why the command that starts the agent came to its end, on a connection that did not break: by what
/// was said on standard error, or `before` on standard output.
pub fn ended(before: &str, said: &str) -> Cause {
    match format!("{before}\n{said}").trim() {
        "" => Cause::with(
            "the host ended the command without a word",
            "see what `ssh HOST true` does: the user may have no shell, or a forced command",
        ),
        said => cause(said),
    }
}

/// The host in `No ED25519 host key is known for X and you have requested strict checking.`
fn unknown_host(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("host key is known for ")?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "No ED25519 host key is known for 10.0.0.9 and you have requested strict checking.\r\nHost key verification failed.",
                "the key of 10.0.0.9 is not known",
            ),
            ("Host key verification failed.", "not known"),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                "has changed",
            ),
            ("gzip: stdout: No space left on device", "no space"),
            ("something\nelse", "else"),
            ("", "broke"),
        ] {
            assert!(cause(said).why.contains(why), "{said}");
        }
    }
    #[test]
    fn a_command_that_ended_is_not_a_connection_that_broke() {
        let said = ended("This account is currently not available.", "");
        assert_eq!(said.why, "the user has no login shell");
        assert_eq!(ended("", "").again, Again::Never);
        assert_eq!(ended("Bye", "").why, "Bye");
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for (said, again) in [
            (
                "ssh: connect to host x port 22: Connection refused",
                Again::Silent,
            ),
            ("Connection timed out during banner exchange", Again::Broke),
            (
                "kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22",
                Again::Broke,
            ),
            ("Connection to x closed by remote host.", Again::Broke),
            ("Timeout, server x not responding.", Again::Broke),
            ("a@x: Permission denied (publickey).", Again::Never),
            ("This account is currently not available.", Again::Never),
            ("sh: 1: gzip: not found", Again::Never),
            ("", Again::Broke),
        ] {
            assert_eq!(cause(said).again, again, "{said}");
        }
    }
}
