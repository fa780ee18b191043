//! Questions on the terminal.

use crate::diag::{Diag, Result};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};

/// Asks for a secret without showing what is typed.
///
/// # Errors
/// `no-terminal` where nobody can be asked: a program that runs unattended must not hang.
pub(super) fn secret(question: &str) -> Result<String> {
    ask(question, true)
}

/// Asks for a line of text.
///
/// # Errors
/// `no-terminal`.
pub(super) fn line(question: &str) -> Result<String> {
    ask(question, false)
}

fn ask(question: &str, hidden: bool) -> Result<String> {
    let nobody = |_| {
        Diag::error("no-terminal", format!("cannot ask `{}`: there is no terminal", question.trim()))
            .help("give it in a file (--become-password-file, --connection-password-file, --vault-password-file)")
    };
    let terminal = File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(nobody)?;
    let before = tcgetattr(&terminal).map_err(|e| nobody(e.into()))?;
    if hidden {
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent).map_err(|e| nobody(e.into()))?;
    }
    let answer = exchange(&terminal, question);
    if hidden {
        // The line that Enter did not end on the screen.
        let _ = (&terminal).write_all(b"\n");
        let _ = tcsetattr(&terminal, SetArg::TCSAFLUSH, &before);
    }
    answer.map_err(nobody)
}

fn exchange(terminal: &File, question: &str) -> std::io::Result<String> {
    let mut out = terminal;
    out.write_all(question.as_bytes())?;
    out.flush()?;
    let mut answer = String::new();
    if BufReader::new(terminal).read_line(&mut answer)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}
