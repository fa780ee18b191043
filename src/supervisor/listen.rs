//! The servers' sockets.

use super::config::{Address, Server};
use super::group::{Shared, Supervisor};
use super::http;
use super::mainlog::Level;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// A client that cannot be taken in waits so long; nothing else tells when it can.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
pub enum Listener {
    /// At a path.
    Unix(UnixListener, PathBuf),
    /// At a port.
    Inet(std::net::TcpListener),
}

/// Opens the socket of a server.
///
/// # Errors
/// supervisord's words for it.
pub fn bind(server: &Server) -> Result<Listener, String> {
    match &server.address {
        Address::Unix { path, mode, owner } => bind_unix(Path::new(path), *mode, *owner),
        Address::Inet { host, port } => {
            let host = if host.is_empty() { "0.0.0.0" } else { host };
            let listener =
                std::net::TcpListener::bind((host, *port)).map_err(|e| match e.kind() {
                    std::io::ErrorKind::AddrInUse => in_use(),
                    _ => cannot_serve(&e),
                })?;
            Ok(Listener::Inet(listener))
        }
    }
}

fn cannot_serve(error: &io::Error) -> String {
    let number = error.raw_os_error().unwrap_or_default();
    let name = nix::errno::Errno::from_raw(number);
    format!("Cannot open an HTTP server: socket.error reported errno.{name:?} ({number})")
}

fn in_use() -> String {
    "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut this program down first before starting supervisord.".into()
}

/// Bound under a temporary name and linked into place, so that nobody sees it with another mode.
fn bind_unix(
    path: &Path,
    mode: u32,
    owner: Option<(u32, Option<u32>)>,
) -> Result<Listener, String> {
    let shown = path.display();
    let failed = |e: std::io::Error| cannot_serve(&e);
    let temporary = path.with_extension(format!("{}", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let listener = UnixListener::bind(&temporary).map_err(failed)?;
    let place = || -> Result<(), String> {
        std::fs::set_permissions(&temporary, PermissionsExt::from_mode(mode)).map_err(failed)?;
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(&temporary, Some(uid), gid).map_err(failed)?;
        }
        match std::fs::hard_link(&temporary, path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => return other.map_err(failed),
        }
        if UnixStream::connect(path).is_ok() {
            return Err(in_use());
        }
        let _ = writeln!(std::io::stderr(), "Unlinking stale socket {shown}");
        std::fs::remove_file(path).map_err(failed)?;
        std::fs::hard_link(&temporary, path).map_err(failed)
    };
    let placed = place();
    let _ = std::fs::remove_file(&temporary);
    placed.map(|()| Listener::Unix(listener, path.to_path_buf()))
}

/// Serves whoever comes.
///
/// # Errors
/// What the event loop says of the socket.
pub fn listen(
    listener: Listener,
    server: Server,
    shared: &Shared,
    sup: &mut Supervisor,
) -> Result<(), String> {
    let io = |e: io::Error| e.to_string();
    let shared = shared.clone();
    match listener {
        Listener::Unix(listener, path) => {
            listener.set_nonblocking(true).map_err(io)?;
            let listener = tokio::net::UnixListener::from_std(listener).map_err(io)?;
            sup.server_url = Some(format!("unix://{}", path.display()));
            tokio::task::spawn_local(async move {
                let next = async || listener.accept().await.map(|(stream, _)| stream);
                accept(next, &shared, &server).await;
            });
        }
        Listener::Inet(listener) => {
            listener.set_nonblocking(true).map_err(io)?;
            let listener = tokio::net::TcpListener::from_std(listener).map_err(io)?;
            if let (Address::Inet { host, port }, None) = (&server.address, &sup.server_url) {
                let host = if host.is_empty() { "localhost" } else { host };
                sup.server_url = Some(format!("http://{host}:{port}"));
            }
            tokio::task::spawn_local(async move {
                let next = async || listener.accept().await.map(|(stream, _)| stream);
                accept(next, &shared, &server).await;
            });
        }
    }
    if sup.config.rpc {
        let line = "RPC interface 'supervisor' initialized";
        sup.log.write(Level::Info, line);
    }
    Ok(())
}

async fn accept<S>(next: impl AsyncFn() -> io::Result<S>, shared: &Shared, server: &Server)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut failing = false;
    loop {
        match next().await {
            Ok(stream) => {
                failing = false;
                http::serve(stream, shared, server);
            }
            Err(e) => {
                if !std::mem::replace(&mut failing, true) {
                    let line = format!("cannot accept a client: {}", crate::diag::reason(&e));
                    shared.borrow().log.write(Level::Error, &line);
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
