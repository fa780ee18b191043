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

/// A sentence and a suggestion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What happened.
    pub why: String,
    /// What to do.
    pub help: Option<&'static str>,
}

impl Cause {
    /// A cause without a suggestion.
    pub fn new(why: impl Into<String>) -> Cause {
        Cause {
            why: why.into(),
            help: None,
        }
    }

    /// A cause with a suggestion.
    pub fn with(why: impl Into<String>, help: &'static str) -> Cause {
        Cause {
            why: why.into(),
            help: Some(help),
        }
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

/// No key is accepted.
pub const NO_KEY: &str =
    "check ansible_user and ansible_ssh_private_key_file, or give a password with -k";

/// Too many keys.
pub const TOO_MANY_KEYS: &str =
    "set ansible_ssh_private_key_file and the ssh option IdentitiesOnly=yes";

/// What stands in messages of the ssh program and of the host, what it means, what to do about it.
const CAUSES: [(&str, &str, Option<&str>); 17] = [
    (
        "Could not resolve hostname",
        UNRESOLVED.0,
        Some(UNRESOLVED.1),
    ),
    ("Connection refused", "connection refused", None),
    ("timed out", "connection timed out", None),
    ("No route to host", "no route to the host", None),
    ("Network is unreachable", "the network is unreachable", None),
    (
        "Host key verification failed",
        "the host's key is not known",
        Some(UNKNOWN_KEY),
    ),
    (
        "Permission denied (",
        "permission denied: the host accepted neither keys nor password",
        Some(NO_KEY),
    ),
    (
        "Too many authentication failures",
        "permission denied: too many keys were tried",
        Some(TOO_MANY_KEYS),
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
    (
        "UNPROTECTED PRIVATE KEY FILE",
        "the private key file may be read by others and is ignored",
        Some("chmod 600 the key file"),
    ),
    (
        "Agent admitted failure",
        "the SSH agent refused to sign",
        None,
    ),
    (
        "Connection reset by peer",
        "the host closed the connection while it was being made",
        Some("its sshd may be overloaded (MaxStartups)"),
    ),
    (
        "Connection closed by",
        "the host closed the connection while it was being made",
        Some("its sshd may be overloaded (MaxStartups), or refuse this user"),
    ),
];

/// The cause that messages name; their last line where it is none of the known ones.
pub fn cause(said: &str) -> Cause {
    let verification = "Host key verification failed";
    if said.contains("HOST IDENTIFICATION HAS CHANGED") && said.contains(verification) {
        return Cause::with("the host's key has changed", CHANGED_KEY);
    }
    for (text, why, help) in CAUSES {
        if said.contains(text) {
            return Cause {
                why: why.to_owned(),
                help,
            };
        }
    }
    Cause::new(said.lines().last().unwrap_or("it gave no reason"))
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
            assert!(cause(said).why.contains(why), "{said}");
        }
    }
}
