//! `gxdeploy runs` and `gxdeploy show`: what was run, and what became of it.

use crate::diag::{Exit, Result};
use crate::exec::record::{self, Head, Line};
use crate::exec::saved::is_plan;
use crate::output::{Counts, Screen, Status};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Lists the last runs of `apply`, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gxdeploy runs                 The last 20
  gxdeploy runs -n 100 --json   For programs")]
pub(super) struct RunsArgs {
    /// How many
    #[arg(short, default_value_t = 20, value_name = "N")]
    number: usize,
    /// JSON in place of a table
    #[arg(long)]
    json: bool,
}

/// Shows what a run has done, or what a saved plan says
///
/// Of a run: counts by host, tasks that changed something or failed. Of a plan: what `plan` showed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gxdeploy show                 The last run
  gxdeploy show 4f1             The one whose name ends so
  gxdeploy show site.plan       What is planned in that file")]
pub(super) struct ShowArgs {
    /// The run, as `gxdeploy runs` names it, or the end of its name [default: the last]; or the
    /// file of a plan
    run: Option<String>,
    /// JSON in place of text
    #[arg(long)]
    json: bool,
}

/// `gxdeploy runs`.
pub(super) fn list(args: &RunsArgs) -> Result<Exit> {
    let mut rows = Vec::new();
    for head in record::all()?.into_iter().take(args.number) {
        let pending = pending(&record::lines(&head.id)?);
        rows.push((head, pending));
    }
    let text = match args.json {
        true => Json::Array(rows.iter().map(|(head, p)| row(head, p)).collect()).to_string(),
        false => table(&rows),
    };
    Screen::stdout().line(&text);
    Ok(Exit::Ok)
}

/// `gxdeploy show`.
pub(super) fn show(args: &ShowArgs) -> Result<Exit> {
    let found = record::find(args.run.as_deref());
    if let Some(file) = args.run.as_ref().map(Path::new)
        && (is_plan(file) || (found.is_err() && file.is_file()))
    {
        return super::planned::show(file, args.json);
    }
    let head = found?;
    let lines = record::lines(&head.id)?;
    let text = match args.json {
        true => whole(&head, &lines).to_string(),
        false => text(&head, &lines),
    };
    Screen::stdout().line(&text);
    Ok(Exit::Ok)
}

type Pending = BTreeMap<String, Vec<String>>;

/// The handlers that are pending on each host, as last known.
fn pending(lines: &[Line]) -> Pending {
    let mut pending = Pending::new();
    for line in lines {
        if let Line::Pending { host, handlers } = line {
            pending.insert(host.clone(), handlers.clone());
        }
    }
    pending.retain(|_, handlers| !handlers.is_empty());
    pending
}

fn result(head: &Head) -> String {
    match head.exit {
        Some(0) => "ok".to_owned(),
        Some(2) => "failed".to_owned(),
        Some(4) => "unreachable".to_owned(),
        Some(99) => "interrupted".to_owned(),
        Some(code) => format!("exit {code}"),
        None if head.runs() => "running".to_owned(),
        None => "killed".to_owned(),
    }
}

pub(super) fn when(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    let Ok(time) = time::OffsetDateTime::from_unix_timestamp(seconds) else {
        return String::new();
    };
    let offset = time::UtcOffset::current_local_offset().unwrap_or(time::UtcOffset::UTC);
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    time.to_offset(offset).format(format).unwrap_or_default()
}

fn count(head: &Head, counts: impl Fn(&Counts) -> u32) -> usize {
    head.recap.values().filter(|c| counts(c) > 0).count()
}

fn row(head: &Head, pending: &Pending) -> Json {
    json!({
        "run": head.id,
        "started": head.started,
        "ended": head.ended,
        "attempts": head.attempts,
        "result": result(head),
        "exit": head.exit,
        "playbooks": head.playbooks,
        "hosts": head.recap.len(),
        "failed": count(head, |c| c.failed),
        "unreachable": count(head, |c| c.unreachable),
        "pending": pending.len(),
    })
}

