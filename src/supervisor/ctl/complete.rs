//! Completion in the shell: commands, then what they take.

use super::commands::{full, text};
use super::help::COMMANDS;
use super::server::Server;
use crate::value::Value;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

/// What the line editor asks. The names come from the daemon, anew for each completion.
#[derive(Default)]
pub(super) struct Words {
    pub server: Option<Server>,
}

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..pos).unwrap_or_default();
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let mut words = candidates(before.get(..start).unwrap_or_default(), || self.names());
        let begun = before.get(start..).unwrap_or_default();
        words.retain(|word| word.starts_with(begun));
        Ok((start, words.into_iter().map(|word| word + " ").collect()))
    }
}

impl Words {
    /// Groups and processes, sorted.
    fn names(&self) -> Names {
        let method = "supervisor.getAllProcessInfo";
        let infos = self.server.as_ref().and_then(|s| s.call(method, &[]).ok());
        let infos = infos.as_ref().and_then(Value::as_list).unwrap_or_default();
        let mut groups: Vec<String> = infos.iter().map(|i| text(i, "group").to_owned()).collect();
        groups.dedup();
        Names {
            processes: infos.iter().map(full).collect(),
            groups,
        }
    }
}

#[derive(Default)]
struct Names {
    processes: Vec<String>,
    groups: Vec<String>,
}

/// What may follow the words that are there.
fn candidates(before: &str, names: impl Fn() -> Names) -> Vec<String> {
    let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let commands = || COMMANDS.iter().map(|(name, _)| (*name).to_owned());
    let of_all = |first: &[&str]| {
        let names = names();
        let mut words = own(first);
        words.push("all".into());
        let groups = names.groups.into_iter().map(|g| g + ":*");
        let mut found: Vec<String> = names.processes.into_iter().chain(groups).collect();
        found.sort_unstable();
        words.extend(found);
        words
    };
    let mut given = before.split_whitespace();
    match (given.next(), given.next()) {
        (None, _) => commands().chain(["help".to_owned()]).collect(),
        (Some("help"), _) => commands().collect(),
        (Some("start" | "stop" | "clear" | "pid" | "why"), _) => of_all(&[]),
        (Some("status"), _) => of_all(&["--json"]),
        (Some("restart"), _) => of_all(&["--rolling", "--parallel"]),
        (Some("signal"), None) => own(&["HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2"]),
        (Some("signal"), _) => of_all(&[]),
        (Some("tail"), None) => [own(&["-f"]), names().processes].concat(),
        (Some("tail"), _) => [names().processes, own(&["stdout", "stderr"])].concat(),
        (Some("fg"), _) => names().processes,
        (Some("maintail"), _) => own(&["-f"]),
        (Some("update"), _) => {
            let first = own(&["--changed-only", "--dry-run", "all"]);
            [first, names().groups].concat()
        }
        (Some("add" | "remove"), _) => names().groups,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &str) -> String {
        let names = || Names {
            processes: vec!["gx:web".into(), "one".into()],
            groups: vec!["gx".into(), "one".into()],
        };
        candidates(before, names).join(" ")
    }

    #[test]
    fn each_command_is_offered_what_it_takes() {
        assert!(after("").starts_with("add avail clear"));
        assert_eq!(after("start "), "all gx:* gx:web one one:*");
        assert_eq!(after("tail -f "), "gx:web one stdout stderr");
        assert_eq!(after("signal "), "HUP INT KILL QUIT TERM USR1 USR2");
        assert_eq!(after("signal HUP "), after("stop "));
        assert_eq!(after("update "), "--changed-only --dry-run all gx one");
        assert_eq!(after("version "), "");
    }
}
