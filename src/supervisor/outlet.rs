//! Where the output of a copy goes beside its log: events, captures, listeners, the system log.

use super::capture::{Capture, Piece};
use super::config::{Channel, Program};
use super::syslog;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use tokio::sync::Notify;

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An event listener said this.
    Said,
    /// Output for `PROCESS_LOG`.
    Log,
    /// Tagged output for `PROCESS_COMMUNICATION`.
    Captured,
}

/// Output that the daemon has to know of.
#[derive(Debug)]
pub struct Note {
    /// The group of the process.
    pub group: String,
    /// The process.
    pub process: String,
    /// The copy.
    pub pid: i32,
    /// `stdout` or `stderr`.
    pub channel: &'static str,
    /// What it is.
    pub what: What,
    /// The output.
    pub bytes: Vec<u8>,
}

/// Notes on their way from the readers to the daemon.
#[derive(Debug, Default)]
pub struct Notes {
    /// In order.
    pub queue: RefCell<Vec<Note>>,
    /// Told of every note.
    pub wake: Notify,
}

/// One channel of one copy.
#[derive(Debug)]
pub struct Outlet {
    group: String,
    process: String,
    pid: i32,
    channel: &'static str,
    listener: bool,
    events: bool,
    capture: Option<Capture>,
    lines: Option<Vec<u8>>,
    notes: Rc<Notes>,
}

impl Outlet {
    /// The outlet of a channel; `None` where there is only the log. `listener`: what comes on this
    /// channel is the event listeners' protocol.
    pub fn new(
        group: &str,
        program: &Program,
        pid: i32,
        channel: &'static str,
        listener: bool,
        notes: &Rc<Notes>,
    ) -> Option<Outlet> {
        let config: &Channel = match channel {
            "stdout" => &program.stdout,
            _ => &program.stderr,
        };
        let most = usize::try_from(config.capture_max_bytes).unwrap_or(usize::MAX);
        let syslog = config.syslog;
        let plain = !listener && !config.events && most == 0 && !syslog;
        (!plain).then(|| Outlet {
            group: group.to_owned(),
            process: program.name.clone(),
            pid,
            channel,
            listener,
            events: config.events && !listener,
            capture: (most > 0 && !listener).then(|| Capture::new(most)),
            lines: syslog.then(Vec::new),
            notes: notes.clone(),
        })
    }

    /// Takes what was read and gives what is for the log.
    pub fn feed<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.listener {
            self.tell(What::Said, bytes);
        }
        let Some(capture) = &mut self.capture else {
            self.logged(bytes);
            return Cow::Borrowed(bytes);
        };
        let mut log = Vec::new();
        for piece in capture.feed(bytes) {
            match piece {
                Piece::Log(bytes) => {
                    self.logged(&bytes);
                    log.extend_from_slice(&bytes);
                }
                Piece::Captured(bytes) => {
                    if self.events {
                        self.tell(What::Log, &bytes);
                    }
                    self.tell(What::Captured, &bytes);
                }
            }
        }
        Cow::Owned(log)
    }

    /// The channel is closed: what is left for the log.
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = self.capture.as_mut().map(Capture::finish);
        let rest = rest.unwrap_or_default();
        self.logged(&rest);
        if let Some(line) = self.lines.take().filter(|l| !l.is_empty()) {
            syslog::send(&self.process, &line);
        }
        rest
    }

    fn logged(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.events {
            self.tell(What::Log, bytes);
        }
        let Some(partial) = &mut self.lines else {
            return;
        };
        partial.extend_from_slice(bytes);
        let whole = partial.iter().rposition(|b| *b == b'\n');
        let rest = partial.split_off(whole.map_or(0, |at| at + 1));
        let lines = std::mem::replace(partial, rest);
        // Without the last end of line nothing but an empty line would follow it.
        for line in lines
            .strip_suffix(b"\n")
            .into_iter()
            .flat_map(|l| l.split(|b| *b == b'\n'))
        {
            syslog::send(&self.process, line);
        }
    }

    fn tell(&self, what: What, bytes: &[u8]) {
        self.notes.queue.borrow_mut().push(Note {
            group: self.group.clone(),
            process: self.process.clone(),
            pid: self.pid,
            channel: self.channel,
            what,
            bytes: bytes.to_vec(),
        });
        self.notes.wake.notify_one();
    }
}
