//! The command line: one file per verb.

mod doc;
mod facts;
mod flags;
mod prompt;
mod usage;
mod version;

use crate::diag::{Diag, Exit, SourceMap, render};
use crate::output::Screen;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs the program with its arguments, its name first.
///
/// Under the name of one of Ansible's or Supervisor's programs it is that program; under any other
/// name it is `gxdeploy` with its verbs.
pub fn main(args: Vec<OsString>) -> ExitCode {
    usage::tell_bugs_apart();
    let name = args.first().map(Path::new).and_then(Path::file_name);
    let name = name.map_or_else(|| "gxdeploy".into(), |n| n.to_string_lossy().into_owned());
    let words = args.into_iter().skip(1).collect();
    let ended = match name.as_str() {
        "ansible-doc" => usage::parse::<doc::Args>(&name, words).map(doc::run),
        _ => usage::parse::<Gxdeploy>("gxdeploy", words).map(|g| g.verb.run()),
    };
    match ended {
        Ok(Ok(exit)) => ExitCode::from(exit.code()),
        Ok(Err(diag)) => fail(&diag, &SourceMap::default()),
        Err(code) => code,
    }
}

/// Says on standard error why nothing ran.
fn fail(diag: &Diag, sources: &SourceMap) -> ExitCode {
    let mut screen = Screen::stderr();
    let text = render(diag, sources, screen.colour);
    screen.line(&text);
    ExitCode::from(diag.exit.code())
}

/// Brings machines to the state a playbook describes, and keeps processes alive.
#[derive(Debug, Parser)]
#[command(name = "gxdeploy", version, after_help = EXAMPLES)]
struct Gxdeploy {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  gxdeploy plan -i hosts.ini site.yml        Show what would change, change nothing
  gxdeploy apply -i hosts.ini site.yml       Make it so
  gxdeploy run -i hosts.ini all -m ping      One module on many hosts
  gxdeploy doc copy                          The options of a module

Under the names ansible-playbook, ansible, ansible-inventory, ansible-vault,
ansible-doc, supervisord and supervisorctl (a link is enough) it takes the
options of those programs and prints what they print.";

#[derive(Debug, Subcommand)]
enum Verb {
    Doc(doc::Args),
    Facts(facts::Args),
    Version(version::Args),
}

impl Verb {
    fn run(self) -> crate::diag::Result<Exit> {
        match self {
            Verb::Doc(args) => doc::run(args),
            Verb::Facts(args) => facts::run(args),
            Verb::Version(args) => version::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Gxdeploy::command().debug_assert();
    }
}
