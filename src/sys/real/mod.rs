//! This machine.
//!
//! Plain file work never starts a process. Nothing that a step may change is cached, except the
//! account files by their inode and times.

mod accounts;
mod attributes;
mod files;
mod http;
mod new_file;
mod run;
mod running;
mod sums;
mod transfer;
mod unix_http;
mod wait;
mod watcher;
mod write;

#[cfg(test)]
mod tests;

use super::blobs::{Blobs, MemoryBlobs};
use super::{
    Algorithm, Blob, Command, FileKind, Group, Host, Known, Op, Outcome, Output, Owner, Request,
    Response, Stat, User, View, path,
};
use crate::diag::{Diag, Result};
use accounts::Accounts;
pub use accounts::expand_home_here;
pub use running::{end_commands, hold_with_commands, watch_commands};
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// More new files than this in one step are synced together: one by one takes milliseconds each.
const MANY: usize = 8;

/// Called with each line that a running command writes.
pub type OnLine = Box<dyn FnMut(&str) + Send>;

/// What is called before a host is changed.
pub type BeforeEffect = Box<dyn FnMut() -> Result<()> + Send>;

/// The host this process runs on, with the rights it has.
pub struct RealHost {
    me: User,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    umask: u32,
    accounts: RefCell<Accounts>,
    blobs: Box<dyn Blobs>,
    /// While many files are written: the file systems that have new ones, each with a file there.
    unsynced: Option<RefCell<BTreeMap<u64, File>>>,
    sums: sums::Sums,
    /// Where the lines of running commands go while they run.
    pub on_line: Option<OnLine>,
    /// Called once, before the first operation; its error keeps the host as it is.
    pub before_effect: Option<BeforeEffect>,
    /// Commands that still run at this time are killed and fail with `timed-out`.
    pub deadline: Option<Instant>,
}

impl RealHost {
    /// This machine as the process's own user, in its own environment and directory.
    ///
    /// # Errors
    /// `io` where the account files cannot be read.
    pub fn new() -> Result<RealHost> {
        let mut accounts = Accounts::default();
        let uid = nix::unistd::geteuid().as_raw();
        let me = match accounts.user_by_id(uid)? {
            Some(user) => user,
            None => nameless(uid),
        };
        Ok(RealHost {
            me,
            env: BTreeMap::new(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            umask: process_umask(),
            accounts: RefCell::new(accounts),
            blobs: Box::new(MemoryBlobs::default()),
            unsynced: None,
            sums: sums::Sums::default(),
            on_line: None,
            before_effect: None,
            deadline: None,
        })
    }

    /// The numbers of all groups an account is in, its primary one first.
    ///
    /// # Errors
    /// `io` where the account files cannot be read.
    pub fn groups_of(&self, user: &User) -> Result<Vec<u32>> {
        self.accounts.borrow_mut().groups_of(user)
    }

    /// Gets file contents from here.
    #[must_use]
    pub fn with_blobs(mut self, blobs: impl Blobs + 'static) -> RealHost {
        self.blobs = Box::new(blobs);
        self
    }

    /// Sets what the next step sees: variables on top of the process's own, and the directory that
    /// relative paths start from (the process's own where absent).
    pub fn set_step(&mut self, env: BTreeMap<String, String>, cwd: Option<PathBuf>) {
        self.env = env;
        self.cwd = cwd
            .or_else(|| std::env::current_dir().ok())
            .unwrap_or_else(|| PathBuf::from("/"));
    }

    /// Sets the mask for new files and directories and for commands.
    pub fn set_umask(&mut self, umask: u32) {
        self.umask = umask & 0o777;
    }

    /// True if a new file need not be synced now, since [`Host::settle`] does it for many at once.
    fn sync_later(&self, file: &File) -> bool {
        let Some(unsynced) = &self.unsynced else {
            return false;
        };
        let (Ok(meta), Ok(file)) = (file.metadata(), file.try_clone()) else {
            return false;
        };
        unsynced.borrow_mut().entry(meta.dev()).or_insert(file);
        true
    }

    fn abs(&self, path: &Path) -> PathBuf {
        if path.is_absolute() {
            path.to_owned()
        } else {
            self.cwd.join(path)
        }
    }

    /// The numbers of an owner; names are looked up now.
    fn ids(&self, owner: &Owner) -> Result<(Option<u32>, Option<u32>)> {
        let mut accounts = self.accounts.borrow_mut();
        let uid = match &owner.user {
            Some(name) => match accounts.user(name)?.and_then(|u| u.uid) {
                Some(uid) => Some(uid),
                None => Some(number(name).ok_or_else(|| no_account("user", name))?),
            },
            None => None,
        };
        let gid = match &owner.group {
            Some(name) => match accounts.group(name)?.and_then(|g| g.gid) {
                Some(gid) => Some(gid),
                None => Some(number(name).ok_or_else(|| no_account("group", name))?),
            },
            None => None,
        };
        Ok((uid, gid))
    }
}

/// A number in digits.
fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn no_account(what: &str, name: &str) -> Box<Diag> {
    Diag::error(
        &format!("no-such-{what}"),
        format!("there is no {what} `{name}`"),
    )
}

/// A uid without an entry in passwd.
fn nameless(uid: u32) -> User {
    User {
        name: uid.to_string(),
        uid: Some(uid),
        gid: Some(nix::unistd::getegid().as_raw()),
        gecos: String::new(),
        home: std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from),
        shell: PathBuf::from("/bin/sh"),
    }
}

