//! A session: how it begins, how it is gone on with on another connection, and how it ends.

use super::door::{self, Door};
use super::journal::{self, Journal, Past};
use super::line::Out;
use super::pending;
use crate::wire::{Attach, Attached, FromAgent, Hello, ToAgent, frame_of, read_frame};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How long the agent before may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long commands have to end when they are asked to.
pub const LENIENCE: Duration = Duration::from_secs(2);

/// What keeps a session when its connection breaks.
pub struct Session {
    door: Option<Door>,
    /// How long it waits for the next connection.
    pub grace: Duration,
    /// Messages of the control side so far.
    pub received: u64,
}

impl Session {
    /// A control side has said who it is.
    ///
    /// # Errors
    /// The session cannot be kept, or gone on with.
    pub fn begin(hello: &Hello, out: &Out, pending: &pending::Shared) -> io::Result<Session> {
        let grace = Duration::from_secs(hello.grace);
        let mut session = Session {
            door: None,
            grace,
            received: 0,
        };
        if !hello.journal && hello.grace == 0 && hello.attach.is_none() {
            return Ok(session);
        }
        let named = !hello.session.is_empty() && hello.session.chars().all(char::is_alphanumeric);
        if !named {
            return Err(io::Error::other("the session has no name"));
        }
        let dir = journal::directory(hello.journal)?;
        match &hello.attach {
            None => {
                journal::tidy(&dir, SystemTime::now());
                if hello.journal
                    && let Some((journal, _)) = Journal::open(&dir, &hello.session)?
                {
                    out.note_in(journal);
                }
            }
            Some(attach) => go_on(&dir, hello, attach, out, pending)?,
        }
        if hello.grace > 0 {
            session.door = Some(Door::open(&dir, &hello.session)?);
            out.last();
        }
        Ok(session)
    }

    /// Where the next connection comes from.
    pub fn listener(&self) -> Option<&UnixListener> {
        self.door.as_ref().map(Door::listener)
    }

    /// Goes on with the session on a connection that has come. False if it was none.
    pub fn move_on(&mut self, out: &Out, pending: &pending::Shared) -> bool {
        let Some(Ok(visit)) = self.door.as_ref().map(Door::answer) else {
            return false;
        };
        let Some(attach) = attach_of(&visit.said) else {
            return false;
        };
        if attach.another {
            // Its own steps come later, on a session of its own.
            out.begin_no_more();
        }
        let attached = Attached {
            survivor: true,
            received: self.received,
            reliable: true,
            pending: pending.known().0,
            ..Attached::default()
        };
        out.move_to(visit, &attach, attached);
        true
    }
}

/// Finds the agent that the session has, and gives the connection to it; or, where it is gone, takes
/// over what it has written down. Does not return in the first case.
fn go_on(
    dir: &Path,
    hello: &Hello,
    attach: &Attach,
    out: &Out,
    pending: &pending::Shared,
) -> io::Result<()> {
    let said = frame_of(&serde_json::to_vec(&ToAgent::Hello(Box::new(
        hello.clone(),
    )))?)?;
    let start = Instant::now();
    let (journal, past) = loop {
        if door::hand_over(dir, &hello.session, &said).is_ok() {
            std::process::exit(0);
        }
        if let Some((journal, past)) = Journal::open(dir, &hello.session)? {
            break (Some(journal), past);
        }
        if start.elapsed() > PATIENCE {
            // It neither answers nor ends: nothing is known.
            break (None, Past::default());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut attached = Attached {
        begun: past.begun,
        reliable: past.reliable,
        pending: pending.known().0,
        ..Attached::default()
    };
    for (id, key, answer) in past.steps {
        match answer {
            _ if id <= attach.answered => {}
            Some(answer) => out.keep(id, key, &answer)?,
            None => attached.keys.push((id, key)),
        }
    }
    out.attach(attach, attached)?;
    if let Some(journal) = journal {
        out.note_in(journal);
    }
    Ok(())
}

fn attach_of(said: &[u8]) -> Option<Attach> {
    match read_frame(&mut &*said) {
        Ok(crate::wire::Frame::Message(ToAgent::Hello(hello))) => hello.attach,
        _ => None,
    }
}

/// What to tell the user where a session cannot be kept.
pub fn not_kept(why: &io::Error) -> FromAgent {
    let text = format!(
        "the session cannot be kept when its connection breaks: {}",
        crate::diag::reason(why)
    );
    FromAgent::Warning {
        diag: crate::diag::Diag::warning("session-not-kept", text),
    }
}
