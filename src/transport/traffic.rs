//! What a connection costs.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one connection; shared by whoever moves its bytes.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
    agent: AtomicU64,
    connect_micros: AtomicU64,
    waits: AtomicU64,
}

/// Their values at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes to the host, before compression and encryption by SSH.
    pub sent: u64,
    /// Bytes from the host.
    pub received: u64,
    /// Bytes of the agent that were sent, a part of `sent`.
    pub agent: u64,
    /// Time until the agent answered.
    pub connect: Duration,
    /// How often the control side waited for an answer after that.
    pub waits: u64,
}

impl Traffic {
    /// Bytes went to the host.
    pub fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes came from the host.
    pub fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many of the bytes were the agent.
    pub fn agent_bytes(&self, bytes: usize) {
        self.agent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The agent has answered after this time.
    pub fn connected(&self, after: Duration) {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.connect_micros.store(micros, Ordering::Relaxed);
    }

    /// The control side waits for an answer.
    pub fn waits(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    /// The values now.
    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            sent: get(&self.sent),
            received: get(&self.received),
            agent: get(&self.agent),
            connect: Duration::from_micros(get(&self.connect_micros)),
            waits: get(&self.waits),
        }
    }
}

/// A stream whose bytes are counted.
pub struct Counted<S> {
    /// The stream itself.
    pub stream: S,
    /// Where they are counted.
    pub traffic: Arc<Traffic>,
}

impl<S: Write> Write for Counted<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.traffic.sent(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<S: Read> Read for Counted<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.traffic.received(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_counted() {
        let traffic = Arc::new(Traffic::default());
        let mut to = Counted {
            stream: Vec::new(),
            traffic: traffic.clone(),
        };
        to.write_all(b"abc").unwrap();
        let mut from = Counted {
            stream: &b"defgh"[..],
            traffic: traffic.clone(),
        };
        from.read_to_end(&mut Vec::new()).unwrap();
        traffic.waits();
        traffic.connected(Duration::from_millis(5));
        let counts = traffic.counts();
        assert_eq!((counts.sent, counts.received, counts.waits), (3, 5, 1));
        assert_eq!(counts.connect, Duration::from_millis(5));
    }
}
