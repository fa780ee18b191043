//! A step or an item of a loop has its result: what is made of it.

use super::collect::Report;
use super::host::{HostRun, Stop};
use super::invocation;
use super::promises;
use super::queue::{Effect, Item, Pending};
use super::results::{self, Judged, Unit};
use crate::diag::{Diag, Result};
use crate::modules;
use crate::output::{Certainty, Status};
use crate::value::{Kind, Map, Value, from_json};
use std::sync::Arc;

impl HostRun {
    /// A step has its result.
    pub(super) fn ended(&mut self, pending: Pending, judged: Judged) -> Result<(), Stop> {
        let unit = pending.unit;
        let mut judged = skip_opaque(place(judged, &unit), &unit);
        invocation::add(&mut judged, pending.invocation);
        let scope = match &pending.item {
            Some(item) => crate::vars::over(item.vars.clone(), unit.scope.clone()),
            None => unit.scope.clone(),
        };
        let judged = results::judge(&self.run.engine, &unit, &scope, judged);
        self.take_facts(&unit, &judged);
        match pending.item {
            Some(item) => {
                self.item_ended(&unit, &item, judged);
                Ok(())
            }
            None => self.conclude(&unit, judged),
        }
    }

    /// Takes over the facts that a module returned.
    pub fn take_facts(&mut self, unit: &Unit, judged: &Judged) {
        if let Some(Kind::Map(facts)) = judged.value.get("ansible_facts").map(|v| &v.kind) {
            let facts = Effect::Facts(Map::clone(facts));
            match unit.delegated_to.as_ref().filter(|other| other.facts) {
                Some(other) if other.host != self.host => self.run.give(&other.host, facts),
                _ => self.apply_now(&facts),
            }
        }
    }

    /// The result of the last item of a loop that has come in.
    pub fn last_item(&self) -> Option<Value> {
        self.items.last().map(|(judged, _)| judged.value.clone())
    }

    /// An item of a loop has its result.
    pub(super) fn item_ended(&mut self, unit: &Arc<Unit>, item: &Item, mut judged: Judged) {
        let mut label = item.label.clone();
        if let Some(template) = &item.label_of_result {
            match self.late_label(unit, item, &judged, template) {
                Ok(text) => label = text,
                Err(diag) => {
                    let text = format!("Failed to template loop_control.label: {}", diag.message);
                    judged = Judged::of_value(Value::map(
                        [("failed", Value::from(true)), ("msg", Value::str(text))]
                            .into_iter()
                            .collect(),
                    ));
                }
            }
        }
        add_item(&mut judged, item);
        let outcome = results::outcome(unit, &judged, Some(&label));
        let ignored = outcome.ignored;
        self.run
            .collector()
            .report(self.index, &unit.at, Report::Item(Box::new(outcome)));
        self.items.push((judged, ignored));
    }

    /// The label of an item whose result it speaks of.
    fn late_label(
        &self,
        unit: &Unit,
        item: &Item,
        judged: &Judged,
        template: &Value,
    ) -> Result<String> {
        let mut vars = item.vars.clone();
        if let Some(name) = &unit.register {
            vars.insert(name.as_str(), judged.value.clone());
        }
        let scope = crate::vars::over(vars, unit.scope.clone());
        let label = self.run.engine.render(template, &scope, &unit.context)?;
        Ok(label.to_text())
    }

    /// A task has its result: registers it, notifies, reports.
    ///
    /// # Errors
    /// [`Stop::Failed`] if it failed and that is not ignored; what ran ahead is forgotten.
    pub fn conclude(&mut self, unit: &Arc<Unit>, judged: Judged) -> Result<(), Stop> {
        self.note_role(unit, judged.status);
        if let Some(name) = &unit.register {
            let result = judged.registered();
            let placeholder = promises::placeholder(unit.number);
            let awaited = self.ahead.set.get(name) == Some(&placeholder);
            self.promises.keep(unit.number, result.clone());
            self.settled.set(name, result.clone());
            if awaited || !self.queue.has_steps() {
                self.ahead.set(name, result);
            }
        }
        if self.play.hosts.len() > 1 {
            self.last = Some(judged.clone());
        }
        let outcome = results::outcome(unit, &judged, None);
        let failed = judged.status == Status::Failed && !outcome.ignored;
        let lost = judged.status == Status::Unreachable && !outcome.ignored;
        self.run
            .collector()
            .report(self.index, &unit.at, Report::End(Box::new(outcome)));
        let notifies = judged.status == Status::Changed
            || (judged.status == Status::Failed
                && judged.value.get("changed").is_some_and(Value::truthy));
        if notifies && !unit.notify.is_empty() && !failed {
            self.notify(unit)?;
        } else if !notifies {
            self.not_notified(unit);
        }
        if lost {
            self.forget_ahead();
            return Err(Stop::Unreachable);
        }
        if !failed {
            return Ok(());
        }
        self.take_back(unit);
        self.failure = Some((failed_task(unit), judged.value));
        self.fatal = Some(unit.at.clone());
        self.forget_ahead();
        Err(Stop::Failed)
    }