/// The mask of this process. `umask(2)` can only read it by changing it, so the kernel's text.
fn process_umask() -> u32 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find_map(|l| l.strip_prefix("Umask:"))?;
            u32::from_str_radix(line.trim(), 8).ok()
        })
        .unwrap_or(0o022)
}

/// Seconds since the epoch.
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64())
}

impl View for RealHost {
    fn lstat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        files::lstat(&self.abs(path)).map(Known::Known)
    }

    fn stat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        files::stat(&self.abs(path)).map(Known::Known)
    }

    fn read(&self, path: &Path) -> Result<Known<Option<Arc<[u8]>>>> {
        files::read(&self.abs(path)).map(Known::Known)
    }

    fn digest(&self, path: &Path, algorithm: Algorithm) -> Result<Known<Option<String>>> {
        let path = self.abs(path);
        if let Some(known) = self.sums.of(&path, algorithm) {
            return Ok(Known::Known(Some(known)));
        }
        files::digest(&path, algorithm).map(Known::Known)
    }

    fn list(&self, dir: &Path) -> Result<Known<Option<Vec<String>>>> {
        files::list(&self.abs(dir)).map(Known::Known)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        path::walk(&self.abs(path), true, &mut |p| {
            Ok(std::fs::read_link(p).ok())
        })
    }

    fn user(&self, name: &str) -> Result<Known<Option<User>>> {
        let mut accounts = self.accounts.borrow_mut();
        let found = match (accounts.user(name)?, number(name)) {
            (None, Some(uid)) => accounts.user_by_id(uid)?,
            (found, _) => found,
        };
        Ok(Known::Known(found))
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>> {
        self.accounts.borrow_mut().user_by_id(uid)
    }

    fn group(&self, name: &str) -> Result<Known<Option<Group>>> {
        let mut accounts = self.accounts.borrow_mut();
        let found = match (accounts.group(name)?, number(name)) {
            (None, Some(gid)) => accounts.group_by_id(gid)?,
            (found, _) => found,
        };
        Ok(Known::Known(found))
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>> {
        self.accounts.borrow_mut().group_by_id(gid)
    }

    fn which(&self, program: &str) -> Result<Known<Option<PathBuf>>> {
        let candidates = path::candidates(program, self);
        Ok(Known::Known(candidates.into_iter().find(|candidate| {
            files::stat(candidate)
                .ok()
                .flatten()
                .is_some_and(|s| s.kind == FileKind::File && s.mode & 0o111 != 0)
        })))
    }

    fn query(&self, command: &Command) -> Result<Known<Output>> {
        match run::run(self, command, None) {
            Err(run::Failure::NoProgram) => Ok(Known::Known(Output {
                rc: 127,
                start: now(),
                end: now(),
                ..Output::default()
            })),
            other => other.map(Known::Known).map_err(|e| e.diag(command)),
        }
    }

    fn http(&self, request: &Request) -> Result<Known<Response>> {
        http::send(self, request).map(Known::Known)
    }

    fn assumed(&self, _: &str) -> Option<Json> {
        None
    }

    fn assumptions(&self, _: &str) -> Vec<(String, Json)> {
        Vec::new()
    }

    fn blob(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        self.blobs.get(blob)
    }

    fn me(&self) -> &User {
        &self.me
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env
            .get(name)
            .cloned()
            .or_else(|| std::env::var(name).ok())
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .chain(self.env.clone())
            .collect()
    }

    fn cwd(&self) -> PathBuf {
        self.cwd.clone()
    }

    fn umask(&self) -> u32 {
        self.umask
    }

    fn now(&self) -> f64 {
        now()
    }
}

fn answered(request: &Request, answer: Result<Response>) -> Result<Outcome> {
    match answer {
        Err(error) if request.may_fail && error.code == "http" => {
            Ok(Outcome::Answered(Response::silence(&error)))
        }
        answer => answer.map(Outcome::Answered),
    }
}

impl Host for RealHost {
    fn expect(&mut self, ops: &[Op]) {
        let blobs: Vec<Blob> = ops.iter().filter_map(Op::blob).cloned().collect();
        self.unsynced = (blobs.len() > MANY).then(RefCell::default);
        self.blobs.expect(blobs);
    }

    fn settle(&mut self) -> Result<()> {
        let unsynced = self.unsynced.take().map(RefCell::into_inner);
        for file in unsynced.unwrap_or_default().into_values() {
            nix::unistd::syncfs(&file).map_err(|e| {
                Diag::error("io", format!("cannot write the new files to disk: {e}"))
            })?;
        }
        Ok(())
    }

    fn perform(&mut self, op: &Op) -> Result<Outcome> {
        if let Some(mut before) = self.before_effect.take() {
            before()?;
        }
        match op {
            Op::Run { command, .. } => {
                let mut on_line = self.on_line.take();
                let ran = run::run(self, command, on_line.as_mut());
                self.on_line = on_line;
                return ran.map(Outcome::Ran).map_err(|e| e.diag(command));
            }
            Op::Http {
                request,
                into: None,
                ..
            } => return answered(request, http::send(self, request)),
            Op::Http {
                request,
                into: Some(path),
                ..
            } => return answered(request, http::fetch(self, request, path)),
            Op::Wait {
                until,
                delay,
                sleep,
                timeout,
            } => return wait::wait(until, *delay, *sleep, *timeout),
            Op::Write {
                path,
                content,
                mode,
                owner,
                backup,
                validate,
                secret: _,
            } => {
                write::Replace {
                    mode: *mode,
                    owner: self.ids(owner)?,
                    backup: backup.as_deref(),
                    validate: validate.as_deref(),
                }
                .write(self, path, content)?;
            }
            Op::CopyFile { from, path, mode } => write::copy(self, from, path, *mode)?,
            Op::Mkdir { path, mode } => files::mkdir(path, *mode, self.umask)?,
            Op::Mode { path, mode } => attributes::chmod(path, *mode)?,
            Op::Chown { path, owner } => attributes::chown(path, self.ids(owner)?)?,
            Op::Times { path, atime, mtime } => attributes::times(path, *atime, *mtime)?,
            Op::Touch { path } => attributes::touch(path)?,
            Op::Symlink { path, target } => files::symlink(path, target)?,
            Op::Hardlink { path, target } => files::hardlink(path, target)?,
            Op::Rename { from, to } => transfer::rename(from, to)?,
            Op::Remove { path } => files::remove(path)?,
            Op::Declare(_) => {}
        }
        Ok(Outcome::Done)
    }

    fn view(&self) -> &dyn View {
        self
    }
}
