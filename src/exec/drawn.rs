//! A plan that is being made: step by step what each of them would do, and what the screen shows.

use super::record::Noted;
use super::saved::{Planned, Saved, owner, place};
use crate::diag::SourceMap;
use crate::modules::{Foreseen, StepResult};
use crate::output::{Event, Outcome, Output, Secrets};
use crate::value::{Kind, Value};
use crate::vault;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A plan that is being made. Cheap to clone.
#[derive(Clone)]
pub struct Drawn(Arc<Mutex<Drawing>>);

pub(super) struct Drawing {
    pub(super) saved: Saved,
    /// Steps whose answers have not come.
    pub(super) sent: HashMap<String, Sent>,
    /// Hosts on which a command has run that nobody knows the effects of.
    touched: HashSet<String>,
    /// Hosts that are this machine.
    local: HashSet<String>,
    /// How the run ended, if all hosts came to the end of their plays.
    ended: bool,
    /// What must not be in the file: what no output shows, and what only the screen does.
    secrets: [Secrets; 2],
    pub(super) vault: vault::Secrets,
}

/// A step that was sent to be planned.
pub(super) struct Sent {
    pub(super) performer: String,
    pub(super) delegated: bool,
    pub(super) harmless: bool,
    pub(super) local: bool,
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

    pub(super) fn lock(&self) -> MutexGuard<'_, Drawing> {
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

    /// A text that must not be in the file.
    pub(super) fn hide(&self, text: &str) {
        let [_, given] = &self.lock().secrets;
        given.add(text);
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

    pub(super) fn unknown(&self, host: &str, key: &str) {
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
