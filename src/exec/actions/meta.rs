//! `meta`: what is done to the run itself.

use super::text;
use crate::diag::{Diag, Result};
use crate::exec::collect::Report;
use crate::exec::host::{HostRun, Stop};
use crate::exec::queue::Effect;
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::play::ast::Task;
use serde_json::json;

/// Carries out a meta task. None of them is counted or shown, except where a condition skips it.
pub fn meta(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let what = what(job);
    host.flush()?;
    host.report(Report::Begin(job.unit.info.clone()));
    if let Some(text) = done(host, job, &what) {
        host.report(Report::Meta(text));
    }
    match what.as_str() {
        "noop" => {}
        "flush_handlers" if job.around.handler => {
            let message = "flush_handlers cannot be used as a handler";
            let diag = Diag::error("handler-meta", message).at(job.task.span, "");
            host.report(Report::Message(diag));
            return Err(Stop::Failed);
        }
        "flush_handlers" => host.run_handlers(false)?,
        "clear_facts" => host.apply(Effect::ClearFacts),
        "clear_host_errors" => host.run.clear_failures(),
        "end_host" => return Err(Stop::EndHost),
        "end_batch" => return Err(Stop::EndBatch),
        "end_play" => {
            host.play.barrier.stop(&host.at);
            return Err(Stop::EndPlay);
        }
        "end_role" => return Err(Stop::EndRole),
        "reset_connection" => {
            // A connection that cannot take the message is made anew when it is needed.
            host.sessions.retain(|_, session| session.reset().is_ok());
        }
        "refresh_inventory" => {
            if let Err(diag) = host.run.refresh_inventory() {
                return host.end(job, Judged::failed(diag));
            }
            host.follow_inventory();
        }
        other => {
            let diag = Diag::error(
                "bad-meta",
                format!("invalid meta action requested: {other}"),
            )
            .at(job.task.span, "")
            .did_you_mean(
                other,
                [
                    "noop",
                    "flush_handlers",
                    "clear_facts",
                    "clear_host_errors",
                    "end_host",
                    "end_batch",
                    "end_play",
                    "end_role",
                    "reset_connection",
                    "refresh_inventory",
                ],
            );
            return host.end(job, Judged::failed(diag));
        }
    }
    if job.item.is_some() {
        return host.end(job, Judged::new(json!({"changed": false})));
    }
    Ok(())
}

fn what(job: &Job) -> String {
    named(&job.task)
}

fn named(task: &Task) -> String {
    text(&task.args, "free_form").unwrap_or_default()
}

/// Meta tasks that one host performs for all: its condition is the first host's (observed:
/// ansible-core 2.19.14).
pub fn once(task: &Task) -> bool {
    const NAMES: [&str; 5] = [
        "clear_facts",
        "clear_host_errors",
        "end_batch",
        "end_play",
        "refresh_inventory",
    ];
    NAMES.contains(&named(task).as_str())
}

/// What a meta task that another host has performed for all means for this one.
///
/// # Errors
/// The play or the batch ends.
pub fn follow(host: &mut HostRun, task: &Task) -> Result<(), Stop> {
    match named(task).as_str() {
        "clear_facts" => host.apply(Effect::ClearFacts),
        "refresh_inventory" => host.follow_inventory(),
        "end_batch" => return Err(Stop::EndBatch),
        "end_play" => return Err(Stop::EndPlay),
        _ => {}
    }
    Ok(())
}

/// What is said of a meta task that is carried out (observed: ansible-core 2.19.14).
fn done(host: &HostRun, job: &Job, what: &str) -> Option<String> {
    let name = &host.host;
    Some(match what {
        "noop" => "noop".to_owned(),
        "flush_handlers" => format!("triggered running handlers for {name}"),
        "clear_facts" => "facts cleared".to_owned(),
        "clear_host_errors" => "cleared host errors".to_owned(),
        "reset_connection" => "reset connection".to_owned(),
        "refresh_inventory" => "inventory successfully refreshed".to_owned(),
        "end_host" => format!("ending play for {name}"),
        "end_batch" => "ending batch".to_owned(),
        "end_play" => "ending play".to_owned(),
        "end_role" => {
            let role = job.task.role.as_ref().or(job.around.role.as_ref());
            let role = role.map_or("", |role| role.name.as_str());
            format!("ending role {role} for {name}")
        }
        _ => return None,
    })
}

/// A meta task whose condition does not hold.
///
/// # Errors
/// As [`HostRun::end`].
pub fn skipped(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let what = what(job);
    let name = &host.host;
    let going_on = match what.as_str() {
        "flush_handlers" => format!(", not running handlers for {name}"),
        "end_host" => format!(", continuing execution for {name}"),
        "end_batch" => ", continuing current batch".to_owned(),
        "end_play" => ", continuing play".to_owned(),
        "end_role" => format!(", continuing role for {name}"),
        _ => String::new(),
    };
    let reason = format!("{what} conditional evaluated to False{going_on}");
    let msg = match what.as_str() {
        "end_host" => format!("{what} conditional evaluated to false{going_on}"),
        _ => what,
    };
    let result = json!({"skipped": true, "msg": msg, "skip_reason": reason});
    host.end(job, Judged::new(result))
}
