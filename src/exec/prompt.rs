//! Questions on the terminal.

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

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
