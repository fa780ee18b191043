//! What happens during a run, as one enum. Every output is a consumer of it.

use crate::diag::Diag;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// One thing that happened. Events arrive in the order that ansible-playbook's `linear` strategy
/// would show them, whatever order the hosts really worked in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Number of plays.
        #[serde(default)]
        plays: usize,
        /// The playbook's path as given.
        playbook: String,
        /// True for `plan` and `--check`.
        check: bool,
    },
    /// A play begins.
    PlayStarted {
        /// Rendered name, else the host pattern.
        name: String,
        /// Hosts of the play (of this batch, with `serial`).
        hosts: Vec<String>,
    },
    /// A play matched no hosts.
    NoHosts,
    /// A task or handler begins on its first host.
    TaskStarted(TaskInfo),
    /// A file was included for hosts (`include_tasks`), after the include task's result.
    Included {
        /// Path shown.
        file: String,
        /// For which hosts.
        hosts: Vec<String>,
        /// `(item=...)`, for an include in a loop.
        item: Option<String>,
    },
    /// One item of a loop ended on a host.
    ItemEnded(Outcome),
    /// A task ended on a host.
    TaskEnded(Outcome),
    /// A task will be tried again (`until`).
    Retry {
        /// Host.
        host: String,
        /// Task name.
        task: String,
        /// Attempts left.
        left: u32,
        /// The result of the failed attempt.
        result: Json,
    },
    /// A task in the background was asked after (`async` with `poll`).
    Background {
        /// Host.
        host: String,
        /// Its job id.
        jid: String,
        /// Whether it has failed; `None` while it runs.
        failed: Option<bool>,
    },
    /// A line that a running command has written; for live displays only, never stored.
    Live {
        /// Host.
        host: String,
        /// The line.
        line: String,
    },
    /// What a `meta` task did, for those who want to know (`-vv`).
    Meta {
        /// One line.
        text: String,
    },
    /// How a host is reached, for those who want to know (`-v`).
    Connection {
        /// One line.
        text: String,
    },
    /// What the connections cost, asked for by `--stats`.
    Stats {
        /// By host, sorted by name.
        hosts: BTreeMap<String, Cost>,
    },
    /// The play ends early because every host has failed.
    NoHostsLeft,
    /// A warning or error about the run itself.
    Message(Box<Diag>),
    /// The run ended.
    RunEnded {
        /// Figures of hosts, and of the run (`None`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stats: Vec<(Option<String>, Json)>,
        /// Counts by host, sorted by name.
        recap: BTreeMap<String, Counts>,
        /// Totals of the plan.
        plan: PlanCounts,
        /// Exit code of the process.
        exit: u8,
    },
}

impl Event {
    /// As programs read it: its fields and, as `event`, its kind.
    pub fn to_json(&self) -> Json {
        let (kind, fields) = match serde_json::to_value(self) {
            Ok(Json::String(kind)) => (kind, None),
            Ok(Json::Object(one)) => match one.into_iter().next() {
                Some((kind, Json::Object(fields))) => (kind, Some(fields)),
                _ => return Json::Null,
            },
            _ => return Json::Null,
        };
        let kind = ("event".to_owned(), Json::String(kind));
        [kind]
            .into_iter()
            .chain(fields.unwrap_or_default())
            .collect()
    }
}

/// A task as shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TaskInfo {
    /// Rendered name, or the module's name where it has none.
    pub name: String,
    /// The role it belongs to; shown as `role : name`.
    pub role: Option<String>,
    /// Short module name.
    pub module: String,
    /// True for handlers.
    pub handler: bool,
    /// `file:line` of the task, shown with -vv.
    pub path: String,
    /// Whether arguments may be shown.
    pub no_log: bool,
}

/// How a task, or one item of its loop, ended on a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Host.
    pub host: String,
    /// The task.
    pub task: TaskInfo,
    /// What it came to.
    pub status: Status,
    /// The result as `register` sees it; censored already where `no_log` is set.
    pub result: Json,
    /// The loop item's label, where this is about an item.
    pub item: Option<String>,
    /// A failure that does not count (`ignore_errors`).
    pub ignored: bool,
    /// `host -> other` where delegated.
    pub delegated_to: Option<String>,
    /// Show the difference (`--diff` and the task's `diff`).
    pub show_diff: bool,
    /// Why it failed, with places.
    pub diag: Option<Box<Diag>>,
    /// It was done in an earlier attempt at the run, and not now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub earlier: bool,
    /// In a dry run: what cannot be told before apply.
    pub certainty: Certainty,
    /// Seconds it took.
    pub duration: f64,
}

/// What a task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing had to be done.
    Ok,
    /// Something was (or would be) done.
    Changed,
    /// Its condition did not hold.
    Skipped,
    /// It failed.
    Failed,
    /// The host could not be reached.
    Unreachable,
}

/// How sure a dry run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The status is what apply will do.
    #[default]
    Sure,
    /// An opaque command would run.
    Opaque,
    /// Arguments or condition depend on what only apply will tell.
    Unknown,
}

/// Ansible's recap of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tasks that ended well, the changed ones among them.
    pub ok: u32,
    /// Changed tasks.
    pub changed: u32,
    /// Connection failures.
    pub unreachable: u32,
    /// Failed tasks.
    pub failed: u32,
    /// Skipped tasks.
    pub skipped: u32,
    /// Failures that a `rescue` took care of.
    pub rescued: u32,
    /// Failures that `ignore_errors` passed over.
    pub ignored: u32,
}

/// What the connections to one host cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Connections that were made.
    pub connections: u32,
    /// How often the control side waited for an answer of the agent.
    pub round_trips: u64,
    /// Bytes to the host, before encryption.
    pub sent: u64,
    /// Bytes from the host.
    pub received: u64,
    /// Bytes of the agent, a part of `sent`; 0 where it was there.
    pub agent: u64,
    /// Seconds until the agent answered.
    pub connect: f64,
}

/// Totals of a dry run over all hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// Steps that would change something.
    pub change: u32,
    /// Steps that find everything as it should be.
    pub ok: u32,
    /// Steps that only apply can tell.
    pub unknown: u32,
    /// Opaque commands that would run.
    pub opaque: u32,
    /// Steps that fail already in the dry run.
    pub failed: u32,
    /// Skipped steps.
    pub skipped: u32,
}

/// A consumer of events.
pub trait Output: Send {
    /// Takes note of an event.
    fn event(&mut self, event: &Event);
}
