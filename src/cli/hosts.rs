//! `gxdeploy hosts`: what concerns the hosts themselves.

use super::common::Common;
use super::show::complain;
use crate::diag::{Exit, Result};
use crate::exec::{self, AdHoc};
use crate::output::{Console, Screen};
use crate::transport::Pinned;

/// Host keys of a fleet
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Trust(Trust),
}

/// Pins the keys that hosts show now; other keys are refused from then on
///
/// For new hosts, on a network that can be trusted. Known keys stay; a key that has changed is an
/// error and is never replaced.
#[derive(Debug, clap::Args)]
#[command(
    args_override_self = true,
    after_help = "Example:
  gxdeploy hosts trust -i class.ini"
)]
struct Trust {
    /// Which hosts
    #[arg(default_value = "all")]
    pattern: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<Exit> {
    match &args.verb {
        Verb::Trust(args) => args.run(),
    }
}

impl Trust {
    fn run(&self) -> Result<Exit> {
        let mut options = self.common.options()?;
        // Nothing of this is run; it stands in for a playbook.
        options.ad_hoc = Some(AdHoc {
            hosts: self.pattern.clone(),
            module: "ping".to_owned(),
            args: String::new(),
        });
        let sources = options.sources.clone();
        let warnings = Console::new(Screen::stdout(), Screen::stderr(), sources, 0);
        let trusted = exec::trust(options, &self.pattern, Box::new(warnings))?;
        let mut screen = Screen::stdout();
        let mut exit = Exit::Ok;
        for (host, ended) in trusted {
            match ended {
                Ok(pinned) => screen.line(&format!("{host}: {}", told(&pinned))),
                Err(diag) => {
                    complain(&diag);
                    exit = Exit::Unreachable;
                }
            }
        }
        Ok(exit)
    }
}

fn told(pinned: &Pinned) -> String {
    match (pinned.new.as_slice(), pinned.known, &pinned.file) {
        ([], 0, _) => "shows no key".to_owned(),
        ([], 1, _) => "known (1 key)".to_owned(),
        ([], known, _) => format!("known ({known} keys)"),
        (new, _, Some(file)) => format!("pinned in {}: {}", file.display(), new.join(", ")),
        (new, _, None) => format!("pinned: {}", new.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let mut pinned = Pinned {
            new: vec!["ssh-ed25519 SHA256:x".to_owned()],
            known: 1,
            file: Some("/k".into()),
        };
        assert_eq!(told(&pinned), "pinned in /k: ssh-ed25519 SHA256:x");
        pinned.new.clear();
        assert_eq!(told(&pinned), "known (1 key)");
    }
}
