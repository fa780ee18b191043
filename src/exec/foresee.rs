//! What a plan foresees: noted step by step while it is made, and what apply is held to.
//!
//! A step is known by its place in the run ([`super::keys`]). One that does nothing leaves no trace
//! in the plan, so a step that is not there must do nothing, unless it lies within what the plan
//! called unknown until apply.

use super::host::{HostRun, Stop};
use super::keys::changes_nothing;
use super::queue::Item;
use super::record::Noted;
use super::results::{self, Judged, Unit};
use super::saved::{Planned, Saved};
use super::task::Job;
use crate::diag::{Diag, Result, SourceMap};
use crate::exec::collect::Report;
use crate::inventory::Inventory;
use crate::modules::{DIFFERS, Foreseen, Foresight, StepResult};
use crate::output::{Certainty, Event, Outcome, Output, Secrets, Status};
use crate::value::{Kind, Map, Value};
use crate::vault;
use crate::wire::{Mode, Step};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whose steps those are that one host performs for all.
const ANY: &str = "*";

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

/// A plan that is being made. Cheap to clone.
#[derive(Clone)]
pub struct Drawn(Arc<Mutex<Drawing>>);

struct Drawing {
    saved: Saved,
    /// Steps whose answers have not come.
    sent: HashMap<String, Sent>,
    /// Hosts on which a command has run that nobody knows the effects of.
    touched: HashSet<String>,
    /// Hosts that are this machine.
    local: HashSet<String>,
    /// How the run ended, if all hosts came to the end of their plays.
    ended: bool,
    /// What must not be in the file: what no output shows, and what only the screen does.
    secrets: [Secrets; 2],
    vault: vault::Secrets,
}

struct Sent {
    performer: String,
    delegated: bool,
    harmless: bool,
    local: bool,
}

