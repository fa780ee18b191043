//! A host behind SSH, reached by libssh2 inside this program.

use super::agents::Agents;
use super::auth::{self, Refused};
use super::bootstrap::{self, Stopped};
use super::cipher;
use super::fault::{self, Again, Cause, Failed};
use super::known_hosts::{self, Verdict};
use super::pump::{self, Ends};
use super::target::{Ssh, Strict, Target};
use super::{Link, Traffic};
use crate::diag::{Diag, reason};
use crate::value::order;
use ssh2::{ErrorCode, MethodType, Session};
use std::io::{self, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// Why there is no connection.
#[derive(Debug)]
pub enum Fault {
    /// The host cannot be reached.
    Failed(Failed),
    /// Only the ssh program could, for this reason.
    Unfit(String),
}

/// How long a host may take to check a login: under load that is far longer than the network needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The kinds of host key in the order they are asked for: OpenSSH's.
const HOST_KEYS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
];

/// Connects, brings the agent there if it is missing, and starts it.
///
/// # Errors
/// See [`Fault`].
pub fn open(ssh: &Ssh, target: &Target, traffic: &Arc<Traffic>) -> Result<Link, Fault> {
    let failed = |cause: &Cause| Fault::Failed(Failed::by(&ssh.host, cause));
    let stream = connect(target).map_err(|cause| failed(&cause))?;
    let session = greet(target, &stream, None).map_err(|stop| stop.fault(&ssh.host))?;
    check_key(&session, target).map_err(|cause| failed(&cause))?;
    session.set_timeout(millis(target.timeout.unwrap_or_default().max(PATIENCE)));
    auth::log_in(&session, ssh, target).map_err(|refused| match refused {
        Refused::Because(cause) => failed(&cause),
        Refused::Unfit(why) => Fault::Unfit(why),
    })?;
    start(ssh, target, session, stream, traffic).map_err(Fault::Failed)
}

/// The key that a host shows, of one kind: nothing is checked and nobody logs in.
///
/// # Errors
/// Why there is none; `None` if the host has no key of this kind.
pub fn host_key(target: &Target, kind: &str) -> Result<Option<Vec<u8>>, Cause> {
    let stream = connect(target)?;
    match greet(target, &stream, Some(kind)) {
        Ok(session) => Ok(session.host_key().map(|(key, _)| key.to_vec())),
        Err(Stop::NothingInCommon(_)) => Ok(None),
        Err(Stop::Because(cause)) => Err(cause),
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// Tries all addresses of a host in turn.
fn connect(target: &Target) -> Result<TcpStream, Cause> {
    let unresolved = || Cause::with(fault::UNRESOLVED.0, fault::UNRESOLVED.1);
    let addresses = (target.address.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|_| unresolved())?;
    let addresses: Vec<SocketAddr> = addresses
        .filter(|address| target.ipv6.is_none_or(|six| six == address.is_ipv6()))
        .collect();
    let mut last = unresolved();
    for address in addresses {
        let connected = match target.timeout {
            Some(time) => TcpStream::connect_timeout(&address, time),
            None => TcpStream::connect(address),
        };
        match connected.and_then(|stream| prepared(stream, target)) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = unreachable(&e, target.port),
        }
    }
    Err(last)
}

fn prepared(stream: TcpStream, target: &Target) -> io::Result<TcpStream> {
    use nix::sys::socket::{setsockopt, sockopt};
    stream.set_nodelay(true)?;
    let (interval, count) = target.alive;
    // What is sent and not acknowledged for so long has nobody to receive it.
    let limit = interval.saturating_mul(count).saturating_mul(1000);
    setsockopt(&stream, sockopt::TcpUserTimeout, &limit)?;
    Ok(stream)
}

fn unreachable(error: &io::Error, port: u16) -> Cause {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            Cause::with(format!("connection refused on port {port}"), fault::REFUSED)
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            Cause::with("connection timed out", fault::TIMED_OUT)
        }
        ErrorKind::HostUnreachable => Cause::with("no route to the host", fault::TIMED_OUT),
        ErrorKind::NetworkUnreachable => {
            Cause::with("the network is unreachable", fault::TIMED_OUT)
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            return Cause::with(fault::CLOSED.0, fault::CLOSED.1).again(Again::Broke);
        }
        _ => return Cause::new(reason(error)),
    }
    .again(Again::Silent)
}

