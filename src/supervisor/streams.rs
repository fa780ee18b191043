//! The children's output: one task reads all pipes, so that a pipe at rest costs a few words.

use super::logs;
use super::mainlog::{Level, MainLog};
use super::outlet::Outlet;
use super::proclogs::SharedLog;
use super::tap::Tap;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;

/// Bytes read from a child at once, and what a pipe that was found full is made to hold.
/// Measured: up to this size fewer system calls make up for more memory, beyond it nothing is won.
const CHUNK: usize = 256 * 1024;
/// What a pipe holds at first.
const PIPE: usize = 64 * 1024;
/// Pipes looked at in one call.
const BATCH: usize = 64;
/// Calls after which other tasks have their turn.
const TURN: usize = 8;
/// Reads that make up for what a full pipe can hold; who writes on and on does not hold others up.
const READS: usize = 8;
/// No stream.
pub const NO_STREAM: u32 = u32::MAX;

/// The pipes of all children.
#[derive(Debug)]
pub struct Streams {
    ready: AsyncFd<Ready>,
    all: RefCell<Slots>,
    buffer: RefCell<Vec<u8>>,
    main: MainLog,
}

/// The set of pipes, which is itself ready when one of them is.
#[derive(Debug)]
struct Ready(Epoll);

impl AsRawFd for Ready {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

#[derive(Debug, Default)]
struct Slots {
    streams: Vec<Option<Stream>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Stream {
    pipe: OwnedFd,
    sink: Sink,
    grown: bool,
    failing: bool,
}

/// Where the output of a copy goes; by default it disappears.
#[derive(Debug, Default)]
pub struct Sink {
    log: SharedLog,
    filter: Option<Box<Filter>>,
}

/// What output passes on its way to the log.
#[derive(Debug, Default)]
struct Filter {
    strip: bool,
    outlet: Option<Outlet>,
    tap: Option<Tap>,
    told: Option<(MainLog, String)>,
}

impl Streams {
    /// No pipe yet. What cannot be written is told to `main`. Wants a running event loop.
    ///
    /// # Errors
    /// What the kernel says of another descriptor.
    pub fn new(main: MainLog) -> io::Result<Streams> {
        let set = Ready(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        Ok(Streams {
            // SAFETY: the set owns its descriptor for as long as it lives.
            ready: unsafe { AsyncFd::register_with_interest(set, Interest::READABLE) }?,
            all: RefCell::default(),
            buffer: RefCell::new(vec![0; CHUNK]),
            main,
        })
    }

    /// Takes what a child writes, until it closes its end; gives the stream's number.
    pub fn follow(&self, pipe: OwnedFd, sink: Sink) -> u32 {
        let mut all = self.all.borrow_mut();
        let next = u32::try_from(all.streams.len()).unwrap_or(NO_STREAM);
        let at = all.free.last().copied().unwrap_or(next);
        let wanted = EpollEvent::new(EpollFlags::EPOLLIN, u64::from(at));
        let added =
            nonblocking(&pipe).and_then(|()| Ok(self.ready.get_ref().0.add(&pipe, wanted)?));
        if let Err(e) = added {
            let line = format!("cannot read a process's output: {e}");
            self.main.write(Level::Error, &line);
            return NO_STREAM;
        }
        let stream = Some(Stream {
            pipe,
            sink,
            grown: false,
            failing: false,
        });
        match all.free.pop() {
            Some(free) => all.streams[free as usize] = stream,
            None => all.streams.push(stream),
        }
        at
    }

    /// Reads as long as the daemon lives.
    pub async fn run(self: Rc<Self>) {
        while let Ok(mut ready) = self.ready.readable().await {
            let mut calls = 0;
            while self.read_some() {
                calls += 1;
                if calls % TURN == 0 {
                    tokio::task::yield_now().await;
                }
            }
            ready.clear_ready();
        }
    }

    /// Reads what a stream has now, so that what a copy wrote last is told before its end.
    pub fn pump(&self, at: u32) {
        for _ in 0..READS {
            if !self.read(at) {
                return;
            }
        }
    }

    /// Reads some pipes once; false if none has anything.
    fn read_some(&self) -> bool {
        let mut events = [EpollEvent::empty(); BATCH];
        let set = &self.ready.get_ref().0;
        let count = set.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        for event in &events[..count] {
            self.read(u32::try_from(event.data()).unwrap_or(NO_STREAM));
        }
        count > 0
    }

    /// Reads a stream once; false if there was nothing.
    fn read(&self, at: u32) -> bool {
        let mut all = self.all.borrow_mut();
        let Some(Some(stream)) = all.streams.get_mut(at as usize) else {
            return false;
        };
        match stream.read(&mut self.buffer.borrow_mut(), &self.main) {
            Read::Bytes => return true,
            Read::Nothing => {}
            Read::End => {
                // Closing it would do, but for a copy that a child has between fork and exec.
                let _ = self.ready.get_ref().0.delete(&stream.pipe);
                all.streams[at as usize] = None;
                all.free.push(at);
            }
        }
        false
    }
}

/// What a read brought.
enum Read {
    Bytes,
    Nothing,
    End,
}

impl Sink {
    /// A log, and what looks at the output on its way there.
    pub fn new(log: &SharedLog, strip: bool, tap: Option<Tap>, outlet: Option<Outlet>) -> Sink {
        let plain = !strip && tap.is_none() && outlet.is_none();
        Sink {
            log: log.clone(),
            filter: (!plain).then(|| {
                Box::new(Filter {
                    strip,
                    outlet,
                    tap,
                    told: None,
                })
            }),
        }
    }
}

impl Sink {
    /// Copies the output to the daemon's own log too, where that is for debugging.
    pub fn told(mut self, main: &MainLog, whose: impl FnOnce() -> String) -> Sink {
        if main.takes(Level::Debug) {
            let told = Some((main.clone(), whose()));
            self.filter.get_or_insert_default().told = told;
        }
        self
    }
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8], main: &MainLog) -> Read {
        match nix::unistd::read(&self.pipe, buffer) {
            Ok(0) => {
                if let Some(rest) = self.sink.filter.as_mut().map(|f| f.finish()) {
                    self.write(&rest, main);
                }
                Read::End
            }
            Ok(n) => {
                if n >= PIPE && !self.grown {
                    self.grown = true;
                    let size = i32::try_from(CHUNK).unwrap_or(i32::MAX);
                    // Without the right to a larger one it goes on with the one it has.
                    let _ = fcntl(&self.pipe, FcntlArg::F_SETPIPE_SZ(size));
                }
                match self.sink.filter.take() {
                    None => self.write(&buffer[..n], main),
                    Some(mut filter) => {
                        filter.feed(&buffer[..n], |bytes| self.write(bytes, main));
                        self.sink.filter = Some(filter);
                    }
                }
                Read::Bytes
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Read::Nothing,
            Err(_) => Read::End,
        }
    }

    /// Says once what goes wrong, and once that it goes on.
    fn write(&mut self, bytes: &[u8], main: &MainLog) {
        let Some(log) = self.sink.log.as_ref().filter(|_| !bytes.is_empty()) else {
            return;
        };
        let mut log = log.borrow_mut();
        let result = log.write(bytes);
        let before = std::mem::replace(&mut self.failing, result.is_err());
        match result {
            Err(e) if !before => {
                let line = format!("cannot write {}: {e}", log.path().display());
                main.write(Level::Error, &line);
            }
            Ok(()) if before => {
                let lost = log.take_lost();
                let path = log.path().display();
                let line = format!("{path} is written again, {lost} bytes were lost");
                main.write(Level::Warn, &line);
            }
            _ => {}
        }
    }
}

impl Filter {
    fn feed(&mut self, bytes: &[u8], write: impl FnOnce(&[u8])) {
        let bytes = match self.strip {
            true => Cow::Owned(logs::strip_ansi(bytes)),
            false => Cow::Borrowed(bytes),
        };
        let bytes = match &mut self.outlet {
            Some(outlet) => outlet.feed(&bytes),
            None => Cow::Borrowed(&*bytes),
        };
        let bytes = match &mut self.tap {
            Some(tap) => tap.feed(&bytes),
            None => Cow::Borrowed(&*bytes),
        };
        if let Some((main, whose)) = &self.told {
            let text = String::from_utf8_lossy(&bytes);
            main.write(Level::Debug, &format!("{whose} output:\n{text}"));
        }
        write(&bytes);
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut rest = self.outlet.as_mut().map(Outlet::finish).unwrap_or_default();
        if let Some(tap) = &mut self.tap {
            rest = tap.feed(&rest).into_owned();
            rest.extend(tap.finish());
        }
        rest
    }
}

/// A process's standard input. The event loop knows of it only while somebody waits to write.
#[derive(Debug)]
pub struct Input(OwnedFd);

impl Input {
    /// The daemon's end of the pipe.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(fd: OwnedFd) -> io::Result<Input> {
        nonblocking(&fd)?;
        Ok(Input(fd))
    }

    /// Writes as much as the pipe takes now.
    ///
    /// # Errors
    /// `WouldBlock` where it is full; else the reader is gone.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(&self.0, bytes)?)
    }

    /// Writes all, waiting for the reader.
    ///
    /// # Errors
    /// The reader is gone.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    // A copy, since two may wait for the same pipe.
                    let copy = pipe::Sender::from_owned_fd(self.0.try_clone()?)?;
                    copy.writable().await?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Makes reads and writes return at once.
fn nonblocking(fd: &OwnedFd) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}
