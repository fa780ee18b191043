//! A fake host from a test case's JSON. The format is in `tests/modules/README.md`.

use super::{Canned, Entry, FakeHost, accounts};
use crate::diag::{Diag, Result};
use crate::sys::{FileKind, Group, Output, Response, User, View};
use base64::Engine;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a host has. Everything may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Path to content or description.
    pub files: BTreeMap<String, FileState>,
    /// Accounts, by name or in full.
    pub users: Vec<Named<UserState>>,
    /// Groups, by name or in full.
    pub groups: Vec<Named<GroupState>>,
    /// Names of programs in `/usr/bin`.
    pub programs: Vec<String>,
    /// What commands answer.
    pub answers: Vec<Answer>,
    /// What servers answer.
    pub http: Vec<HttpAnswer>,
    /// Assumptions of earlier planned steps.
    pub assumed: BTreeMap<String, Json>,
    /// The environment, on top of `HOME` and `PATH`.
    pub env: BTreeMap<String, String>,
    /// Current directory.
    pub cwd: Option<PathBuf>,
    /// Mask in octal.
    pub umask: Option<String>,
    /// Name of the account that steps run as.
    pub me: Option<String>,
}

/// A name, or more than that.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Named<T> {
    /// Everything else is chosen.
    Name(String),
    /// As given.
    Full(T),
}

/// One account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserState {
    name: String,
    uid: Option<u32>,
    gid: Option<u32>,
    gecos: String,
    home: Option<PathBuf>,
    shell: Option<PathBuf>,
}

/// One group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupState {
    name: String,
    gid: Option<u32>,
    members: Vec<String>,
}

/// One file: its text, or a description. `null` is a directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum FileState {
    /// A directory (or, in expectations, nothing).
    Null,
    /// A regular file with this text.
    Text(String),
    /// Anything.
    Full(FullFile),
}

/// One file in full.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FullFile {
    /// Text of a regular file.
    pub content: Option<String>,
    /// Bytes of a regular file in base64.
    pub base64: Option<String>,
    /// A directory.
    pub dir: bool,
    /// Target of a symbolic link.
    pub link: Option<PathBuf>,
    /// Path of a file to which this is another name.
    pub hard: Option<PathBuf>,
    /// Any other kind: `fifo`, `socket`, `char`, `block`.
    pub special: Option<String>,
    /// Permission bits in octal.
    pub mode: Option<String>,
    /// Owner's name.
    pub owner: Option<String>,
    /// Group's name.
    pub group: Option<String>,
    /// Seconds since the epoch.
    pub mtime: Option<f64>,
}

/// What a command answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    argv: Vec<String>,
    /// A part of the input that it answers to; any input where absent.
    stdin: Option<String>,
    rc: i32,
    stdout: String,
    stderr: String,
}

/// What a server answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpAnswer {
    url: String,
    method: Option<String>,
    status: Option<u16>,
    reason: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl State {
    /// Reads a description.
    ///
    /// # Errors
    /// `bad-case`.
    pub fn read(json: &Json) -> Result<State> {
        State::deserialize(json).map_err(|e| bad(&e.to_string()))
    }

    /// The host that has all this.
    ///
    /// # Errors
    /// `bad-case`.
    pub fn host(&self) -> Result<FakeHost> {
        let mut host = FakeHost::new();
        for group in &self.groups {
            host.add_group(group.clone().into());
        }
        for user in &self.users {
            host.add_user(user.clone().into());
        }
        for name in &self.programs {
            host.program(name);
        }
        let (hard, others): (Vec<_>, Vec<_>) = self
            .files
            .iter()
            .partition(|(_, file)| matches!(file, FileState::Full(full) if full.hard.is_some()));
        for (path, file) in others.into_iter().chain(hard) {
            host.put(path, file.entry()?);
        }
        for answer in &self.answers {
            host.answers.push((
                answer.argv.clone(),
                answer.stdin.clone().unwrap_or_default(),
                Output {
                    rc: answer.rc,
                    stdout: answer.stdout.clone().into_bytes(),
                    stderr: answer.stderr.clone().into_bytes(),
                    ..Output::default()
                },
            ));
        }
        host.http = self.http.iter().map(Canned::from).collect();
        host.assumed = self.assumed.clone();
        self.surroundings(&mut host)?;
        Ok(host)
    }

    fn surroundings(&self, host: &mut FakeHost) -> Result<()> {
        if let Some(name) = &self.me {
            host.me = host
                .find_user(name)
                .ok_or_else(|| bad(&format!("me: there is no user {name}")))?;
            let home = host.me().home.display().to_string();
            host.env.insert("HOME".into(), home);
            host.cwd = host.me.home.clone();
        }
        host.env.extend(self.env.clone());
        if let Some(cwd) = &self.cwd {
            host.cwd = cwd.clone();
        }
        if let Some(umask) = &self.umask {
            host.umask = octal(umask)?;
        }
        Ok(())
    }
}

