//! `pause`: for a time, or until someone answers.

use super::{arguments, flag, text};
use crate::diag::Result;
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::value::Value;
use serde_json::json;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Waits, or asks. Without a terminal a prompt is passed over, as Ansible does.
pub fn pause(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    host.flush()?;
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let number = |name: &str| args.get(name).and_then(|v| v.to_text().trim().parse().ok());
    let seconds: Option<f64> = match (number("minutes"), number("seconds")) {
        (Some(minutes), _) => Some(minutes * 60.0),
        (None, seconds) => seconds,
    };
    let started = Instant::now();
    let mut typed = String::new();
    match seconds {
        Some(seconds) => std::thread::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 1e6))),
        None if std::io::stdin().is_terminal() => {
            let prompt = text(&args, "prompt")
                .unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".to_owned());
            typed = host.run.prompt(
                &format!("[{}]\n{prompt}:", job.unit.info.name),
                flag(&args, "echo", true),
            );
        }
        None => {}
    }
    let spent = started.elapsed().as_secs();
    let mut judged = Judged::new(json!({
        "changed": false, "rc": 0, "delta": spent,
        "stderr": "", "user_input": typed, "echo": flag(&args, "echo", true),
    }));
    if let crate::value::Kind::Map(map) = &mut judged.value.kind {
        let shown = match seconds {
            Some(_) => format!(
                "Paused for {} seconds",
                started.elapsed().as_secs_f64().round()
            ),
            None => format!(
                "Paused for {:.2} minutes",
                started.elapsed().as_secs_f64() / 60.0
            ),
        };
        std::sync::Arc::make_mut(map).insert("stdout", Value::str(shown));
    }
    host.end(job, judged)
}
