//! Questions on the terminal.

use super::run::Run;
use crate::diag::Result;
use crate::play::ast::Play;
use crate::value::{Map, Value};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::Arc;

/// Asks on the terminal, whatever standard input is, and returns the line that was typed.
///
/// # Errors
/// There is no terminal.
pub fn ask(text: &str, echo: bool) -> io::Result<String> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "{text} ")?;
    terminal.flush()?;
    let before = tcgetattr(&terminal)?;
    if !echo {
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSANOW, &silent)?;
    }
    let mut line = String::new();
    let read = BufReader::new(&terminal).read_line(&mut line);
    if !echo {
        tcsetattr(&terminal, SetArg::TCSANOW, &before)?;
        writeln!(terminal)?;
    }
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for the variables of `vars_prompt`; without a terminal their defaults count.
pub fn answers(
    run: &Arc<Run>,
    play: &Play,
    render: &dyn Fn(&Value) -> Result<Value>,
) -> Result<Arc<Map>> {
    let mut answers = Map::new();
    for entry in &play.vars_prompt {
        let Some(name) = entry.get("name").map(Value::to_text) else {
            continue;
        };
        if run.extra_vars.contains(&name) {
            continue;
        }
        let text = match entry.get("prompt") {
            Some(prompt) => render(prompt)?.to_text(),
            None => name.clone(),
        };
        let default = match entry.get("default") {
            Some(default) => Some(render(default)?),
            None => None,
        };
        let private = entry.get("private").is_none_or(super::unit::to_bool);
        let shown = match &default {
            Some(default) => format!("{text} [{}]:", default.to_text()),
            None => format!("{text}:"),
        };
        let answer = run.prompt(&shown, !private);
        let value = match (answer.is_empty(), default) {
            (true, Some(default)) => default,
            _ => Value::str(answer),
        };
        answers.insert(name, value);
    }
    Ok(Arc::new(answers))
}
