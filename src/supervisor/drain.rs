//! The output of a copy on its way from the pipe to its log.

use super::logs;
use super::mainlog::{Level, MainLog};
use super::outlet::Outlet;
use super::proclogs::SharedLog;
use super::tap::Tap;
use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use tokio::net::unix::pipe;

/// Bytes read from a child at once.
const CHUNK: usize = 128 * 1024;
/// Reads that make up for what a full pipe can hold; who writes on and on does not hold others up.
const READS: usize = 8;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// Where output goes.
#[derive(Debug)]
pub struct Sink {
    /// Its log.
    pub log: SharedLog,
    /// Whether colours and the like are taken out.
    pub strip: bool,
    /// The daemon's own log.
    pub main: MainLog,
    /// What looks at lines.
    pub tap: Option<Tap>,
    /// Where it goes beside the log.
    pub outlet: Option<Outlet>,
    /// The last write to the log failed.
    failing: bool,
}

impl Sink {
    /// A sink in which all that comes disappears.
    pub fn none(main: MainLog) -> Sink {
        Sink::new(None, false, main, None, None)
    }

    /// A sink that has taken nothing yet.
    pub fn new(
        log: SharedLog,
        strip: bool,
        main: MainLog,
        tap: Option<Tap>,
        outlet: Option<Outlet>,
    ) -> Sink {
        Sink {
            log,
            strip,
            main,
            tap,
            outlet,
            failing: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
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
        if let Some(log) = &self.log {
            let result = log.borrow_mut().write(&bytes);
            if let (Err(e), false) = (&result, self.failing) {
                let path = log.borrow().path().display().to_string();
                self.main
                    .write(Level::Error, &format!("cannot write {path}: {e}"));
            }
            self.failing = result.is_err();
        }
    }

    fn finish(&mut self) {
        let mut rest = self.outlet.as_mut().map(Outlet::finish).unwrap_or_default();
        if let Some(tap) = &mut self.tap {
            rest = tap.feed(&rest).into_owned();
            rest.extend(tap.finish());
        }
        if let Some(log) = self.log.as_ref().filter(|_| !rest.is_empty()) {
            // A full disk was told of when it was met first.
            let _ = log.borrow_mut().write(&rest);
        }
    }
}

/// What a read brought.
enum Read {
    Bytes,
    Nothing,
    End,
}

/// One pipe, read as something comes.
#[derive(Debug)]
pub struct Drain {
    pipe: pipe::Receiver,
    /// Gone after the end.
    sink: RefCell<Option<Sink>>,
}

impl Drain {
    /// Copies what comes, until the last writer closes its end.
    pub fn start(fd: OwnedFd, sink: Sink) -> Option<Rc<Drain>> {
        nonblocking(&fd).ok()?;
        let drain = Rc::new(Drain {
            pipe: pipe::Receiver::from_owned_fd(fd).ok()?,
            sink: RefCell::new(Some(sink)),
        });
        let reader = drain.clone();
        tokio::task::spawn_local(async move {
            while reader.pipe.readable().await.is_ok() {
                let read = |buffer: &mut [u8]| reader.pipe.try_read(buffer);
                if let Read::End = reader.read(read) {
                    return;
                }
            }
        });
        Some(drain)
    }

    /// Reads what is there now, so that what a copy wrote last is told before its end. The reactor
    /// may not know of it yet, so the pipe itself is asked.
    pub fn pump(&self) {
        let fd = self.pipe.as_fd();
        for _ in 0..READS {
            let read = |buffer: &mut [u8]| Ok(nix::unistd::read(fd, buffer)?);
            if !matches!(self.read(read), Read::Bytes) {
                return;
            }
        }
    }

    fn read(&self, from: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> Read {
        let mut held = self.sink.borrow_mut();
        let Some(sink) = held.as_mut() else {
            return Read::End;
        };
        let read = BUFFER.with_borrow_mut(|buffer| match from(buffer) {
            Ok(0) => Read::End,
            Ok(n) => {
                sink.take(&buffer[..n]);
                Read::Bytes
            }
            Err(e) => match e.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Read::Nothing,
                _ => Read::End,
            },
        });
        if let Read::End = read {
            sink.finish();
            *held = None;
        }
        read
    }
}

/// Makes reads and writes return at once.
pub fn nonblocking(fd: &OwnedFd) -> std::io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}
