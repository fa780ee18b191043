//! A working copy and the repository it comes from.

use super::Args;
use crate::diag::{Diag, Result};
use crate::modules::common::command;
use crate::sys::{Command, Effect, Known, Op, View};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// What the version is, seen from the remote.
enum Target {
    /// The end of a branch.
    Branch(String, String),
    /// A tag or a commit.
    Fixed(Option<String>),
}

/// A working copy, as asked for and as it is.
pub struct Repository<'a> {
    args: &'a Args,
    view: &'a dyn View,
    dest: PathBuf,
}

/// True for the operation that gives the remote another address.
pub fn sets_url(op: &Op) -> bool {
    matches!(op, Op::Run { command, .. } if command.argv.iter().any(|word| word == "set-url"))
}

fn is_commit(version: &str) -> bool {
    version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit())
}

impl<'a> Repository<'a> {
    /// The working copy that the options speak of.
    pub fn of(args: &'a Args, view: &'a dyn View) -> Result<Repository<'a>> {
        let dest = crate::sys::path::expand(&args.dest, view)?;
        Ok(Repository { args, view, dest })
    }

    fn key(&self) -> String {
        format!("git:{}", self.dest.display())
    }

    fn git(&self, words: &[&str]) -> Command {
        let program = self.args.executable.as_deref().unwrap_or("git");
        let mut argv = vec![program];
        argv.extend(words);
        let mut command = command::c_locale(argv).env("GIT_TERMINAL_PROMPT", "0");
        let mut ssh = String::from("ssh -o BatchMode=yes");
        if self.args.accept_hostkey {
            ssh.push_str(" -o StrictHostKeyChecking=no");
        } else if self.args.accept_newhostkey {
            ssh.push_str(" -o StrictHostKeyChecking=accept-new");
        }
        if let Some(key) = &self.args.key_file {
            ssh.push_str(&format!(
                " -i {} -o IdentitiesOnly=yes",
                shell_words::quote(key)
            ));
        }
        if let Some(options) = &self.args.ssh_opts {
            ssh.push_str(&format!(" {options}"));
        }
        if self.view.env("GIT_SSH_COMMAND").is_none() {
            command = command.env("GIT_SSH_COMMAND", ssh);
        }
        if let Some(umask) = &self.args.umask {
            command.umask = Some(umask.apply(0, false, 0));
        }
        command
    }

    fn inside(&self, words: &[&str]) -> Command {
        self.git(words).cwd(&self.dest)
    }

    /// The answer of a command inside, without white space; `None` where it fails.
    fn ask(&self, words: &[&str]) -> Result<Option<String>> {
        let answer = self.view.query(&self.inside(words))?.known();
        Ok(answer
            .filter(|o| o.ok())
            .map(|o| o.text().trim().to_owned()))
    }

    fn exists(&self) -> Result<bool> {
        let probe = if self.args.bare { "HEAD" } else { ".git" };
        Ok(self
            .view
            .lstat(&self.dest.join(probe))?
            .presume(None)
            .is_some())
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<Json> {
        if self.view.assumed(&self.key()).is_some() || !self.exists()? {
            return Ok(Json::Null);
        }
        Ok(json!(self.ask(&["rev-parse", "HEAD"])?))
    }

    /// Decides what to do.
    pub fn plan(&self) -> Result<Vec<Op>> {
        if let Known::Known(None) = self
            .view
            .which(self.args.executable.as_deref().unwrap_or("git"))?
        {
            return Err(Diag::error(
                "no-such-program",
                "Failed to find required executable \"git\": install the package git first",
            ));
        }
        // An earlier planned step has put it there; what it holds is taken to be right.
        if self.view.assumed(&self.key()) == Some(json!(self.args.version)) {
            return Ok(Vec::new());
        }
        if !self.exists()? {
            return Ok(if self.args.clone {
                self.clone_ops()
            } else {
                Vec::new()
            });
        }
        self.update()
    }

    fn effects(&self) -> Vec<Effect> {
        vec![
            Effect::Dir(self.dest.clone()),
            Effect::Dir(self.dest.join(".git")),
            Effect::MayFill(self.dest.clone()),
            Effect::Assume(self.key(), json!(self.args.version)),
        ]
    }

    fn clone_ops(&self) -> Vec<Op> {
        let args = self.args;
        let dest = self.dest.display().to_string();
        let depth = args.depth.map(|n| n.to_string());
        let mut words = vec!["clone"];
        if args.bare {
            words.push("--bare");
        } else {
            words.extend(["--origin", &args.remote]);
        }
        let named = args.version != "HEAD" && !is_commit(&args.version);
        if let Some(depth) = depth.as_deref().filter(|_| !is_commit(&args.version)) {
            words.extend(["--depth", depth]);
        }
        if args.single_branch {
            words.push("--single-branch");
        }
        if named && args.refspec.is_none() {
            words.extend(["--branch", &args.version]);
        }
        if let Some(reference) = &args.reference {
            words.extend(["--reference", reference]);
        }
        if let Some(dir) = &args.separate_git_dir {
            words.extend(["--separate-git-dir", dir]);
        }
        words.extend([args.repo.as_str(), &dest]);
        let mut ops = vec![command::run(self.git(&words), self.effects())];
        if let Some(refspec) = &args.refspec {
            ops.push(self.op(&["fetch", &args.remote, refspec]));
        }
        if !args.bare && (is_commit(&args.version) || args.refspec.is_some()) {
            ops.push(self.op(&["checkout", "--force", &args.version]));
        }
        ops.extend(self.verify());
        ops.extend(self.submodules());
        ops
    }

    fn op(&self, words: &[&str]) -> Op {
        command::run(self.inside(words), self.effects())
    }

    fn verify(&self) -> Option<Op> {
        let verifies = self.args.verify_commit && !self.args.bare;
        verifies.then(|| self.op(&["verify-commit", "HEAD"]))
    }

    fn submodules(&self) -> Option<Op> {
        if !self.args.recursive || self.args.bare {
            return None;
        }
        let mut words = vec!["submodule", "update", "--init", "--recursive"];
        if self.args.track_submodules {
            words.push("--remote");
        }
        Some(self.op(&words))
    }

    fn update(&self) -> Result<Vec<Op>> {
        let args = self.args;
        let mut ops = Vec::new();
        let setting = format!("remote.{}.url", args.remote);
        let url = self.ask(&["config", "--get", &setting])?;
        if url.as_deref().is_some_and(|url| url != args.repo) {
            ops.push(self.op(&["remote", "set-url", &args.remote, &args.repo]));
        }
        if !args.update {
            return Ok(ops);
        }
        let head = self.ask(&["rev-parse", "HEAD"])?;
        let target = self.target()?;
        let wanted = match &target {
            Target::Branch(_, commit) => Some(commit.clone()),
            Target::Fixed(commit) => commit.clone(),
        };
        let dirty = !args.bare && self.is_dirty()?;
        if dirty && !args.force {
            return Err(Diag::error(
                "local-changes",
                format!(
                    "Local modifications exist in the destination: {} (force=no).",
                    args.dest
                ),
            )
            .about("force")
            .with("before", json!(head)));
        }
        if wanted.is_some() && wanted == head && !dirty {
            return Ok(ops);
        }
        self.fetch(&mut ops);
        if args.bare {
            return Ok(ops);
        }
        match target {
            Target::Branch(name, _) => {
                let remote = format!("{}/{name}", args.remote);
                ops.push(self.op(&["checkout", "--force", "-B", &name, &remote]));
            }
            Target::Fixed(_) => ops.push(self.op(&["checkout", "--force", &args.version])),
        }
        if dirty {
            ops.push(self.op(&["reset", "--hard", "HEAD"]));
        }
        ops.extend(self.verify());
        if self
            .view
            .lstat(&self.dest.join(".gitmodules"))?
            .presume(None)
            .is_some()
        {
            ops.extend(self.submodules());
        }
        Ok(ops)
    }

    fn fetch(&self, ops: &mut Vec<Op>) {
        let depth = self.args.depth.map(|n| n.to_string());
        let mut words = vec!["fetch", "--force", "--tags"];
        if let Some(depth) = &depth {
            words.extend(["--depth", depth]);
        }
        words.push(&self.args.remote);
        if self.args.bare {
            words.push("+refs/heads/*:refs/heads/*");
        } else if is_commit(&self.args.version) && depth.is_some() {
            words.push(&self.args.version);
        } else {
            ops.push(self.op(&words));
            match &self.args.refspec {
                Some(refspec) => words.push(refspec),
                None => return,
            }
        }
        ops.push(self.op(&words));
    }

    fn is_dirty(&self) -> Result<bool> {
        let status = self.ask(&["status", "--porcelain", "--untracked-files=no"])?;
        Ok(status.is_some_and(|s| !s.is_empty()))
    }

    /// Asks the remote what the version is; a commit's number needs no asking.
    fn target(&self) -> Result<Target> {
        let version = self.args.version.as_str();
        if is_commit(version) {
            return Ok(Target::Fixed(Some(version.to_owned())));
        }
        let query = self.inside(&["ls-remote", "--symref", &self.args.repo]);
        let Known::Known(output) = self.view.query(&query)? else {
            return Ok(Target::Fixed(None));
        };
        if !output.ok() {
            let said = output.err_text();
            return Err(Diag::error(
                "git-remote",
                format!(
                    "Failed to connect to repository {}: {}",
                    self.args.repo,
                    said.trim()
                ),
            )
            .with("rc", output.rc)
            .with("stderr", said));
        }
        let text = output.text();
        let find = |name: &str| {
            text.lines().find_map(|line| {
                let (commit, what) = line.split_once('\t')?;
                (what == name && !commit.starts_with("ref:")).then(|| commit.to_owned())
            })
        };
        if version == "HEAD" {
            let default = text.lines().find_map(|line| {
                let name = line.strip_prefix("ref: refs/heads/")?;
                name.strip_suffix("\tHEAD").map(str::to_owned)
            });
            return Ok(match (default, find("HEAD")) {
                (Some(name), Some(commit)) => Target::Branch(name, commit),
                (_, commit) => Target::Fixed(commit),
            });
        }
        if let Some(commit) = find(&format!("refs/heads/{version}")) {
            return Ok(Target::Branch(version.to_owned(), commit));
        }
        let tag = format!("refs/tags/{version}");
        Ok(Target::Fixed(
            find(&format!("{tag}^{{}}")).or_else(|| find(&tag)),
        ))
    }
}
