//! `gxdeploy facts`: the facts of this machine.

use crate::diag::{Exit, Result};
use crate::facts::{self, Request};
use crate::output::Screen;
use crate::sys::real::RealHost;

/// Shows the facts of this machine (`gxdeploy run PATTERN -m setup` asks other hosts)
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gxdeploy facts                             All facts, as JSON
  gxdeploy facts ansible_distribution        One of them, or a pattern such as '*ipv4*'
  gxdeploy facts --subset '!all,network'")]
pub(super) struct Args {
    /// Names or shell patterns, with or without `ansible_`
    names: Vec<String>,
    /// Families of facts to gather, as the `setup` module takes them
    #[arg(long, default_value = "all", allow_hyphen_values = true)]
    subset: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<Exit> {
    let host = RealHost::new()?;
    let request = Request {
        subset: args.subset,
        ..Request::default()
    };
    let mut facts = facts::gather(&host, &request)?;
    facts::keep(&mut facts, &args.names);
    let mut screen = Screen::stdout();
    screen.line(&serde_json::to_string_pretty(&facts).unwrap_or_default());
    Ok(Exit::Ok)
}
