//! Which step of the run a step is, the same in every attempt, and what an earlier attempt knows of
//! it.

use super::foresee::PlanFile;
use super::host::HostRun;
use super::outbox::{can_be_repeated, unknown_outcome};
use super::record::{Line, Noted};
use super::replay::{self, Asked};
use super::results::Judged;
use super::task::Job;
use crate::modules::StepResult;
use crate::value::Value;
use crate::wire::{Mode, Step};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::PoisonError;

/// What is known of a step from an earlier attempt.
enum Known {
    Result(Box<StepResult>),
    /// It ran, its result was not written down.
    Flags(bool, bool),
    Unknown,
}

impl HostRun {
    /// The name of a job's step: play, position, item. Empty where nothing is recorded.
    pub fn key(&self, job: &Job) -> String {
        let mut key = String::new();
        if !self.counts_steps(job) {
            return key;
        }
        if self.for_all {
            key.push('*');
        }
        key.push_str(&self.place_of(&job.unit.at));
        // Writing to a string cannot fail.
        let _ = match &job.item {
            Some(item) => write!(key, "#{}", item.index),
            None => write!(key, "#-"),
        };
        key
    }

    fn place_of(&self, at: &[u32]) -> String {
        let at: Vec<String> = at.iter().map(u32::to_string).collect();
        format!("{}:{}", self.play.number, at.join("."))
    }

    /// What a step consists of, in short. Not what it renders to, which may differ from time to time.
    fn print(&self, job: &Job) -> String {
        let mut digest = Sha256::new();
        digest.update(&job.task.module);
        digest.update(
            job.task
                .name
                .as_ref()
                .map(|name| name.to_text())
                .unwrap_or_default(),
        );
        if !job.unit.info.no_log {
            digest.update(job.task.args.repr());
            let item = job.item.as_ref().and_then(|item| item.vars.get(&item.var));
            digest.update(item.map(|item| item.repr()).unwrap_or_default());
        }
        short(digest)
    }

