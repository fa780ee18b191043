//! `modprobe`: modules of the kernel.

use super::Module;
use super::common::dirs;
use super::common::file_attrs::FileAttrs;
use super::common::write::Rewrite;
use crate::diag::Result;
use crate::sys::path::parent;
use crate::sys::{Command, Content, Declared, Effect, Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Loads or unloads a module of the kernel.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The module.
    name: String,
    /// Whether it shall be loaded.
    #[serde(default)]
    state: State,
    /// Its parameters.
    #[serde(default)]
    params: String,
    /// Load it when the host starts.
    #[serde(default)]
    persistent: Persistent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    Absent,
    #[default]
    Present,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Persistent {
    Absent,
    #[default]
    Disabled,
    Present,
}

/// The module.
pub struct Modprobe;

impl Module for Modprobe {
    const NAME: &'static str = "modprobe";
    const FQCN: &'static str = "community.general.modprobe";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        let wanted = args.state == State::Present;
        if args.is_loaded(view)? != wanted {
            let mut words = vec!["modprobe"];
            if !wanted {
                words.push("-r");
            }
            words.push(&args.name);
            if wanted {
                words.extend(args.params.split_whitespace());
            }
            ops.push(Op::Run {
                command: Command::new(words),
                effect: Declared::Effects(vec![Effect::Assume(args.key(), json!(wanted))]),
                must_succeed: true,
            });
        }
        let load = PathBuf::from(format!("/etc/modules-load.d/{}.conf", args.name));
        let options = PathBuf::from(format!("/etc/modprobe.d/{}.conf", args.name));
        let params: String = args
            .params
            .split_whitespace()
            .map(|param| format!("options {} {param}\n", args.name))
            .collect();
        match args.persistent {
            Persistent::Disabled => {}
            Persistent::Present => {
                ops.extend(keep(&load, &format!("{}\n", args.name), view)?);
                if !params.is_empty() {
                    ops.extend(keep(&options, &params, view)?);
                }
            }
            Persistent::Absent => {
                for path in [load, options] {
                    if matches!(view.lstat(&path)?, Known::Known(Some(_))) {
                        ops.push(Op::Remove { path });
                    }
                }
            }
        }
        Ok(ops)
    }

    fn result(args: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({"name": args.name, "params": args.params, "state": args.state}))
    }
}

impl Args {
    fn key(&self) -> String {
        format!("kernel-module:{}", self.name)
    }

    /// Is it loaded, built into the kernel, or planned to be loaded?
    fn is_loaded(&self, view: &dyn View) -> Result<bool> {
        if let Some(planned) = view.assumed(&self.key()) {
            return Ok(planned == json!(true));
        }
        // The kernel writes all names with underscores.
        let name = self.name.replace('-', "_");
        let text = |path: &str| -> Result<String> {
            let bytes = view
                .read(Path::new(path))?
                .known()
                .flatten()
                .unwrap_or_default();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        if text("/proc/modules")?
            .lines()
            .any(|line| line.split(' ').next() == Some(&name))
        {
            return Ok(true);
        }
        let release = text("/proc/sys/kernel/osrelease")?;
        let built_in = text(&format!("/lib/modules/{}/modules.builtin", release.trim()))?;
        let file = format!("{name}.ko");
        Ok(built_in.lines().any(|line| {
            line.rsplit('/')
                .next()
                .is_some_and(|last| last.replace('-', "_") == file)
        }))
    }
}

fn keep(path: &Path, text: &str, view: &dyn View) -> Result<Vec<Op>> {
    let old = view.read(path)?.known().flatten();
    if old.as_deref() == Some(text.as_bytes()) {
        return Ok(Vec::new());
    }
    let attrs = FileAttrs::default();
    let mut ops = dirs::make(parent(path), &attrs, view)?;
    let rewrite = Rewrite {
        path,
        attrs: &attrs,
        backup: false,
        validate: None,
    };
    ops.push(rewrite.op(Content::Bytes(text.as_bytes().into()), view)?);
    Ok(ops)
}
