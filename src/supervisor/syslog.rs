//! The system log: one datagram for a line, dropped where nobody listens or the log is full.

use super::mainlog::{local, wall_seconds};
use std::cell::RefCell;
use std::os::unix::net::UnixDatagram;

/// Facility `user`, severity `info`.
const PRIORITY: u8 = 14;
/// Longer lines are cut: the log's daemons take no more.
const LONGEST: usize = 8 * 1024;

/// Sends a line in the name of a process.
pub fn send(name: &str, line: &[u8]) {
    let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST)]);
    write(&datagram(
        &local(wall_seconds(), "%b %e %H:%M:%S"),
        &format!("{name} {text}"),
    ));
}

/// Sends a line of the daemon's own.
pub fn send_own(text: &str) {
    write(&datagram(&local(wall_seconds(), "%b %e %H:%M:%S"), text));
}

fn datagram(time: &str, text: &str) -> Vec<u8> {
    format!("<{PRIORITY}>{time} supervisord: {text}").into_bytes()
}

fn write(bytes: &[u8]) {
    thread_local! {
        static SOCKET: RefCell<Option<UnixDatagram>> = const { RefCell::new(None) };
    }
    SOCKET.with_borrow_mut(|socket| {
        // The log may have been restarted since: a second try goes to its new socket.
        for _ in 0..2 {
            if socket.is_none() {
                *socket = open().ok();
            }
            match socket.as_ref().map(|s| s.send(bytes)) {
                Some(Err(e)) if e.kind() != std::io::ErrorKind::WouldBlock => *socket = None,
                _ => return,
            }
        }
    });
}

fn open() -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect("/dev/log")?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line() {
        assert_eq!(
            datagram("Jan  1 00:00:00", "web hello"),
            b"<14>Jan  1 00:00:00 supervisord: web hello"
        );
    }
}
