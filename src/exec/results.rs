//! From what a step answered to what a task came to: `failed_when`, `changed_when`, `register`,
//! `no_log`, and the result of a loop.

use super::collect::Position;
use super::delegation::Delegate;
use super::scope::over_one;
use crate::diag::{Diag, Result};
use crate::jinja::{Context, Engine};
use crate::modules::{self, Side};
use crate::output::{Certainty, Outcome, Status, TaskInfo};
use crate::play::ast::Task;
use crate::sys::Known;
use crate::value::{Kind, Map, Value, from_json};
use crate::vars::SharedScope;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// A task as it was when it was begun on a host: all that is needed to judge its results.
#[derive(Clone)]
pub struct Unit {
    /// Its number among the tasks that were begun on the host.
    pub number: u64,
    /// The task.
    pub task: Arc<Task>,
    /// As shown.
    pub info: TaskInfo,
    /// Where in the play.
    pub at: Position,
    /// The host.
    pub host: String,
    /// Its variables.
    pub scope: SharedScope,
    /// Where files and lookups start from.
    pub context: Context,
    /// Rendered `register`.
    pub register: Option<String>,
    /// `notify` of the task, and of includes around it.
    pub notify: Vec<Value>,
    /// Rendered `ignore_errors`.
    pub ignore_errors: bool,
    /// Rendered `ignore_unreachable`.
    pub ignore_unreachable: bool,
    /// `diff`.
    pub show_diff: bool,
    /// `-> other host`.
    pub delegated_to: Option<Delegate>,
    /// True in a dry run.
    pub dry: bool,
    /// Whether its result may have facts.
    pub brings_facts: bool,
    /// The connection plugin's view of opaque commands: Ansible skips them in check mode.
    pub skips_opaque: bool,
}

/// A judged result.
#[derive(Clone)]
pub struct Judged {
    /// What `register` sees.
    pub value: Value,
    /// What it came to.
    pub status: Status,
    /// How sure a dry run is of it.
    pub certainty: Certainty,
    /// Why it failed.
    pub diag: Option<Box<Diag>>,
    /// Seconds.
    pub duration: f64,
    /// `ansible_facts` in it are only shown, not taken over (`include_vars`).
    pub no_facts: bool,
    /// It is the result of an earlier attempt at the run.
    pub earlier: bool,
    /// The task was not carried out: what it needs could not be evaluated.
    pub raised: bool,
    /// In the place of a result of which nothing can be told before apply.
    untold: Option<Value>,
}

/// ansible-core says this where it has no traceback to show.
const NO_TRACEBACK: &str = "(traceback unavailable)";

/// What a result holds for this side only.
const INTERNAL: [&str; 3] = [
    "_ansible_facts_cacheable",
    "_ansible_no_log",
    "_ansible_verbose_always",
];

/// Codes of what goes wrong where templates and conditions are evaluated.
const EVALUATION: [&str; 11] = [
    "undefined-variable",
    "template-error",
    "template-syntax",
    "template-recursion",
    "filter",
    "test",
    "lookup",
    "unknown-lookup",
    "broken-conditional",
    "bad-variable-name",
    "free-form",
];

impl Judged {
    /// A result that the control side made.
    pub fn new(result: Json) -> Judged {
        Judged::of_value(from_json(&result))
    }

    /// The same for a value.
    pub fn of_value(value: Value) -> Judged {
        let flag = |name: &str| value.get(name).is_some_and(Value::truthy);
        let status = if flag("failed") {
            Status::Failed
        } else if flag("skipped") {
            Status::Skipped
        } else if flag("changed") {
            Status::Changed
        } else {
            Status::Ok
        };
        Judged {
            value,
            status,
            certainty: Certainty::Sure,
            diag: None,
            duration: 0.0,
            no_facts: false,
            raised: false,
            earlier: false,
            untold: None,
        }
    }

