//! The line to the control side: what is said there, and what is said again on the next connection.

use super::child::ChildInput;
use super::door::Visit;
use super::journal::Journal;
use crate::wire::{Attach, Attached, FromAgent, Step};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where an agent writes; shared with whatever reports while a step runs.
pub type Out = Arc<Line>;

/// Standard output, which a new connection takes the place of.
pub struct Line {
    state: Mutex<State>,
    changed: Condvar,
    /// Wakes a writer whose connection is dead.
    wake: EventFd,
}

#[derive(Default)]
struct State {
    /// There is somebody to write to.
    up: bool,
    /// The session outlives its connection.
    lasting: bool,
    /// Nothing is to be begun any more.
    ending: bool,
    /// Answers that may not have come, the oldest first.
    kept: VecDeque<Answer>,
    /// Questions that have no answer yet, the oldest first.
    asked: VecDeque<(Vec<u8>, Asker)>,
    journal: Option<Journal>,
    running: Option<Running>,
    /// The process that the connection came with.
    process: Option<UnixStream>,
}

/// Who waits for an answer.
pub enum Asker {
    /// This agent.
    Own,
    /// The agent of another user: what goes to its standard input.
    Child(ChildInput),
}

struct Answer {
    id: u64,
    key: String,
    frame: Vec<u8>,
}

struct Running {
    id: u64,
    key: String,
    private: bool,
    acted: bool,
}

/// Sends a message on a shared stream.
///
/// # Errors
/// The stream broke, and nothing can take its place.
pub fn send(out: &Out, message: &FromAgent) -> io::Result<()> {
    out.send(message)
}