    /// What a step comes to, in short: the play, whom it is performed as, the rendered arguments.
    /// Empty where something about them is secret.
    fn content(&self, job: &Job, step: &Step) -> String {
        let args = step.args.to_string();
        let secrets = &self.run.options.secrets;
        let open = secrets.is_empty() || secrets.mask(&args) == args;
        if job.unit.info.no_log || !open {
            return String::new();
        }
        let mut digest = Sha256::new();
        let play = self.play.play.name.as_ref().map(Value::to_text);
        let user = step
            .r#become
            .as_ref()
            .map(|r#become| r#become.user.as_str());
        for part in [
            play.as_deref().unwrap_or_default(),
            user.unwrap_or_default(),
            &args,
        ] {
            digest.update(part);
            digest.update([0]);
        }
        short(digest)
    }

    /// Numbers a step that is about to be performed: the same place may be passed more than once
    /// (`until`, handlers). Returns what is to be written down of it.
    pub fn number_step(&mut self, job: &Job, step: &mut Step) -> Option<Noted> {
        if step.key.is_empty() || step.mode == Mode::Trial {
            return None;
        }
        let number = self.passed.entry(step.key.clone()).or_default();
        let key = format!("{}+{number}", step.key);
        *number += 1;
        let (print, content) = (self.print(job), self.content(job, step));
        step.key = replay::on_host(&key, &print, &content);
        self.foresee(job, step, &key);
        Some(Noted {
            host: self.host.clone(),
            key,
            print,
            content,
            sent: None,
            result: None,
            flags: (false, false),
        })
    }

    /// True if the next step of this name is known from an earlier attempt, so that no connection is
    /// needed for it.
    pub fn is_known(&self, job: &Job, step: &Step) -> bool {
        if step.key.is_empty() || step.mode != Mode::Apply {
            return false;
        }
        let number = self.passed.get(&step.key).copied().unwrap_or_default();
        let key = format!("{}+{number}", step.key);
        let (print, content) = (self.print(job), self.content(job, step));
        self.known(job, step, (&key, &print, &content)).is_some()
    }

    /// The result of a step in an earlier attempt.
    pub fn earlier(&self, job: &Job, step: &Step) -> Option<Judged> {
        let names = replay::parts(&step.key);
        let (number, known) = self.known(job, step, names)?;
        self.take(number, names);
        let result = match known {
            Known::Result(result) => *result,
            Known::Unknown => return Some(super::conclude::judged_of(unknown_outcome(true))),
            Known::Flags(changed, failed) => StepResult::of(serde_json::json!({
                "changed": changed,
                "failed": failed,
                "censored": "the result of an earlier attempt at this run, which was not written down",
            })),
        };
        let mut judged = super::conclude::judged_of(result);
        judged.earlier = true;
        Some(judged)
    }

    /// What is known of a step, and its number in the record.
    fn known(
        &self,
        job: &Job,
        step: &Step,
        (key, print, content): (&str, &str, &str),
    ) -> Option<(usize, Known)> {
        let replay = self.run.replay.as_ref()?;
        let replay = replay.read().unwrap_or_else(PoisonError::into_inner);
        let found = replay.step(Asked {
            host: &self.host,
            key,
            print,
            content,
        })?;
        let noted = found.noted;
        let known = match &noted.result {
            _ if found.unknown && can_be_repeated(step) => return None,
            _ if found.unknown => Known::Unknown,
            Some(result) => Known::Result(Box::new(result.clone())),
            // Something needs the result that was not written down. What has changed nothing, or
            // describes a state, can be asked again.
            None if needs_result(job)
                && (!noted.flags.0 || changes_nothing(job) || can_be_repeated(step)) =>
            {
                return None;
            }
            None => Known::Flags(noted.flags.0, noted.flags.1),
        };
        Some((found.number, known))
    }

    /// A step of an earlier attempt is come by.
    fn take(&self, number: usize, (key, print, _): (&str, &str, &str)) {
        let Some(replay) = &self.run.replay else {
            return;
        };
        let mut replay = replay.write().unwrap_or_else(PoisonError::into_inner);
        let from = replay.take(number, key);
        drop(replay);
        if let (Some(from), Some(record)) = (from, &self.run.record) {
            record.note(&Line::Moved {
                host: self.host.clone(),
                from,
                to: key.to_owned(),
                print: print.to_owned(),
            });
        }
    }

    /// Writes down what a step came to.
    pub fn note_step(&self, noted: Option<Noted>, result: &StepResult, private: bool) {
        let Some(noted) = noted else {
            return;
        };
        if let Some(PlanFile::Made(drawn)) = &self.run.options.saved {
            drawn.note(&noted, result, private);
        } else if let Some(record) = &self.run.record {
            record.step(noted, result, private);
        }
    }

    /// An action of this side that takes the host or the user along, in an earlier attempt.
    pub fn earlier_action(&mut self, job: &Job) -> Option<Judged> {
        let (key, number) = self.action_key(job)?;
        let key = format!("{key}+{number}");
        let print = self.print(job);
        let replay = self.run.replay.as_ref()?;
        let replay = replay.read().unwrap_or_else(PoisonError::into_inner);
        let found = replay.step(Asked {
            host: &self.host,
            key: &key,
            print: &print,
            content: "",
        })?;
        let (number, result) = (found.number, found.noted.result.clone()?);
        drop(replay);
        self.take(number, (&key, &print, ""));
        let mut judged = super::conclude::judged_of(result);
        judged.earlier = true;
        Some(judged)
    }

    fn action_key(&self, job: &Job) -> Option<(String, u32)> {
        const NAMES: [&str; 3] = ["pause", "reboot", "wait_for_connection"];
        let key = self.key(job);
        if key.is_empty() || !NAMES.contains(&job.unit.info.module.as_str()) {
            return None;
        }
        let number = self.passed.get(&key).copied().unwrap_or_default();
        Some((key, number))
    }

    /// Writes down what such an action came to.
    pub fn note_action(&mut self, job: &Job, judged: &Judged) {
        let Some((key, number)) = self.action_key(job) else {
            return;
        };
        self.passed.insert(key.clone(), number + 1);
        if judged.is_failed() || judged.earlier {
            return;
        }
        let noted = Noted {
            host: self.host.clone(),
            key: format!("{key}+{number}"),
            print: self.print(job),
            content: String::new(),
            sent: None,
            result: None,
            flags: (false, false),
        };
        let result = StepResult::of(judged.value.to_json());
        self.note_step(Some(noted), &result, job.unit.info.no_log);
    }

    /// Writes down with what the host has left its play: what ended it there does not count as done,
    /// and what waits is known.
    pub fn note_end(&mut self, failed: bool) {
        let Some(record) = &self.run.record else {
            return;
        };
        if let (true, Some(at)) = (failed, &self.fatal) {
            record.note(&Line::Fatal {
                host: self.host.clone(),
                place: self.place_of(at),
            });
        }
        if let Some(session) = self.sessions.get(&self.host) {
            let handlers = session.pending.iter();
            record.note(&Line::Pending {
                host: self.host.clone(),
                handlers: handlers
                    .map(|h| format!("{} : {}", h.place, h.name))
                    .collect(),
            });
        }
        // What was under way has been ended: nobody has to ask the agents any more.
        for session in self.sessions.values() {
            record.note(&Line::Closed {
                name: session.name().to_owned(),
            });
        }
    }
}

fn short(digest: Sha256) -> String {
    let mut print = String::new();
    for byte in digest.finalize().iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(print, "{byte:02x}");
    }
    print
}

/// True where the playbook says so.
pub(super) fn changes_nothing(job: &Job) -> bool {
    let condition = job.task.changed_when.as_deref();
    matches!(condition, Some([never]) if never.as_bool() == Some(false))
}

fn needs_result(job: &Job) -> bool {
    let task = &job.task;
    task.register.is_some()
        || task.until.is_some()
        || task.failed_when.is_some()
        || task.changed_when.is_some()
        || job.unit.brings_facts
}
