//! `ping`: answers, so that one knows the agent works.

use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Checks that the host can be reached and that the agent runs there.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// What to answer; `crash` fails.
    #[serde(default = "pong")]
    data: String,
}

fn pong() -> String {
    "pong".into()
}

/// The module.
pub struct Ping;

impl Module for Ping {
    const NAME: &'static str = "ping";
    const FQCN: &'static str = "ansible.builtin.ping";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, _: &dyn View) -> Result<Vec<Op>> {
        if args.data == "crash" {
            // It reads as the exception that the original raises.
            return Err(Diag::error("crash", "Task failed: Module failed: boom"));
        }
        Ok(Vec::new())
    }

    fn result(args: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({ "ping": args.data }))
    }
}
