//! `async` and `poll`: tasks that run in the background of their host.

use super::collect::Report;
use super::host::{HostRun, Stop};
use super::results::Judged;
use super::task::Job;
use crate::diag::{Diag, Result};
use crate::value::{Value, from_json};
use crate::wire::{Mode, Step};
use serde_json::json;

/// How often a job is asked after where `poll` does not say, in seconds.
const POLL: f64 = 15.0;

impl HostRun {
    /// `async` in seconds; `None` where the task does not run in the background.
    pub(super) fn background(&mut self, job: &Job) -> Result<Option<u64>, Stop> {
        if job.task.background.is_none() {
            return Ok(None);
        }
        let limit = self.number(job.task.background.as_ref(), job, 0.0)?;
        Ok((limit >= 1.0).then_some(limit as u64))
    }

    /// Performs a step; one in the background is waited for where `poll` says so. The inner error
    /// is that of the connection.
    pub(super) fn carried_out(
        &mut self,
        job: &Job,
        step: &Step,
        target: &str,
        period: Option<u64>,
    ) -> Result<Result<Judged>, Stop> {
        let started = self.call(job, step.clone(), target, period);
        let (Ok(judged), Some(background)) = (&started, &step.background) else {
            return Ok(started);
        };
        let jid = judged.value.get("ansible_job_id").and_then(Value::as_str);
        let Some(jid) = jid.map(str::to_owned) else {
            return Ok(started);
        };
        let poll = self.number(job.task.poll.as_ref(), job, POLL)?;
        if poll <= 0.0 {
            return Ok(started);
        }
        let ask = |mode: &str| Step {
            module: "async_status".to_owned(),
            args: json!({"jid": jid, "mode": mode, "_async_dir": background.dir}),
            background: None,
            ..step.clone()
        };
        let mut left = background.limit as f64;
        let mut last = None;
        // A job that is over its time says so itself, a moment later.
        while left > -poll.max(3.0) {
            if !judged.earlier {
                self.sleep(poll)?;
            }
            let answer = match self.call(job, ask("status"), target, period) {
                Ok(answer) => answer,
                Err(diag) => return Ok(Err(diag)),
            };
            let finished = answer.value.get("finished").is_some_and(Value::truthy);
            self.tell(job, &jid, finished.then(|| answer.is_failed()));
            last = Some(answer);
            if finished {
                break;
            }
            left -= poll;
        }
        let finished = last.filter(|last| last.value.get("finished").is_some_and(Value::truthy));
        let Some(mut judged) = finished else {
            let message = format!(
                "async task did not complete within the requested time - {}s",
                background.limit
            );
            return Ok(Ok(Judged::failed(Diag::error("async-timeout", message))));
        };
        judged.set("ansible_job_id", jid.as_str());
        // What cannot be cleaned up stays there.
        let _ = self.call(job, ask("cleanup"), target, period);
        Ok(Ok(judged))
    }

    fn tell(&mut self, job: &Job, jid: &str, failed: Option<bool>) {
        self.report(Report::Background {
            task: job.unit.info.clone(),
            jid: jid.to_owned(),
            failed,
        });
    }
}

/// What is registered of a task that would be in the background, where a dry run performs it at
/// once: the job does not exist yet.
pub fn promised(mut judged: Judged, step: &Step) -> Judged {
    if step.background.is_some() && step.mode != Mode::Apply {
        for key in ["ansible_job_id", "results_file", "started", "finished"] {
            judged.set(
                key,
                from_json(&crate::value::unknown_json("the job comes with apply")),
            );
        }
    }
    judged
}
