//! What has arrived and is not yet worked on.

use super::pending::Shared;
use crate::wire::{Frame, Step, ToAgent, read_frame};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// One thing from the control side.
#[derive(Debug)]
pub enum Item {
    /// A step.
    Step(Box<Step>),
    /// End child agents.
    Reset,
}

/// The answer to a request for a content: its name and its bytes, if the control side has them.
pub type Delivery = (String, Option<Vec<u8>>);

/// The name under which [`ToAgent::Act`] is delivered; no content has it.
pub const ACT: &str = "act";

/// Steps and contents on separate queues: a step that waits for a content must not be held up by
/// the steps that were sent behind it.
pub struct Inbox {
    /// In order of arrival. Closed when the stream ended.
    pub items: Receiver<Item>,
    /// Contents in the order they were asked for.
    pub deliveries: Arc<Mutex<Receiver<Delivery>>>,
}

/// Starts to read a stream. `on_end` is called when it ends or breaks, also in the middle of a step.
pub fn open(
    mut from: impl Read + Send + 'static,
    pending: Shared,
    on_end: impl FnOnce(io::Result<()>) + Send + 'static,
) -> Inbox {
    let (items_in, items) = channel();
    let (deliveries_in, deliveries) = channel();
    std::thread::spawn(move || {
        let end = pump(&mut from, &pending, &items_in, &deliveries_in);
        drop((items_in, deliveries_in));
        on_end(end);
    });
    Inbox {
        items,
        deliveries: Arc::new(Mutex::new(deliveries)),
    }
}

fn pump(
    from: &mut impl Read,
    pending: &Shared,
    items: &Sender<Item>,
    deliveries: &Sender<Delivery>,
) -> io::Result<()> {
    loop {
        let item = match read_frame(from)? {
            Frame::End => return Ok(()),
            Frame::Blob(_) => return Err(io::ErrorKind::InvalidData.into()),
            Frame::Message(ToAgent::Step(step)) => Item::Step(step),
            Frame::Message(ToAgent::Reset) => Item::Reset,
            Frame::Message(ToAgent::Pending { add, remove }) => {
                // Here and not in the order of steps: the end of the stream ends the agent at once.
                pending.change(&add, &remove);
                continue;
            }
            Frame::Message(ToAgent::Act) => {
                let _ = deliveries.send((ACT.to_owned(), None));
                continue;
            }
            Frame::Message(ToAgent::NoBlob { sha256 }) => {
                // Nobody waits any more if this fails; the step's end will tell.
                let _ = deliveries.send((sha256, None));
                continue;
            }
            Frame::Message(ToAgent::Blob { sha256 }) => {
                let Frame::Blob(bytes) = read_frame::<ToAgent>(from)? else {
                    return Err(io::ErrorKind::InvalidData.into());
                };
                let _ = deliveries.send((sha256, Some(bytes)));
                continue;
            }
        };
        if items.send(item).is_err() {
            return Ok(());
        }
    }
}
