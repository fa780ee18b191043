//! What a plan foresees: noted step by step while it is made, and what apply is held to.
//!
//! A step is known by its place in the run ([`super::keys`]). One that does nothing leaves no trace
//! in the plan, so a step that is not there must do nothing, unless it lies within what the plan
//! called unknown until apply.

use super::collect::Report;
use super::drawn::{Drawn, Sent};
use super::held::Held;
use super::host::{HostRun, Stop};
use super::keys::changes_nothing;
use super::queue::Item;
use super::results::{self, Judged, Unit};
use super::saved::{owner, place};
use super::task::Job;
use crate::diag::{Diag, Result, SourceMap};
use crate::inventory::Inventory;
use crate::modules::{DIFFERS, Foreseen, Foresight, StepResult};
use crate::output::{Certainty, Status};
use crate::value::Map;
use crate::vault;
use crate::wire::{Mode, Step};
use std::sync::Arc;

/// The plan that a run has to do with.
#[derive(Clone)]
pub enum PlanFile {
    /// It is being made.
    Made(Drawn),
    /// It is applied.
    Applied(Arc<Held>),
}

impl std::fmt::Debug for PlanFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlanFile")
    }
}

impl PlanFile {
    /// What `-e` and the inventory say now is noted, or compared with the plan.
    ///
    /// # Errors
    /// `missing-variable`, `plan-stale`.
    pub fn begin(
        &self,
        vars: &Map,
        inventory: &Inventory,
        sources: &SourceMap,
        vault: &vault::Secrets,
    ) -> Result<()> {
        match self {
            PlanFile::Made(drawn) => {
                let mut drawing = drawn.lock();
                drawing.vault = vault.clone();
                drawing.saved.hosts = inventory.host_names();
                for (name, value) in vars {
                    let print = drawing.saved.digest(&value.to_json().to_string());
                    let name = name.to_value().to_text();
                    drawing.saved.vars.insert(name, print);
                }
                Ok(())
            }
            PlanFile::Applied(held) => {
                held.check_vars(vars)?;
                held.check_hosts(inventory)?;
                held.check_new_files(sources)
            }
        }
    }
}

impl HostRun {
    /// True where it is noted which step of the run each step is.
    pub(super) fn counts_steps(&self, job: &Job) -> bool {
        match &self.run.options.saved {
            Some(PlanFile::Made(_)) => true,
            Some(PlanFile::Applied(_)) => !job.unit.dry,
            None => self.run.record.is_some() && !job.unit.dry,
        }
    }

    /// A step is about to be sent: it is to tell what it would do, or must do what was planned.
    pub(super) fn foresee(&self, job: &Job, step: &mut Step, key: &str) {
        // It looks after a step that was sent before.
        if step.module == "async_status" {
            return;
        }
        match &self.run.options.saved {
            Some(PlanFile::Made(drawn)) if step.mode == Mode::Plan => {
                let delegate = job.unit.delegated_to.as_ref();
                let sent = Sent {
                    performer: delegate.map_or(&self.host, |other| &other.host).clone(),
                    delegated: delegate.is_some(),
                    harmless: changes_nothing(job),
                    local: self.local,
                };
                let mut drawing = drawn.lock();
                let name = format!("{}\0{}", owner(key, &self.host), key);
                drawing.sent.insert(name, sent);
                step.flags.foresight = Some(Box::new(Foresight {
                    key: drawing.saved.key.clone(),
                    planned: None,
                }));
            }
            // It was carried out while the plan was made (`check_mode: false`).
            Some(PlanFile::Made(drawn)) => drawn.unknown(&self.host, key),
            Some(PlanFile::Applied(held)) if step.mode == Mode::Apply && !self.off_plan => {
                let planned = held.expected(&self.host, key);
                step.flags.foresight = planned.map(|planned| {
                    Box::new(Foresight {
                        key: held.saved.key.clone(),
                        planned: Some(planned),
                    })
                });
            }
            _ => {}
        }
    }

