//! Runs a module on a host: plan, perform, plan again, report. The same for a dry run.

use super::foreseen::{DIFFERS, Foreseen, Foresight, Watch};
use super::module::Module;
use crate::args;
use crate::diag::{Diag, Result};
use crate::sys::diff::Diff;
use crate::sys::{Done, Host, Op, Outcome, View, execute};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// A Resource that still plans something new after so many rounds never comes to rest.
const ROUNDS: usize = 8;

/// How to run a step.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Flags {
    /// Collect diffs.
    pub diff: bool,
    /// What was planned, or that it is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foresight: Option<Box<Foresight>>,
}

/// What came of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepResult {
    /// What `register` sees; always an object with `changed`, and `failed`/`msg` where it failed.
    pub result: Json,
    /// Why it failed, with more than a sentence.
    pub diag: Option<Diag>,
    /// How many opaque commands were among its operations.
    pub opaque: usize,
    /// What it would do, where that was asked for or is not what was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreseen: Option<Foreseen>,
}

impl StepResult {
    /// A step that was carried out.
    pub fn of(result: Json) -> StepResult {
        StepResult {
            result,
            diag: None,
            opaque: 0,
            foreseen: None,
        }
    }

    /// The result of a step that could not be carried out; it has the keys of [`Diag::data`] too.
    pub fn failed(diag: Box<Diag>) -> StepResult {
        let mut result = diag.data.clone();
        for (key, value) in [
            ("changed", json!(false)),
            ("failed", json!(true)),
            ("msg", json!(diag.message)),
        ] {
            result.entry(key).or_insert(value);
        }
        StepResult {
            diag: Some(*diag),
            ..StepResult::of(Json::Object(result))
        }
    }

    /// True where it would not have done what was planned.
    pub fn differs(&self) -> bool {
        self.diag.as_ref().is_some_and(|diag| diag.code == DIFFERS)
    }

    /// True if the step failed.
    pub fn is_failed(&self) -> bool {
        self.result["failed"] == json!(true)
    }
}

/// Runs the module called `name` with arguments that its `check` and `prepare` returned.
pub fn run(name: &str, args: &Json, host: &mut dyn Host, flags: &Flags) -> StepResult {
    match super::find(name) {
        Some(entry) => (entry.run)(args, host, flags),
        None => StepResult::failed(Diag::error(
            "unknown-module",
            format!("this agent has no module `{name}`"),
        )),
    }
}

pub(super) fn run_typed<M: Module>(json: &Json, host: &mut dyn Host, flags: &Flags) -> StepResult {
    match args::read(json) {
        Ok(args) => carry_out(&Typed::<M>(args), host, flags),
        Err(diag) => StepResult::failed(diag),
    }
}

/// A module and its arguments without their types: what follows is compiled once, and not once for
/// each of them.
trait Planner {
    fn plan(&self, view: &dyn View) -> Result<Vec<Op>>;
    fn plan_more(&self, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>>;
    fn explain(&self, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json>;
    fn result(&self, view: &dyn View, done: &[Outcome]) -> Result<Json>;
}

struct Typed<M: Module>(M::Args);

impl<M: Module> Planner for Typed<M> {
    fn plan(&self, view: &dyn View) -> Result<Vec<Op>> {
        M::plan(&self.0, view)
    }

    fn plan_more(&self, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        M::plan_more(&self.0, view, done)
    }

    fn explain(&self, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        M::explain(&self.0, view, planned, diff)
    }

    fn result(&self, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        M::result(&self.0, view, done)
    }
}

fn carry_out(module: &dyn Planner, host: &mut dyn Host, flags: &Flags) -> StepResult {
    let mut done = Done::default();
    let mut watch = flags.foresight.as_deref().map(Watch::new);
    let planned = rounds(module, host, flags, &mut done, &mut watch);
    let changed = !done.outcomes.is_empty();
    let result = planned.and_then(|explained| {
        let result = module.result(host.view(), &done.outcomes)?;
        Ok(merge(explained, result))
    });
    let foreseen = watch.and_then(|watch| watch.told(result.as_ref().err().map(|diag| &**diag)));
    match result {
        Ok(result) => StepResult {
            opaque: done.opaque,
            foreseen,
            ..StepResult::of(finish(result, changed, done.diffs))
        },
        Err(diag) => {
            let told = diag.data.contains_key("changed");
            let mut failed = StepResult::failed(diag);
            if !told {
                failed.result["changed"] = json!(changed);
            }
            failed.opaque = done.opaque;
            failed.foreseen = foreseen;
            failed
        }
    }
}

fn rounds(
    module: &dyn Planner,
    host: &mut dyn Host,
    flags: &Flags,
    done: &mut Done,
    watch: &mut Option<Watch<'_>>,
) -> Result<Json> {
    let mut last = match watch {
        Some(watch) => watch.plan(host.view(), &|view| module.plan(view))?,
        None => module.plan(host.view())?,
    };
    let explained = module.explain(host.view(), &last, flags.diff)?;
    if let Some(watch) = watch {
        watch.round(&last, host.view())?;
    }
    if last.is_empty() {
        return Ok(explained);
    }
    perform(host, &last, flags, done)?;
    for _ in 1..ROUNDS {
        let ops = match watch {
            Some(watch) => {
                watch.plan(host.view(), &|view| module.plan_more(view, &done.outcomes))?
            }
            None => module.plan_more(host.view(), &done.outcomes)?,
        };
        // The same plan twice: the view does not show the effect (an unknown content, say).
        if ops.is_empty() || ops == last {
            break;
        }
        if let Some(watch) = watch {
            watch.round(&ops, host.view())?;
        }
        perform(host, &ops, flags, done)?;
        last = ops;
    }
    Ok(explained)
}

fn perform(host: &mut dyn Host, ops: &[Op], flags: &Flags, done: &mut Done) -> Result<()> {
    let mut round = execute(host, ops, flags.diff)?;
    done.outcomes.append(&mut round.outcomes);
    done.diffs.append(&mut round.diffs);
    done.opaque += round.opaque;
    Ok(())
}

/// `over` on top of `under`, dicts key by key.
fn merge(under: Json, over: Json) -> Json {
    match (under, over) {
        (Json::Object(mut under), Json::Object(over)) => {
            for (key, value) in over {
                let merged = match under.remove(&key) {
                    Some(below) => merge(below, value),
                    None => value,
                };
                under.insert(key, merged);
            }
            Json::Object(under)
        }
        (_, over) => over,
    }
}

fn finish(result: Json, changed: bool, diffs: Vec<Diff>) -> Json {
    let Json::Object(mut result) = result else {
        return json!({"changed": changed, "value": result});
    };
    result.entry("changed").or_insert(json!(changed));
    if !diffs.is_empty() {
        result.entry("diff").or_insert_with(|| json!(diffs));
    }
    Json::Object(result)
}
