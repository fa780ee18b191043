//! The host's side: performs steps that come over a stream, one after the other.
//!
//! Nothing listens on the network: an agent is started by its control side (over SSH, or as a
//! child process) and speaks [`crate::wire`] on standard input and output. Where the control side
//! wishes it, a session outlives its connection: the agent keeps what it has to say ([`line`]) and
//! is found by the process of the next connection ([`door`]), for a while; an agent that comes after
//! its end reads what it has written down ([`journal`]). Otherwise it ends with the stream, and what
//! it runs with it. Steps for another user go to a child agent that runs as that user.

mod blobs;
mod child;
mod door;
mod home;
mod inbox;
mod input;
mod job;
mod journal;
mod line;
mod lock;
mod pending;
mod place;
mod serve;
mod session;

use home::{runtime_dir, state_dir};
pub use job::carry_out;
pub use place::settle;
pub use serve::serve;
