//! Moves bytes between an SSH channel and a pair of local streams.
//!
//! libssh2 is not made for one thread that reads and another that writes. So one thread owns the
//! session; the rest of the program hands it bytes ([`Outgoing`]) and reads from a socket.

use super::Traffic;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use ssh2::{BlockDirections, Channel, Session};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The program's ends of a channel.
pub struct Ends {
    /// To the host; dropping it ends the channel's input.
    pub to: To,
    /// From the host.
    pub from: UnixStream,
    /// Ends the connection.
    pub guard: Guard,
}

/// Bytes for the host.
pub struct To(Arc<Outgoing>);

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        while state.bytes.len() >= BUFFER && !state.closed {
            state = self
                .0
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(BUFFER - state.bytes.len());
        state.bytes.extend_from_slice(&bytes[..taken]);
        if state.bytes.len() == taken {
            self.0.wake();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for To {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake();
    }
}

/// What the program has written and the session has not sent. Nothing is copied in the kernel, as it
/// would be in a socket.
struct Outgoing {
    state: Mutex<Written>,
    /// There is room again.
    room: Condvar,
    /// There are bytes again.
    ready: EventFd,
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// One of the sides is gone.
    closed: bool,
}

impl Outgoing {
    fn new() -> io::Result<Outgoing> {
        Ok(Outgoing {
            state: Mutex::default(),
            room: Condvar::new(),
            ready: EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Failing means that it is awake.
        let _ = self.ready.write(1);
    }

    /// Takes all that was written, and leaves an empty buffer for more; `None` if there is nothing
    /// now.
    fn take(&self, empty: &mut Vec<u8>) -> Option<usize> {
        let mut state = self.lock();
        if state.bytes.is_empty() {
            // A connection that has nothing to send holds no memory for it.
            *empty = Vec::new();
            state.bytes = Vec::new();
            return state.closed.then_some(0);
        }
        std::mem::swap(&mut state.bytes, empty);
        self.room.notify_one();
        Some(empty.len())
    }

    /// Nobody sends any more.
    fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }
}

/// Ends the connection when it is dropped: in peace if the agent ends, else by force.
pub struct Guard {
    ended: Receiver<()>,
    stream: TcpStream,
    said: Said,
    broke: Arc<AtomicBool>,
}

/// The last lines of the command's standard error, and why the connection broke.
type Said = Arc<Mutex<VecDeque<String>>>;

/// How long an agent has to notice that its input has ended.
const GRACE: Duration = Duration::from_secs(3);

/// Lines of standard error that are kept.
const KEPT: usize = 20;

/// What is written to the host at once: a few times what libssh2 puts into a packet.
const BUFFER: usize = 4 * 32700;

/// What is read from the host at once.
const READ: usize = 64 * 1024;

/// What the thread needs: libssh2 keeps its state on the heap.
const STACK: usize = 256 * 1024;

impl Guard {
    /// Waits for the end and returns the last lines of standard error, and whether the connection
    /// broke.
    pub fn end(self) -> (Vec<String>, bool) {
        let silent = self.wait();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let broke = silent || self.broke.load(Ordering::Relaxed);
        (said.iter().cloned().collect(), broke)
    }

    /// True if the host had to be left.
    fn wait(&self) -> bool {
        let silent = self.ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout);
        if silent {
            // Failing means that it is gone.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        silent
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Starts to move bytes.
///
/// # Errors
/// No socket pair or no thread can be made.
pub fn run(
    host: &str,
    session: Session,
    channel: Channel,
    stream: TcpStream,
    traffic: &Arc<Traffic>,
) -> io::Result<Ends> {
    let (ours, theirs) = UnixStream::pair()?;
    let outgoing = Arc::new(Outgoing::new()?);
    theirs.set_nonblocking(true)?;
    session.set_blocking(false);
    let said = Said::default();
    let broke = Arc::new(AtomicBool::new(false));
    let breaks = broke.clone();
    // Dropped at the end of the thread, which wakes whoever waits.
    let (end, ended) = sync_channel(0);
    let mut pump = Pump {
        session,
        channel,
        stream: stream.try_clone()?,
        local: theirs,
        outgoing: outgoing.clone(),
        out: Buffer::default(),
        into: Buffer::default(),
        errors: Vec::new(),
        input: Input::Open,
        said: said.clone(),
        traffic: traffic.clone(),
    };
    std::thread::Builder::new()
        .name(format!("ssh {host}"))
        .stack_size(STACK)
        .spawn(move || {
            let _end: std::sync::mpsc::SyncSender<()> = end;
            if let Err(e) = pump.run() {
                breaks.store(true, Ordering::Relaxed);
                pump.note(&crate::diag::reason(&e));
            }
            pump.outgoing.close();
        })?;
    Ok(Ends {
        to: To(outgoing),
        from: ours,
        guard: Guard {
            ended,
            stream,
            said,
            broke,
        },
    })
}

/// Bytes on their way. Refilled only when empty, since libssh2 wants to see the same bytes again
/// after it could not send them.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Fills it from somewhere; `None` if there is nothing now.
    fn fill(&mut self, from: &mut impl Read) -> io::Result<Option<usize>> {
        self.bytes.resize(READ, 0);
        let read = not_now(from.read(&mut self.bytes))?;
        (self.start, self.end) = (0, read.unwrap_or(0));
        Ok(read)
    }

    /// Fills it with what is to be sent; `None` if there is nothing now.
    fn take(&mut self, from: &Outgoing) -> Option<usize> {
        self.bytes.clear();
        let taken = from.take(&mut self.bytes);
        (self.start, self.end) = (0, self.bytes.len());
        taken
    }

    /// Empties it; false if not all could be written now.
    fn drain(&mut self, to: &mut impl Write) -> io::Result<bool> {
        while !self.is_empty() {
            match not_now(to.write(&self.bytes[self.start..self.end]))? {
                Some(written) => self.start += written,
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// The state of the direction to the host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// Nothing more comes; the host is to be told.
    Ended,
    Told,
}

struct Pump {
    session: Session,
    channel: Channel,
    stream: TcpStream,
    local: UnixStream,
    outgoing: Arc<Outgoing>,
    /// To the host.
    out: Buffer,
    /// From the host.
    into: Buffer,
    /// The beginning of a line of standard error.
    errors: Vec<u8>,
    input: Input,
    said: Said,
    traffic: Arc<Traffic>,
}

impl Pump {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let sent = self.send()?;
            let received = self.receive()?;
            self.hear()?;
            if self.channel.eof() && self.into.is_empty() {
                return Ok(());
            }
            if !sent && !received {
                self.wait()?;
            }
        }
    }

    /// From the program to the host; true if something moved.
    fn send(&mut self) -> io::Result<bool> {
        if self.out.is_empty() && self.input == Input::Open {
            match self.out.take(&self.outgoing) {
                Some(0) => self.input = Input::Ended,
                Some(read) => self.traffic.sent(read),
                None => return Ok(false),
            }
        }
        let start = self.out.start;
        let drained = self.out.drain(&mut self.channel)?;
        if drained && self.input == Input::Ended {
            let told = self.channel.send_eof().map_err(io::Error::from);
            if not_now(told)?.is_some() {
                self.input = Input::Told;
            }
        }
        Ok(self.out.start > start || (drained && self.input == Input::Open))
    }

    /// From the host to the program; true if something moved.
    fn receive(&mut self) -> io::Result<bool> {
        if self.into.is_empty() {
            match self.into.fill(&mut self.channel)? {
                Some(read @ 1..) => self.traffic.received(read),
                _ => return Ok(false),
            }
        }
        self.into.drain(&mut self.local)
    }

    /// Takes note of standard error.
    fn hear(&mut self) -> io::Result<()> {
        let mut bytes = [0; 1024];
        while let Some(read @ 1..) = not_now(self.channel.stderr().read(&mut bytes))? {
            self.errors.extend(&bytes[..read]);
            while let Some(end) = self.errors.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.errors.drain(..=end).collect();
                self.note(&String::from_utf8_lossy(&line));
            }
            // A line without an end is cut.
            if self.errors.len() > BUFFER {
                self.errors.clear();
            }
        }
        Ok(())
    }

    fn note(&self, line: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.trim().is_empty() {
            said.push_back(line.trim().to_owned());
        }
        if said.len() > KEPT {
            said.pop_front();
        }
    }

    /// Waits until something can move.
    fn wait(&mut self) -> io::Result<()> {
        let pause = match self.session.keepalive_send() {
            Ok(seconds) => seconds.clamp(1, 60),
            // It will be tried again.
            Err(_) => 1,
        };
        let mut net = PollFlags::POLLIN;
        if matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        ) {
            net |= PollFlags::POLLOUT;
        }
        let mut fds = vec![PollFd::new(self.stream.as_fd(), net)];
        if self.out.is_empty() && self.input == Input::Open {
            fds.push(PollFd::new(self.outgoing.ready.as_fd(), PollFlags::POLLIN));
        }
        // A closed stream would wake the thread again and again.
        if !self.into.is_empty() {
            fds.push(PollFd::new(self.local.as_fd(), PollFlags::POLLOUT));
        }
        let pause = PollTimeout::try_from(pause * 1000).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, pause) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        // Failing means that there are no bytes.
        let _ = self.outgoing.ready.read();
        Ok(())
    }
}

/// `None` for what would have to wait.
fn not_now<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(e) if e.kind() == ErrorKind::Interrupted => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time, every other time nothing.
    struct Slow(Vec<u8>, bool);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(3);
            self.0.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_buffer_is_refilled_when_it_is_empty() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.fill(&mut &b"0123456"[..]).unwrap(), Some(7));
        let mut slow = Slow(Vec::new(), false);
        let mut rounds = 0;
        while !buffer.drain(&mut slow).unwrap() {
            rounds += 1;
        }
        assert_eq!((slow.0.as_slice(), rounds), (&b"0123456"[..], 3));
        assert_eq!(buffer.fill(&mut &b""[..]).unwrap(), Some(0));
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_is_written_is_taken_in_order_up_to_the_end() {
        let outgoing = Arc::new(Outgoing::new().unwrap());
        let mut to = To(outgoing.clone());
        let all: Vec<u8> = (0..3 * BUFFER).map(|n| n as u8).collect();
        let written = all.clone();
        let writer = std::thread::spawn(move || to.write_all(&written).unwrap());
        let (mut taken, mut buffer) = (Vec::new(), Buffer::default());
        loop {
            match buffer.take(&outgoing) {
                Some(0) => break,
                Some(read) => {
                    assert!(read <= BUFFER);
                    buffer.drain(&mut taken).unwrap();
                }
                None => {
                    let mut fds = [PollFd::new(outgoing.ready.as_fd(), PollFlags::POLLIN)];
                    poll(&mut fds, PollTimeout::NONE).unwrap();
                    outgoing.ready.read().unwrap();
                }
            }
        }
        writer.join().unwrap();
        assert!(taken == all);
    }

    #[test]
    fn a_connection_that_is_gone_takes_nothing() {
        let outgoing = Arc::new(Outgoing::new().unwrap());
        let mut to = To(outgoing.clone());
        to.write_all(&vec![0; BUFFER]).unwrap();
        let writer = std::thread::spawn(move || to.write(b"x").unwrap_err().kind());
        outgoing.close();
        assert_eq!(writer.join().unwrap(), ErrorKind::BrokenPipe);
    }
}
