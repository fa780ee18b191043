//! `--step`: the user is asked before each task.

use super::collect::Position;
use crate::output::TaskInfo;
use std::collections::HashMap;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

/// What the user has said in one play. The first host that comes to a task asks; the others take
/// that answer.
#[derive(Default)]
pub struct AskFirst(Mutex<Said>);

#[derive(Default)]
struct Said {
    /// No further questions.
    go_on: bool,
    tasks: HashMap<Position, bool>,
}

impl AskFirst {
    /// Whether a task shall be performed. Question and answers as observed: ansible-core 2.19.14;
    /// an end of input is a "no".
    pub fn agreed(&self, at: &[u32], task: &TaskInfo) -> bool {
        let kind = if task.handler { "HANDLER" } else { "TASK" };
        let role = task
            .role
            .iter()
            .fold(String::new(), |_, r| format!("{r} : "));
        let name = &task.name;
        self.agreed_by(at, || {
            ask(&format!(
                "Perform task: {kind}: {role}{name} (N)o/(y)es/(c)ontinue: "
            ))
        })
    }

    fn agreed_by(&self, at: &[u32], ask: impl FnOnce() -> String) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.go_on {
            return true;
        }
        if let Some(answer) = said.tasks.get(at) {
            return *answer;
        }
        let answer = match ask().trim().to_lowercase().as_str() {
            "y" | "yes" => true,
            "c" | "continue" => {
                said.go_on = true;
                true
            }
            _ => false,
        };
        said.tasks.insert(at.to_vec(), answer);
        answer
    }
}

/// On the terminal, else on standard input: answers may come from a pipe.
fn ask(question: &str) -> String {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        return super::prompt::ask(question.trim_end(), true).unwrap_or_default();
    }
    let mut out = std::io::stdout().lock();
    // Where nobody can see the question, the answer still counts.
    let _ = write!(out, "{question}").and_then(|()| out.flush());
    let mut line = String::new();
    let _ = stdin.read_line(&mut line);
    let _ = writeln!(out);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_is_asked_about_once() {
        let asked = AskFirst::default();
        assert!(asked.agreed_by(&[1], || "y\n".to_owned()));
        assert!(asked.agreed_by(&[1], || unreachable!("asked again")));
        assert!(!asked.agreed_by(&[2], || "n\n".to_owned()));
        assert!(!asked.agreed_by(&[3], String::new));
    }

    #[test]
    fn continue_ends_the_questions() {
        let asked = AskFirst::default();
        assert!(asked.agreed_by(&[1], || "Continue".to_owned()));
        assert!(asked.agreed_by(&[2], || unreachable!("asked again")));
    }
}
