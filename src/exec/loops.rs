//! Loops: the items, their variables, and one step for each.

use super::actions;
use super::host::{HostRun, Stop};
use super::queue::{Entry, Item};
use super::results::Judged;
use super::task::{Job, Verdict};
use super::unit::to_bool;
use crate::diag::{Diag, Result};
use crate::sys::Known;
use crate::value::{Kind, Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// How `loop_control` shapes a loop.
struct Control {
    loop_var: String,
    index_var: Option<String>,
    label: Option<Value>,
    pause: Option<Value>,
    extended: bool,
    all_items: bool,
    break_when: Vec<Value>,
}

fn includes(job: &Job) -> bool {
    matches!(
        job.unit.info.module.as_str(),
        "include_tasks" | "include_role"
    )
}

impl HostRun {
    /// Carries out a task for every item of its loop.
    ///
    /// # Errors
    /// Why the host does not go on behind it.
    pub fn looped(&mut self, job: &Job) -> Result<(), Stop> {
        let items = match self.loop_items(job)? {
            Ok(Some(items)) => items,
            Ok(None) => {
                return self.end(job, Judged::unknown("its loop is known after apply"));
            }
            // A loop over something undefined is no error where the condition does not hold.
            Err(diag) => return self.loop_failed(job, diag),
        };
        let control = match self.loop_control(job)? {
            Ok(control) => control,
            Err(diag) => return self.end(job, Judged::failed(diag)),
        };
        // All items are looked at before what they include is entered.
        let before = includes(job).then(|| self.included.replace(Vec::new()));
        let done = self.each_item(job, &items, &control);
        if let Some(before) = before {
            let included = std::mem::replace(&mut self.included, before).unwrap_or_default();
            done?;
            self.flush()?;
            if !included.is_empty() && self.forget_items() {
                return included
                    .into_iter()
                    .try_for_each(|included| actions::enter(self, included));
            }
        } else {
            done?;
        }
        self.queue.push(Entry::LoopEnd(job.unit.clone()));
        self.expect(&job.unit);
        if self.waits_for_result(job) {
            return self.flush();
        }
        self.settle()
    }

    fn each_item(&mut self, job: &Job, items: &[Value], control: &Control) -> Result<(), Stop> {
        for index in 0..items.len() {
            let vars = item_vars(items, index, control);
            let label = self.label(job, control, &vars)?;
            if index > 0 {
                self.pause(job, control)?;
            }
            let mut job = Job {
                task: job.task.clone(),
                around: job.around.clone(),
                keywords: job.keywords.clone(),
                unit: job.unit.clone(),
                item: Some(Item {
                    vars,
                    var: control.loop_var.clone(),
                    label_of_result: label.is_none().then(|| control.label.clone()).flatten(),
                    label: label.unwrap_or_else(|| items[index].to_text()),
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                }),
                shared: job.shared,
            };
            job.unit = self.unit_of_item(&job)?;
            self.single(&job)?;
            if self.breaks(&job, control)? {
                break;
            }
        }
        Ok(())
    }

    /// The items; `None` where only apply will tell.
    fn loop_items(&mut self, job: &Job) -> Result<Result<Option<Vec<Value>>>, Stop> {
        let Some(looping) = &job.task.looping else {
            return Ok(Ok(Some(Vec::new())));
        };
        let rendered = self.eval(
            |host| host.job_scope(job),
            |run, scope| match &looping.lookup {
                Some(lookup) => run
                    .engine
                    .lookup(lookup, &looping.items, scope, &job.unit.context),
                None => run.engine.render(&looping.items, scope, &job.unit.context),
            },
            |value| matches!(value.kind, Kind::Unknown(_)),
        )?;
        Ok(rendered.and_then(|value| match &value.kind {
            Kind::List(items) => Ok(Some(items.to_vec())),
            Kind::Unknown(_) => Ok(None),
            _ => Err(Diag::error(
                "loop-not-a-list",
                format!(
                    "The `loop` value must resolve to a 'list', not '{}'.",
                    value.type_name()
                ),
            )
            .at(looping.items.span, "not a list")
            .help(
                "a lookup gives a list with `query` in place of `lookup`, or with `wantlist=True`",
            )),
        }))
    }

    fn loop_failed(&mut self, job: &Job, diag: Box<Diag>) -> Result<(), Stop> {
        if let Verdict::Fails(condition) = self.conditions(job)? {
            return self.end(job, Judged::skipped(&condition));
        }
        let span = job.task.looping.as_ref().map_or(job.task.span, |l| l.span);
        self.end(job, Judged::failed(diag.at_if_none(span)))
    }

    fn loop_control(&mut self, job: &Job) -> Result<Result<Control>, Stop> {
        let given = &job.task.loop_control;
        let get = |key: &str| given.get(key).cloned();
        let text = |host: &mut HostRun, key: &str| -> Result<Option<String>, Stop> {
            match get(key) {
                Some(value) => Ok(Some(
                    host.render_or(&value, &job.task, &job.around)?.to_text(),
                )),
                None => Ok(None),
            }
        };
        let loop_var = text(self, "loop_var")?.unwrap_or_else(|| "item".to_owned());
        let index_var = text(self, "index_var")?;
        let extended = text(self, "extended")?.is_some_and(|t| to_bool(&Value::str(t)));
        let all_items = text(self, "extended_allitems")?.is_none_or(|t| to_bool(&Value::str(t)));
        let break_when = match get("break_when") {
            Some(value) => match value.as_list() {
                Some(items) => items.to_vec(),
                None => vec![value],
            },
            None => Vec::new(),
        };
        Ok(Ok(Control {
            loop_var,
            index_var,
            label: get("label"),
            pause: get("pause"),
            extended,
            all_items,
            break_when,
        }))
    }

    /// What is shown of an item: `label`, else the item itself. `None` where the label cannot be
    /// rendered yet.
    fn label(&mut self, job: &Job, control: &Control, vars: &Map) -> Result<Option<String>, Stop> {
        let item = vars.get(&control.loop_var).cloned().unwrap_or_default();
        let Some(label) = &control.label else {
            return Ok(Some(item.to_text()));
        };
        if job
            .unit
            .register
            .as_ref()
            .is_some_and(|name| mentions(label, name))
        {
            return Ok(None);
        }
        let vars = vars.clone();
        let rendered = self.eval(
            |host| crate::vars::over(vars.clone(), host.job_scope(job)),
            |run, scope| run.engine.render(label, scope, &job.unit.context),
            |value| value.find_unknown().is_some(),
        )?;
        Ok(rendered.ok().map(|label| label.to_text()))
    }

    fn pause(&mut self, job: &Job, control: &Control) -> Result<(), Stop> {
        let Some(pause) = &control.pause else {
            return Ok(());
        };
        self.flush_items()?;
        let seconds = self.render_or(pause, &job.task, &job.around)?;
        if let Ok(seconds) = seconds.to_text().parse::<f64>()
            && seconds > 0.0
            && !job.unit.dry
        {
            std::thread::sleep(Duration::from_secs_f64(seconds));
        }
        Ok(())
    }

    /// Waits for the items that are under way.
    fn flush_items(&mut self) -> Result<(), Stop> {
        self.flush()
    }

    fn breaks(&mut self, job: &Job, control: &Control) -> Result<bool, Stop> {
        if control.break_when.is_empty() {
            return Ok(false);
        }
        self.flush_items()?;
        let mut scope = self.job_scope(job);
        if let (Some(name), Some(result)) = (&job.unit.register, self.last_item()) {
            scope = super::scope::over_one(name, result, scope);
        }
        let held = super::results::all(
            &self.run.engine,
            &control.break_when,
            &scope,
            &job.unit.context,
        );
        Ok(matches!(held, Ok(Known::Known(true))))
    }
}

/// True if a template may speak of a variable.
fn mentions(template: &Value, name: &str) -> bool {
    template.as_str().is_some_and(|text| text.contains(name))
}

fn item_vars(items: &[Value], index: usize, control: &Control) -> Map {
    let mut vars = Map::new();
    vars.insert(control.loop_var.as_str(), items[index].clone());
    vars.insert("ansible_loop_var", control.loop_var.as_str());
    let number = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    if let Some(name) = &control.index_var {
        vars.insert(name.as_str(), number(index));
        vars.insert("ansible_index_var", name.as_str());
    }
    if control.extended {
        let count = items.len();
        let mut extended: Map = [
            ("index", number(index + 1)),
            ("index0", number(index)),
            ("first", Value::from(index == 0)),
            ("last", Value::from(index + 1 == count)),
            ("length", number(count)),
            ("revindex", number(count - index)),
            ("revindex0", number(count - index - 1)),
        ]
        .into_iter()
        .collect();
        if control.all_items {
            extended.insert("allitems", Value::list(items.to_vec()));
        }
        if let Some(next) = items.get(index + 1) {
            extended.insert("nextitem", next.clone());
        }
        if index > 0 {
            extended.insert("previtem", items[index - 1].clone());
        }
        vars.insert("ansible_loop", Value::new(Kind::Map(Arc::new(extended))));
    }
    vars
}
