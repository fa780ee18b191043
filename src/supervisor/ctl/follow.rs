//! `tail -f`, `maintail -f` and `fg`: what the daemon sends as it is written, until Ctrl-C.

use super::commands::{Done, Session, text};
use super::input;
use super::server::Failure;
use crate::supervisor::rpc::fault::code;
use crate::value::Value;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

/// An HTTP answer that comes in pieces.
#[derive(Default)]
struct Answer {
    waiting: Vec<u8>,
    status: Option<u16>,
    chunked: bool,
    /// Bytes of the chunk that have not come yet.
    left: usize,
}

impl Answer {
    /// What of the body came with these bytes.
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(bytes);
        if self.status.is_none() && !self.head() {
            return Vec::new();
        }
        if !self.chunked {
            return std::mem::take(&mut self.waiting);
        }
        let mut body = Vec::new();
        loop {
            let now = self.left.min(self.waiting.len());
            body.extend(self.waiting.drain(..now));
            self.left -= now;
            if self.left > 0 {
                return body;
            }
            // The line end after the chunk before comes as an empty line.
            let Some(end) = find(&self.waiting, b"\r\n") else {
                return body;
            };
            let line: Vec<u8> = self.waiting.drain(..end + 2).take(end).collect();
            let line = String::from_utf8_lossy(&line);
            let size = line.split(';').next().unwrap_or_default().trim();
            self.left = usize::from_str_radix(size, 16).unwrap_or(0);
        }
    }

    /// Takes the head off; false as long as it is not whole.
    fn head(&mut self) -> bool {
        let Some(end) = find(&self.waiting, b"\r\n\r\n") else {
            return false;
        };
        let head: Vec<u8> = self.waiting.drain(..end + 4).collect();
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        self.status = Some(status.unwrap_or(0));
        self.chunked = head.contains("\r\ntransfer-encoding: chunked");
        true
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}

/// Ctrl-C as something to wait for, as long as this lives.
struct Interrupts {
    set: SigSet,
    signals: SignalFd,
}

impl Interrupts {
    fn new() -> nix::Result<Interrupts> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGINT);
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&set, flags)?;
        Ok(Interrupts { set, signals })
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // One that is still pending would end the shell.
        while matches!(self.signals.read_signal(), Ok(Some(_))) {}
        let _ = self.set.thread_unblock();
    }
}

/// A log that is being followed.
struct Followed {
    stream: File,
    answer: Answer,
    address: String,
}

impl Followed {
    /// Shows what has come; false at the end.
    fn show(&mut self, session: &Session) -> bool {
        let mut bytes = vec![0; 1 << 16];
        let count = match self.stream.read(&mut bytes) {
            Ok(0) | Err(_) => return false,
            Ok(count) => count,
        };
        let body = self.answer.feed(&bytes[..count]);
        match self.answer.status {
            None => true,
            Some(200) => {
                session.say_bytes(&body);
                true
            }
            Some(code) => {
                let line = format!("{} Cannot read, status code {code}\n", self.address);
                let _ = std::io::stderr().write_all(line.as_bytes());
                false
            }
        }
    }
}

/// What a wait ended with.
enum Came {
    Interrupt,
    Input,
    Nothing,
}

