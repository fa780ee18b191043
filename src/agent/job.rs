//! Steps in the background (`async`): each is carried out by a process of its own that outlives the
//! agent and leaves its result in a file. Place, names and content of the file are those of
//! ansible-core 2.19.14 (observed), so that either can ask after it.

use crate::diag::{Diag, Result, reason};
use crate::modules::{self, StepResult};
use crate::sys::RealHost;
use crate::sys::path::expand_home;
use crate::sys::real::watch_commands;
use crate::wire::{Background, Step};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// What the process of a job is told on its standard input.
#[derive(Serialize, Deserialize)]
struct Job {
    jid: String,
    file: PathBuf,
    limit: u64,
    step: Step,
}

/// How much longer than its time limit a job may take to end what it does.
const GRACE: Duration = Duration::from_secs(2);

/// Starts a step in the background. The result tells its job id.
pub fn start(step: &Step, background: &Background, host: &RealHost) -> StepResult {
    match begin(step, background, host) {
        Ok(result) => StepResult::of(result),
        Err(diag) => StepResult::failed(diag),
    }
}

fn begin(step: &Step, background: &Background, host: &RealHost) -> Result<Json> {
    let dir = PathBuf::from(expand_home(&background.dir, host)?);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|e| Diag::io("create", &dir, &e))?;
    let number = rand::random::<u64>() % 1_000_000_000_000;
    let jid = format!("j{number:012}.{}", std::process::id());
    let file = dir.join(&jid);
    let started = json!({"started": true, "finished": false, "ansible_job_id": jid});
    store(&file, &started).map_err(|e| Diag::io("write", &file, &e))?;
    let job = Job {
        jid: jid.clone(),
        file: file.clone(),
        limit: background.limit,
        step: Step {
            background: None,
            ..step.clone()
        },
    };
    spawn(&job).map_err(|e| {
        let why = reason(&e);
        Diag::error("background", format!("cannot start a job: {why}"))
    })?;
    Ok(json!({
        "started": true,
        "finished": false,
        "changed": true,
        "ansible_job_id": jid,
        "results_file": file,
    }))
}

fn spawn(job: &Job) -> io::Result<()> {
    let text = serde_json::to_vec(job)?;
    let mut process = Command::new("/proc/self/exe")
        .arg0("gxdeploy")
        .args(["agent", "--job"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut to) = process.stdin.take() {
        to.write_all(&text)?;
    }
    // It may end before the agent does.
    std::thread::spawn(move || process.wait());
    Ok(())
}

/// The life of a job's process: reads what to do, does it, writes the result.
///
/// # Errors
/// The job cannot be read, or its result cannot be written.
pub fn carry_out(mut input: impl Read) -> io::Result<()> {
    // What ends the agent's session does not end the job.
    let _ = nix::unistd::setsid();
    watch_commands();
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let job: Job = serde_json::from_slice(&text)?;
    let limit = Duration::from_secs(job.limit);
    let deadline = Instant::now() + limit;
    let (done_in, done) = channel();
    let step = job.step;
    std::thread::spawn(move || {
        // Nobody waits for it any more where the time was up.
        let _ = done_in.send(perform(&step, deadline));
    });
    let result = match done.recv_timeout(limit + GRACE) {
        Ok(result) if !is_late(&result) => result.result,
        _ => json!({
            "failed": true,
            "changed": false,
            "msg": "Timeout exceeded",
            "child_pid": std::process::id(),
        }),
    };
    let mut result = result;
    for (key, value) in [
        ("ansible_job_id", json!(job.jid)),
        ("started", json!(true)),
        ("finished", json!(true)),
    ] {
        result[key] = value;
    }
    store(&job.file, &result)
}

fn perform(step: &Step, deadline: Instant) -> StepResult {
    let mut host = match RealHost::new() {
        Ok(host) => host,
        Err(diag) => return StepResult::failed(diag),
    };
    host.set_step(step.environment.clone(), None);
    host.deadline = Some(deadline);
    modules::run(&step.module, &step.args, &mut host, &step.flags)
}

fn is_late(result: &StepResult) -> bool {
    let diag = result.diag.as_ref();
    diag.is_some_and(|diag| diag.code == "timed-out")
}

/// Writes a result so that nobody ever reads half of it.
fn store(file: &Path, result: &Json) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut to = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    to.write_all(result.to_string().as_bytes())?;
    drop(to);
    std::fs::rename(new, file)
}
