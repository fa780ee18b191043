//! Pinning: taking note of a host's keys once, so that others are refused from then on.

use super::fault::{self, Cause, Failed};
use super::in_process;
use super::known_hosts::{self, Verdict};
use super::target::{Ssh, Target};
use crate::diag::{self, Diag};
use std::path::PathBuf;

/// The kinds of key that are asked for.
const KINDS: [&str; 3] = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];

/// A host whose keys are known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Kind and fingerprint of each key that was not known before.
    pub new: Vec<String>,
    /// Keys that were known.
    pub known: usize,
    /// Where new ones stand.
    pub file: Option<PathBuf>,
}

impl Ssh {
    /// Asks a host for its keys and takes note of those that are not known. Nobody logs in.
    ///
    /// # Errors
    /// `connection`: the host cannot be reached, a key has changed or is revoked (then nothing is
    /// noted), or the file cannot be written; and whether that may pass.
    pub fn pin(&self) -> Result<Pinned, Failed> {
        let target = self.target().map_err(|why| {
            fault::failed(
                &self.host,
                &format!("only the ssh program can reach it: {why}"),
            )
            .help("connect once with ssh -o StrictHostKeyChecking=accept-new")
        })?;
        let failed = |cause: &Cause| Failed::by(&self.host, cause);
        let mut pinned = Pinned {
            new: Vec::new(),
            known: 0,
            file: target.note_in.clone(),
        };
        let mut lines = String::new();
        for kind in KINDS {
            let key = in_process::host_key(&target, kind).map_err(|cause| failed(&cause))?;
            let Some(key) = key else { continue };
            match target.known_hosts.check(&target.key_name, &key) {
                Verdict::Known => pinned.known += 1,
                Verdict::Unknown => {
                    pinned.new.push(shown(&key));
                    lines += &known_hosts::line(&target.key_name, &key, target.hash);
                }
                Verdict::Changed(path, line) => {
                    let place = format!("{}:{line}", path.display());
                    let why = format!(
                        "its key has changed: {}, not the one at {place}",
                        shown(&key)
                    );
                    return Err(failed(&Cause::with(why, fault::CHANGED_KEY)));
                }
                Verdict::Revoked => return Err(failed(&Cause::new("its key is revoked"))),
            }
        }
        note(&target, &lines)?;
        Ok(pinned)
    }
}

fn shown(key: &[u8]) -> String {
    format!(
        "{} {}",
        known_hosts::kind_of(key),
        known_hosts::fingerprint(key)
    )
}

fn note(target: &Target, lines: &str) -> diag::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    match &target.note_in {
        Some(path) => known_hosts::append(path, lines).map_err(|e| Diag::io("write", path, &e)),
        None => Err(Diag::error("connection", "there is no file for host keys")
            .help("set the ssh option UserKnownHostsFile")),
    }
}
