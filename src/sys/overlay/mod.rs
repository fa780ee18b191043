//! A dry run: operations land in memory over a view that is never changed, and later reads see them.
//!
//! One overlay lives through all steps of a run on a host. It runs no command and sends no request
//! that changes anything; what such an operation declares comes true, and its answer is unknown.

mod accounts;
mod perform;
#[cfg(test)]
mod tests;
mod tree;

use super::{
    Algorithm, Blob, Command, Endpoint, Group, Host, Known, Op, Outcome, Output, Request, Response,
    Stat, User, View, path,
};
use crate::diag::{Diag, Result};
use accounts::Accounts;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tree::{Body, Found, Text, Tree};

/// Planned changes over the host `B`.
pub struct Overlay<B> {
    base: B,
    tree: Tree,
    accounts: Accounts,
    assumed: BTreeMap<String, Json>,
    identity: Option<Identity>,
    /// Made-up inode numbers of planned hard links.
    inode: u64,
    /// Results speak as in Ansible's check mode: see [`View::is_check`].
    pub check: bool,
    /// What was performed, for those who set it to an empty list.
    pub log: Option<Vec<Op>>,
}

/// Another account that steps run as.
struct Identity {
    user: User,
    env: BTreeMap<String, String>,
}

/// What login and `sudo -H` set.
fn login_variables(user: &User) -> BTreeMap<String, String> {
    [
        ("HOME", user.home.display().to_string()),
        ("LOGNAME", user.name.clone()),
        ("USER", user.name.clone()),
        ("SHELL", user.shell.display().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

impl<B: View> Overlay<B> {
    /// Nothing is planned yet.
    pub fn new(base: B) -> Overlay<B> {
        Overlay {
            base,
            tree: Tree::default(),
            accounts: Accounts::default(),
            assumed: BTreeMap::new(),
            identity: None,
            inode: u64::MAX,
            check: false,
            log: None,
        }
    }

    /// The host beneath.
    pub fn base(&self) -> &B {
        &self.base
    }

    /// The host beneath, to set up the next step's surroundings (or to perform a step that runs
    /// even in a dry run).
    pub fn base_mut(&mut self) -> &mut B {
        &mut self.base
    }

    /// The steps that follow run as another account, possibly a planned one. `env` is the step's
    /// own environment; it comes over the variables of a login.
    ///
    /// # Errors
    /// `no-such-user` where the name is known to nobody.
    pub fn become_user(&mut self, name: &str, env: BTreeMap<String, String>) -> Result<()> {
        let user = match self.user(name)? {
            Known::Known(Some(user)) => user,
            Known::Known(None) => return Err(no_account("user", name)),
            Known::Unknown => User {
                name: name.to_owned(),
                home: PathBuf::from("/home").join(name),
                shell: PathBuf::from("/bin/sh"),
                ..User::default()
            },
        };
        let mut variables = login_variables(&user);
        variables.extend(env);
        self.identity = Some(Identity {
            user,
            env: variables,
        });
        Ok(())
    }

    /// The steps that follow run as the host's own account.
    pub fn become_self(&mut self) {
        self.identity = None;
    }

    fn abs(&self, path: &Path) -> PathBuf {
        self.base.cwd().join(path)
    }

    fn look(&self, path: &Path, follow: bool) -> Result<Found> {
        self.tree.look(&self.base, &self.abs(path), follow)
    }

    fn text(&self, found: Found) -> Known<Option<Text>> {
        match found {
            Found::Planned(node) => Known::Known(match node.body {
                Body::File(text) => Some(text),
                _ => None,
            }),
            Found::There(stat, there) => Known::Known(stat.is_file().then_some(Text::Same(there))),
            Found::Absent => Known::Known(None),
            Found::Unknown => Known::Unknown,
        }
    }

    /// True where a command names a path that is not (or not only) on the host.
    fn concerns_plan(&self, command: &Command) -> Result<bool> {
        let dir = command.cwd.iter().map(PathBuf::as_path);
        let words = command.argv.iter().flat_map(|word| {
            let value = word.split_once('=').map(|(_, value)| value);
            [Some(word.as_str()), value].into_iter().flatten()
        });
        for path in dir.chain(words.map(Path::new)).filter(|p| p.is_absolute()) {
            let path = self.tree.resolve(&self.base, path, true)?;
            if self.tree.differs(&path) {
                return Ok(true);
            }
        }
        let user = command.user.as_deref();
        Ok(user.is_some_and(|name| self.accounts.is_planned(name)))
    }

    /// The command as the current identity would run it.
    fn as_identity(&self, command: &Command) -> Command {
        let mut command = command.clone();
        if let Some(identity) = &self.identity {
            command
                .user
                .get_or_insert_with(|| identity.user.name.clone());
            for (name, value) in &identity.env {
                command
                    .env
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
        }
        command
    }
}

fn no_account(what: &str, name: &str) -> Box<Diag> {
    Diag::error(
        &format!("no-such-{what}"),
        format!("there is no {what} `{name}`"),
    )
}

/// True for an address of this machine itself, where a planned service would answer.
fn is_local(endpoint: &Endpoint) -> bool {
    let Endpoint::Url(url) = endpoint else {
        return true;
    };
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let server = authority.rsplit('@').next().unwrap_or_default();
    let name = server.rsplit_once(':').map_or(server, |(name, _)| name);
    name == "localhost" || name == "[::1]" || name.starts_with("127.")
}

impl<B: View> View for Overlay<B> {
    fn lstat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        Ok(self.look(path, false)?.stat())
    }

    fn stat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        Ok(self.look(path, true)?.stat())
    }

    fn read(&self, path: &Path) -> Result<Known<Option<Arc<[u8]>>>> {
        let text = match self.text(self.look(path, true)?) {
            Known::Known(text) => text,
            Known::Unknown => return Ok(Known::Unknown),
        };
        match text {
            None => Ok(Known::Known(None)),
            Some(Text::Bytes(bytes)) => Ok(Known::Known(Some(bytes))),
            Some(Text::Blob(blob)) => Ok(Known::Known(Some(self.base.blob(&blob)?))),
            Some(Text::Same(path)) => self.base.read(&path),
            Some(Text::Unknown) => Ok(Known::Unknown),
        }
    }

    fn digest(&self, path: &Path, algorithm: Algorithm) -> Result<Known<Option<String>>> {
        match self.text(self.look(path, true)?) {
            Known::Known(Some(Text::Blob(Blob {
                sha1: Some(sha1), ..
            }))) if algorithm == Algorithm::Sha1 => Ok(Known::Known(Some(sha1))),
            Known::Known(Some(Text::Blob(blob))) if algorithm == Algorithm::Name => {
                Ok(Known::Known(Some(blob.name)))
            }
            // Not fetched for its sum.
            Known::Known(Some(Text::Blob(blob))) if blob.is_large() => Ok(Known::Unknown),
            Known::Known(Some(Text::Same(path))) => self.base.digest(&path, algorithm),
            _ => Ok(self
                .read(path)?
                .map(|bytes| bytes.map(|bytes| algorithm.of(&bytes)))),
        }
    }

    fn list(&self, dir: &Path) -> Result<Known<Option<Vec<String>>>> {
        self.tree.list(&self.base, &self.abs(dir))
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        self.tree.resolve(&self.base, &self.abs(path), true)
    }

    fn user(&self, name: &str) -> Result<Known<Option<User>>> {
        let found = self.accounts.user(&self.base, name)?;
        let may = self.tree.may_be_filled(Path::new("/etc/passwd"));
        if found == Known::Known(None) && may && !self.accounts.is_planned(name) {
            return Ok(Known::Unknown);
        }
        Ok(found)
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>> {
        self.accounts.user_by_id(&self.base, uid)
    }

    fn group(&self, name: &str) -> Result<Known<Option<Group>>> {
        let found = self.accounts.group(&self.base, name)?;
        let may = self.tree.may_be_filled(Path::new("/etc/group"));
        if found == Known::Known(None) && may && !self.accounts.is_planned_group(name) {
            return Ok(Known::Unknown);
        }
        Ok(found)
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>> {
        self.accounts.group_by_id(&self.base, gid)
    }

    fn which(&self, program: &str) -> Result<Known<Option<PathBuf>>> {
        let mut may = false;
        for candidate in path::candidates(program, self) {
            match self.look(&candidate, true)? {
                Found::Unknown => may = true,
                Found::Absent => {}
                // A command that declares a program makes it one that can be run.
                Found::Planned(node) if matches!(node.body, Body::File(Text::Unknown)) => {
                    return Ok(Known::Known(Some(candidate)));
                }
                Found::Planned(tree::Node { stat, .. }) | Found::There(stat, _) => {
                    if stat.is_file() && stat.mode & 0o111 != 0 {
                        return Ok(Known::Known(Some(candidate)));
                    }
                }
            }
        }
        if may {
            return Ok(Known::Unknown);
        }
        Ok(Known::Known(None))
    }

    fn query(&self, command: &Command) -> Result<Known<Output>> {
        let command = self.as_identity(command);
        let program = command.argv.first().map_or("", String::as_str);
        match self.which(program)? {
            Known::Known(Some(path)) => {
                let path = self.tree.resolve(&self.base, &path, true)?;
                if self.tree.differs(&path) || self.concerns_plan(&command)? {
                    return Ok(Known::Unknown);
                }
                self.base.query(&command)
            }
            Known::Known(None) => Ok(Known::Known(Output {
                rc: 127,
                ..Output::default()
            })),
            Known::Unknown => Ok(Known::Unknown),
        }
    }

    fn http(&self, request: &Request) -> Result<Known<Response>> {
        match self.base.http(request) {
            // A service that a planned step starts does not answer yet.
            Err(_) if !self.is_untouched() && is_local(&request.endpoint) => Ok(Known::Unknown),
            other => other,
        }
    }

    fn assumed(&self, key: &str) -> Option<Json> {
        let planned = self.assumed.get(key).cloned();
        planned.or_else(|| self.base.assumed(key))
    }

    fn assumptions(&self, prefix: &str) -> Vec<(String, Json)> {
        let mut all: BTreeMap<String, Json> = self.base.assumptions(prefix).into_iter().collect();
        all.extend(self.assumed.iter().filter_map(|(key, value)| {
            Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))
        }));
        all.into_iter().collect()
    }

    fn blob(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        self.base.blob(blob)
    }

    fn me(&self) -> &User {
        match &self.identity {
            Some(identity) => &identity.user,
            None => self.base.me(),
        }
    }

    fn env(&self, name: &str) -> Option<String> {
        let own = self.identity.as_ref().and_then(|i| i.env.get(name));
        own.cloned().or_else(|| self.base.env(name))
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let mut all = self.base.environment();
        if let Some(identity) = &self.identity {
            all.extend(identity.env.clone());
        }
        all
    }

    fn cwd(&self) -> PathBuf {
        self.base.cwd()
    }

    fn umask(&self) -> u32 {
        self.base.umask()
    }

    fn now(&self) -> f64 {
        self.base.now()
    }

    fn is_dry(&self) -> bool {
        true
    }

    fn is_check(&self) -> bool {
        self.check
    }
}

impl<B: View> Host for Overlay<B> {
    fn perform(&mut self, op: &Op) -> Result<Outcome> {
        let outcome = self.plan(op)?;
        if let Some(log) = &mut self.log {
            log.push(op.clone());
        }
        Ok(outcome)
    }

    fn view(&self) -> &dyn View {
        self
    }
}
