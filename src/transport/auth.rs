//! Logging in: keys of the SSH agent, key files, password, keyboard-interactive.

use super::fault::{self, Again, Cause};
use super::key_file;
use super::known_hosts::kind_of;
use super::target::{Ssh, Target};
use crate::value::order;
use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt, PublicKey, Session};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Why it is not possible.
#[derive(Debug)]
pub enum Refused {
    /// The host will not have it, or the network broke.
    Because(Cause),
    /// Only the ssh program could, for this reason.
    Unfit(String),
}

impl From<Cause> for Refused {
    fn from(cause: Cause) -> Refused {
        Refused::Because(cause)
    }
}

/// Logs in by what the host offers and the target has.
///
/// # Errors
/// See [`Refused`].
pub fn log_in(session: &Session, ssh: &Ssh, target: &Target) -> Result<(), Refused> {
    let offered = match session.auth_methods(&target.user) {
        Ok(methods) => methods.to_owned(),
        // `none` was enough.
        Err(_) if session.authenticated() => return Ok(()),
        Err(e) => return Err(broken(&e, &Tried::default()).into()),
    };
    let mut tried = Tried::default();
    let offers = |method: &str| offered.split(',').any(|word| word == method);
    let done =
        (target.public_keys && offers("publickey") && keys(session, ssh, target, &mut tried)?)
            || password(session, ssh, target, &offers, &mut tried)?;
    match done {
        true => Ok(()),
        false => Err(tried.refused(&offered)),
    }
}

/// What was tried in vain.
#[derive(Default)]
struct Tried {
    keys: Vec<String>,
    /// Key files that cannot be used, with the reason.
    unusable: Vec<String>,
    password: bool,
    /// What only the ssh program could have tried.
    beyond: Option<String>,
}

impl Tried {
    fn refused(self, offered: &str) -> Refused {
        if let Some(beyond) = self.beyond {
            return Refused::Unfit(beyond);
        }
        if self.password {
            return Cause::with(fault::WRONG_PASSWORD.0, fault::WRONG_PASSWORD.1).into();
        }
        let mut why = "permission denied: the host accepted none of the keys".to_owned();
        if self.keys.is_empty() {
            why = "permission denied: there is no key to log in with".to_owned();
        } else {
            why.push_str(&format!(" ({})", self.keys.join(", ")));
        }
        for reason in &self.unusable {
            why.push_str(&format!("; {reason}"));
        }
        why.push_str(&format!("; it takes {offered}"));
        Cause::with(why, fault::NO_KEY).into()
    }
}

