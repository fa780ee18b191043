//! A host in memory, for test cases: files, accounts, and canned answers of programs and servers.

mod accounts;
mod files;
mod state;

pub use files::Entry;
pub use state::State;

use super::{
    Blob, Blobs, Command, Content, Declared, Effect, Endpoint, Group, Host, Known, MemoryBlobs, Op,
    Outcome, Output, Request, Response, Stat, User, View, path,
};
use crate::diag::{Diag, Result};
use files::Tree;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The host. Its clock goes on by a second with each operation.
#[derive(Clone)]
pub struct FakeHost {
    tree: Tree,
    users: Vec<User>,
    groups: Vec<Group>,
    /// Command line, part of the input, and the answer.
    answers: Vec<(Vec<String>, String, Output)>,
    http: Vec<Canned>,
    assumed: BTreeMap<String, Json>,
    /// Contents that operations may name.
    pub blobs: MemoryBlobs,
    me: User,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    umask: u32,
    now: f64,
    /// All that was performed, in order.
    pub performed: Vec<Op>,
}

/// What a server answers.
#[derive(Clone, Debug)]
struct Canned {
    /// Any method where absent.
    method: Option<String>,
    url: String,
    response: Response,
}

impl FakeHost {
    /// A host with the usual directories, `root` and `nobody`, and nothing else.
    pub fn new() -> FakeHost {
        let root = accounts::user("root", 0, "/root");
        let mut host = FakeHost {
            tree: Tree::new(1_700_000_000.0),
            users: vec![
                root.clone(),
                accounts::user("nobody", 65534, "/nonexistent"),
            ],
            groups: vec![
                accounts::group("root", 0),
                accounts::group("nogroup", 65534),
            ],
            answers: Vec::new(),
            http: Vec::new(),
            assumed: BTreeMap::new(),
            blobs: MemoryBlobs::default(),
            me: root,
            env: [
                ("HOME".to_owned(), "/root".to_owned()),
                (
                    "PATH".to_owned(),
                    "/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
                ),
            ]
            .into(),
            cwd: PathBuf::from("/root"),
            umask: 0o022,
            now: 1_700_000_000.0,
            performed: Vec::new(),
        };
        for dir in [
            "/etc",
            "/root",
            "/home",
            "/opt",
            "/srv",
            "/tmp",
            "/usr/bin",
            "/usr/sbin",
            "/var/lib",
        ] {
            host.put(dir, Entry::dir());
        }
        host
    }

    /// Puts something into the file tree, with the directories above it.
    pub fn put(&mut self, path: impl AsRef<Path>, entry: Entry) -> &mut FakeHost {
        let (uid, gid) = (
            entry.owner.as_deref().and_then(|name| self.uid(name)),
            entry.group.as_deref().and_then(|name| self.gid(name)),
        );
        self.tree.put(path.as_ref(), entry, uid, gid);
        self
    }

    /// Puts a program into `/usr/bin`.
    pub fn program(&mut self, name: &str) -> &mut FakeHost {
        self.put(
            Path::new("/usr/bin").join(name),
            Entry::file("").mode(0o755),
        )
    }

    /// Adds an account (and a group of its name and number where there is none).
    pub fn add_user(&mut self, user: User) -> &mut FakeHost {
        self.set_user(user);
        self
    }

    /// Adds a group.
    pub fn add_group(&mut self, group: Group) -> &mut FakeHost {
        self.set_group(group);
        self
    }

    /// Says what a command answers, both when it is asked and when it is run.
    pub fn answer(&mut self, argv: &[&str], rc: i32, stdout: &str) -> &mut FakeHost {
        let output = Output {
            rc,
            stdout: stdout.as_bytes().to_vec(),
            ..Output::default()
        };
        let argv = argv.iter().map(|w| (*w).to_owned()).collect();
        self.answers.push((argv, String::new(), output));
        self
    }

    /// Sets an assumption.
    pub fn assume(&mut self, key: &str, value: impl Into<Json>) -> &mut FakeHost {
        self.assumed.insert(key.to_owned(), value.into());
        self
    }

