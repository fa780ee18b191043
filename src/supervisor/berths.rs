//! Where a new process begins: low descriptors by which it is handed its standard input, output and
//! error, and the stack that it has until it becomes its program.
//!
//! A new process that takes over a copy of all the daemon's descriptors, only to close them, costs
//! the more the more processes there are. With these three it needs no other above them.

use nix::errno::Errno;
use nix::libc;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// Bytes of the stack.
const STACK: usize = 32 << 10;

/// The three, what they are while nobody is started, and the stack.
#[derive(Debug)]
pub struct Berths {
    null: File,
    places: [OwnedFd; 3],
    stack: RefCell<Vec<u8>>,
}

impl Berths {
    /// To be made early, while low numbers are free.
    ///
    /// # Errors
    /// What the kernel says of more descriptors.
    pub fn new() -> io::Result<Berths> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let place = || null.try_clone().map(OwnedFd::from);
        let places = [place()?, place()?, place()?];
        let stack = RefCell::new(vec![0; STACK]);
        Ok(Berths {
            null,
            places,
            stack,
        })
    }

    /// Puts copies of these in their places, the last of which is the highest, for as long as `run`
    /// takes, which has the stack, too. One at a time.
    ///
    /// # Errors
    /// What the kernel says, or `run`.
    pub fn with<T>(
        &self,
        stdio: &[OwnedFd; 3],
        run: impl FnOnce([RawFd; 3], &mut [u8]) -> nix::Result<T>,
    ) -> nix::Result<T> {
        let places = self.places.each_ref().map(AsRawFd::as_raw_fd);
        let moored = (places.iter().zip(stdio)).try_for_each(|(place, fd)| copy(fd, *place));
        let result = moored.and_then(|()| run(places, &mut self.stack.borrow_mut()));
        for place in places {
            // Nobody else closes either of them.
            let _ = copy(&self.null, place);
        }
        result
    }
}

/// Makes `place` another descriptor of what `fd` is one of, closed in programs.
fn copy(fd: &impl AsRawFd, place: RawFd) -> nix::Result<()> {
    // SAFETY: the place is a descriptor that a `Berths` owns, and stays one.
    let copied = unsafe { libc::dup3(fd.as_raw_fd(), place, libc::O_CLOEXEC) };
    Errno::result(copied).map(drop)
}
