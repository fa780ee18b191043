//! Low descriptors by which a new process is handed its standard input, output and error.
//!
//! A new process that takes over a copy of all the daemon's descriptors, only to close them, costs
//! the more the more processes there are. With these three it needs no other above them.

use nix::errno::Errno;
use nix::libc;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// The three, and what they are while nobody is started.
#[derive(Debug)]
pub struct Berths {
    null: File,
    places: [OwnedFd; 3],
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
        Ok(Berths { null, places })
    }

    /// Puts copies of these in their places, the last of which is the highest, for as long as `run`
    /// takes.
    ///
    /// # Errors
    /// What the kernel says, or `run`.
    pub fn with<T>(
        &self,
        stdio: &[OwnedFd; 3],
        run: impl FnOnce([RawFd; 3]) -> nix::Result<T>,
    ) -> nix::Result<T> {
        let places = self.places.each_ref().map(AsRawFd::as_raw_fd);
        let moored = (places.iter().zip(stdio)).try_for_each(|(place, fd)| copy(fd, *place));
        let result = moored.and_then(|()| run(places));
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