    /// All paths with something at them, for comparing states.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.tree.paths()
    }

    fn abs(&self, path: &Path) -> PathBuf {
        path::join(&self.cwd, path)
    }

    fn answered(&self, command: &Command) -> Option<Output> {
        let input = String::from_utf8_lossy(command.stdin.as_deref().unwrap_or_default());
        self.answers
            .iter()
            .rev()
            .find(|(argv, part, _)| *argv == command.argv && input.contains(part.as_str()))
            .map(|(_, _, output)| {
                let mut output = output.clone();
                output.start = self.now;
                output.end = self.now;
                output
            })
    }

    fn respond(&self, request: &Request) -> Result<Response> {
        let asked = match &request.endpoint {
            Endpoint::Url(url) => url.clone(),
            Endpoint::Unix(socket, target) => format!("unix:{}:{target}", socket.display()),
        };
        let canned = self.http.iter().find(|canned| {
            canned.url == asked
                && canned
                    .method
                    .as_ref()
                    .is_none_or(|method| *method == request.method)
        });
        match canned {
            Some(canned) => {
                let mut response = canned.response.clone();
                response.url = asked;
                response.sum_body(&request.sums);
                Ok(response)
            }
            None => Err(Diag::error(
                "http",
                format!("request to {asked} failed: connection refused"),
            )),
        }
    }

    fn run(&mut self, command: &Command, effect: &Declared) -> Result<Output> {
        let output = match self.answered(command) {
            Some(output) => output,
            None => Output {
                start: self.now,
                end: self.now,
                ..Output::default()
            },
        };
        if output.ok() {
            self.apply(effect)?;
        }
        Ok(output)
    }

    fn apply(&mut self, effect: &Declared) -> Result<()> {
        if let Declared::Effects(effects) = effect {
            for effect in effects {
                self.have(effect)?;
            }
        }
        Ok(())
    }

    /// Makes one declared effect true.
    fn have(&mut self, effect: &Effect) -> Result<()> {
        match effect {
            Effect::Assume(key, value) => {
                self.assumed.insert(key.clone(), value.clone());
            }
            Effect::File(path) => {
                if self.tree.stat(path)?.is_none() {
                    self.put(path, Entry::file("").mode(0o755));
                }
            }
            Effect::Dir(path) => {
                if self.tree.stat(path)?.is_none() {
                    self.put(path, Entry::dir());
                }
            }
            Effect::Gone(path) => self.tree.remove(path)?,
            Effect::MayFill(_) => {}
            Effect::User(user) => self.set_user(user.clone()),
            Effect::NoUser(name) => self.users.retain(|user| user.name != *name),
            Effect::Group(group) => self.set_group(group.clone()),
            Effect::NoGroup(name) => self.groups.retain(|group| group.name != *name),
        }
        Ok(())
    }

    fn bytes(&self, content: &Content) -> Result<Arc<[u8]>> {
        match content {
            Content::Bytes(bytes) => Ok(bytes.clone()),
            Content::Blob(blob) => self.blobs.get(blob),
            Content::Unknown => Err(Diag::error(
                "unknown-content",
                "the content of the file depends on something that is not known",
            )),
        }
    }
}

impl Default for FakeHost {
    fn default() -> FakeHost {
        FakeHost::new()
    }
}

