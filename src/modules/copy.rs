//! `copy`: files and directories of the control side or of the host, and given content.

mod local;
mod remote;
mod tree;

use super::common::file_attrs::{FileAttrs, failure};
use super::common::incoming::{Incoming, Sent};
use super::common::place::{Place, is_dir};
use super::{Control, Module};
use crate::args::{Mode, Raw, With};
use crate::diag::{Diag, Result};
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Copies files and directories to the host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// File or directory to copy; a trailing slash means what is in a directory.
    src: Option<String>,
    /// Content in place of a file; dicts and lists become JSON.
    content: Option<Raw>,
    /// Where to. A trailing slash, or an existing directory, means inside of it.
    dest: String,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Replace a file that differs. Alias: thirsty
    #[serde(default = "yes", alias = "thirsty")]
    force: bool,
    /// Command that must accept the new file (`%s`) before it takes its place.
    validate: Option<String>,
    /// Mode of directories that are made.
    directory_mode: Option<Mode>,
    /// `src` is on the host.
    #[serde(default)]
    remote_src: bool,
    /// Write to what a link at `dest` points to.
    #[serde(default)]
    follow: bool,
    /// Copy what links in `src` point to, not the links.
    #[serde(default = "yes")]
    local_follow: bool,
    /// SHA-1 that the file must have.
    checksum: Option<String>,
    /// Decrypt vaulted files.
    #[serde(default = "yes")]
    decrypt: bool,
    /// Name of the file inside, where `dest` is a directory.
    #[serde(rename = "_original_basename")]
    original_basename: Option<String>,
    /// What the control side has read.
    #[serde(rename = "$local", default)]
    #[schemars(skip)]
    local: Option<Local>,
}

fn yes() -> bool {
    true
}

/// The source as the control side read it.
#[derive(Debug, Serialize, Deserialize)]
enum Local {
    File(Sent),
    Tree(tree::Tree),
}

type Args = With<Own, FileAttrs>;

impl Own {
    fn incoming<'a>(&'a self, sent: &'a Sent, attrs: &'a FileAttrs) -> Incoming<'a> {
        Incoming {
            sent,
            dest: &self.dest,
            attrs,
            directory_mode: self.directory_mode.as_ref(),
            force: self.force,
            follow: self.follow,
            backup: self.backup,
            validate: self.validate.as_deref(),
        }
    }

    fn check_sum(&self, actual: Option<&str>) -> Result<()> {
        match (&self.checksum, actual) {
            (Some(wanted), Some(actual)) if !wanted.eq_ignore_ascii_case(actual) => {
                Err(Diag::error(
                    "wrong-checksum",
                    "Copied file does not match the expected checksum. Transfer failed.",
                )
                .with("checksum", actual)
                .with("expected_checksum", wanted.clone())
                .about("checksum"))
            }
            _ => Ok(()),
        }
    }
}

/// The module.
pub struct Copy;

impl Module for Copy {
    const NAME: &'static str = "copy";
    const FQCN: &'static str = "ansible.builtin.copy";
    type Args = Args;

    fn prepare(mut args: Args, control: &dyn Control) -> Result<Args> {
        let no_source = args.src.as_deref().is_none_or(str::is_empty);
        if no_source && args.content.is_none() {
            let diag = Diag::error("missing-option", "src (or content) is required");
            return Err(diag.at(control.span("src"), ""));
        }
        args.own.local = local::read(&args.own, control)?;
        args.own.content = None;
        Ok(args)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        match &args.local {
            None => remote::plan(args, view),
            Some(Local::Tree(tree)) => tree.plan(args, view),
            Some(Local::File(sent)) => {
                if args.src.is_none() && is_dir(&Place::of(&args.dest, view)?.at, view)? {
                    return Err(failure(
                        "bad-file",
                        &Place::of(&args.dest, view)?,
                        "can not use content with a dir as dest",
                        view,
                    ));
                }
                let ops = args.incoming(sent, &args.shared).plan(view)?;
                if ops.iter().any(|op| matches!(op, Op::Write { .. })) {
                    args.check_sum(sent.blob.as_ref().and_then(|b| b.sha1.as_deref()))?;
                }
                Ok(ops)
            }
        }
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        match &args.local {
            Some(Local::File(sent)) => args.incoming(sent, &args.shared).explain(planned, view),
            Some(Local::Tree(_)) => Ok(json!({})),
            None => remote::explain(args, planned, view),
        }
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        match &args.local {
            None => remote::result(args, view),
            Some(Local::File(sent)) => args.incoming(sent, &args.shared).result(view, done),
            Some(Local::Tree(_)) => {
                let dest = Place::of(&args.dest, view)?.shown;
                Ok(json!({
                    "dest": format!("{}/", dest.trim_end_matches('/')),
                    "src": args.src,
                }))
            }
        }
    }
}