    /// A task, or an item of its loop, has a result without a step.
    pub(super) fn foresee_result(&self, job: &Job, judged: &Judged) {
        if let Some(PlanFile::Made(drawn)) = &self.run.options.saved
            && (judged.certainty == Certainty::Unknown
                || restarts(job, judged)
                || is_dry_only(judged))
        {
            drawn.unknown(&self.host, &self.key(job));
        }
    }

    /// The error of a step that would not do what was planned.
    pub(super) fn differing(
        &self,
        unit: &Unit,
        key: &str,
        result: &StepResult,
    ) -> Option<Box<Diag>> {
        let Some(PlanFile::Applied(held)) = &self.run.options.saved else {
            return None;
        };
        let now = result.foreseen.as_ref()?;
        let planned = held.expected(&self.host, key).unwrap_or_default();
        Some(differs(
            words(&planned, unit.info.no_log),
            words(now, unit.info.no_log),
        ))
    }

    /// The error of a reboot that was not planned.
    pub(super) fn unannounced(&self, job: &Job) -> Option<Box<Diag>> {
        let Some(PlanFile::Applied(held)) = &self.run.options.saved else {
            return None;
        };
        if job.unit.dry || self.off_plan || job.unit.info.module != "reboot" {
            return None;
        }
        let key = self.key(job);
        let known = held.is_unknown(owner(&key, &self.host), place(&key));
        (!known).then(|| {
            differs(
                words(&Foreseen::default(), false),
                vec!["reboot".to_owned()],
            )
        })
    }

    /// The host leaves its play before a step that was planned otherwise. Nothing rescues or ignores
    /// that: what follows was planned for another state.
    pub(super) fn leave(&mut self, unit: &Arc<Unit>, item: Option<&Item>, diag: Box<Diag>) -> Stop {
        let diag = diag.at_if_none(unit.task.module_span);
        let judged = Judged::failed(diag);
        let mut outcome = results::outcome(unit, &judged, item.map(|item| item.label.as_str()));
        outcome.ignored = false;
        // It holds nothing secret.
        outcome.diag = judged.diag;
        let collector = &self.run;
        if item.is_some() {
            let item = Report::Item(Box::new(outcome.clone()));
            collector.collector().report(self.index, &unit.at, item);
            outcome.item = None;
        }
        let end = Report::End(Box::new(outcome));
        collector.collector().report(self.index, &unit.at, end);
        self.forget_ahead();
        Stop::Differs
    }
}

/// It was skipped because this is a dry run (`when: not ansible_check_mode`).
fn is_dry_only(judged: &Judged) -> bool {
    let condition = judged.value.get("false_condition");
    condition.is_some_and(|condition| condition.to_text().contains("ansible_check_mode"))
}

/// A reboot is nothing that an agent plans.
fn restarts(job: &Job, judged: &Judged) -> bool {
    job.unit.info.module == "reboot" && judged.status == Status::Changed
}

fn differs(planned: Vec<String>, now: Vec<String>) -> Box<Diag> {
    let same = planned == now;
    let message = "this step would not do what was planned: the host is not as it was then";
    let mut diag = Diag::error(DIFFERS, message);
    for text in planned {
        diag = diag.note(format!("planned: {text}"));
    }
    for text in now {
        diag = diag.note(format!("now: {text}"));
    }
    if same {
        diag = diag.note("the contents differ, those that are there or those to be written");
    }
    diag.help("nothing was done; make a new plan")
}

/// The operations of a step, for people.
fn words(does: &Foreseen, private: bool) -> Vec<String> {
    const MOST: usize = 5;
    let count = does.acts().count();
    if count == 0 {
        return vec!["nothing".to_owned()];
    }
    if private {
        return vec!["hidden by no_log".to_owned()];
    }
    let mut words: Vec<String> = does.acts().take(MOST).map(|act| act.text.clone()).collect();
    if count > MOST {
        words.push(format!("and {} more operations", count - MOST));
    }
    words
}
