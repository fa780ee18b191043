//! Wrong words on the command line, and bugs.

use crate::output::Screen;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// What Ansible's programs answer to options they do not know.
const WRONG_OPTIONS: u8 = 2;

/// Reads the words after the program's name.
///
/// # Errors
/// The exit code, after help, version or the message was printed: 0 where that was asked for.
pub(super) fn parse<P: Parser>(name: &str, words: Vec<OsString>) -> Result<P, ExitCode> {
    if name.starts_with("ansible") && words.iter().any(|word| word == "--version") {
        let mut screen = Screen::stdout();
        screen.line(&format!("{name} [core {}]", super::version::ANSIBLE));
        screen.line(&format!("  gxdeploy {}", env!("CARGO_PKG_VERSION")));
        return Err(ExitCode::SUCCESS);
    }
    let words = std::iter::once(OsString::from(name)).chain(words);
    P::try_parse_from(words).map_err(|error| {
        // A closed terminal is no reason for another exit code.
        let _ = error.print();
        match error.use_stderr() {
            true => ExitCode::from(WRONG_OPTIONS),
            false => ExitCode::SUCCESS,
        }
    })
}

/// A panic is a bug of ours: says so, and where. The panic's own text may hold a user's data and
/// stays out.
pub(super) fn tell_bugs_apart() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(
            || "an unknown place".to_owned(),
            |l| format!("{}:{}", l.file(), l.line()),
        );
        let mut screen = Screen::stderr();
        screen.line(&format!(
            "gxdeploy {} stopped at {place}. This is a bug of gxdeploy, not of your playbook: \
             please report it with this line and what you ran.",
            env!("CARGO_PKG_VERSION")
        ));
    }));
}