/// Why the two sides do not come to speak.
enum Stop {
    Because(Cause),
    NothingInCommon(String),
}

impl Stop {
    fn fault(self, host: &str) -> Fault {
        match self {
            Stop::Because(cause) => Fault::Failed(Failed::by(host, &cause)),
            Stop::NothingInCommon(why) => Fault::Unfit(why),
        }
    }
}

/// Exchanges keys.
fn greet(target: &Target, stream: &TcpStream, kind: Option<&str>) -> Result<Session, Stop> {
    let other = |why: String| Stop::Because(Cause::new(why));
    let mut session = Session::new().map_err(|e| other(e.message().to_owned()))?;
    let stream = stream.try_clone().map_err(|e| other(reason(&e)))?;
    session.set_timeout(millis(target.timeout.unwrap_or(PATIENCE)));
    let kinds = match kind {
        Some(kind) => wire_kinds(kind),
        None => wanted(&target.known_hosts.kinds(&target.key_name)),
    };
    let supported = session
        .supported_algs(MethodType::HostKey)
        .unwrap_or_default();
    let kinds: Vec<&str> = kinds
        .into_iter()
        .filter(|k| supported.contains(k))
        .collect();
    session
        .method_pref(MethodType::HostKey, &kinds.join(","))
        .map_err(|e| other(e.message().to_owned()))?;
    cipher::prefer(&session).map_err(|e| other(e.message().to_owned()))?;
    session.set_tcp_stream(stream);
    session.handshake().map_err(|e| handshake_failed(&e))?;
    Ok(session)
}

/// All kinds of host key, those that are known of the host first: it is to show one of them.
fn wanted(known: &[&str]) -> Vec<&'static str> {
    let is_known = |kind: &str| known.iter().any(|known| wire_kinds(known).contains(&kind));
    let mut kinds = HOST_KEYS.to_vec();
    order::sort_by_key(&mut kinds, |kind| !is_known(kind));
    kinds
}

