//! `raw`: a command line for the host's shell, with nothing around it.

use super::common::ran;
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Declared, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Runs a command line in the host's shell. Like `shell`, but the output is left as it is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The command line. Aliases: _raw_params, free_form
    #[serde(alias = "_raw_params", alias = "free_form")]
    cmd: Option<String>,
    /// Shell to use in place of `/bin/sh`.
    executable: Option<String>,
}

/// The module.
pub struct RawCommand;

impl Module for RawCommand {
    const NAME: &'static str = "raw";
    const FQCN: &'static str = "ansible.builtin.raw";
    const FREE_FORM: Option<&'static str> = Some("cmd");
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, _: &dyn View) -> Result<Vec<Op>> {
        let Some(line) = args.cmd.as_ref().filter(|line| !line.is_empty()) else {
            return Err(Diag::error("missing-option", "there is no command to run"));
        };
        let shell = args.executable.as_deref().unwrap_or("/bin/sh");
        Ok(vec![Op::Run {
            command: Command::new([shell, "-c", line]),
            effect: Declared::Opaque,
            must_succeed: false,
        }])
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if view.is_check() {
            return Ok(json!({"changed": false, "skipped": true}));
        }
        let mut keys: Map<String, Json> = match ran::output(done) {
            Some(output) => ran::keys(output, false),
            None => ran::unknown(args.cmd.as_deref().unwrap_or_default()),
        };
        keys.insert("changed".into(), json!(true));
        Ok(Json::Object(keys))
    }
}
