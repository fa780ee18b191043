//! `shell`: a command line for a shell.

use super::common::command_line::{Job, RunOptions};
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Runs a command line in a shell (`/bin/sh`, or `executable`).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The command line. Alias: _raw_params
    #[serde(alias = "_raw_params")]
    cmd: Option<String>,
}

type Args = With<Own, RunOptions>;

fn job(args: &Args) -> Result<Job<'_>> {
    let Some(line) = args.cmd.as_ref().filter(|line| !line.is_empty()) else {
        return Err(Diag::error(
            "missing-option",
            "one of the following is required: _raw_params, cmd, argv",
        )
        .with("rc", 256));
    };
    let shell = args.shared.executable.as_deref().unwrap_or("/bin/sh");
    Ok(Job {
        argv: vec![shell.to_owned(), "-c".to_owned(), line.clone()],
        shown: json!(line),
        options: &args.shared,
    })
}

/// The module.
pub struct Shell;

impl Module for Shell {
    const NAME: &'static str = "shell";
    const FQCN: &'static str = "ansible.builtin.shell";
    const FREE_FORM: Option<&'static str> = Some("cmd");
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        job(args)?.plan(view)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        job(args)?.result(view, done)
    }
}
