//! Questions on the terminal.

use super::interrupt;
use super::run::Run;
use crate::diag::Result;
use crate::play::ast::Play;
use crate::value::{Map, Value};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

/// How often it is looked whether the user still wants to answer.
const LOOK: u16 = 200;

/// Asks on the terminal, whatever standard input is, and returns the line that was typed. Without
/// `echo` nothing of it is seen.
///
/// # Errors
/// There is no terminal, or the user has interrupted.
pub fn ask(text: &str, echo: bool) -> io::Result<String> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    if !echo {
        interrupt::silence(&terminal, &before);
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        // Before the question, since an answer may come at once.
        tcsetattr(&terminal, SetArg::TCSANOW, &silent)?;
    }
    let asked = write!(terminal, "{text} ").and_then(|()| terminal.flush());
    let read = asked.and_then(|()| line(&terminal));
    if !echo {
        tcsetattr(&terminal, SetArg::TCSANOW, &before)?;
        interrupt::silence_ends();
        writeln!(terminal)?;
    }
    Ok(read?.trim_end_matches(['\r', '\n']).to_owned())
}

fn line(terminal: &File) -> io::Result<String> {
    loop {
        let mut fds = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, LOOK) {
            Ok(0) | Err(Errno::EINTR) if interrupt::is_set() => {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Ok(0) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
            Ok(_) => {
                let mut line = String::new();
                BufReader::new(terminal).read_line(&mut line)?;
                return Ok(line);
            }
        }
    }
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
