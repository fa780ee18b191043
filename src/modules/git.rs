//! `git`: a working copy at a version.

mod repository;

use super::{Kind, Module};
use crate::diag::Result;
use crate::sys::{Op, Outcome, View};
use crate::value::unknown_json;
use repository::Repository;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Clones repositories and keeps working copies at a branch, tag or commit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Where it comes from. Alias: name
    #[serde(alias = "name")]
    repo: String,
    /// Directory of the working copy.
    dest: String,
    /// Branch, tag, commit, or `HEAD` for the default branch.
    #[serde(default = "head")]
    version: String,
    /// Name of the remote.
    #[serde(default = "origin")]
    remote: String,
    /// Clone if there is no working copy.
    #[serde(default = "yes")]
    clone: bool,
    /// Fetch what is new.
    #[serde(default = "yes")]
    update: bool,
    /// Throw local changes away.
    #[serde(default)]
    force: bool,
    /// Clone only so many commits back.
    #[serde(default)]
    depth: Option<u32>,
    /// Without a working copy.
    #[serde(default)]
    bare: bool,
    /// Submodules too.
    #[serde(default = "yes")]
    recursive: bool,
    /// Only the branch asked for.
    #[serde(default)]
    single_branch: bool,
    /// Take submodules from their branches' ends.
    #[serde(default)]
    track_submodules: bool,
    /// Further refs to fetch.
    #[serde(default)]
    refspec: Option<String>,
    /// A local repository to borrow objects from.
    #[serde(default)]
    reference: Option<String>,
    /// Accept any host key.
    #[serde(default)]
    accept_hostkey: bool,
    /// Accept the keys of hosts that are new.
    #[serde(default)]
    accept_newhostkey: bool,
    /// Private key for SSH.
    #[serde(default)]
    key_file: Option<String>,
    /// Further options for SSH.
    #[serde(default)]
    ssh_opts: Option<String>,
    /// The git program.
    #[serde(default)]
    executable: Option<String>,
    /// File mode creation mask.
    #[serde(default)]
    umask: Option<crate::args::Mode>,
    /// Keep the repository itself here.
    #[serde(default)]
    separate_git_dir: Option<String>,
    /// Check the signature of the commit or tag.
    #[serde(default)]
    verify_commit: bool,
}

fn head() -> String {
    "HEAD".into()
}
fn origin() -> String {
    "origin".into()
}
fn yes() -> bool {
    true
}

/// The module.
pub struct Git;

impl Module for Git {
    const NAME: &'static str = "git";
    const FQCN: &'static str = "ansible.builtin.git";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Resource
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        Repository::of(args, view)?.plan()
    }

    fn plan_more(_: &Args, _: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        Ok(Vec::new())
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let repository = Repository::of(args, view)?;
        Ok(json!({
            "before": repository.head()?,
            "remote_url_changed": planned.first().is_some_and(repository::sets_url),
        }))
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if done.contains(&Outcome::Unknown) {
            return Ok(json!({"after": unknown_json(&format!("commit of {}", args.dest))}));
        }
        Ok(json!({"after": Repository::of(args, view)?.head()?}))
    }
}
