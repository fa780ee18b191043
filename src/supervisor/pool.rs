//! Event listeners: the protocol of one listener, and the buffer its group shares. No clock, no
//! kernel, no input or output.

use std::collections::VecDeque;

/// The word a listener says when it wants an event.
const READY: &[u8] = b"READY\n";
/// A listener's answer is not longer; more is a breach of the protocol.
const MAX_RESULT: usize = 1 << 20;

/// An event in a pool's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its number among all events of the daemon that somebody takes.
    pub serial: u64,
    /// Its number among the pool's events.
    pub pool_serial: u64,
    /// Its type.
    pub name: String,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Queued {
    /// The header line and the payload, as a listener reads them.
    pub fn envelope(&self, server: &str, pool: &str) -> Vec<u8> {
        let head = format!(
            "ver:3.0 server:{server} serial:{} pool:{pool} poolserial:{} eventname:{} len:{}\n",
            self.serial,
            self.pool_serial,
            self.name,
            self.payload.len()
        );
        [head.as_bytes(), &self.payload].concat()
    }
}

/// The buffer of a group of listeners.
#[derive(Debug, Default)]
pub struct Pool {
    queue: VecDeque<Queued>,
    next: u64,
}

impl Pool {
    /// Takes a new event. Returns the serial of the one that had to go, if the buffer was full.
    pub fn accept(&mut self, max: usize, serial: u64, name: &str, payload: &[u8]) -> Option<u64> {
        let event = Queued {
            serial,
            pool_serial: self.next,
            name: name.to_owned(),
            payload: payload.to_vec(),
        };
        self.next += 1;
        let lost = self.make_room(max);
        self.queue.push_back(event);
        lost
    }

    /// Takes an event back that was not processed; it is the next to be sent.
    pub fn take_back(&mut self, max: usize, event: Queued) -> Option<u64> {
        let lost = self.make_room(max);
        self.queue.push_front(event);
        lost
    }

    fn make_room(&mut self, max: usize) -> Option<u64> {
        match self.queue.len() >= max {
            true => self.queue.pop_front().map(|e| e.serial),
            false => None,
        }
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next event to send.
    pub fn pop(&mut self) -> Option<Queued> {
        self.queue.pop_front()
    }
}

/// Where a listener is in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It has not asked for an event.
    Acknowledged,
    /// It waits for one.
    Ready,
    /// It has one and has not answered.
    Busy,
    /// It broke the protocol and gets nothing more.
    Unknown,
}

/// What a listener said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The event was processed.
    Processed,
    /// The event was not processed and comes back.
    Rejected(Queued),
    /// The protocol was broken, with the line if there is one; an event it had comes back.
    Broke(Option<String>, Option<Queued>),
}

/// One listener.
#[derive(Debug)]
pub struct Listener {
    /// Where it is.
    pub stance: Stance,
    event: Option<Queued>,
    input: Vec<u8>,
    length: Option<usize>,
}

impl Default for Listener {
    fn default() -> Listener {
        Listener {
            stance: Stance::Acknowledged,
            event: None,
            input: Vec::new(),
            length: None,
        }
    }
}

impl Listener {
    /// Gives a listener that is ready an event.
    pub fn give(&mut self, event: Queued) {
        self.event = Some(event);
        self.stance = Stance::Busy;
    }

    /// The listener is gone; the event it had.
    pub fn gone(&mut self) -> Option<Queued> {
        let event = self.event.take();
        *self = Listener::default();
        event
    }