/// True if a key did.
fn keys(session: &Session, ssh: &Ssh, target: &Target, tried: &mut Tried) -> Result<bool, Refused> {
    let files: Vec<(PathBuf, key_file::KeyFile)> = target
        .identities
        .iter()
        .filter_map(|path| match key_file::look(path) {
            Ok(key) => Some((path.clone(), key)),
            Err(e) => {
                let why = crate::diag::reason(&e);
                tried.unusable.push(format!("{}: {why}", path.display()));
                None
            }
        })
        .collect();
    for (path, _) in &files {
        if key_file::has_certificate(path) {
            let why = format!("{} has a certificate", path.display());
            return Err(Refused::Unfit(why));
        }
    }
    let in_files = |blob: &[u8]| {
        let public = |key: &key_file::KeyFile| key.public.as_deref() == Some(blob);
        files.iter().any(|(_, key)| public(key))
    };
    let held = match &target.agent {
        Some(socket) => with_agent(session, target, socket, tried, &in_files)?,
        None => Held::default(),
    };
    if held.done {
        return Ok(true);
    }
    for (path, key) in &files {
        if key
            .public
            .as_ref()
            .is_some_and(|public| held.tried.contains(public))
        {
            continue;
        }
        if key.is_on_token() {
            let why = format!("{} is on a FIDO token", path.display());
            tried.beyond.get_or_insert(why);
            continue;
        }
        if with_file(session, ssh, target, path, key.encrypted, tried)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What came of the SSH agent.
#[derive(Default)]
struct Held {
    done: bool,
    tried: Vec<Vec<u8>>,
}

fn with_agent(
    session: &Session,
    target: &Target,
    socket: &Path,
    tried: &mut Tried,
    in_files: &dyn Fn(&[u8]) -> bool,
) -> Result<Held, Refused> {
    let mut held = Held::default();
    let Ok(mut agent) = session.agent() else {
        return Ok(held);
    };
    // An agent that does not answer is none.
    if agent.set_identity_path(socket).is_err()
        || agent.connect().is_err()
        || agent.list_identities().is_err()
    {
        return Ok(held);
    }
    let mut identities: Vec<PublicKey> = agent.identities().unwrap_or_default();
    // As OpenSSH does: first those that are named.
    order::sort_by_key(&mut identities, |identity| !in_files(identity.blob()));
    for identity in identities {
        let kind = kind_of(identity.blob());
        if target.identities_only && !in_files(identity.blob()) {
            continue;
        }
        if kind.starts_with("sk-") || kind.contains("-cert-") {
            let why = format!("the SSH agent holds a {kind} key");
            tried.beyond.get_or_insert(why);
            continue;
        }
        let answer = agent.userauth(&target.user, &identity);
        tried
            .keys
            .push(format!("{} of the SSH agent", identity.comment()));
        held.tried.push(identity.blob().to_vec());
        if accepted(session, answer, tried)? {
            held.done = true;
            break;
        }
    }
    Ok(held)
}

fn with_file(
    session: &Session,
    ssh: &Ssh,
    target: &Target,
    path: &Path,
    encrypted: bool,
    tried: &mut Tried,
) -> Result<bool, Refused> {
    let name = path.display().to_string();
    if is_open_to_others(path) {
        let why = format!("{name} may be read by others and is ignored (chmod 600 it)");
        tried.unusable.push(why);
        return Ok(false);
    }
    let phrase = match encrypted {
        true => match passphrase(ssh, path) {
            Some(phrase) => Some(phrase),
            None => {
                let why = format!("{name} needs a passphrase (add it to an SSH agent)");
                tried.unusable.push(why);
                return Ok(false);
            }
        },
        false => None,
    };
    let answer = session.userauth_pubkey_file(&target.user, None, path, phrase.as_deref());
    if let Err(e) = &answer
        && e.code() == ErrorCode::Session(FILE)
    {
        let why = match encrypted {
            true => "wrong passphrase".to_owned(),
            false => e.message().to_owned(),
        };
        tried.unusable.push(format!("{name}: {why}"));
        return Ok(false);
    }
    tried.keys.push(name);
    accepted(session, answer, tried)
}

fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = nix::unistd::geteuid().as_raw();
    path.metadata()
        .is_ok_and(|found| found.uid() == own && found.mode() & 0o077 != 0)
}

/// What opens a key: asked for once, for all hosts.
fn passphrase(ssh: &Ssh, path: &Path) -> Option<String> {
    static ASKED: Mutex<Option<HashMap<PathBuf, Option<String>>>> = Mutex::new(None);
    if let Some(phrase) = &ssh.passphrase {
        return Some(phrase.clone());
    }
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = asked.get_or_insert_default();
    let question = format!("Enter passphrase for key '{}':", path.display());
    let ask = || ssh.ask.and_then(|ask| ask(&question));
    asked.entry(path.to_owned()).or_insert_with(ask).clone()
}

/// True if a password did.
fn password(
    session: &Session,
    ssh: &Ssh,
    target: &Target,
    offers: &dyn Fn(&str) -> bool,
    tried: &mut Tried,
) -> Result<bool, Refused> {
    let Some(password) = &ssh.password else {
        return Ok(false);
    };
    if offers("password") {
        tried.password = true;
        let answer = session.userauth_password(&target.user, password);
        if accepted(session, answer, tried)? {
            return Ok(true);
        }
    }
    if !offers("keyboard-interactive") {
        return Ok(false);
    }
    tried.password = true;
    let mut answers = Answers {
        password,
        given: false,
    };
    let answer = session.userauth_keyboard_interactive(&target.user, &mut answers);
    accepted(session, answer, tried)
}

/// Answers the first hidden question with the password, and no other.
struct Answers<'a> {
    password: &'a str,
    given: bool,
}

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt<'a>(&mut self, _: &str, _: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        let mut answer = |prompt: &Prompt<'a>| match prompt.echo || self.given {
            true => String::new(),
            false => {
                self.given = true;
                self.password.to_owned()
            }
        };
        prompts.iter().map(&mut answer).collect()
    }
}