    /// A failure with its reason. What keeps a task from being carried out at all reads as
    /// ansible-core's exceptions do, and `failed_when` has no say in it.
    pub fn failed(diag: Box<Diag>) -> Judged {
        let raised = !diag.doing.is_empty() || EVALUATION.contains(&diag.code.as_str());
        let msg = match raised {
            true => format!("Task failed: {}", diag.chain()),
            false => diag.message.clone(),
        };
        let mut judged = Judged::new(json!({"changed": false, "failed": true, "msg": msg}));
        if !diag.data.is_empty() {
            for (key, value) in &diag.data {
                judged.set(key, from_json(value));
            }
        }
        judged.diag = Some(diag);
        judged.raised = raised;
        judged
    }

    /// A condition that did not hold.
    pub fn skipped(condition: &Value) -> Judged {
        Judged::new(json!({
            "changed": false,
            "skipped": true,
            "skip_reason": "Conditional result was False",
            "false_condition": condition.to_json(),
        }))
    }

    /// Something that only apply will tell.
    pub fn unknown(why: &str) -> Judged {
        let result: Map = [
            ("changed", Value::unknown(why)),
            ("msg", Value::str("known after apply")),
        ]
        .into_iter()
        .collect();
        Judged {
            value: Value::map(result),
            status: Status::Changed,
            certainty: Certainty::Unknown,
            diag: None,
            duration: 0.0,
            no_facts: false,
            raised: false,
            earlier: false,
            untold: Some(Value::unknown(why)),
        }
    }

    /// Sets a key of the result.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        if let Kind::Map(map) = &mut self.value.kind {
            Arc::make_mut(map).insert(key, value);
        }
    }

    /// True if it failed.
    pub fn is_failed(&self) -> bool {
        self.status == Status::Failed
    }

    /// Every failure has an `exception`.
    pub fn note_failure(&mut self) {
        if self.entry("exception").is_none() {
            self.set("exception", NO_TRACEBACK);
        }
    }

    /// What `register` sees: nothing that is only for this side, nor how the module was called.
    pub fn registered(&self) -> Value {
        let seen = self.of_item();
        match (&seen.kind, seen.get("invocation")) {
            (Kind::Map(map), Some(_)) => {
                let mut map = Map::clone(map);
                map.remove("invocation");
                Value::map(map)
            }
            _ => seen,
        }
    }

    /// What `register` sees of an item of a loop.
    pub fn of_item(&self) -> Value {
        if let Some(untold) = &self.untold {
            return untold.clone();
        }
        let Kind::Map(map) = &self.value.kind else {
            return self.value.clone();
        };
        let internal = |key: &str| key.starts_with("_ansible_");
        if !map.keys().any(|key| key.as_str().is_some_and(internal)) {
            return self.value.clone();
        }
        let mut seen = Map::clone(map);
        for key in INTERNAL {
            seen.remove(key);
        }
        Value::map(seen)
    }

    fn entry(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }
}

/// Fills in what every result has (`stdout_lines`, `failed`) and applies `changed_when` and
/// `failed_when`. `scope` has the loop's variables, but not yet the registered result.
///
/// # Errors
/// A condition that cannot be evaluated fails the task.
pub fn judge(engine: &Engine, unit: &Unit, scope: &SharedScope, mut judged: Judged) -> Judged {
    add_lines(&mut judged);
    if judged.status == Status::Skipped {
        return judged;
    }
    judged.set("failed", Value::from(judged.status == Status::Failed));
    if judged.entry("changed").is_none() {
        judged.set("changed", Value::from(judged.status == Status::Changed));
    }
    if !judged.raised {
        conditions(engine, unit, scope, &mut judged);
    }
    if judged.status == Status::Failed {
        judged.note_failure();
    }
    judged
}

