//! `ssh_host_key_*_public`: the public keys of the SSH server.

use super::Facts;
use super::source::Source;
use serde_json::json;

pub(super) fn gather(source: &Source) -> Facts {
    const DIRECTORIES: [&str; 3] = ["/etc/ssh", "/etc/openssh", "/etc"];
    let mut facts = Facts::new();
    for directory in DIRECTORIES {
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let line = source.line(format!("{directory}/ssh_host_{kind}_key.pub"));
            let Some(line) = line else { continue };
            let mut words = line.split_whitespace();
            let (Some(name), Some(key)) = (words.next(), words.next()) else {
                continue;
            };
            facts.insert(format!("ssh_host_key_{kind}_public"), json!(key));
            facts.insert(format!("ssh_host_key_{kind}_public_keytype"), json!(name));
        }
        if !facts.is_empty() {
            break;
        }
    }
    facts
}
