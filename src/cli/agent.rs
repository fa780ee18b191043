//! `gxdeploy agent`: the host's side of a run. Started by a control side, not by people.

use crate::agent;
use crate::diag::{Diag, Exit, Result};
use std::io;

/// Serves a control side on standard input and output
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Carries out one step in the background, described on standard input
    #[arg(long, hide = true)]
    job: bool,
}

pub(super) fn run(args: Args) -> Result<Exit> {
    // Another user's agent begins in the home of the first, which may be closed to it: no command
    // could be started from there.
    if std::env::current_dir()
        .and_then(std::env::set_current_dir)
        .is_err()
    {
        // Should even this fail, commands say so.
        let _ = std::env::set_current_dir("/");
    }
    agent::settle();
    if args.job {
        return match agent::carry_out(io::stdin()) {
            Ok(()) => Ok(Exit::Ok),
            Err(e) => Err(Diag::error(
                "agent",
                format!("the job came to no result: {e}"),
            )),
        };
    }
    agent::serve().map_err(|e| {
        Diag::error(
            "agent",
            format!("the connection to the control side broke: {e}"),
        )
    })?;
    Ok(Exit::Ok)
}