impl Line {
    /// A line to whoever has started this process.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn open() -> io::Result<Out> {
        let state = State {
            up: true,
            ..State::default()
        };
        Ok(Arc::new(Line {
            state: Mutex::new(state),
            changed: Condvar::new(),
            wake: EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on what becomes of steps is written down.
    pub fn note_in(&self, journal: Journal) {
        journal.outlive();
        self.lock().journal = Some(journal);
    }

    /// From now on the session outlives its connection.
    pub fn last(&self) {
        self.lock().lasting = true;
        // A writer must not wait for a connection that is dead.
        never_block();
    }

    /// A step begins, as soon as there is somebody to tell of it; false if none is to begin.
    pub fn begin(&self, step: &Step) -> bool {
        let mut state = self.lock();
        while state.lasting && !state.up && !state.ending {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.ending {
            return false;
        }
        let answered = step.answered;
        while state.kept.front().is_some_and(|kept| kept.id <= answered) {
            state.kept.pop_front();
        }
        state.running = Some(Running {
            id: step.id,
            key: step.key.clone(),
            private: step.private,
            acted: false,
        });
        true
    }

    /// The step that runs is about to change the host.
    pub fn acts(&self) {
        let mut state = self.lock();
        let state = &mut *state;
        if let (Some(running), Some(journal)) = (&mut state.running, &mut state.journal) {
            running.acted = true;
            journal.begun(running.id, &running.key);
        }
    }

    /// Passes on what a child agent needs; the answer goes to it.
    ///
    /// # Errors
    /// The stream broke, and nothing can take its place.
    pub fn relay(&self, message: &FromAgent, child: &ChildInput) -> io::Result<()> {
        self.put_message(message, Some(Asker::Child(child.clone())))
    }

    fn send(&self, message: &FromAgent) -> io::Result<()> {
        let asks = matches!(message, FromAgent::Need { .. } | FromAgent::Acting);
        self.put_message(message, asks.then_some(Asker::Own))
    }

    fn put_message(&self, message: &FromAgent, asker: Option<Asker>) -> io::Result<()> {
        let payload = serde_json::to_vec(message)?;
        let mut state = self.lock();
        let id = match message {
            FromAgent::Done { id, .. } | FromAgent::Lost { id, .. } | FromAgent::Dropped { id } => {
                Some(*id)
            }
            _ => None,
        };
        let frame = crate::wire::frame_of(&payload)?;
        if let Some(id) = id {
            self.changed.notify_all();
            state.answered(
                id,
                matches!(message, FromAgent::Done { .. }),
                &payload,
                &frame,
            );
        } else if let Some(asker) = asker {
            state.asked.push_back((frame.clone(), asker));
        }
        if !state.up {
            return Ok(());
        }
        match self.put(&frame) {
            Err(e) if !state.lasting => Err(e),
            Err(_) => {
                state.up = false;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// The oldest question was answered: whose it was.
    pub fn delivered(&self) -> Option<Asker> {
        self.lock().asked.pop_front().map(|(_, asker)| asker)
    }

    fn put(&self, mut bytes: &[u8]) -> io::Result<()> {
        let out = stdout();
        while !bytes.is_empty() {
            match nix::unistd::write(out, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    let mut fds = [
                        PollFd::new(out, PollFlags::POLLOUT),
                        PollFd::new(self.wake.as_fd(), PollFlags::POLLIN),
                    ];
                    match poll(&mut fds, PollTimeout::NONE) {
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(e) => return Err(e.into()),
                    }
                    if fds[1].any() == Some(true) {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// The connection is gone, and hung up: should the control side still have its end, it learns
    /// that it has to come again.
    pub fn lost(&self) {
        let _ = self.wake.write(1);
        let mut state = self.lock();
        let _ = self.wake.read();
        state.up = false;
        state.process = None;
        let null = OpenOptions::new().read(true).write(true).open("/dev/null");
        if let (true, Ok(null)) = (state.lasting, null) {
            (0..3).for_each(|number| replace(number, null.as_fd()));
        }
    }

    /// No step begins any more.
    pub fn end(&self) {
        // Failing means that it is awake already.
        let _ = self.wake.write(1);
        let mut state = self.lock();
        state.ending = true;
        state.up = false;
        if let Some(journal) = &mut state.journal {
            journal.write();
        }
        self.changed.notify_all();
    }

    /// What waits is not wanted any more; the step that runs still has its answer.
    pub fn begin_no_more(&self) {
        self.lock().ending = true;
        self.changed.notify_all();
    }

    /// Waits until no step runs.
    pub fn await_idle(&self, patience: Duration) {
        let state = self.lock();
        let wait = self
            .changed
            .wait_timeout_while(state, patience, |state| state.running.is_some());
        drop(wait);
    }

    /// The control side is through: nothing of the session is kept.
    pub fn forget(&self) {
        if let Some(journal) = &self.lock().journal {
            journal.remove();
        }
    }

    /// A new connection takes the place of the old one. What may not have come is said again,
    /// before it is said what is known (`attached`).
    pub fn move_to(&self, visit: Visit, attach: &Attach, mut attached: Attached) {
        let _ = self.wake.write(1);
        let mut state = self.lock();
        let _ = self.wake.read();
        for (number, stream) in (0..).zip(&visit.streams) {
            replace(number, stream.as_fd());
        }
        never_block();
        state.process = Some(visit.process);
        attached.running = state.running.as_ref().map(|running| running.id);
        state.up = self.tell(&mut state, attach, attached).is_ok();
        self.changed.notify_all();
    }

    /// Answers a control side that goes on with a session: with what an earlier agent has written
    /// down, or with what this one has kept.
    ///
    /// # Errors
    /// The connection is gone already.
    pub fn attach(&self, attach: &Attach, attached: Attached) -> io::Result<()> {
        let mut state = self.lock();
        self.tell(&mut state, attach, attached)
    }

    fn tell(&self, state: &mut State, attach: &Attach, mut attached: Attached) -> io::Result<()> {
        let answered = attach.answered;
        while state.kept.front().is_some_and(|kept| kept.id <= answered) {
            state.kept.pop_front();
        }
        attached.keys.extend(
            state
                .kept
                .iter()
                .map(|kept| (kept.id, kept.key.clone()))
                .chain(state.running.iter().map(|r| (r.id, r.key.clone()))),
        );
        for kept in &state.kept {
            self.put(&kept.frame)?;
        }
        let message = FromAgent::Attached(Box::new(attached));
        self.put(&crate::wire::frame_of(&serde_json::to_vec(&message)?)?)?;
        for (asked, _) in &state.asked {
            self.put(asked)?;
        }
        Ok(())
    }

    /// Takes over an answer that an earlier agent has written down.
    pub fn keep(&self, id: u64, key: String, payload: &[u8]) -> io::Result<()> {
        let frame = crate::wire::frame_of(payload)?;
        self.lock().kept.push_back(Answer { id, key, frame });
        Ok(())
    }
}

impl State {
    /// The step that runs has its answer.
    fn answered(&mut self, id: u64, done: bool, payload: &[u8], frame: &[u8]) {
        let running = self.running.take_if(|running| running.id == id);
        let Some(running) = running else {
            // Dropped: it has never run.
            if self.lasting {
                self.keep(id, String::new(), frame);
            }
            return;
        };
        if let (Some(journal), true) = (&mut self.journal, done) {
            let written = (!running.private).then_some(payload);
            journal.done(id, &running.key, written, running.acted);
        }
        if self.lasting {
            self.keep(id, running.key, frame);
        }
    }

    fn keep(&mut self, id: u64, key: String, frame: &[u8]) {
        self.kept.push_back(Answer {
            id,
            key,
            frame: frame.to_vec(),
        });
    }
}

fn stdout() -> BorrowedFd<'static> {
    // SAFETY: standard output is open for as long as the process runs; only `replace` touches it,
    // which leaves it open.
    #[expect(unsafe_code, reason = "the number stays, what is behind it changes")]
    unsafe {
        BorrowedFd::borrow_raw(1)
    }
}

fn never_block() {
    if let Ok(flags) = fcntl(stdout(), FcntlArg::F_GETFL) {
        let flags = OFlag::from_bits_truncate(flags) | OFlag::O_NONBLOCK;
        // Where it cannot be set, writing waits.
        let _ = fcntl(stdout(), FcntlArg::F_SETFL(flags));
    }
}

/// Puts a stream in the place of a standard one.
fn replace(number: i32, stream: BorrowedFd<'_>) {
    let _ = match number {
        0 => nix::unistd::dup2_stdin(stream),
        1 => nix::unistd::dup2_stdout(stream),
        _ => nix::unistd::dup2_stderr(stream),
    };
}