    /// What a listener wrote, in pieces of any size.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.input.extend_from_slice(bytes);
        let mut said = Vec::new();
        while !self.input.is_empty() {
            let step = match self.stance {
                Stance::Acknowledged => self.asks(),
                Stance::Ready => Some(self.breaks(None)),
                Stance::Busy => self.answers(),
                Stance::Unknown => {
                    self.input.clear();
                    break;
                }
            };
            match step {
                Some(Some(what)) => said.push(what),
                Some(None) => {}
                None => break,
            }
        }
        said
    }

    /// `None`: more is to come before this can be read.
    fn asks(&mut self) -> Option<Option<Said>> {
        if self.input.starts_with(READY) {
            self.input.drain(..READY.len());
            self.stance = Stance::Ready;
            return Some(None);
        }
        match READY.starts_with(&self.input) {
            true => None,
            false => Some(self.breaks(None)),
        }
    }

    fn answers(&mut self) -> Option<Option<Said>> {
        let length = match self.length {
            Some(length) => length,
            None => match self.result_line()? {
                Ok(length) => length,
                Err(line) => return Some(self.breaks(Some(line))),
            },
        };
        self.length = Some(length);
        (self.input.len() >= length).then(|| self.result(length))
    }

    /// The length a result line tells, or the line that is none.
    fn result_line(&mut self) -> Option<Result<usize, String>> {
        let end = self.input.iter().position(|b| *b == b'\n');
        if end.is_none() && self.input.len() <= MAX_RESULT {
            return None;
        }
        let end = end.unwrap_or(self.input.len() - 1);
        let line: Vec<u8> = self.input.drain(..=end).collect();
        let line = String::from_utf8_lossy(&line[..end]).into_owned();
        let length = line.strip_prefix("RESULT ").and_then(|n| n.parse().ok());
        Some(length.filter(|n| *n <= MAX_RESULT).ok_or(line))
    }

    fn result(&mut self, length: usize) -> Option<Said> {
        let body: Vec<u8> = self.input.drain(..length).collect();
        self.length = None;
        self.stance = Stance::Acknowledged;
        let event = self.event.take()?;
        Some(match body.as_slice() {
            b"OK" => Said::Processed,
            _ => Said::Rejected(event),
        })
    }

    fn breaks(&mut self, line: Option<String>) -> Option<Said> {
        self.stance = Stance::Unknown;
        self.input.clear();
        self.length = None;
        Some(Said::Broke(line, self.event.take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(serial: u64) -> Queued {
        Queued {
            serial,
            pool_serial: 0,
            name: "TICK_5".into(),
            payload: b"when:5".to_vec(),
        }
    }

    #[test]
    fn an_envelope() {
        let text = String::from_utf8(event(3).envelope("supervisor", "l")).unwrap();
        assert_eq!(
            text,
            "ver:3.0 server:supervisor serial:3 pool:l poolserial:0 eventname:TICK_5 len:6\nwhen:5"
        );
    }

    #[test]
    fn a_full_buffer_loses_its_oldest_event() {
        let mut pool = Pool::default();
        assert_eq!(pool.accept(2, 7, "A", b""), None);
        assert_eq!(pool.accept(2, 8, "A", b""), None);
        assert_eq!(pool.accept(2, 9, "A", b""), Some(7));
        let first = pool.pop().unwrap();
        assert_eq!(first.serial, 8);
        assert_eq!(pool.take_back(2, first), None);
        assert_eq!(pool.pop().map(|e| (e.serial, e.pool_serial)), Some((8, 1)));
    }

    #[test]
    fn the_protocol() {
        let mut listener = Listener::default();
        assert_eq!(listener.hear(b"READY\n"), []);
        assert_eq!(listener.stance, Stance::Ready);
        listener.give(event(1));
        assert_eq!(listener.hear(b"RESULT 2\nOKREADY\n"), [Said::Processed]);
        listener.give(event(2));
        assert_eq!(listener.hear(b"RESULT 4\nFAIL"), [Said::Rejected(event(2))]);
        assert_eq!(listener.hear(b"hello"), [Said::Broke(None, None)]);
        assert_eq!(listener.stance, Stance::Unknown);
        assert_eq!(listener.gone(), None);
        listener.hear(b"READY\n");
        listener.give(event(3));
        let broke = Said::Broke(Some("RESULT x".into()), Some(event(3)));
        assert_eq!(listener.hear(b"RESULT x\n"), [broke]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cut in 1_usize..8) {
            let mut listener = Listener::default();
            let mut done = 0;
            for round in 0..5 {
                for piece in b"READY\n".chunks(cut) {
                    listener.hear(piece);
                }
                listener.give(event(round));
                for piece in b"RESULT 2\nOK".chunks(cut) {
                    done += listener.hear(piece).len();
                }
            }
            prop_assert_eq!(done, 5);
        }

        #[test]
        fn whatever_is_said_the_event_is_not_lost(
            bytes in prop::collection::vec(prop::sample::select(b"READYSULT 0123\nOKF".to_vec()), 0..40),
        ) {
            let mut listener = Listener::default();
            listener.hear(b"READY\n");
            listener.give(event(1));
            let said = listener.hear(&bytes);
            let back = said.iter().filter(|s| !matches!(s, Said::Broke(_, None))).count();
            prop_assert_eq!(back + usize::from(listener.gone().is_some()), 1);
        }
    }
}