impl Drawn {
    /// An empty plan. `given` are secrets that are shown on the screen, but not kept.
    pub fn new(mut saved: Saved, secrets: &Secrets, given: Secrets) -> Drawn {
        saved.id = format!("{:016x}", rand::random::<u64>());
        saved.key = format!("{:032x}", rand::random::<u128>());
        saved.made = super::record::now();
        Drawn(Arc::new(Mutex::new(Drawing {
            saved,
            sent: HashMap::new(),
            touched: HashSet::new(),
            local: HashSet::new(),
            ended: false,
            secrets: [secrets.clone(), given],
            vault: vault::Secrets::default(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Drawing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan, after the run; `None` where a host failed or could not be reached.
    pub fn done(&self, sources: &SourceMap) -> Option<Saved> {
        let mut drawing = self.lock();
        if !drawing.ended {
            return None;
        }
        let mut saved = std::mem::take(&mut drawing.saved);
        drawing.without_secrets(&mut saved);
        for (file, sum) in sources.files() {
            let file = std::path::absolute(&file).unwrap_or(file);
            let print = saved.digest(&sum);
            saved.files.insert(file.display().to_string(), print);
        }
        if drawing.local.len() > 1 {
            // What one of them does is done for the others too.
            let shared = |step: &&mut Planned| drawing.local.contains(&step.host);
            for step in saved.steps.iter_mut().filter(shared) {
                step.does.presumed = true;
            }
        }
        Some(saved)
    }

    /// A step has its answer.
    pub(super) fn note(&self, noted: &Noted, result: &StepResult, private: bool) {
        let mut drawing = self.lock();
        let host = owner(&noted.key, &noted.host);
        let Some(sent) = drawing.sent.remove(&format!("{host}\0{}", noted.key)) else {
            return;
        };
        if let Some(mut does) = result.foreseen.clone().filter(Foreseen::is_something) {
            does.presumed |= sent.delegated || drawing.touched.contains(&sent.performer);
            if private {
                does.acts_mut().for_each(|act| act.text = String::new());
            }
            drawing.saved.steps.push(Planned {
                host: host.to_owned(),
                key: noted.key.clone(),
                does,
            });
        }
        if sent.local {
            drawing.local.insert(host.to_owned());
        }
        if result.opaque > 0 && !sent.harmless {
            drawing.touched.insert(sent.performer);
        }
    }

    fn unknown(&self, host: &str, key: &str) {
        let place = place(key).to_owned();
        let host = owner(key, host).to_owned();
        self.lock().saved.unknown.push((host, place));
    }
}

impl Drawing {
    /// Masks in texts and events all that is known to be secret by now.
    fn without_secrets(&self, saved: &mut Saved) {
        let [_, given] = &self.secrets;
        for text in self.vault.opened() {
            match crate::yaml::load(&SourceMap::default(), Path::new("vault"), &text) {
                Ok(value) if value.as_map().is_some() => note_texts(&value, given),
                _ => given.add(&text),
            }
        }
        for secrets in self.secrets.iter().filter(|secrets| !secrets.is_empty()) {
            for step in &mut saved.steps {
                step.does
                    .acts_mut()
                    .for_each(|act| act.text = secrets.mask(&act.text));
            }
            let events = std::mem::take(&mut saved.events);
            saved.events = events
                .iter()
                .filter_map(|e| secrets.mask_event(e))
                .collect();
        }
    }
}

/// The texts within a vaulted file are secrets, each of them.
fn note_texts(value: &Value, secrets: &Secrets) {
    match &value.kind {
        Kind::Map(map) => map.values().for_each(|value| note_texts(value, secrets)),
        Kind::List(items) => items.iter().for_each(|value| note_texts(value, secrets)),
        Kind::Str(text) => secrets.add(&text.text),
        _ => {}
    }
}

impl Output for Drawn {
    fn event(&mut self, event: &Event) {
        let kept = match event {
            Event::ItemEnded(outcome) => Event::ItemEnded(shown(outcome)),
            Event::TaskEnded(outcome) => Event::TaskEnded(shown(outcome)),
            Event::Live { .. }
            | Event::Connection { .. }
            | Event::Stats { .. }
            | Event::Meta { .. }
            | Event::Retry { .. }
            | Event::Background { .. } => return,
            Event::RunEnded { recap, exit, .. } => {
                let fine = |c: &crate::output::Counts| c.failed + c.unreachable == 0;
                // 2 may be that of `--detailed-exitcode`.
                self.lock().ended = matches!(exit, 0 | 2) && recap.values().all(fine);
                event.clone()
            }
            _ => event.clone(),
        };
        self.lock().saved.events.push(kept);
    }
}

/// What is shown of an outcome again: not what `register` has seen of the host.
fn shown(outcome: &Outcome) -> Outcome {
    const KEPT: [&str; 5] = ["changed", "msg", "diff", "warnings", "deprecations"];
    let mut outcome = outcome.clone();
    let whole = outcome.result["_ansible_verbose_always"] == true;
    if let Some(result) = outcome.result.as_object_mut() {
        result.retain(|key, _| whole || KEPT.contains(&key.as_str()));
    }
    outcome.item = outcome.item.filter(|_| !outcome.task.no_log);
    outcome
}

/// A plan that is applied.
pub struct Held {
    /// The plan.
    pub saved: Saved,
    steps: HashMap<String, Foreseen>,
    unknown: HashSet<String>,
}

impl Held {
    /// A plan that was read.
    pub fn new(mut saved: Saved) -> Held {
        let steps = std::mem::take(&mut saved.steps);
        let name = |host: &str, key: &str| format!("{host}\0{key}");
        Held {
            steps: steps
                .into_iter()
                .map(|step| (name(&step.host, &step.key), step.does))
                .collect(),
            unknown: saved
                .unknown
                .iter()
                .map(|(host, place)| name(host, place))
                .collect(),
            saved,
        }
    }

    /// What a step was said to do; nothing where the plan does not have it, and `None` where it was
    /// said to be known after apply.
    fn expected(&self, host: &str, key: &str) -> Option<Foreseen> {
        let host = owner(key, host);
        let (step, number) = key.rsplit_once('+').unwrap_or((key, "0"));
        // A step that is tried again is what it was.
        for number in (0..=number.parse().unwrap_or(0u32)).rev() {
            if let Some(does) = self.steps.get(&format!("{host}\0{step}+{number}")) {
                return Some(does.clone());
            }
        }
        (!self.is_unknown(host, place(key))).then(Foreseen::default)
    }

    /// True for a place that the plan calls unknown, or that lies within such a one.
    fn is_unknown(&self, host: &str, place: &str) -> bool {
        let has = |place: &str| self.unknown.contains(&format!("{host}\0{place}"));
        let (task, _) = place.split_once('#').unwrap_or((place, ""));
        if has(place) || has(&format!("{task}#-")) {
            return true;
        }
        let ends = task.match_indices('.').map(|(at, _)| &task[..at]);
        ends.map(|around| format!("{host}\0{around}#"))
            .any(|around| self.unknown.iter().any(|place| place.starts_with(&around)))
    }

    fn check_vars(&self, vars: &Map) -> Result<()> {
        let saved = &self.saved;
        let missing = saved.withheld.iter().filter(|name| !vars.contains(name));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if let [first, ..] = missing[..] {
            let message = format!(
                "variables that the plan had by -e are not in its file, since they may be secret, \
                 and have to be given again: {}",
                missing.join(", ")
            );
            return Err(Diag::error("missing-variable", message)
                .help(format!("gxdeploy apply PLAN -e {first}=...")));
        }
        let print = |value: &Value| saved.digest(&value.to_json().to_string());
        let mut what = Vec::new();
        for (name, value) in vars {
            let name = name.to_value().to_text();
            match saved.vars.get(&name) {
                Some(known) if *known == print(value) => {}
                Some(_) => what.push(format!("another value: {name}")),
                None => what.push(format!("not in the plan: {name}")),
            }
        }
        saved.refuse(
            "variables of -e are not as they were when the plan was made",
            what,
        )
    }

    fn check_hosts(&self, inventory: &Inventory) -> Result<()> {
        let (then, now) = (&self.saved.hosts, inventory.host_names());
        let new = now.iter().filter(|host| !then.contains(host));
        let gone = then.iter().filter(|host| !now.contains(host));
        let what = new
            .map(|host| format!("new: {host}"))
            .chain(gone.map(|host| format!("gone: {host}")));
        let message = "the hosts of the inventory are not those that the plan was made for";
        self.saved.refuse(message, what.collect())
    }

    fn check_new_files(&self, sources: &SourceMap) -> Result<()> {
        let known = |file: &PathBuf| {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            self.saved.files.contains_key(&*file.to_string_lossy())
        };
        let new = sources.files().into_keys().filter(|file| !known(file));
        let what = new.map(|file| format!("new: {}", file.display()));
        self.saved
            .refuse("files are read that the plan did not know", what.collect())
    }
}

/// Whose step it is.
fn owner<'a>(key: &str, host: &'a str) -> &'a str {
    match key.starts_with('*') {
        true => ANY,
        false => host,
    }
}

/// The place of a step without its number.
fn place(key: &str) -> &str {
    let key = key.trim_start_matches('*');
    key.split('+').next().unwrap_or(key)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_within_the_unknown_is_not_expected() {
        let unknown = |place: &str| ("a".to_owned(), place.to_owned());
        let held = Held::new(Saved {
            unknown: vec![unknown("1:4.2#-"), unknown("1:4.5#1")],
            steps: vec![Planned {
                host: "a".to_owned(),
                key: "1:4.7#-+0".to_owned(),
                does: Foreseen {
                    presumed: true,
                    ..Foreseen::default()
                },
            }],
            ..Saved::default()
        });
        let nothing = Some(Foreseen::default());
        for within in [
            "1:4.2#-+0",
            "1:4.2#3+0",
            "1:4.2.0#-+1",
            "1:4.5#1+0",
            "1:4.5.0#-+0",
        ] {
            assert_eq!(held.expected("a", within), None, "{within}");
        }
        for beside in [
            "1:4.20#-+0",
            "1:4.5#2+0",
            "1:4.3#-+0",
            "2:4.2#-+0",
            "*1:4.2#-+0",
        ] {
            assert_eq!(held.expected("a", beside), nothing, "{beside}");
        }
        assert_eq!(held.expected("b", "1:4.2#-+0"), nothing);
        assert!(
            held.expected("a", "1:4.7#-+3").unwrap().presumed,
            "tried again"
        );
    }
}
