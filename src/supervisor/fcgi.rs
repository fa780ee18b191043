//! The listening socket that the processes of an `fcgi-program` share as their standard input.

use super::config::{self, FcgiSocket};
use super::group::Supervisor;
use super::mainlog::Level;
use std::net::ToSocketAddrs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Opens the socket.
///
/// # Errors
/// What binding says, with the socket's URL.
pub fn open(config: &FcgiSocket, uid: Option<u32>) -> Result<OwnedFd, String> {
    let url = &config.url;
    let failed = |e: std::io::Error| format!("couldn't create socket {url}: {e}");
    if let Some(path) = config.url.strip_prefix("unix://") {
        // What an earlier life left is in the way.
        let _ = std::fs::remove_file(path);
        let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed)?;
        let mode = config.mode.unwrap_or(0o700);
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(failed)?;
        let owner = config.owner.or(uid.map(|uid| (uid, None)));
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(path, Some(uid), gid).map_err(failed)?;
        }
        let fd = OwnedFd::from(listener);
        backlog(&fd, config.backlog);
        return Ok(fd);
    }
    let address = config.url.strip_prefix("tcp://").unwrap_or(url);
    let address = address.to_socket_addrs().map_err(failed)?.next();
    let address = address.ok_or(format!("couldn't create socket {url}: no such host"))?;
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    let fd = OwnedFd::from(listener);
    backlog(&fd, config.backlog);
    Ok(fd)
}

/// Sets how many connections may wait; the kernel takes a second `listen` as a change of that.
fn backlog(fd: &OwnedFd, backlog: Option<i32>) {
    let backlog = backlog.unwrap_or(nix::libc::SOMAXCONN);
    // SAFETY: a system call on a descriptor that is open.
    unsafe { nix::libc::listen(fd.as_raw_fd(), backlog) };
}

/// Removes the socket's file, if it has one.
pub fn remove(url: &str) {
    if let Some(path) = url.strip_prefix("unix://") {
        let _ = std::fs::remove_file(Path::new(path));
    }
}

impl Supervisor {
    /// The socket for the standard input of a group that shares one.
    pub(super) fn share_socket(&mut self, at: usize) -> Result<Option<OwnedFd>, String> {
        let group = &mut self.groups[at];
        let config::GroupKind::Fcgi { socket } = &group.config.kind else {
            return Ok(None);
        };
        let shared = match group.socket.take() {
            Some(shared) => shared,
            None => {
                let line = format!("Creating socket {}", socket.url);
                self.log.write(Level::Info, &line);
                let uid = group.config.programs.first().and_then(|p| p.uid);
                open(socket, uid)?
            }
        };
        let copy = shared.try_clone().map_err(|e| e.to_string())?;
        group.socket = Some(shared);
        Ok(Some(copy))
    }

    /// Opens and closes the socket, so that one that cannot be had is told of at once.
    pub(super) fn try_socket(&mut self, at: usize) {
        match self.share_socket(at) {
            Ok(_) => self.release_socket(at),
            Err(why) => self.log.write(Level::Critical, &why),
        }
    }

    pub(super) fn release_socket(&mut self, at: usize) {
        let group = &mut self.groups[at];
        let used = group.procs.iter().any(|p| p.proc.pid.is_some());
        let config::GroupKind::Fcgi { socket } = &group.config.kind else {
            return;
        };
        if !used && group.socket.take().is_some() {
            remove(&socket.url);
            let line = format!("Closing socket {}", socket.url);
            self.log.write(Level::Info, &line);
        }
    }
}