/// Shows what the logs say until something else happens.
fn wait(
    session: &Session,
    interrupts: &Interrupts,
    logs: &mut Vec<Followed>,
    input: bool,
) -> nix::Result<Came> {
    let stdin = std::io::stdin();
    let ready = {
        let mut fds = vec![PollFd::new(interrupts.signals.as_fd(), PollFlags::POLLIN)];
        let logs = logs.iter().map(|log| log.stream.as_fd());
        fds.extend(logs.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        if input {
            fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => return Ok(Came::Nothing),
            other => other?,
        };
        fds.iter()
            .map(|fd| fd.any().unwrap_or(true))
            .collect::<Vec<bool>>()
    };
    let count = logs.len();
    let mut at = 0;
    logs.retain_mut(|log| {
        at += 1;
        !ready[at] || log.show(session)
    });
    Ok(match (ready[0], input && ready[count + 1]) {
        (true, _) => Came::Interrupt,
        (_, true) => Came::Input,
        _ => Came::Nothing,
    })
}

fn system(error: nix::Error) -> Failure {
    Failure::Other(error.to_string())
}

impl Session {
    fn log(&self, path: &str) -> Result<Followed, Failure> {
        Ok(Followed {
            stream: self.server.stream(path)?,
            answer: Answer::default(),
            address: format!("{}{path}", self.server.url),
        })
    }

    /// Follows a log by its path on the server.
    pub(super) fn follow(&mut self, path: &str) -> Done {
        self.say("==> Press Ctrl-C to exit <==");
        let mut logs = vec![self.log(path)?];
        let interrupts = Interrupts::new().map_err(system)?;
        while !logs.is_empty() {
            if let Came::Interrupt = wait(self, &interrupts, &mut logs, false).map_err(system)? {
                self.say("");
                break;
            }
        }
        Ok(())
    }

    /// Lines from here to the process, its output to here.
    pub(super) fn fg(&mut self, names: &[&str]) -> Done {
        let name = match names {
            [name] => *name,
            [] => {
                self.refuse("ERROR: no process name supplied");
                self.help("fg");
                return Ok(());
            }
            _ => {
                self.refuse("ERROR: too many process names supplied");
                return Ok(());
            }
        };
        match self.is_running(name) {
            Err(Failure::Fault(fault)) if fault.code == code::BAD_NAME => {
                self.refuse("ERROR: bad process name supplied");
                return Ok(());
            }
            Err(Failure::Fault(fault)) => {
                self.refuse(&format!("ERROR: {fault}"));
                return Ok(());
            }
            Ok(false) => {
                self.refuse("ERROR: process not running");
                return Ok(());
            }
            Ok(true) => {}
            Err(other) => return Err(other),
        }
        self.say("==> Press Ctrl-C to exit <==");
        let path = |channel| format!("/logtail/{name}/{channel}");
        let mut logs = vec![self.log(&path("stdout"))?, self.log(&path("stderr"))?];
        let interrupts = Interrupts::new().map_err(system)?;
        loop {
            match wait(self, &interrupts, &mut logs, true).map_err(system)? {
                Came::Nothing => continue,
                Came::Interrupt => break,
                Came::Input => {}
            }
            let Some(line) = input::line() else { break };
            if !self.send(name, &format!("{line}\n"))? {
                break;
            }
        }
        self.say("Exiting foreground");
        Ok(())
    }

    /// Sends input to a process; false if it is not there to take more.
    fn send(&mut self, name: &str, line: &str) -> Result<bool, Failure> {
        let params = [Value::from(name), Value::from(line)];
        match self.server.call("supervisor.sendProcessStdin", &params) {
            Err(Failure::Fault(fault)) => {
                match fault.code {
                    code::NOT_RUNNING => self.say("Process got killed"),
                    _ => self.say(&format!("ERROR: {fault}")),
                }
                return Ok(false);
            }
            other => drop(other?),
        }
        if self.is_running(name)? {
            return Ok(true);
        }
        self.say("Process got killed");
        Ok(false)
    }

    fn is_running(&self, name: &str) -> Result<bool, Failure> {
        let info = self
            .server
            .call("supervisor.getProcessInfo", &[Value::from(name)])?;
        Ok(text(&info, "statename") == "RUNNING")
    }

    /// An error line; exit code 1.
    pub(super) fn refuse(&mut self, line: &str) {
        self.say(line);
        self.code = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhe\r\nl\r\n3;x=y\r\nlo!\r\n0\r\n\r\n";

    #[test]
    fn an_answer_may_be_cut_anywhere() {
        for size in 1..CHUNKED.len() {
            let mut answer = Answer::default();
            let body: Vec<u8> = CHUNKED.chunks(size).flat_map(|p| answer.feed(p)).collect();
            assert_eq!(body, b"he\r\nllo!", "pieces of {size}");
            assert_eq!(answer.status, Some(200));
        }
    }

    #[test]
    fn an_answer_without_chunks_is_its_own_body() {
        let mut answer = Answer::default();
        assert_eq!(answer.feed(b"HTTP/1.0 404 Not Found\r\n\r\nab"), b"ab");
        assert_eq!(
            (answer.feed(b"c"), answer.status),
            (b"c".to_vec(), Some(404))
        );
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            head in "(HTTP/1.1 200 OK\r\n(Transfer-Encoding: chunked\r\n)?\r\n)?",
            pieces in proptest::collection::vec("[0-9a-fA-F;\r\n xé]{0,12}", 0..8),
        ) {
            let mut answer = Answer::default();
            answer.feed(head.as_bytes());
            for piece in pieces {
                answer.feed(piece.as_bytes());
            }
        }
    }
}
