//! Where the process of a new connection finds the agent of its session: a socket in a directory
//! that is closed to others. Through it the connection itself is handed over.

use nix::fcntl::OFlag;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket on which the agent of a session is found. Removed with this value.
pub struct Door {
    listener: UnixListener,
    path: PathBuf,
}

/// A connection that was handed over: standard input, output and error, and the process that it
/// came with, which ends with this value.
pub struct Visit {
    pub streams: [OwnedFd; 3],
    pub said: Vec<u8>,
    pub process: UnixStream,
}

/// The longest message that comes with a connection.
const LONGEST: usize = 16 * 1024;

impl Door {
    /// Opens the socket of a session.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(dir: &Path, session: &str) -> io::Result<Door> {
        let path = dir.join(format!("{session}.socket"));
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(short(dir, &path)?.0)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Door { listener, path })
    }

    /// What is to be watched.
    pub fn listener(&self) -> &UnixListener {
        &self.listener
    }

    /// Takes a connection over.
    ///
    /// # Errors
    /// Whoever came has brought none.
    pub fn answer(&self) -> io::Result<Visit> {
        let (process, _) = self.listener.accept()?;
        let mut said = vec![0; LONGEST];
        let mut space = nix::cmsg_space!([RawFd; 3]);
        let mut parts = [IoSliceMut::new(&mut said)];
        let message = recvmsg::<()>(
            process.as_raw_fd(),
            &mut parts,
            Some(&mut space),
            MsgFlags::MSG_CMSG_CLOEXEC,
        )?;
        let length = message.bytes;
        let mut streams = Vec::new();
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                // SAFETY: the kernel has just made these for this process, nobody else owns them.
                #[expect(unsafe_code, reason = "descriptors come from the kernel as numbers")]
                streams.extend(fds.iter().map(|fd| unsafe { OwnedFd::from_raw_fd(*fd) }));
            }
        }
        said.truncate(length);
        let streams = streams
            .try_into()
            .map_err(|_| io::Error::other("it came without its connection"))?;
        Ok(Visit {
            streams,
            said,
            process,
        })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // A later agent of the session would remove it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Hands this process's connection to the agent of a session, with a message, and waits until that
/// agent is through with it.
///
/// # Errors
/// There is no such agent.
pub fn hand_over(dir: &Path, session: &str, said: &[u8]) -> io::Result<()> {
    let path = dir.join(format!("{session}.socket"));
    let mut agent = UnixStream::connect(short(dir, &path)?.0)?;
    let streams = [0, 1, 2];
    sendmsg::<()>(
        agent.as_raw_fd(),
        &[IoSlice::new(said)],
        &[ControlMessage::ScmRights(&streams)],
        MsgFlags::empty(),
        None,
    )?;
    // It says nothing; the stream ends with its interest in this connection.
    let _ = agent.read(&mut [0]);
    Ok(())
}

/// A path of the same socket that is short enough for its address, and what it leads through.
fn short(dir: &Path, path: &Path) -> io::Result<(PathBuf, File)> {
    let dir = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_PATH | OFlag::O_DIRECTORY).bits())
        .open(dir)?;
    let name = path.file_name().unwrap_or_default();
    let short = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string());
    Ok((short.join(name), dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_handed_over() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("d".repeat(150));
        std::fs::create_dir(&dir).unwrap();
        assert!(hand_over(&dir, "s", b"x").is_err(), "nobody is there");
        let door = Door::open(&dir, "s").unwrap();
        let mode = dir.join("s.socket").metadata().unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let there = dir.clone();
        let process = std::thread::spawn(move || hand_over(&there, "s", b"hello").is_ok());
        let visit = door.answer().unwrap();
        assert_eq!(visit.said, b"hello");
        assert!(!process.is_finished());
        drop(visit);
        assert!(process.join().unwrap());
        drop(door);
        assert!(!dir.join("s.socket").exists());
    }
}
