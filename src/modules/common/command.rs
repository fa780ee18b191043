//! Commands that modules run or ask, in a form their output can be read in.

use crate::diag::{Diag, Result};
use crate::sys::{Command, Declared, Effect, Known, Op, Outcome, Output, View};
use serde_json::{Map, Value as Json, json};

/// A command that speaks the C locale, so that what it says can be read.
pub fn c_locale<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Command {
    Command::new(argv).env("LC_ALL", "C").env("LANG", "C")
}

/// Asks a program that only reads, in the C locale.
pub fn query<S: Into<String>>(
    view: &dyn View,
    argv: impl IntoIterator<Item = S>,
) -> Result<Known<Output>> {
    view.query(&c_locale(argv))
}

/// Runs a command that must succeed.
pub fn run(command: Command, effects: Vec<Effect>) -> Op {
    Op::Run {
        command,
        effect: Declared::Effects(effects),
        must_succeed: true,
    }
}

/// Runs a command whose failure the module itself reports.
pub fn attempt(command: Command, effects: Vec<Effect>) -> Op {
    Op::Run {
        command,
        effect: Declared::Effects(effects),
        must_succeed: false,
    }
}

/// What the commands of a step answered, in order; nothing for those that a dry run left out.
pub fn answers(done: &[Outcome]) -> impl DoubleEndedIterator<Item = &Output> {
    done.iter().filter_map(|outcome| match outcome {
        Outcome::Ran(output) => Some(output),
        _ => None,
    })
}

/// `stdout` and `stderr` of all commands of a step, one after the other.
pub fn texts(done: &[Outcome]) -> (String, String) {
    answers(done).fold(Default::default(), |(mut out, mut err), output| {
        out.push_str(&output.text());
        err.push_str(&output.err_text());
        (out, err)
    })
}

/// Where a program is; its bare name where only a planned step may bring it.
///
/// # Errors
/// `no-such-program`.
pub fn required(view: &dyn View, program: &str) -> Result<String> {
    match view.which(program)? {
        Known::Known(Some(path)) => Ok(path.display().to_string()),
        Known::Unknown => Ok(program.to_owned()),
        Known::Known(None) => Err(missing(view, program)),
    }
}

fn missing(view: &dyn View, program: &str) -> Box<Diag> {
    let mut dirs: Vec<String> = Vec::new();
    for path in crate::sys::path::candidates(program, view) {
        let dir = crate::sys::path::parent(&path).display().to_string();
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    let message = format!(
        "Failed to find required executable \"{program}\" in paths: {}",
        dirs.join(":")
    );
    Diag::error("no-such-program", message)
}

/// A failed result for the last command of a step, if that failed; `argv` are its words.
pub fn checked(argv: &[String], done: &[Outcome]) -> Option<Json> {
    let output = answers(done).next_back().filter(|output| !output.ok())?;
    let mut result = failure(output.err_text().trim_end(), output);
    result.insert("cmd".into(), json!(line(argv)));
    Some(Json::Object(result))
}

/// Words as a line for a shell, quoted where Python's `shlex` quotes them.
pub fn line(argv: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    let words = argv.iter().map(|word| {
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.clone();
        }
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A failed result with Ansible's keys for a command.
pub fn failure(msg: impl Into<String>, output: &Output) -> Map<String, Json> {
    let mut result = Map::new();
    result.insert("failed".into(), json!(true));
    result.insert("changed".into(), json!(false));
    result.insert("msg".into(), json!(msg.into()));
    result.insert("rc".into(), json!(output.rc));
    result.insert("stdout".into(), json!(output.text()));
    result.insert("stderr".into(), json!(output.err_text()));
    result
}
