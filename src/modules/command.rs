//! `command`: a program with arguments, without a shell.

use super::common::command_line::{Job, RunOptions};
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Op, Outcome, View, words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Runs a program without a shell: no redirections, no pipes, no patterns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The command line. Alias: _raw_params
    #[serde(alias = "_raw_params")]
    cmd: Option<String>,
    /// The command as words.
    argv: Option<Vec<String>>,
    /// Expand `~`, `$NAME` and `${NAME}` in the words.
    #[serde(default = "yes")]
    expand_argument_vars: bool,
}

fn yes() -> bool {
    true
}

type Args = With<Own, RunOptions>;

fn job<'a>(args: &'a Args, view: &dyn View) -> Result<Job<'a>> {
    let line = args.cmd.as_ref().filter(|line| !line.is_empty());
    let argv = match (line, &args.argv) {
        (Some(_), Some(_)) => {
            return Err(Diag::error(
                "too-many-options",
                "parameters are mutually exclusive: _raw_params|cmd|argv",
            ));
        }
        (Some(line), None) => {
            words::split(line).map_err(|why| Diag::error("bad-command", why).about("cmd"))?
        }
        (None, Some(argv)) => argv.clone(),
        (None, None) => Vec::new(),
    };
    if argv.is_empty() {
        return Err(Diag::error(
            "missing-option",
            "one of the following is required: _raw_params, cmd, argv",
        )
        .with("rc", 256));
    }
    let mut job = Job {
        shown: json!(argv),
        argv,
        options: &args.shared,
    };
    if args.expand_argument_vars {
        job.expand(view)?;
    }
    Ok(job)
}

/// The module.
pub struct Command;

impl Module for Command {
    const NAME: &'static str = "command";
    const FQCN: &'static str = "ansible.builtin.command";
    const FREE_FORM: Option<&'static str> = Some("cmd");
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        job(args, view)?.plan(view)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let mut result = job(args, view)?.result(view, done)?;
        if let Some(executable) = &args.shared.executable {
            result["warnings"] = json!([format!(
                "As of Ansible 2.4, the parameter 'executable' is no longer supported with the \
                 'command' module. Not using '{executable}'."
            )]);
        }
        Ok(result)
    }
}
