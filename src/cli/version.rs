//! `gxdeploy version`

use crate::diag::{Exit, Result};
use crate::output::Screen;

/// The ansible-core release whose behaviour is the reference.
pub const ANSIBLE: &str = "2.19.14";
/// The Supervisor release whose behaviour is the reference.
pub const SUPERVISOR: &str = "4.3.0";

/// Shows the version and what it is compatible with
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: Args) -> Result<Exit> {
    let mut screen = Screen::stdout();
    screen.line(&format!("gxdeploy {}", env!("CARGO_PKG_VERSION")));
    screen.line(&format!("plays as ansible-core {ANSIBLE} would"));
    screen.line(&format!("supervises as supervisor {SUPERVISOR} would"));
    Ok(Exit::Ok)
}
