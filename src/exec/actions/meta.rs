//! `meta`: what is done to the run itself.

use super::text;
use crate::diag::{Diag, Result};
use crate::exec::host::{HostRun, Stop};
use crate::exec::queue::Effect;
use crate::exec::results::Judged;
use crate::exec::task::Job;
use serde_json::json;

/// Carries out a meta task. None of them is counted or shown, except where a condition skips it.
pub fn meta(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let what = text(&job.task.args, "free_form").unwrap_or_default();
    host.flush()?;
    match what.as_str() {
        "noop" => {}
        "flush_handlers" => host.run_handlers()?,
        "clear_facts" => host.apply(Effect::ClearFacts),
        "clear_host_errors" => host.run.clear_failures(),
        "end_host" => return Err(Stop::EndHost),
        "end_batch" => return Err(Stop::EndBatch),
        "end_play" => {
            host.play.barrier.stop();
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
