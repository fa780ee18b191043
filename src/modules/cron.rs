//! `cron`: entries and variables of crontabs.

use super::Module;
use super::common::command;
use crate::diag::{Diag, Result};
use crate::sys::{Command, Content, Effect, Op, Outcome, Owner, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Keeps entries of crontabs, each known by a comment with its name (`#Ansible: NAME`).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Name of the entry, or of the variable.
    name: String,
    /// Command, or value of the variable. Alias: value
    #[serde(default, alias = "value")]
    job: Option<String>,
    /// Whether it shall be there.
    #[serde(default)]
    state: super::group::State,
    /// Whose crontab; in a `cron_file`, who runs it.
    #[serde(default)]
    user: Option<String>,
    /// A file of `/etc/cron.d` in place of a user's crontab.
    #[serde(default)]
    cron_file: Option<String>,
    /// Minute.
    #[serde(default = "any")]
    minute: String,
    /// Hour.
    #[serde(default = "any")]
    hour: String,
    /// Day of the month. Alias: dom
    #[serde(default = "any", alias = "dom")]
    day: String,
    /// Month.
    #[serde(default = "any")]
    month: String,
    /// Day of the week. Alias: dow
    #[serde(default = "any", alias = "dow")]
    weekday: String,
    /// A word in place of the times.
    #[serde(default)]
    special_time: Option<Special>,
    /// Comment the entry out.
    #[serde(default)]
    disabled: bool,
    /// It is a variable, not an entry.
    #[serde(default)]
    env: bool,
    /// Put a new variable behind this one.
    #[serde(default)]
    insertafter: Option<String>,
    /// Put a new variable before this one.
    #[serde(default)]
    insertbefore: Option<String>,
    /// Keep the crontab as it was.
    #[serde(default)]
    backup: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Special {
    Annually,
    Daily,
    Hourly,
    Monthly,
    Reboot,
    Weekly,
    Yearly,
}

fn any() -> String {
    "*".into()
}

const MARK: &str = "#Ansible: ";

/// The module.
pub struct Cron;

impl Module for Cron {
    const NAME: &'static str = "cron";
    const FQCN: &'static str = "ansible.builtin.cron";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args)?;
        let before = read(args, view)?;
        let after = edit(args, &before);
        if after == before {
            return Ok(Vec::new());
        }
        let mut ops = Vec::new();
        if args.backup {
            let path = PathBuf::from(format!("/tmp/crontab{:08x}", view.now() as u64));
            ops.push(write(path, &before, 0o600));
        }
        ops.push(save(args, view, &after));
        Ok(ops)
    }

    fn explain(_: &Args, _: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        Ok(match planned {
            [Op::Write { path, .. }, _] => json!({"backup_file": path}),
            _ => json!({}),
        })
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let lines = read(args, view)?;
        let jobs: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix(MARK)).collect();
        let envs: Vec<&str> = lines.iter().filter_map(|l| variable(l)).collect();
        let mut result = json!({"jobs": jobs, "envs": envs});
        if let Some(file) = &args.cron_file {
            result["cron_file"] = json!(file);
        }
        Ok(result)
    }
}

fn check(args: &Args) -> Result<()> {
    let present = args.state == super::group::State::Present;
    let wrong = if present && args.job.is_none() {
        "state `present` needs `job`"
    } else if args.cron_file.as_deref() == Some("/etc/crontab") {
        "Will not manage /etc/crontab via cron_file, see documentation."
    } else if args.cron_file.is_some() && args.user.is_none() && present && !args.env {
        "`cron_file` needs `user`"
    } else if args.special_time.is_some()
        && [
            &args.minute,
            &args.hour,
            &args.day,
            &args.month,
            &args.weekday,
        ]
        .iter()
        .any(|t| *t != "*")
    {
        "You must specify time and date fields or special time."
    } else if (args.insertafter.is_some() || args.insertbefore.is_some()) && !args.env {
        "Insertafter and insertbefore parameters are valid only with env=yes"
    } else {
        return Ok(());
    };
    Err(Diag::error("wrong-value", wrong))
}

fn file(args: &Args) -> Option<PathBuf> {
    let name = args.cron_file.as_deref()?;
    Some(PathBuf::from("/etc/cron.d").join(name))
}

fn key(args: &Args, view: &dyn View) -> String {
    let user = args.user.as_deref().unwrap_or(&view.me().name);
    format!("crontab:{user}")
}

