//! Hosts that go and come back: `reboot` and `wait_for_connection`.
//!
//! What happens when, and the words of the results, were observed by running ansible-core 2.19.14.

use super::{arguments, list, text};
use crate::diag::{Diag, Result};
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::output::Status;
use crate::value::Value;
use serde_json::json;
use std::time::{Duration, Instant};

/// Longest pause between two looks at a host that is away.
const LONGEST: Duration = Duration::from_secs(12);

/// Seconds for one command on a host that may go away any moment.
const PERIOD: u64 = 60;

/// Restarts a host and waits until it has started anew.
pub fn reboot(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    host.flush()?;
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let target = match host.connect(job) {
        Ok(target) => target,
        Err(diag) => return host.report_unreachable(&job.unit, diag),
    };
    if host.sessions.get(&target).is_some_and(|s| s.local) {
        let message = "Running reboot with local connection would reboot the control node.";
        let diag = Diag::error("local-reboot", message)
            .with("elapsed", 0)
            .with("rebooted", false);
        return host.end(job, Judged::failed(diag));
    }
    if job.unit.dry {
        let result = json!({"changed": true, "elapsed": 0, "rebooted": true});
        return host.end(job, Judged::new(result));
    }
    let mut restart = Restart {
        host,
        job,
        target,
        args,
        started: Instant::now(),
    };
    let judged = restart.perform()?;
    restart.host.end(job, judged)
}

/// Waits until a host can be reached.
pub fn wait_for_connection(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    host.flush()?;
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let target = match host.session_name(job) {
        Ok(target) => target,
        Err(diag) => return host.end(job, Judged::failed(diag)),
    };
    if job.unit.dry {
        return host.end(job, Judged::new(json!({"changed": false, "elapsed": 0})));
    }
    let started = Instant::now();
    std::thread::sleep(seconds(&args, "delay", 0));
    let end = Instant::now() + seconds(&args, "timeout", 600);
    loop {
        // A connection from before says nothing.
        host.sessions.remove(&target);
        let last = match host.ask(job, &target, "true", PERIOD)? {
            Ok(judged) if judged.status != Status::Failed => break,
            Ok(judged) => said(&judged),
            Err(diag) => diag.message,
        };
        if Instant::now() >= end {
            let message = format!("timed out waiting for ping module test: {last}");
            let diag =
                Diag::error("timed-out", message).with("elapsed", started.elapsed().as_secs());
            return host.end(job, Judged::failed(diag));
        }
        pause(host, seconds(&args, "sleep", 1))?;
    }
    let elapsed = started.elapsed().as_secs();
    host.end(
        job,
        Judged::new(json!({"changed": false, "elapsed": elapsed})),
    )
}

fn seconds(args: &Value, name: &str, default: u64) -> Duration {
    let given = text(args, name).and_then(|text| text.trim().parse::<i64>().ok());
    Duration::from_secs(given.map_or(default, |n| u64::try_from(n).unwrap_or(0)))
}

/// What a command said, for a message.
fn said(judged: &Judged) -> String {
    let part = |name| part(judged, name);
    format!("{} {}", part("stderr").trim(), part("stdout").trim())
        .trim()
        .to_owned()
}

/// What a result has under a name, as text.
fn part(judged: &Judged, name: &str) -> String {
    let value = judged.value.get(name);
    value.map(Value::to_text).unwrap_or_default()
}

/// The same with its exit status.
fn told(judged: &Judged) -> String {
    let part = |name| part(judged, name);
    let text = format!(
        "rc: {}, stdout: {}, stderr: {}",
        part("rc"),
        part("stdout"),
        part("stderr")
    );
    text.trim_end().to_owned()
}

fn pause(host: &HostRun, time: Duration) -> Result<(), Stop> {
    std::thread::sleep(time);
    if host.run.interrupted() {
        return Err(Stop::Interrupted);
    }
    Ok(())
}

/// A restart under way.
struct Restart<'a> {
    host: &'a mut HostRun,
    job: &'a Job,
    target: String,
    args: Value,
    started: Instant,
}

