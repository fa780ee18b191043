//! Commands that modules run or ask, in a form their output can be read in.

use crate::diag::Result;
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