const FILE: i32 = -16;
const DISCONNECT: i32 = -13;
const TIMEOUTS: [i32; 2] = [-9, -30];
const NETWORK: [i32; 4] = [-7, -43, -45, DISCONNECT];

/// True if the host let us in, false if it wants something else.
fn accepted(
    session: &Session,
    answer: Result<(), ssh2::Error>,
    tried: &Tried,
) -> Result<bool, Refused> {
    match answer {
        Ok(()) => Ok(session.authenticated()),
        Err(e) => match e.code() {
            ErrorCode::Session(code) if TIMEOUTS.contains(&code) || NETWORK.contains(&code) => {
                Err(broken(&e, tried).into())
            }
            // The answer did not come.
            _ if e.message().starts_with("Waiting for") => Err(broken(&e, tried).into()),
            _ => Ok(false),
        },
    }
}

/// A host that lets nobody in hangs up as a network does. More than one key that it did not want
/// means the first.
fn broken(error: &ssh2::Error, tried: &Tried) -> Cause {
    match error.code() {
        ErrorCode::Session(code) if TIMEOUTS.contains(&code) => {
            Cause::new("connection timed out while logging in").again(Again::Broke)
        }
        ErrorCode::Session(_) if tried.keys.len() > 1 => Cause::with(
            "the host closed the connection while logging in, maybe after too many keys",
            fault::TOO_MANY_KEYS,
        ),
        ErrorCode::Session(DISCONNECT) => Cause::with(
            "the host closed the connection while logging in",
            fault::CLOSED.1,
        )
        .again(Again::Broke),
        _ => Cause::new(format!("logging in failed: {}", error.message())).again(Again::Broke),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_was_tried() {
        let said = |tried: Tried| match tried.refused("publickey,password") {
            Refused::Because(cause) => cause.why,
            Refused::Unfit(why) => format!("unfit: {why}"),
        };
        assert!(said(Tried::default()).contains("no key to log in with"));
        let keys = Tried {
            keys: vec!["/k/a".to_owned()],
            unusable: vec!["/k/b needs a passphrase".to_owned()],
            ..Tried::default()
        };
        assert_eq!(
            said(keys),
            "permission denied: the host accepted none of the keys (/k/a); \
             /k/b needs a passphrase; it takes publickey,password"
        );
        let password = Tried {
            password: true,
            ..Tried::default()
        };
        assert_eq!(said(password), "permission denied: wrong password");
        let beyond = Tried {
            beyond: Some("x is on a FIDO token".to_owned()),
            password: true,
            ..Tried::default()
        };
        assert_eq!(said(beyond), "unfit: x is on a FIDO token");
    }

    #[test]
    fn one_hidden_question_is_answered() {
        let prompt = |text: &'static str, echo| Prompt {
            text: text.into(),
            echo,
        };
        let mut answers = Answers {
            password: "p",
            given: false,
        };
        let asked = [prompt("Name", true), prompt("Password", false)];
        assert_eq!(answers.prompt("u", "", &asked), ["", "p"]);
        assert_eq!(answers.prompt("u", "", &[prompt("Code", false)]), [""]);
    }
}