fn crontab(args: &Args, words: &[&str]) -> Command {
    let mut argv = vec!["crontab"];
    if let Some(user) = &args.user {
        argv.extend(["-u", user]);
    }
    argv.extend(words);
    command::c_locale(argv)
}

fn read(args: &Args, view: &dyn View) -> Result<Vec<String>> {
    let text = match (file(args), view.assumed(&key(args, view))) {
        (Some(path), _) => {
            let bytes = view.read(&path)?.presume(None);
            bytes.map_or(String::new(), |b| String::from_utf8_lossy(&b).into_owned())
        }
        (None, Some(planned)) => planned.as_str().unwrap_or_default().to_owned(),
        (None, None) => {
            let output = view.query(&crontab(args, &["-l"]))?.known();
            output
                .filter(|o| o.ok())
                .map_or(String::new(), |o| o.text())
        }
    };
    let comment = |line: &str| {
        // What crontab itself writes at the top is not the user's.
        line.starts_with("# DO NOT EDIT THIS FILE")
            || line.starts_with("# (/tmp/") && line.contains(" installed on ")
            || line.starts_with("# (- installed on ")
            || line.starts_with("# (Cron version ")
    };
    Ok(text
        .lines()
        .filter(|l| !comment(l))
        .map(str::to_owned)
        .collect())
}

fn variable(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_word)).then_some(name)
}

fn edit(args: &Args, before: &[String]) -> Vec<String> {
    let mut lines = before.to_vec();
    let present = args.state == super::group::State::Present;
    if args.env {
        return edit_variable(args, lines, present);
    }
    let mark = format!("{MARK}{}", args.name);
    let at = lines.iter().position(|line| *line == mark);
    match (at, present) {
        (None, false) => {}
        (Some(at), false) => {
            let end = (at + 2).min(lines.len());
            lines.drain(at..end);
        }
        (Some(at), true) => {
            let end = (at + 2).min(lines.len());
            lines.splice(at..end, [mark, entry(args)]);
        }
        (None, true) => lines.extend([mark, entry(args)]),
    }
    lines
}

fn edit_variable(args: &Args, mut lines: Vec<String>, present: bool) -> Vec<String> {
    let find = |name: &str, lines: &[String]| lines.iter().position(|l| variable(l) == Some(name));
    let at = find(&args.name, &lines);
    if !present {
        lines.retain(|l| variable(l) != Some(args.name.as_str()));
        return lines;
    }
    let job = args.job.as_deref().unwrap_or_default();
    let line = format!("{}=\"{job}\"", args.name);
    match at {
        Some(at) => lines[at] = line,
        None => {
            let after = args
                .insertafter
                .as_deref()
                .and_then(|n| find(n, &lines))
                .map(|n| n + 1);
            let before = args.insertbefore.as_deref().and_then(|n| find(n, &lines));
            lines.insert(after.or(before).unwrap_or(0), line);
        }
    }
    lines
}

fn entry(args: &Args) -> String {
    let job = args
        .job
        .as_deref()
        .unwrap_or_default()
        .trim_matches(['\r', '\n']);
    let off = if args.disabled { "#" } else { "" };
    let who = match (&args.cron_file, &args.user) {
        (Some(_), Some(user)) => format!(" {user}"),
        _ => String::new(),
    };
    match args.special_time {
        Some(word) => {
            let word = json!(word);
            format!("{off}@{}{who} {job}", word.as_str().unwrap_or_default())
        }
        None => format!(
            "{off}{} {} {} {} {}{who} {job}",
            args.minute, args.hour, args.day, args.month, args.weekday
        ),
    }
}

fn write(path: PathBuf, lines: &[String], mode: u32) -> Op {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Op::Write {
        path,
        content: Content::Bytes(text.into_bytes().into()),
        mode: Some(mode),
        owner: Owner::default(),
        backup: None,
        validate: None,
        secret: false,
    }
}

fn save(args: &Args, view: &dyn View, lines: &[String]) -> Op {
    if let Some(path) = file(args) {
        return match lines.iter().any(|line| !line.trim().is_empty()) {
            true => write(path, lines, 0o644),
            false => Op::Remove { path },
        };
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let effect = Effect::Assume(key(args, view), json!(text));
    command::run(crontab(args, &["-"]).stdin(text.into_bytes()), vec![effect])
}
