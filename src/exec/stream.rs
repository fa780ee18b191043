//! One connection to an agent: messages there, answers back, contents served on the way.

use super::blobs::Blobs;
use crate::diag::Diag;
use crate::transport::{Again, Failed, Link, Traffic};
use crate::wire::{
    Frame, FromAgent, PROTOCOL, PendingHandler, Piece, ToAgent, read_frame, write_blob,
    write_message,
};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

type To = Mutex<Option<Box<dyn Write + Send>>>;

/// How often an agent is told that this side is there.
const ALIVE: Duration = Duration::from_secs(10);

/// A connection. Dropping it ends it.
pub struct Stream {
    to: Arc<To>,
    answers: Receiver<FromAgent>,
    /// Counts its bytes, and how often this side had to wait.
    pub traffic: Arc<Traffic>,
    guard: Option<Box<dyn Send>>,
}

/// The connection is gone.
#[derive(Debug)]
pub struct Gone;

impl Stream {
    /// Waits until the agent behind a link answers, and tells which handlers are pending there.
    ///
    /// # Errors
    /// `connection`: something else answers, or the connection breaks.
    pub fn open(
        link: Link,
        blobs: &Arc<Blobs>,
    ) -> std::result::Result<(Stream, Vec<PendingHandler>), Failed> {
        let to: Arc<To> = Arc::new(Mutex::new(Some(link.to)));
        let (answers_in, answers) = channel();
        let (answer_to, blobs) = (to.clone(), blobs.clone());
        let mut from = link.from;
        std::thread::spawn(move || pump(&mut from, &answers_in, &answer_to, &blobs));
        let stream = Stream {
            to,
            answers,
            traffic: link.traffic,
            guard: Some(link.guard),
        };
        match stream.answers.recv() {
            Ok(FromAgent::Ready {
                protocol: PROTOCOL,
                pending,
                ..
            }) => Ok((stream, pending)),
            Ok(_) => {
                let text = "the agent speaks another protocol version";
                let help =
                    "agents for other architectures have to be of the version of this gxdeploy";
                Err(Diag::error("connection", text).help(help).into())
            }
            Err(_) => Err(Failed {
                diag: Diag::error(
                    "connection",
                    "the connection broke before the agent answered",
                ),
                again: Again::Broke,
            }),
        }
    }

    /// Says from time to time that this side is there.
    pub fn keep_alive(&self) {
        static ALL: Mutex<Vec<Weak<To>>> = Mutex::new(Vec::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let first = all.is_empty();
        all.retain(|to| to.strong_count() > 0);
        all.push(Arc::downgrade(&self.to));
        if !first || all.len() > 1 {
            return;
        }
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(ALIVE);
                let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|to| to.strong_count() > 0);
                if all.is_empty() {
                    return;
                }
                let now: Vec<Arc<To>> = all.iter().filter_map(Weak::upgrade).collect();
                drop(all);
                for to in now {
                    // One that is busy says enough.
                    if let Ok(mut to) = to.try_lock()
                        && let Some(to) = to.as_mut()
                    {
                        let _ = write_message(to, &ToAgent::Alive);
                    }
                }
            }
        });
    }

    /// Sends a message.
    pub fn say(&self, message: &ToAgent) -> std::result::Result<(), Gone> {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let to = to.as_mut().ok_or(Gone)?;
        write_message(to, message).map_err(|_| Gone)
    }

    /// The next answer, if there is one already.
    pub fn poll(&self) -> Option<FromAgent> {
        self.answers.try_recv().ok()
    }

    /// The next answer, if one comes in time.
    pub fn next(&self, deadline: Option<Instant>) -> std::result::Result<Option<FromAgent>, Gone> {
        let Some(deadline) = deadline else {
            return self.answers.recv().map(Some).map_err(|_| Gone);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        match self.answers.recv_timeout(left) {
            Ok(answer) => Ok(Some(answer)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Gone),
        }
    }

    fn close(&self) {
        // The pump holds the stream too; the agent notices when it is closed.
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Gives a connection up that is dead, without waiting for its end.
    pub fn abandon(mut self) {
        let guard = self.guard.take();
        std::thread::spawn(move || {
            self.close();
            drop(guard);
        });
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.guard.is_some() {
            self.close();
        }
    }
}

/// Reads answers for as long as there are any and serves contents on the way.
fn pump(from: &mut impl Read, answers: &Sender<FromAgent>, to: &To, blobs: &Blobs) {
    while let Ok(Frame::Message(answer)) = read_frame(from) {
        let sent = match answer {
            FromAgent::Need { pieces } => deliver(to, blobs, &pieces),
            answer => answers.send(answer).is_ok(),
        };
        if !sent {
            return;
        }
    }
}

fn deliver(to: &To, blobs: &Blobs, pieces: &[Piece]) -> bool {
    let (lengths, bytes) = blobs.read(pieces);
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(to) = to.as_mut() else {
        return false;
    };
    write_message(to, &ToAgent::Pieces { lengths })
        .and_then(|()| write_blob(to, &bytes))
        .is_ok()
}