fn conditions(engine: &Engine, unit: &Unit, scope: &SharedScope, judged: &mut Judged) {
    if let Some(conditions) = &unit.task.changed_when {
        let seen = registered(unit, scope, judged);
        match all(engine, conditions, &seen, &unit.context) {
            Err(diag) => return cannot_judge(judged, "changed_when_result", diag),
            Ok(Known::Known(changed)) => {
                judged.set("changed", changed);
                if judged.status != Status::Failed {
                    judged.status = if changed { Status::Changed } else { Status::Ok };
                    if judged.certainty == Certainty::Opaque && !changed {
                        judged.certainty = Certainty::Sure;
                    }
                }
            }
            Ok(Known::Unknown) => judged.certainty = Certainty::Unknown,
        }
    }
    if let Some(conditions) = &unit.task.failed_when {
        let seen = registered(unit, scope, judged);
        match all(engine, conditions, &seen, &unit.context) {
            Err(diag) => cannot_judge(judged, "failed_when_result", diag),
            Ok(Known::Known(failed)) => {
                if judged.status == Status::Failed && !failed && on_host(unit) {
                    judged.set("failed_when_suppressed_exception", NO_TRACEBACK);
                }
                judged.set("failed", failed);
                judged.set("failed_when_result", failed);
                let changed = judged.entry("changed").is_some_and(Value::truthy);
                judged.status = match (failed, changed) {
                    (true, _) => Status::Failed,
                    (false, true) => Status::Changed,
                    (false, false) => Status::Ok,
                };
            }
            Ok(Known::Unknown) => {}
        }
    }
}

/// Only modules have an exception that can be suppressed, actions have none yet.
fn on_host(unit: &Unit) -> bool {
    let entry = modules::find(&unit.task.module);
    entry.is_some_and(|entry| entry.side == Side::Host)
}

/// The task fails where a condition on its result cannot be evaluated; the result says why.
fn cannot_judge(judged: &mut Judged, key: &str, diag: Box<Diag>) {
    judged.set("failed", true);
    judged.set(key, diag.chain());
    if judged.entry("msg").is_none() {
        judged.set("msg", diag.message.as_str());
    }
    judged.status = Status::Failed;
    judged.diag = Some(diag);
}

fn registered(unit: &Unit, scope: &SharedScope, judged: &Judged) -> SharedScope {
    match &unit.register {
        Some(name) => {
            let seen = judged.untold.as_ref().unwrap_or(&judged.value);
            over_one(name, seen.clone(), scope.clone())
        }
        None => scope.clone(),
    }
}

/// All conditions must hold; the first that does not decides.
pub fn all(
    engine: &Engine,
    conditions: &[Value],
    scope: &SharedScope,
    context: &Context,
) -> Result<Known<bool>> {
    let mut unknown = false;
    for condition in conditions {
        match engine.condition(condition, scope, context)? {
            Known::Known(true) => {}
            Known::Known(false) => return Ok(Known::Known(false)),
            Known::Unknown => unknown = true,
        }
    }
    Ok(if unknown {
        Known::Unknown
    } else {
        Known::Known(true)
    })
}

/// `stdout_lines` and `stderr_lines`, which Ansible adds on the control side.
fn add_lines(judged: &mut Judged) {
    for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if judged.entry(lines).is_some() {
            continue;
        }
        let split = match judged.entry(text).map(|v| &v.kind) {
            Some(Kind::Str(t)) => Value::list(split_lines(&t.text).map(Value::str).collect()),
            Some(Kind::Unknown(why)) => Value::unknown(why.clone()),
            _ => continue,
        };
        judged.set(lines, split);
    }
}

/// Python's `str.splitlines()` for the line ends that commands write.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let empty = text.is_empty();
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(move |_| !empty)
}