impl Restart<'_> {
    fn perform(&mut self) -> Result<Judged, Stop> {
        let boot_id = self
            .option("boot_time_command")
            .unwrap_or_else(|| "cat /proc/sys/kernel/random/boot_id".to_owned());
        let before = match self.output(&boot_id)? {
            Ok(before) => before,
            Err(why) => {
                let message = format!("reboot: failed to get host boot time info, {why}");
                let diag = Diag::error("no-boot-time", message).with("reboot", false);
                return Ok(Judged::failed(diag));
            }
        };
        let command = match self.command()? {
            Ok(command) => command,
            Err(diag) => return Ok(Judged::failed(diag)),
        };
        let answer = self.host.ask(self.job, &self.target, &command, PERIOD)?;
        self.started = Instant::now();
        // A host that is gone before it could answer does what it was told.
        if let Ok(judged) = answer
            && judged.status == Status::Failed
        {
            return Ok(self.refused(&judged));
        }
        self.host.sessions.remove(&self.target);
        std::thread::sleep(seconds(&self.args, "post_reboot_delay", 0));
        let test = self
            .option("test_command")
            .unwrap_or_else(|| "whoami".to_owned());
        for (command, other_than, what) in [
            (boot_id, Some(before), "last boot time check"),
            (test, None, "post-reboot test command"),
        ] {
            if !self.wait(&command, other_than.as_deref())? {
                return Ok(self.timed_out(what));
            }
        }
        let elapsed = self.started.elapsed().as_secs();
        let result = json!({"changed": true, "elapsed": elapsed, "rebooted": true});
        Ok(Judged::new(result))
    }

    fn option(&self, name: &str) -> Option<String> {
        text(&self.args, name)
    }

    fn refused(&self, judged: &Judged) -> Judged {
        let part = |name| part(judged, name);
        let message = format!(
            "Reboot command failed. Error was: '{}, {}'",
            part("stdout").trim(),
            part("stderr").trim()
        );
        let diag = Diag::error("reboot", message)
            .with("rebooted", false)
            .with("elapsed", 0);
        Judged::failed(diag)
    }

    fn timed_out(&self, what: &str) -> Judged {
        let limit = seconds(&self.args, "reboot_timeout", 600).as_secs();
        let message = format!("Timed out waiting for {what} (timeout={limit})");
        let diag = Diag::error("timed-out", message)
            .with("rebooted", true)
            .with("elapsed", self.started.elapsed().as_secs());
        Judged::failed(diag)
    }

    /// What a command prints, or why it failed.
    fn output(&mut self, command: &str) -> Result<Result<String, String>, Stop> {
        let answer = self.host.ask(self.job, &self.target, command, PERIOD)?;
        Ok(match answer {
            Ok(judged) if judged.status == Status::Failed => Err(told(&judged)),
            Ok(judged) => Ok(judged
                .value
                .get("stdout")
                .map(Value::to_text)
                .unwrap_or_default()),
            Err(diag) => Err(diag.message),
        })
    }

    /// Waits until a command succeeds and prints something other than before. The pauses grow.
    fn wait(&mut self, command: &str, before: Option<&str>) -> Result<bool, Stop> {
        let end = Instant::now() + seconds(&self.args, "reboot_timeout", 600);
        let mut between = Duration::from_secs(1);
        while Instant::now() < end {
            match (self.output(command)?, before) {
                (Ok(_), None) => return Ok(true),
                (Ok(now), Some(before)) if !now.trim().is_empty() && now != before => {
                    return Ok(true);
                }
                // A connection that outlives the host must not be asked again.
                _ => drop(self.host.sessions.remove(&self.target)),
            }
            pause(self.host, between)?;
            between = (between * 2).min(LONGEST);
        }
        Ok(false)
    }

    /// The command line that restarts the host.
    fn command(&mut self) -> Result<Result<String>, Stop> {
        let minutes = seconds(&self.args, "pre_reboot_delay", 0).as_secs() / 60;
        let message = self
            .option("msg")
            .unwrap_or_else(|| "Reboot initiated by Ansible".to_owned());
        let given = self.option("reboot_command");
        let (program, rest) = match &given {
            Some(line) => {
                let (program, rest) = line.split_once(' ').unwrap_or((line, ""));
                (program, rest.to_owned())
            }
            None => ("shutdown", format!("-r {minutes} \"{message}\"")),
        };
        if program.starts_with('/') {
            return Ok(Ok(format!("{program} {rest}")));
        }
        let mut dirs = list(&self.args, "search_paths");
        if dirs.is_empty() {
            dirs = ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"]
                .map(str::to_owned)
                .to_vec();
        }
        let candidates: Vec<String> = dirs.iter().map(|dir| format!("{dir}/{program}")).collect();
        let words: Vec<_> = candidates.iter().map(|c| shell_words::quote(c)).collect();
        let look = format!(
            "for f in {}; do if [ -e \"$f\" ]; then echo \"$f\"; break; fi; done",
            words.join(" ")
        );
        let found = self.output(&look)?.unwrap_or_default();
        if found.trim().is_empty() {
            let shown: Vec<String> = dirs.iter().map(|dir| format!("'{dir}'")).collect();
            let message = format!(
                "Unable to find command \"{program}\" in search paths: [{}]",
                shown.join(", ")
            );
            return Ok(Err(Diag::error("no-such-program", message)));
        }
        Ok(Ok(format!("{} {rest}", found.trim())))
    }
}
