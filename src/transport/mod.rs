//! How an agent is reached: a command with pipes, and nothing more.

mod bootstrap;
mod local;
mod ssh_cli;

pub use local::local;
pub use ssh_cli::Ssh;

use std::io::{Read, Write};

/// The two streams of a running agent.
pub struct Link {
    /// To the agent. Dropping it ends the agent.
    pub to: Box<dyn Write + Send>,
    /// From the agent.
    pub from: Box<dyn Read + Send>,
    /// Whatever must live as long as the streams, and is cleaned up after them.
    pub guard: Box<dyn Send>,
}