impl View for FakeHost {
    fn lstat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        self.tree.lstat(&self.abs(path)).map(Known::Known)
    }

    fn stat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        self.tree.stat(&self.abs(path)).map(Known::Known)
    }

    fn read(&self, path: &Path) -> Result<Known<Option<Arc<[u8]>>>> {
        self.tree.read(&self.abs(path)).map(Known::Known)
    }

    fn list(&self, dir: &Path) -> Result<Known<Option<Vec<String>>>> {
        self.tree.list(&self.abs(dir)).map(Known::Known)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        self.tree.resolve(&self.abs(path), true)
    }

    fn user(&self, name: &str) -> Result<Known<Option<User>>> {
        Ok(Known::Known(self.find_user(name)))
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>> {
        Ok(self.users.iter().find(|u| u.uid == Some(uid)).cloned())
    }

    fn group(&self, name: &str) -> Result<Known<Option<Group>>> {
        Ok(Known::Known(self.find_group(name)))
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>> {
        Ok(self.groups.iter().find(|g| g.gid == Some(gid)).cloned())
    }

    fn which(&self, program: &str) -> Result<Known<Option<PathBuf>>> {
        for candidate in path::candidates(program, self) {
            let found = self.tree.stat(&candidate)?;
            if found.is_some_and(|s| s.is_file() && s.mode & 0o111 != 0) {
                return Ok(Known::Known(Some(candidate)));
            }
        }
        Ok(Known::Known(None))
    }

    /// # Errors
    /// `no-answer` where the program exists and nothing says what it answers.
    fn query(&self, command: &Command) -> Result<Known<Output>> {
        if let Some(output) = self.answered(command) {
            return Ok(Known::Known(output));
        }
        let program = command.argv.first().map_or("", String::as_str);
        if self.which(program)? == Known::Known(None) {
            return Ok(Known::Known(Output {
                rc: 127,
                ..Output::default()
            }));
        }
        Err(Diag::error(
            "no-answer",
            format!("this host has no answer to {:?}", command.argv),
        ))
    }

    fn http(&self, request: &Request) -> Result<Known<Response>> {
        self.respond(request).map(Known::Known)
    }

    fn assumed(&self, key: &str) -> Option<Json> {
        self.assumed.get(key).cloned()
    }

    fn assumptions(&self, prefix: &str) -> Vec<(String, Json)> {
        self.assumed
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    }

    fn blob(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        self.blobs.get(blob)
    }

    fn me(&self) -> &User {
        &self.me
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.env.clone()
    }

    fn cwd(&self) -> PathBuf {
        self.cwd.clone()
    }

    fn umask(&self) -> u32 {
        self.umask
    }

    fn now(&self) -> f64 {
        self.now
    }
}

impl Host for FakeHost {
    fn perform(&mut self, op: &Op) -> Result<Outcome> {
        let outcome = self.do_it(op)?;
        self.performed.push(op.clone());
        self.now += 1.0;
        self.tree.now = self.now;
        Ok(outcome)
    }

    fn view(&self) -> &dyn View {
        self
    }
}

impl FakeHost {
    fn do_it(&mut self, op: &Op) -> Result<Outcome> {
        let umask = self.umask;
        match op {
            Op::Write {
                path,
                content,
                mode,
                owner,
                backup,
                validate: _,
                secret: _,
            } => {
                let bytes = self.bytes(content)?;
                let ids = self.ids(owner)?;
                if let Some(backup) = backup
                    && self.tree.lstat(path)?.is_some_and(|s| s.is_file())
                {
                    self.tree.duplicate(path, backup)?;
                }
                let new = mode.unwrap_or(0o666 & !umask);
                self.tree.write(path, bytes, *mode, new, self.my_ids())?;
                self.tree.chown(path, ids)?;
                if let Some(mode) = mode {
                    self.tree.chmod(path, *mode)?;
                }
            }
            Op::CopyFile { from, path, mode } => {
                let Some(stat) = self.tree.stat(from)? else {
                    return Err(files::missing("read", from));
                };
                let Some(bytes) = self.tree.read(from)? else {
                    return Err(Diag::error(
                        "is-directory",
                        format!("cannot write {}: it is a directory", from.display()),
                    ));
                };
                let new = mode.unwrap_or(stat.mode);
                self.tree.write(path, bytes, *mode, new, self.my_ids())?;
            }
            Op::Mkdir { path, mode } => {
                let new = 0o777 & !umask;
                self.tree.mkdir(path, *mode, new, self.my_ids())?;
            }
            Op::Mode { path, mode } => self.tree.chmod(path, *mode)?,
            Op::Chown { path, owner } => {
                let ids = self.ids(owner)?;
                self.tree.chown(path, ids)?;
            }
            Op::Times { path, atime, mtime } => self.tree.times(path, *atime, *mtime)?,
            Op::Touch { path } => self.tree.times(path, Some(self.now), Some(self.now))?,
            Op::Symlink { path, target } => self.tree.symlink(path, target, self.my_ids())?,
            Op::Hardlink { path, target } => self.tree.hardlink(path, target)?,
            Op::Rename { from, to } => self.tree.rename(from, to)?,
            Op::Remove { path } => self.tree.remove(path)?,
            Op::Run {
                command, effect, ..
            } => return self.run(command, effect).map(Outcome::Ran),
            Op::Http {
                request,
                into,
                effect,
            } => {
                let mut response = match self.respond(request) {
                    Err(error) if request.may_fail => {
                        return Ok(Outcome::Answered(Response::silence(&error)));
                    }
                    response => response?,
                };
                self.apply(effect)?;
                if let Some(into) = into {
                    let bytes = std::mem::take(&mut response.body).into();
                    self.tree.write(into, bytes, None, 0o600, self.my_ids())?;
                }
                return Ok(Outcome::Answered(response));
            }
            Op::Wait { timeout, .. } => {
                return Ok(Outcome::Waited {
                    met: true,
                    elapsed: Duration::ZERO.min(*timeout),
                    matched: Vec::new(),
                });
            }
            Op::Declare(effects) => self.apply(&Declared::Effects(effects.clone()))?,
        }
        Ok(Outcome::Done)
    }
}
