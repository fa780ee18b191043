//! `delegate_to` and `delegate_facts`: another host does the work of a task.

use super::host::{HostRun, Stop};
use super::queue::Effect;
use super::results::Unit;
use super::task::Job;
use super::unit::to_bool;
use crate::diag::Result;
use crate::vars::{SharedScope, over};
use std::sync::Arc;

/// The host that does the work instead.
#[derive(Clone)]
pub struct Delegate {
    /// Its name.
    pub host: String,
    /// As results show it: with its address, where it has one.
    pub shown: String,
    /// Facts that the task brings are that host's.
    pub facts: bool,
    /// Its variables, which say how to reach it and how to become somebody there. `None` for a host
    /// that is not in the inventory.
    pub scope: Option<SharedScope>,
}

impl HostRun {
    /// The job with the host that it is delegated to; `None` where it is not.
    pub(super) fn delegated(&mut self, job: &Job) -> Result<Result<Option<Job>>, Stop> {
        let Some(given) = &job.keywords.delegate_to else {
            return Ok(Ok(None));
        };
        let context = &job.unit.context;
        let rendered = self.eval(
            |host| host.job_scope(job),
            |run, scope| run.engine.render_unless_omitted(given, scope, context),
            |value| value.as_ref().is_some_and(|v| v.find_unknown().is_some()),
        )?;
        let host = match rendered {
            Ok(Some(host)) => host.to_text(),
            Ok(None) => return Ok(Ok(None)),
            Err(diag) => return Ok(Err(diag)),
        };
        let facts = match &job.keywords.delegate_facts {
            Some(value) => to_bool(&self.render_or(value, &job.task, &job.around)?),
            None => false,
        };
        let scope = match host == self.host {
            true => None,
            false => self.run.host_scope(&host),
        };
        let address = scope.as_ref().and_then(|scope| {
            let address = scope.get("ansible_host")?;
            let address = self.run.engine.render(&address, scope, context).ok()?;
            Some(address.to_text())
        });
        let shown = match address {
            Some(address) if address != host => format!("{host}({address})"),
            _ => host.clone(),
        };
        let vars = job.task.common.vars.clone();
        let delegate = Delegate {
            scope: scope.map(|scope| over(vars, scope)),
            host,
            shown,
            facts,
        };
        Ok(Ok(Some(Job {
            task: job.task.clone(),
            around: job.around.clone(),
            keywords: job.keywords.clone(),
            unit: Arc::new(Unit {
                delegated_to: Some(delegate),
                ..Unit::clone(&job.unit)
            }),
            item: job.item.clone(),
            shared: job.shared,
        })))
    }

    /// Changes variables of the host that a task's facts belong to.
    pub fn apply_facts(&mut self, unit: &Unit, effect: Effect) {
        match unit.delegated_to.as_ref().filter(|other| other.facts) {
            Some(other) if other.host != self.host => self.run.give(&other.host, effect),
            _ => self.apply(effect),
        }
    }

    /// Takes over what other hosts' tasks have found out about this one.
    pub(super) fn follow_given(&mut self) {
        let run = self.run.clone();
        for effect in run.given(&self.host, &mut self.given_at) {
            self.apply_now(&effect);
        }
    }
}

impl Unit {
    /// The variables that say how the host that does the work is reached.
    pub fn reached_by<'a>(&'a self, own: &'a SharedScope) -> &'a SharedScope {
        let delegate = self.delegated_to.as_ref();
        delegate
            .and_then(|other| other.scope.as_ref())
            .unwrap_or(own)
    }
}