/// The outcome that is shown.
pub fn outcome(unit: &Unit, judged: &Judged, item: Option<&str>) -> Outcome {
    let result = if unit.info.no_log {
        censored(judged)
    } else {
        let mut shown = judged.value.to_json();
        if let Json::Object(map) = &mut shown {
            map.remove("exception");
            map.remove("failed_when_suppressed_exception");
        }
        shown
    };
    let failed = matches!(judged.status, Status::Failed);
    Outcome {
        host: unit.host.clone(),
        task: unit.info.clone(),
        status: judged.status,
        result,
        item: item.map(|label| shown_label(unit, label)),
        ignored: (failed && unit.ignore_errors)
            || (judged.status == Status::Unreachable && unit.ignore_unreachable),
        delegated_to: unit.delegated_to.as_ref().map(|other| other.shown.clone()),
        show_diff: unit.show_diff && !unit.info.no_log,
        diag: judged.diag.clone().filter(|_| !unit.info.no_log),
        earlier: judged.earlier,
        certainty: if unit.dry {
            judged.certainty
        } else {
            Certainty::Sure
        },
        duration: judged.duration,
    }
}

/// What is shown of a loop's item: nothing where its task is not to be told of, which its label may do
/// (observed: ansible-core 2.19.14).
pub fn shown_label(unit: &Unit, label: &str) -> String {
    match unit.info.no_log {
        true => "(censored due to no_log)".to_owned(),
        false => label.to_owned(),
    }
}

/// What is shown of a result that nobody may see.
pub fn censored(judged: &Judged) -> Json {
    let mut shown = json!({
        "censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
        "changed": judged.entry("changed").is_some_and(Value::truthy),
    });
    for key in ["failed", "skipped", "attempts", "retries"] {
        if let Some(value) = judged.entry(key)
            && (value.truthy() || key == "attempts")
        {
            shown[key] = value.to_json();
        }
    }
    shown
}

/// The result of a whole loop from those of its items.
pub fn loop_result(items: &[(Judged, bool)]) -> Judged {
    let any = |status: Status| items.iter().any(|(j, _)| j.status == status);
    let results = Value::list(items.iter().map(|(j, _)| j.of_item()).collect());
    let failed = any(Status::Failed);
    let changed = items
        .iter()
        .any(|(j, _)| j.entry("changed").is_some_and(Value::truthy));
    let skipped = !items.is_empty() && items.iter().all(|(j, _)| j.status == Status::Skipped);
    let mut map = Map::new();
    map.insert("results", results);
    map.insert("changed", changed);
    let unreachable = any(Status::Unreachable);
    if unreachable {
        map.insert("unreachable", true);
    }
    let (status, msg) = if failed {
        map.insert("failed", true);
        map.insert("skipped", false);
        (Status::Failed, "One or more items failed")
    } else if unreachable {
        map.insert("skipped", false);
        (Status::Unreachable, "All items completed")
    } else if items.is_empty() {
        map.insert("skipped", true);
        map.insert("skipped_reason", "No items in the list");
        (Status::Skipped, "")
    } else if skipped {
        map.insert("skipped", true);
        (Status::Skipped, "All items skipped")
    } else if changed || any(Status::Changed) {
        map.insert("skipped", false);
        (Status::Changed, "All items completed")
    } else {
        map.insert("skipped", false);
        (Status::Ok, "All items completed")
    };
    if !msg.is_empty() {
        map.insert("msg", msg);
    }
    let certainty =
        items
            .iter()
            .map(|(j, _)| j.certainty)
            .fold(Certainty::Sure, |worst, c| match (worst, c) {
                (Certainty::Unknown, _) | (_, Certainty::Unknown) => Certainty::Unknown,
                (Certainty::Opaque, _) | (_, Certainty::Opaque) => Certainty::Opaque,
                _ => Certainty::Sure,
            });
    Judged {
        value: Value::map(map),
        status,
        certainty,
        diag: None,
        duration: items.iter().map(|(j, _)| j.duration).sum(),
        no_facts: false,
        raised: false,
        earlier: !items.is_empty() && items.iter().all(|(judged, _)| judged.earlier),
        untold: None,
    }
}
