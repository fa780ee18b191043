//! How an agent is reached: a command with pipes, and nothing more.
//!
//! Over SSH in one of two ways, chosen for each host by itself: inside this program ([`in_process`],
//! libssh2), or by the user's `ssh` program ([`ssh_cli`]) where the configuration asks for what
//! libssh2 cannot do ([`target`] says what).

mod agents;
mod askpass;
mod auth;
mod bootstrap;
mod cipher;
mod fault;
mod glob;
mod in_process;
mod key_file;
mod known_hosts;
mod local;
mod pin;
mod pump;
mod ssh_cli;
mod ssh_config;
mod target;
mod traffic;

pub use askpass::answer as answer_askpass;
pub use fault::{Again, Failed};
pub use local::local;
pub use pin::Pinned;
pub use target::Ssh;
pub use traffic::{Counts, Traffic};

use in_process::Fault;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// The two streams of a running agent.
pub struct Link {
    /// To the agent. Dropping it ends the agent.
    pub to: Box<dyn Write + Send>,
    /// From the agent.
    pub from: Box<dyn Read + Send>,
    /// Whatever must live as long as the streams, and is cleaned up after them.
    pub guard: Box<dyn Send>,
    /// What it costs.
    pub traffic: Arc<Traffic>,
}

impl Ssh {
    /// Connects, brings the agent to the host if it is missing, and starts it. `tell` is told which
    /// way is taken and why, in a sentence.
    ///
    /// # Errors
    /// `connection`, with the cause in a sentence and what to do about it; and whether that may pass.
    pub fn open(&self, tell: &mut dyn FnMut(&str)) -> Result<Link, Failed> {
        let traffic = Arc::new(Traffic::default());
        let start = Instant::now();
        let unfit = match self.target() {
            Ok(target) => {
                tell(&format!("{}: SSH inside gxdeploy", self.host));
                match in_process::open(self, &target, &traffic) {
                    Ok(link) => {
                        traffic.connected(start.elapsed());
                        return Ok(link);
                    }
                    Err(Fault::Failed(failed)) => return Err(failed),
                    Err(Fault::Unfit(why)) => why,
                }
            }
            Err(why) => why,
        };
        tell(&format!("{}: the ssh program, since {unfit}", self.host));
        let link = ssh_cli::open(self, &traffic)?;
        traffic.connected(start.elapsed());
        Ok(link)
    }
}
