//! Hosts that other runs have.

use super::options::Options;
use super::run::Run;
use crate::diag::Diag;
use crate::output::Event;
use crate::wire::Claim;

/// What a run does where another one has a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// It does not look.
    #[default]
    None,
    /// It waits.
    Wait,
    /// The host counts as failed.
    Refuse,
}

/// What a run says to its hosts, so that no other one changes them at the same time.
pub fn claim(options: &Options) -> Option<Claim> {
    if options.check || options.lock == Lock::None {
        return None;
    }
    let user = nix::unistd::User::from_uid(nix::unistd::getuid())
        .ok()
        .flatten()
        .map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    let machine = nix::unistd::gethostname().unwrap_or_default();
    let run = match &options.record {
        Some((record, _)) => record.id(),
        None => format!("{:016x}", rand::random::<u64>()),
    };
    Some(Claim {
        run,
        who: format!("{user}@{}", machine.to_string_lossy()),
        since: super::record::now(),
        refuse: options.lock == Lock::Refuse,
    })
}

/// Tells the user that a host is another run's.
pub fn tell(run: &Run, host: &str, by: &Claim) {
    if run.options.lock == Lock::Refuse {
        // The step fails, which says it.
        return;
    }
    let text = format!("host {host}: waiting for {}", by.shown());
    let diag = Diag::warning("host-locked", text);
    run.collector().event(&Event::Message(diag));
}
