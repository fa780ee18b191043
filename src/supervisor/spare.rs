//! Descriptors kept back, so that the daemon can be asked what is wrong when there are no more.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use std::io;
use std::os::fd::AsRawFd;

/// So many descriptors are for clients and for what the daemon has to read.
const SPARE: u64 = 16;

/// Gives a new descriptor on, unless it is one of the last: the kernel gives the lowest that is
/// free.
///
/// # Errors
/// `EMFILE`, as the kernel says a little later.
pub fn spare<T: AsRawFd>(new: T) -> io::Result<T> {
    let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    let number = u64::try_from(new.as_raw_fd()).unwrap_or_default();
    match number.saturating_add(SPARE) < most {
        true => Ok(new),
        false => Err(Errno::EMFILE.into()),
    }
}
