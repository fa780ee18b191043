//! One host's agent: steps go out as they are rendered, answers come back in order.

use super::blobs::Blobs;
use crate::diag::{Diag, Result};
use crate::transport::{Link, Traffic};
use crate::wire::{
    Frame, FromAgent, PROTOCOL, PendingHandler, Step, ToAgent, read_frame, write_blob,
    write_message,
};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

type To = Arc<Mutex<Option<Box<dyn Write + Send>>>>;

/// A connection to an agent. Dropping it ends the agent.
pub struct Session {
    to: To,
    answers: Receiver<FromAgent>,
    next_id: u64,
    epoch: u64,
    /// Counts how often this side had to wait for an answer before it could go on, too.
    traffic: Arc<Traffic>,
    waiting: bool,
    /// The agent is on this machine.
    pub local: bool,
    /// Handlers that the host knows to be pending.
    pub pending: BTreeSet<PendingHandler>,
    _guard: Box<dyn Send>,
}

impl Session {
    /// Waits until the agent behind a link answers.
    ///
    /// # Errors
    /// `connection`: something else answers, or nothing does.
    pub fn open(link: Link, blobs: Arc<Blobs>) -> Result<Session> {
        let to: To = Arc::new(Mutex::new(Some(link.to)));
        let (answers_in, answers) = channel();
        let answer_to = to.clone();
        let mut from = link.from;
        std::thread::spawn(move || pump(&mut from, &answers_in, &answer_to, &blobs));
        match answers.recv() {
            Ok(FromAgent::Ready {
                protocol: PROTOCOL,
                pending,
                ..
            }) => Ok(Session {
                to,
                answers,
                next_id: 1,
                epoch: 1,
                traffic: link.traffic,
                waiting: false,
                local: false,
                pending: pending.into_iter().collect(),
                _guard: link.guard,
            }),
            Ok(_) => Err(Diag::error(
                "connection",
                "the agent speaks another protocol version",
            )),
            Err(_) => Err(Diag::error("connection", "the agent did not answer")),
        }
    }

    /// The number that the next step will have.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Sends a step; its number and epoch are set here.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn send(&mut self, mut step: Step) -> Result<u64> {
        step.id = self.next_id;
        step.epoch = self.epoch;
        let id = step.id;
        self.say(&ToAgent::Step(Box::new(step)))?;
        self.next_id += 1;
        self.waiting = false;
        Ok(id)
    }

    /// Ends the child agents of other users (`meta: reset_connection`).
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn reset(&mut self) -> Result<()> {
        self.say(&ToAgent::Reset)
    }

    /// Has handlers noted on the host, or forgotten. What is said reaches the record even if this
    /// side ends at once; there is no answer.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn note(&mut self, add: Vec<PendingHandler>, remove: Vec<PendingHandler>) -> Result<()> {
        self.pending.extend(add.iter().cloned());
        self.pending.retain(|handler| !remove.contains(handler));
        self.say(&ToAgent::Pending { add, remove })
    }

    /// The next answer; waits for it.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn receive(&mut self) -> Result<FromAgent> {
        if let Ok(answer) = self.answers.try_recv() {
            return Ok(answer);
        }
        if !self.waiting {
            self.waiting = true;
            self.traffic.waits();
        }
        self.answers.recv().map_err(|_| lost())
    }

    /// The next answer, if it comes before a moment.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn receive_until(&mut self, deadline: Instant) -> Result<Option<FromAgent>> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.answers.recv_timeout(left) {
            Ok(answer) => Ok(Some(answer)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(lost()),
        }
    }

    /// The next answer, if there is one already.
    pub fn poll(&mut self) -> Option<FromAgent> {
        self.answers.try_recv().ok()
    }

    /// What is sent from now on does not belong to what failed.
    pub fn new_epoch(&mut self) {
        self.epoch += 1;
    }

    fn say(&self, message: &ToAgent) -> Result<()> {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        match to.as_mut() {
            Some(to) => write_message(to, message).map_err(|_| lost()),
            None => Err(lost()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The pump holds the stream too; the agent ends when it is closed.
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn lost() -> Box<Diag> {
    Diag::error("connection-lost", "the connection to the agent was lost")
}

/// Reads answers for as long as there are any and serves contents on the way.
fn pump(from: &mut impl Read, answers: &Sender<FromAgent>, to: &To, blobs: &Blobs) {
    while let Ok(Frame::Message(answer)) = read_frame(from) {
        let sent = match answer {
            FromAgent::NeedBlob { sha256 } => deliver(to, blobs, sha256),
            answer => answers.send(answer).is_ok(),
        };
        if !sent {
            return;
        }
    }
}

fn deliver(to: &To, blobs: &Blobs, sha256: String) -> bool {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(to) = to.as_mut() else {
        return false;
    };
    match blobs.read(&sha256) {
        Some(bytes) => write_message(to, &ToAgent::Blob { sha256 })
            .and_then(|()| write_blob(to, &bytes))
            .is_ok(),
        None => write_message(to, &ToAgent::NoBlob { sha256 }).is_ok(),
    }
}
