//! What the control side and an agent say to each other.
//!
//! One stream each way. A frame is a 4-byte big-endian length, one byte for its kind and the
//! payload: `J` for a JSON message, `B` for the raw bytes of a content. Everything but contents can
//! be read in a debug log.
//!
//! The control side sends steps as soon as they are rendered; the agent performs them in order and
//! answers each. After a step that failed, the agent drops what was sent behind it in the same epoch
//! ([`Step::drop_after`]): the control side, which had run ahead, starts a new epoch where the play
//! really continues.
//!
//! A session outlives its connection ([`Hello`]): the agent keeps its answers until they have come,
//! and both sides count messages, so that none is lost or counts twice on the next connection.

mod frame;
mod message;
mod pending;

pub use frame::{Frame, frame_of, read_frame, write_blob, write_message};
pub use message::{
    Attach, Attached, Background, Become, Claim, FromAgent, Hello, Mode, PROTOCOL, Piece, Step,
    ToAgent,
};
pub use pending::{Notify, PendingHandler};
