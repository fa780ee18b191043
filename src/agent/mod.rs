//! The host's side: performs steps that come over a stream, one after the other.
//!
//! Nothing listens on the network: an agent is started by its control side (over SSH, or as a
//! child process), speaks [`crate::wire`] on standard input and output, and ends with the stream.
//! Steps for another user go to a child agent that runs as that user.

mod blobs;
mod child;
mod inbox;
mod job;
mod pending;
mod place;
mod serve;

pub use job::carry_out;
pub use place::settle;
pub use serve::serve;