fn bad(what: &str) -> Box<Diag> {
    Diag::error("bad-case", format!("the state of the host: {what}"))
}

fn octal(text: &str) -> Result<u32> {
    u32::from_str_radix(text, 8).map_err(|_| bad(&format!("{text:?} is not octal")))
}

impl FileState {
    fn entry(&self) -> Result<Entry> {
        let full = match self {
            FileState::Null => return Ok(Entry::dir()),
            FileState::Text(text) => return Ok(Entry::file(text)),
            FileState::Full(full) => full,
        };
        let mut entry = full.kind()?;
        entry.mode = full.mode.as_deref().map(octal).transpose()?;
        entry.owner = full.owner.clone();
        entry.group = full.group.clone();
        entry.mtime = full.mtime;
        Ok(entry)
    }
}

impl FullFile {
    fn kind(&self) -> Result<Entry> {
        if self.dir {
            return Ok(Entry::dir());
        }
        if let Some(target) = &self.link {
            return Ok(Entry::link(target));
        }
        if let Some(target) = &self.hard {
            return Ok(Entry::hard(target));
        }
        if let Some(text) = &self.base64 {
            let bytes = base64::prelude::BASE64_STANDARD
                .decode(text)
                .map_err(|e| bad(&format!("base64: {e}")))?;
            return Ok(Entry::file(bytes));
        }
        Ok(match self.special.as_deref() {
            Some("fifo") => Entry::special(FileKind::Fifo),
            Some("socket") => Entry::special(FileKind::Socket),
            Some("char") => Entry::special(FileKind::Char),
            Some("block") => Entry::special(FileKind::Block),
            Some(other) => return Err(bad(&format!("there is no special file {other:?}"))),
            None => Entry::file(self.content.as_deref().unwrap_or_default()),
        })
    }
}

impl From<Named<UserState>> for User {
    fn from(user: Named<UserState>) -> User {
        let user = match user {
            Named::Full(user) => user,
            Named::Name(name) => UserState {
                name,
                ..UserState::default()
            },
        };
        let home = format!("/home/{}", user.name);
        User {
            uid: user.uid,
            gid: user.gid,
            gecos: user.gecos,
            home: user.home.unwrap_or_else(|| home.into()),
            shell: user.shell.unwrap_or_else(|| "/bin/sh".into()),
            name: user.name,
        }
    }
}

impl From<Named<GroupState>> for Group {
    fn from(group: Named<GroupState>) -> Group {
        match group {
            Named::Name(name) => Group {
                gid: None,
                ..accounts::group(&name, 0)
            },
            Named::Full(group) => Group {
                name: group.name,
                gid: group.gid,
                members: group.members,
            },
        }
    }
}

impl From<&HttpAnswer> for Canned {
    fn from(answer: &HttpAnswer) -> Canned {
        Canned {
            method: answer.method.clone(),
            url: answer.url.clone(),
            response: Response {
                status: answer.status.unwrap_or(200),
                reason: answer.reason.clone(),
                headers: answer.headers.clone().into_iter().collect(),
                body: answer.body.clone().into_bytes(),
                ..Response::default()
            },
        }
    }
}
