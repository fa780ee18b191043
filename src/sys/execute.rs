//! Performs a list of operations on a host, whichever it is.

use super::credentials::without_passwords;
use super::diff::{self, Diff};
use super::{Declared, Host, Op, Outcome};
use crate::diag::{Diag, Result};

/// What came of a list of operations.
#[derive(Debug, Default)]
pub struct Done {
    /// One outcome for each operation.
    pub outcomes: Vec<Outcome>,
    /// What differs, for `--diff`; empty unless asked for.
    pub diffs: Vec<Diff>,
    /// How many of them were opaque commands.
    pub opaque: usize,
}

/// Performs operations in order and stops at the first that fails.
///
/// # Errors
/// That of the operation, and `command-failed` for a [`Op::Run`] that must succeed and did not.
pub fn execute(host: &mut dyn Host, ops: &[Op], want_diff: bool) -> Result<Done> {
    let mut done = Done::default();
    host.expect(ops);
    let performed = each(host, ops, want_diff, &mut done);
    // Also what was performed before a failure.
    let settled = host.settle();
    performed.and(settled).map(|()| done)
}

fn each(host: &mut dyn Host, ops: &[Op], want_diff: bool, done: &mut Done) -> Result<()> {
    for op in ops {
        if want_diff && let Some(diff) = diff::of(op, host.view())? {
            diff::push(&mut done.diffs, diff);
        }
        if is_opaque(op) {
            done.opaque += 1;
        }
        let outcome = host.perform(op)?;
        if let (
            Op::Run {
                command,
                must_succeed: true,
                ..
            },
            Outcome::Ran(output),
        ) = (op, &outcome)
            && !output.ok()
        {
            return Err(command_failed(&command.argv, output));
        }
        done.outcomes.push(outcome);
    }
    Ok(())
}

fn is_opaque(op: &Op) -> bool {
    matches!(
        op,
        Op::Run {
            effect: Declared::Opaque,
            ..
        } | Op::Http {
            effect: Declared::Opaque,
            ..
        }
    )
}

fn command_failed(argv: &[String], output: &super::Output) -> Box<Diag> {
    let program = argv.first().map_or("", String::as_str);
    let argv: Vec<String> = argv.iter().map(|word| without_passwords(word)).collect();
    let stdout = without_passwords(&output.text());
    let stderr = without_passwords(&output.err_text());
    let said = match stderr.trim() {
        "" => &stdout,
        _ => &stderr,
    };
    let mut diag = Diag::error(
        "command-failed",
        format!("`{}` failed with status {}", argv.join(" "), output.rc),
    );
    if output.rc == 127 && said.trim().is_empty() {
        diag = diag.note(format!("there is no program `{program}`"));
    }
    let lines: Vec<&str> = said.trim_end().lines().collect();
    for line in &lines[lines.len().saturating_sub(6)..] {
        diag = diag.note(*line);
    }
    diag.with("cmd", argv)
        .with("rc", output.rc)
        .with("stdout", stdout)
        .with("stderr", stderr)
}
