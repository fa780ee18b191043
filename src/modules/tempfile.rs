//! `tempfile`: a new file or directory with a name that nobody knows.

use super::common::place::{Place, is_missing};
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Algorithm, Content, Known, Op, Owner, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Makes a temporary file or directory.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// What to make.
    #[serde(default)]
    state: State,
    /// In which directory; that for temporary files where absent.
    path: Option<String>,
    /// Start of the name.
    #[serde(default = "prefix")]
    prefix: String,
    /// End of the name.
    #[serde(default)]
    suffix: String,
}

fn prefix() -> String {
    "ansible.".into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    #[default]
    File,
    Directory,
}

/// The module.
pub struct Tempfile;

impl Module for Tempfile {
    const NAME: &'static str = "tempfile";
    const FQCN: &'static str = "ansible.builtin.tempfile";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let dir = match &args.path {
            Some(path) => Place::of(path, view)?.at,
            None => view
                .env("TMPDIR")
                .map_or_else(|| "/tmp".into(), PathBuf::from),
        };
        let path = args.free_name(&dir, view)?;
        if is_missing(&dir, view)? {
            let message = format!("[Errno 2] No such file or directory: '{}'", path.display());
            return Err(Diag::error("no-such-directory", message).about("path"));
        }
        Ok(vec![match args.state {
            State::Directory => Op::Mkdir {
                path,
                mode: Some(0o700),
            },
            State::File => Op::Write {
                path,
                content: Content::Bytes(Vec::new().into()),
                mode: Some(0o600),
                owner: Owner::default(),
                backup: None,
                validate: None,
                secret: false,
            },
        }])
    }

    /// The name is in the plan only: it is another each time one asks.
    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let me = view.me();
        let group = me
            .gid
            .map(|gid| view.group_by_id(gid))
            .transpose()?
            .flatten();
        let path = planned.iter().find_map(|op| match op {
            Op::Mkdir { path, .. } | Op::Write { path, .. } => Some(path),
            _ => None,
        });
        let (state, mode, size) = match args.state {
            State::File => ("file", "0600", 0),
            State::Directory => ("directory", "0700", 4096),
        };
        Ok(json!({
            "path": path,
            "state": state,
            "mode": mode,
            "size": size,
            "uid": me.uid,
            "gid": me.gid,
            "owner": me.name,
            "group": group.map(|g| g.name),
        }))
    }
}

impl Args {
    /// A name that is not taken: eight letters from clock and process, so that a plan made twice
    /// at the same moment is the same.
    fn free_name(&self, dir: &std::path::Path, view: &dyn View) -> Result<PathBuf> {
        for (option, part) in [("prefix", &self.prefix), ("suffix", &self.suffix)] {
            if part.contains('/') {
                let message = format!("{option} must be a valid file name component");
                return Err(Diag::error("bad-name", message).about(option));
            }
        }
        for attempt in 0_u32.. {
            let seed = format!("{:?} {} {attempt}", view.now(), std::process::id());
            let sum = Algorithm::Sha1.of(seed.as_bytes());
            let path = dir.join(format!("{}{}{}", self.prefix, &sum[..8], self.suffix));
            if !matches!(view.lstat(&path)?, Known::Known(Some(_))) {
                return Ok(path);
            }
        }
        Err(Diag::error("no-free-name", "no free name was found"))
    }
}
