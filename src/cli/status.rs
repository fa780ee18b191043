//! `gxdeploy status`: what the supervisors of many hosts run.

use super::common::Common;
use super::show::complain;
use crate::diag::{Exit, Result};
use crate::exec::{self, AdHoc};
use crate::output::{Event, Fleet, Output, Screen, Tee};

/// Shows the processes of the supervisors on many hosts
///
/// Asks whatever supervisord runs there, the original or the built-in one, where its configuration
/// says that it listens. Identical hosts are shown once; lines that differ from them begin with `!`.
/// The exit code is 4 if a host is unreachable, 2 if a process does not run.
#[derive(Debug, clap::Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy status -b -i class.ini               As root, whose socket it usually is
  gxdeploy status -b -i class.ini web --json    Some hosts, for programs
  gxdeploy status -i class.ini --conf ~/supervisord.conf"
)]
pub(super) struct Args {
    /// Which hosts
    #[arg(default_value = "all")]
    pattern: String,
    #[command(flatten)]
    common: Common,
    /// JSON in place of a table
    #[arg(long)]
    json: bool,
    /// supervisord's configuration on the hosts [default: where supervisorctl looks]
    #[arg(long, value_name = "FILE")]
    conf: Option<String>,
}

/// Asks and shows.
pub(super) fn run(args: &Args) -> Result<Exit> {
    let mut options = args.common.options()?;
    // The agent's own program is a supervisorctl, so the host needs none.
    let mut argv = vec!["/proc/self/exe", "ctl"];
    argv.extend(args.conf.iter().flat_map(|conf| ["-c", conf]));
    argv.push("status");
    options.ad_hoc = Some(AdHoc {
        hosts: args.pattern.clone(),
        module: "command".to_owned(),
        args: serde_json::json!({ "argv": argv }).to_string(),
    });
    let fleet = Fleet::default();
    let ended = exec::run(
        options,
        Box::new(Tee(vec![Box::new(fleet.clone()), Box::new(Messages)])),
    );
    let (text, exit) = match args.json {
        true => (fleet.json().to_string(), fleet.exit()),
        false => (fleet.table(), fleet.exit()),
    };
    if !text.is_empty() {
        Screen::stdout().line(&text);
    }
    Ok(match (ended, exit) {
        // Nothing was asked: the run's own reason counts.
        (ended, Exit::Ok) => ended,
        (_, exit) => exit,
    })
}

/// Says on standard error what is wrong with the inventory or the pattern.
struct Messages;

impl Output for Messages {
    fn event(&mut self, event: &Event) {
        if let Event::Message(diag) = event {
            complain(diag);
        }
    }
}