fn table(rows: &[(Head, Pending)]) -> String {
    if rows.is_empty() {
        return "There is no run yet.".to_owned();
    }
    let mut text = format!(
        "{:<20} {:<19}  {:<11} {:>5} {:>6} {:>11} {:>7}  {}",
        "run", "when", "result", "hosts", "failed", "unreachable", "pending", "playbook"
    );
    for (head, pending) in rows {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{:<20} {:<19}  {:<11} {:>5} {:>6} {:>11} {:>7}  {}",
            head.id,
            when(head.started),
            result(head),
            head.recap.len(),
            count(head, |c| c.failed),
            count(head, |c| c.unreachable),
            pending.len(),
            head.playbooks.join(" ")
        );
    }
    text
}

/// A task: what it came to, its name, and why it failed.
type Told<'a> = (Status, String, Option<&'a str>);

/// What the tasks of a host came to, those that changed nothing left out.
fn tasks(lines: &[Line]) -> BTreeMap<&str, Vec<Told<'_>>> {
    let mut tasks: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for line in lines {
        if let Line::Task {
            host,
            task,
            status,
            item,
            msg,
        } = line
        {
            let name = match item {
                Some(item) => format!("{task} [{item}]"),
                None => task.clone(),
            };
            let of_host = tasks.entry(host).or_default();
            of_host.push((*status, name, msg.as_deref()));
        }
    }
    tasks
}

fn whole(head: &Head, lines: &[Line]) -> Json {
    let pending = pending(lines);
    let mut whole = row(head, &pending);
    let mut hosts = serde_json::Map::new();
    for (host, counts) in &head.recap {
        hosts.insert(
            host.clone(),
            json!({"recap": counts, "pending": [], "tasks": []}),
        );
    }
    let mut hosts = Json::Object(hosts);
    for (host, handlers) in &pending {
        hosts[host]["pending"] = json!(handlers);
    }
    for (host, tasks) in tasks(lines) {
        let shown = tasks
            .iter()
            .map(|(status, task, msg)| json!({"task": task, "status": status, "msg": msg}));
        hosts[host]["tasks"] = shown.collect();
    }
    whole["hosts"] = hosts;
    whole["dir"] = json!(head.dir);
    whole["options"] = json!(head.words);
    whole
}

fn text(head: &Head, lines: &[Line]) -> String {
    let mut text = format!(
        "Run {} of {}: {}\n  in {}: gxdeploy apply {}",
        head.id,
        when(head.started),
        result(head),
        head.dir.display(),
        shell_words::join(&head.words)
    );
    if head.attempts > 1 {
        let _ = write!(text, "\n  {} attempts", head.attempts);
    }
    let (pending, tasks) = (pending(lines), tasks(lines));
    let mut hosts: Vec<&str> = head.recap.keys().map(String::as_str).collect();
    hosts.extend(tasks.keys().filter(|host| !head.recap.contains_key(**host)));
    for host in hosts {
        let _ = write!(text, "\n\n{host}");
        if let Some(c) = head.recap.get(host) {
            let _ = write!(
                text,
                "  {} ok, {} changed, {} failed, {} unreachable, {} skipped",
                c.ok, c.changed, c.failed, c.unreachable, c.skipped
            );
        }
        for (status, task, msg) in tasks.get(host).into_iter().flatten() {
            let mark = match status {
                Status::Failed | Status::Unreachable => "x",
                _ => "~",
            };
            let _ = write!(text, "\n  {mark} {task}");
            if let Some(msg) = msg.and_then(|msg| msg.lines().next()) {
                let _ = write!(text, "\n      {msg}");
            }
        }
        for handler in pending.get(host).into_iter().flatten() {
            let _ = write!(text, "\n  … pending handler: {handler}");
        }
    }
    if head.exit != Some(0) && !head.runs() {
        let _ = write!(text, "\n\n`gxdeploy resume {}` goes on with it.", head.id);
    }
    text
}