/// What a kind of key is called during the exchange: an RSA key signs in three ways.
fn wire_kinds(kind: &str) -> Vec<&str> {
    match kind {
        "ssh-rsa" => vec!["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
        kind => vec![kind],
    }
}

fn handshake_failed(error: &ssh2::Error) -> Stop {
    match error.code() {
        ErrorCode::Session(-9 | -30) => {
            let why = "connection timed out before the host answered";
            Stop::Because(Cause::with(why, fault::CLOSED.1).again(Again::Broke))
        }
        ErrorCode::Session(-2 | -7 | -13 | -43) => {
            Stop::Because(Cause::with(fault::CLOSED.0, fault::CLOSED.1).again(Again::Broke))
        }
        ErrorCode::Session(-5 | -8 | -17 | -33 | -51) => {
            Stop::NothingInCommon(format!("key exchange failed: {}", error.message()))
        }
        _ => Stop::Because(Cause::new(error.message())),
    }
}

fn check_key(session: &Session, target: &Target) -> Result<(), Cause> {
    let Some((key, _)) = session.host_key() else {
        return Err(Cause::new("the host shows no key"));
    };
    let note = |key: &[u8]| {
        if let Some(path) = &target.note_in {
            let line = known_hosts::line(&target.key_name, key, target.hash);
            // As in OpenSSH, a file that cannot be written does not stop anybody.
            let _ = known_hosts::append(path, &line);
        }
    };
    match (
        target.known_hosts.check(&target.key_name, key),
        target.strict,
    ) {
        (Verdict::Known, _) => Ok(()),
        (Verdict::Revoked, _) => Err(Cause::new("the host's key is revoked")),
        (Verdict::Changed(..), Strict::No) => Ok(()),
        (Verdict::Changed(path, line), _) => Err(Cause::with(
            format!(
                "the host's key has changed: it shows {} {}, not the one at {}:{line}",
                known_hosts::kind_of(key),
                known_hosts::fingerprint(key),
                path.display(),
            ),
            fault::CHANGED_KEY,
        )),
        (Verdict::Unknown, Strict::Yes) => Err(Cause::with(
            format!(
                "the host's key is not known: {} {}",
                known_hosts::kind_of(key),
                known_hosts::fingerprint(key),
            ),
            fault::UNKNOWN_KEY,
        )),
        (Verdict::Unknown, _) => {
            note(key);
            Ok(())
        }
    }
}

/// Starts the agent on a session that is logged in.
fn start(
    ssh: &Ssh,
    target: &Target,
    session: Session,
    stream: TcpStream,
    traffic: &Arc<Traffic>,
) -> Result<Link, Failed> {
    let agents = Agents::all()?;
    let refused = |e: &ssh2::Error| {
        let why = format!("the host starts no command: {}", e.message());
        let again = match e.code() {
            // Everything but a word of the host against it.
            ErrorCode::Session(-21 | -22) => Again::Never,
            _ => Again::Broke,
        };
        Failed::by(&ssh.host, &Cause::new(why).again(again))
    };
    let mut channel = session.channel_session().map_err(|e| refused(&e))?;
    channel
        .exec(&bootstrap::command(&agents))
        .map_err(|e| refused(&e))?;
    session.set_timeout(0);
    session.set_keepalive(true, target.alive.0);
    let Ends { to, from, guard } = pump::run(&ssh.host, session, channel, stream, traffic)
        .map_err(|e| fault::failed(&ssh.host, &reason(&e)))?;
    let (mut to, mut from) = (to, BufReader::new(from));
    match bootstrap::start(&agents, &mut to, &mut from) {
        Ok(bytes) => {
            traffic.agent_bytes(bytes);
            Ok(Link {
                to: Box::new(to),
                from: Box::new(from),
                guard: Box::new(guard),
                traffic: traffic.clone(),
            })
        }
        Err(stopped) => {
            drop((to, from));
            let (said, broke) = guard.end();
            let cause = match (stopped, broke) {
                (Stopped::Host(cause), _) => cause,
                (Stopped::Stream(before), false) => fault::ended(&before, &said.join("\n")),
                (Stopped::Stream(_), true) => Cause::new(fault::BROKE).again(Again::Broke),
            };
            let failed = Failed::by(&ssh.host, &cause);
            Err(Failed {
                diag: said.into_iter().fold(failed.diag, Diag::note),
                ..failed
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn target(port: u16) -> Target {
        let ssh = Ssh {
            host: "127.0.0.1".to_owned(),
            port: Some(port.to_string()),
            timeout: Some(2),
            more_args: ["-F", "/dev/null", "-oUserKnownHostsFile=/dev/null"]
                .map(str::to_owned)
                .to_vec(),
            ..Ssh::default()
        };
        ssh.target().unwrap()
    }

    #[test]
    fn known_kinds_come_first() {
        assert_eq!(wanted(&[]), HOST_KEYS);
        assert_eq!(
            wanted(&["ssh-rsa"])[..4],
            ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-ed25519"]
        );
    }

    #[test]
    fn connections_that_fail() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Somebody who listens and hangs up at once.
        let hangs_up = std::thread::spawn(move || drop(listener.accept()));
        let said = host_key(&target(port), "ssh-ed25519").unwrap_err();
        assert!(said.why.contains("closed the connection"), "{said:?}");
        hangs_up.join().unwrap();
        let said = host_key(&target(port), "ssh-ed25519").unwrap_err();
        assert!(said.why.contains("refused"), "{said:?}");
        let mut unknown = target(22);
        unknown.address = "nowhere.invalid".to_owned();
        let said = host_key(&unknown, "ssh-ed25519").unwrap_err();
        assert!(said.why.contains("cannot be resolved"), "{said:?}");
    }
}