    /// A task of a role that was not skipped makes the role one that has run.
    pub fn note_role(&mut self, unit: &Unit, status: Status) {
        if let Some(role) = &unit.task.role
            && status != Status::Skipped
            && !self.roles_begun.contains(&role.identity)
        {
            self.roles_begun.insert(role.identity.clone());
        }
    }
}

/// The unit of a loop whose failures are ignored where those of all its items are.
pub fn as_items_say(unit: Arc<Unit>, items: &[(Judged, bool)]) -> Arc<Unit> {
    let ignored = |status: Status, otherwise: bool| {
        let mut of_it = items.iter().filter(|(judged, _)| judged.status == status);
        match of_it.clone().next() {
            Some(_) => of_it.all(|(_, ignored)| *ignored),
            None => otherwise,
        }
    };
    let errors = ignored(Status::Failed, unit.ignore_errors);
    let unreachable = ignored(Status::Unreachable, unit.ignore_unreachable);
    if errors == unit.ignore_errors && unreachable == unit.ignore_unreachable {
        return unit;
    }
    Arc::new(Unit {
        ignore_errors: errors,
        ignore_unreachable: unreachable,
        ..Unit::clone(&unit)
    })
}

/// The result of a task on a host that cannot be reached.
pub fn unreachable(diag: Box<Diag>) -> Judged {
    let mut judged = Judged::new(serde_json::json!({
        "changed": false, "unreachable": true, "msg": diag.message,
    }));
    judged.status = Status::Unreachable;
    judged.diag = Some(diag);
    judged
}

/// A step's answer, not yet judged.
pub fn judged_of(step: crate::modules::StepResult) -> Judged {
    let mut judged = Judged::of_value(from_json(&step.result));
    judged.diag = step.diag.map(Box::new);
    if step.opaque > 0 {
        judged.certainty = Certainty::Opaque;
    }
    judged
}

/// Gives an error of the agent the place of the option it is about, else of the task.
pub fn place(mut judged: Judged, unit: &Unit) -> Judged {
    if let Some(diag) = judged.diag.take() {
        let option = diag.option.as_deref();
        let span = option
            .and_then(|name| unit.task.args.get(name))
            .map_or(unit.task.module_span, |value| value.span);
        judged.diag = Some(diag.at_if_none(span.or(unit.task.span)));
    }
    judged
}

/// In Ansible's check mode commands are skipped, not predicted (observed: ansible-core 2.19.14).
pub fn skip_opaque(judged: Judged, unit: &Unit) -> Judged {
    if !unit.skips_opaque || judged.certainty != Certainty::Opaque {
        return judged;
    }
    // With `creates` or `removes` it is known that it would run.
    let guarded = ["creates", "removes"]
        .iter()
        .any(|option| unit.task.args.get(option).is_some_and(|v| !v.is_null()));
    let mut skipped = Judged::new(serde_json::json!({
        "changed": guarded, "rc": 0, "stdout": "", "stderr": "",
        "msg": "Command would have run if not in check mode",
    }));
    if let Some(cmd) = judged.value.get("cmd") {
        skipped.set("cmd", cmd.clone());
    }
    if !guarded {
        skipped.set("skipped", true);
        skipped.status = Status::Skipped;
    }
    skipped.duration = judged.duration;
    skipped
}

fn add_item(judged: &mut Judged, item: &Item) {
    let Kind::Map(map) = &mut judged.value.kind else {
        return;
    };
    let map = Arc::make_mut(map);
    if let Some(value) = item.vars.get(&item.var) {
        map.insert(item.var.as_str(), value.clone());
    }
    map.insert("ansible_loop_var", item.var.as_str());
    for (key, value) in &item.vars {
        if key.as_str() == Some("ansible_loop") || key.as_str() == Some("ansible_index_var") {
            map.insert(key.clone(), value.clone());
        }
    }
}

/// `ansible_failed_task`, as far as playbooks use it.
fn failed_task(unit: &Unit) -> Value {
    let mut args = unit.task.args.clone();
    let free = modules::find(&unit.task.module).and_then(|entry| entry.free_form);
    if let (Some(free), Some(map)) = (free, args.as_map()) {
        let mut map = map.clone();
        if let Some(text) = map.remove(free) {
            // As ansible-core calls it.
            map.insert("_raw_params", text);
        }
        args = Value::map(map);
    }
    let task: Map = [
        ("name", Value::str(unit.info.name.as_str())),
        ("action", Value::str(unit.task.module.as_str())),
        ("args", args),
    ]
    .into_iter()
    .collect();
    Value::map(task)
}
