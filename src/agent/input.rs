//! Standard input, and whoever comes with a new connection.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

/// Standard input. A session that can be gone on with listens at the same time.
#[derive(Default)]
pub struct Input {
    /// Where the next connection comes from.
    pub door: Option<UnixListener>,
    /// How long the control side may be silent: it says every few seconds that it is there.
    pub silence: Option<Duration>,
    /// Somebody has come; nothing more is read before that is seen to.
    pub knocked: bool,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(door) = &self.door else {
            return Ok(nix::unistd::read(stdin(), buffer)?);
        };
        let deadline = self.silence.map(|silence| Instant::now() + silence);
        loop {
            let mut fds = [
                PollFd::new(stdin(), PollFlags::POLLIN),
                PollFd::new(door.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, until(deadline)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(e) => return Err(e.into()),
            }
            if fds[1].any() == Some(true) {
                self.knocked = true;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            match nix::unistd::read(stdin(), buffer) {
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                read => return Ok(read?),
            }
        }
    }
}

/// Makes room in front of standard input for a whole piece of a content: whoever writes it need not
/// wait until it is read.
pub fn make_room() {
    // Where it is no pipe, or may not be so large, more turns are taken.
    let _ = fcntl(stdin(), FcntlArg::F_SETPIPE_SZ(ROOM));
}

/// In bytes: the most that the kernel gives without rights.
const ROOM: i32 = 1 << 20;

/// Waits for somebody to come; false if nobody does.
pub fn await_visit(door: &UnixListener, patience: Duration) -> bool {
    let deadline = Some(Instant::now() + patience);
    loop {
        let mut fds = [PollFd::new(door.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, until(deadline)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

fn until(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else {
        return PollTimeout::NONE;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    // Not a moment too early: that would be a timeout that is none.
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}

fn stdin() -> BorrowedFd<'static> {
    // SAFETY: standard input is open for as long as the process runs; another connection's takes
    // its place without closing the number.
    #[expect(unsafe_code, reason = "the number stays, what is behind it changes")]
    unsafe {
        BorrowedFd::borrow_raw(0)
    }
}
