//! `async_status`: asks after a task in the background.

use super::Module;
use super::common::place::Place;
use crate::diag::Result;
use crate::sys::{Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Asks how a task started with `async` and `poll: 0` is doing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The `ansible_job_id` that the task returned.
    pub jid: String,
    /// Whether to ask or to remove the job's file.
    #[serde(default = "status")]
    pub mode: Mode,
    /// Directory of the jobs' files; set from `ansible_async_dir`.
    #[serde(rename = "_async_dir", default = "dir")]
    pub dir: String,
}

/// What to do about the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Asks.
    Status,
    /// Removes its file.
    Cleanup,
}

fn status() -> Mode {
    Mode::Status
}

fn dir() -> String {
    "~/.ansible_async".to_owned()
}

/// The module.
pub struct AsyncStatus;

impl Module for AsyncStatus {
    const NAME: &'static str = "async_status";
    const FQCN: &'static str = "ansible.builtin.async_status";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let path = args.file(view)?.at;
        let there = view.lstat(&path)?.presume(None).is_some();
        Ok(match args.mode {
            Mode::Cleanup if there => vec![Op::Remove { path }],
            _ => Vec::new(),
        })
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let file = args.file(view)?;
        let mut result = json!({
            "ansible_job_id": args.jid,
            "changed": false,
            "started": true,
            "finished": false,
            "stdout": "",
            "stderr": "",
        });
        let key = match args.mode {
            Mode::Cleanup => "erased",
            Mode::Status => "results_file",
        };
        result[key] = json!(file.shown);
        if args.mode == Mode::Cleanup && !done.is_empty() {
            result["started"] = json!(false);
            return Ok(result);
        }
        let read = match view.read(&file.at)? {
            Known::Known(read) => read,
            Known::Unknown => None,
        };
        let Some(text) = read else {
            result["finished"] = json!(true);
            result["failed"] = json!(true);
            result["msg"] = json!("could not find job");
            return Ok(result);
        };
        // Jobs of ansible-core begin with an empty file and have numbers for booleans.
        let found: Map<String, Json> = serde_json::from_slice(&text).unwrap_or_default();
        let ended = found.get("started").is_none() && !found.is_empty();
        for (key, value) in found {
            result[key.as_str()] = match (key.as_str(), value) {
                ("started" | "finished", Json::Number(n)) => json!(n.as_i64() != Some(0)),
                (_, value) => value,
            };
        }
        if ended {
            result["finished"] = json!(true);
        }
        Ok(result)
    }
}

impl Args {
    fn file(&self, view: &dyn View) -> Result<Place> {
        Place::of(&format!("{}/{}", self.dir, self.jid), view)
    }
}
