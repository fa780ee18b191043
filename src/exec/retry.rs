//! `until`: a task is tried until its condition holds.

use super::collect::Report;
use super::host::{HostRun, Stop};
use super::results::{self, Judged};
use super::task::Job;
use super::{actions, background, conclude, invocation};
use crate::diag::Result;
use crate::output::Status;
use crate::sys::Known;
use crate::value::Value;
use crate::wire::Step;
use std::time::{Duration, Instant};

impl HostRun {
    /// Performs a step and waits, again and again while `until` does not hold.
    pub(super) fn attempts(
        &mut self,
        job: &Job,
        step: &Step,
        target: &str,
        period: Option<u64>,
    ) -> Result<(), Stop> {
        self.tries(job, |host| {
            let judged = match host.carried_out(job, step, target, period)? {
                Ok(judged) => judged,
                Err(diag) => {
                    host.not_reached(job, diag)?;
                    return Ok(None);
                }
            };
            let name = target.split('\0').next().unwrap_or(target);
            let judged = host.stored(judged, step, name, job);
            let judged = conclude::skip_opaque(conclude::place(judged, &job.unit), &job.unit);
            let mut judged = background::promised(judged, step);
            let verbosity = host.run.options.verbosity;
            invocation::add(&mut judged, invocation::of(job, &step.args, verbosity));
            host.take_facts(&job.unit, &judged);
            Ok(Some(judged))
        })
    }

    /// Carries out an action of this side until its condition holds.
    ///
    /// # Errors
    /// Why the host does not go on behind it.
    pub fn retried(&mut self, job: &Job) -> Result<(), Stop> {
        self.flush()?;
        self.tries(job, |host| {
            host.held = Some(None);
            let end = actions::perform(host, job);
            let held = host.held.take().flatten();
            end?;
            Ok(held)
        })
    }

    /// Tries until the condition holds; `once` gives `None` where it has ended the task itself.
    fn tries(
        &mut self,
        job: &Job,
        mut once: impl FnMut(&mut HostRun) -> Result<Option<Judged>, Stop>,
    ) -> Result<(), Stop> {
        let Some(until) = &job.task.until else {
            return match once(self)? {
                Some(judged) => self.end(job, judged),
                None => Ok(()),
            };
        };
        let retries = self.number(job.task.retries.as_ref(), job, 3.0)?.max(0.0) as u32;
        let delay = self.number(job.task.delay.as_ref(), job, 5.0)?;
        for attempt in 1..=retries.saturating_add(1) {
            let Some(mut judged) = once(self)? else {
                return Ok(());
            };
            let left = retries.saturating_add(1) - attempt;
            // The first try is none of the retries, and the last one is counted as the one before
            // it (observed: ansible-core 2.19.14).
            judged.set(
                "attempts",
                i64::from(if left == 0 { retries } else { attempt }),
            );
            let scope = self.job_scope(job);
            let earlier = judged.earlier;
            let mut judged = results::judge(&self.run.engine, &job.unit, &scope, judged);
            match self.holds(job, until, &judged) {
                Ok(Known::Known(true) | Known::Unknown) => {
                    judged.set("attempts", i64::from(attempt));
                    return self.judged(job, judged);
                }
                Ok(Known::Known(false)) if left == 0 => {
                    // `failed_when` has the last word (observed: ansible-core 2.19.14).
                    if job.task.failed_when.is_none() {
                        judged.fail();
                    }
                    return self.judged(job, judged);
                }
                Ok(Known::Known(false)) if job.unit.dry => {
                    // What is only planned does not come true by waiting.
                    return self.end(job, Judged::unknown("what it waits for comes with apply"));
                }
                Ok(Known::Known(false)) => {
                    self.report(Report::Retry {
                        task: job.unit.info.name.clone(),
                        left,
                        result: match job.unit.info.no_log {
                            true => results::censored(&judged),
                            false => judged.value.to_json(),
                        },
                    });
                    if !earlier {
                        self.sleep(delay)?;
                    }
                }
                Err(diag) => return self.end(job, Judged::failed(diag)),
            }
        }
        Ok(())
    }

    fn holds(&self, job: &Job, until: &[Value], judged: &Judged) -> Result<Known<bool>> {
        let mut scope = self.job_scope(job);
        if let Some(name) = &job.unit.register {
            scope = super::scope::over_one(name, judged.value.clone(), scope);
        }
        results::all(&self.run.engine, until, &scope, &job.unit.context)
    }

    /// Waits, but not longer than the user wants the run to go on.
    ///
    /// # Errors
    /// It was interrupted.
    pub(super) fn sleep(&self, seconds: f64) -> Result<(), Stop> {
        let end = Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0));
        loop {
            if self.run.interrupted() {
                return Err(Stop::Interrupted);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(200)));
        }
    }
}

impl Judged {
    /// Makes a failure of a result that is none by itself.
    fn fail(&mut self) {
        self.set("failed", true);
        self.status = Status::Failed;
        self.note_failure();
    }
}
