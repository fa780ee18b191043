//! What has arrived and is not yet worked on.

use super::blobs::Delivery;
use super::child::{self, Children};
use super::input::{self, Input};
use super::line::{Asker, Out, send};
use super::lock;
use super::pending::Shared;
use super::session::{LENIENCE, Session, not_kept};
use crate::sys::real::end_commands;
use crate::wire::{Claim, Frame, FromAgent, Step, ToAgent, read_frame};
use std::io::{self, BufReader};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// One thing from the control side.
#[derive(Debug)]
pub enum Item {
    /// A step.
    Step(Box<Step>),
    /// End child agents.
    Reset,
    /// Hold the host for a run.
    Lock(Box<Claim>),
}

/// A control side that says nothing for so long is gone: it has a message to send every few seconds.
const SILENCE: Duration = Duration::from_secs(60);

/// Steps and contents on separate queues: a step that waits for a content must not be held up by
/// the steps that were sent behind it.
pub struct Inbox {
    /// In order of arrival. Closed when the stream ended.
    pub items: Receiver<Item>,
    /// Contents in the order they were asked for.
    pub deliveries: Receiver<Delivery>,
}

/// Starts to read standard input. At the end, in the middle of a step too, commands that run are
/// ended, and this process with them.
pub fn open(out: &Out, pending: &Shared, children: &Children) -> Inbox {
    input::make_room();
    let (items_in, items) = channel();
    let (deliveries_in, deliveries) = channel();
    let mut reader = Reader {
        out: out.clone(),
        pending: pending.clone(),
        items: items_in,
        deliveries: deliveries_in,
        session: None,
        children: children.clone(),
    };
    std::thread::spawn(move || {
        let through = reader.read();
        reader.out.end();
        end_commands(LENIENCE);
        if through {
            reader.out.forget();
        }
        lock::release();
        drop(reader.session);
        std::process::exit(0);
    });
    Inbox { items, deliveries }
}

struct Reader {
    out: Out,
    pending: Shared,
    items: Sender<Item>,
    deliveries: Sender<Delivery>,
    session: Option<Session>,
    children: Children,
}

impl Reader {
    /// Reads from one connection after the other; true if the control side has said that it is
    /// through.
    fn read(&mut self) -> bool {
        loop {
            let listener = self.session.as_ref().and_then(Session::listener);
            let input = Input {
                door: listener.and_then(|door| door.try_clone().ok()),
                silence: Some(SILENCE),
                knocked: false,
            };
            let mut from = BufReader::with_capacity(32 * 1024, input);
            if let Ok(()) = self.connection(&mut from) {
                return true;
            }
            let knocked = from.get_ref().knocked;
            drop(from);
            if !self.next(knocked) {
                return false;
            }
        }
    }

    /// The connection has broken, or the next one is there. False if there is none.
    fn next(&mut self, mut knocked: bool) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        loop {
            if !knocked {
                self.out.lost();
                let door = session.listener();
                if !door.is_some_and(|door| input::await_visit(door, session.grace)) {
                    return false;
                }
            }
            if session.move_on(&self.out, &self.pending) {
                return true;
            }
            knocked = false;
        }
    }

    /// Reads one connection to its end; an error if it broke.
    fn connection(&mut self, from: &mut BufReader<Input>) -> io::Result<()> {
        loop {
            let message = match read_frame(from)? {
                Frame::End => return Err(io::ErrorKind::UnexpectedEof.into()),
                Frame::Blob(_) => return Err(io::ErrorKind::InvalidData.into()),
                Frame::Message(message) => message,
            };
            if let Some(session) = &mut self.session {
                let counts = matches!(
                    message,
                    ToAgent::Step(_) | ToAgent::Reset | ToAgent::Pending { .. }
                );
                session.received += u64::from(counts);
            }
            let item = match message {
                ToAgent::Bye => return Ok(()),
                ToAgent::Alive => continue,
                ToAgent::Cancel => {
                    self.out.begin_no_more();
                    // The run is over: nobody comes again.
                    if let Some(session) = &mut self.session {
                        session.grace = Duration::ZERO;
                    }
                    self.children.cancel();
                    end_commands(LENIENCE);
                    self.out.await_idle(LENIENCE * 2);
                    send(&self.out, &FromAgent::Cancelled)?;
                    continue;
                }
                ToAgent::Hello(hello) => {
                    match Session::begin(&hello, &self.out, &self.pending) {
                        Ok(session) => {
                            let door = session.listener();
                            from.get_mut().door = door.and_then(|door| door.try_clone().ok());
                            self.session = Some(session);
                        }
                        Err(e) => send(&self.out, &not_kept(&e))?,
                    }
                    match hello.claim {
                        Some(claim) => Item::Lock(Box::new(claim)),
                        None => continue,
                    }
                }
                ToAgent::Step(step) => Item::Step(step),
                ToAgent::Reset => Item::Reset,
                ToAgent::Pending { add, remove } => {
                    // Here and not in the order of steps: the end of the stream ends the agent at
                    // once.
                    self.pending.change(&add, &remove);
                    continue;
                }
                ToAgent::Act => {
                    self.deliver(Delivery::Act);
                    continue;
                }
                ToAgent::Pieces { lengths } => {
                    let Frame::Blob(bytes) = read_frame::<ToAgent>(from)? else {
                        return Err(io::ErrorKind::InvalidData.into());
                    };
                    self.deliver(Delivery::Pieces(lengths, bytes));
                    continue;
                }
            };
            if self.items.send(item).is_err() {
                return Ok(());
            }
        }
    }

    fn deliver(&self, delivery: Delivery) {
        match (self.out.delivered(), delivery) {
            (Some(Asker::Child(child)), Delivery::Pieces(lengths, bytes)) => {
                // If it is gone, whoever waits for its answer notices.
                let _ = child::hand_on(&child, lengths, &bytes);
            }
            // Nobody waits any more if this fails; the step's end will tell.
            (_, delivery) => drop(self.deliveries.send(delivery)),
        }
    }
}
