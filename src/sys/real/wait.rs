//! Waiting for ports and paths.

use super::files;
use crate::diag::{Diag, Result};
use crate::sys::Outcome;
use crate::sys::op::Condition;
use crate::value::re::{Flags, Pattern};
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

type Matched = Vec<Option<String>>;

/// Looks again and again until the condition holds or the time is over. The delay counts as part
/// of the time (observed: ansible-core 2.19.14).
pub(super) fn wait(
    until: &Condition,
    delay: Duration,
    sleep: Duration,
    timeout: Duration,
) -> Result<Outcome> {
    let start = Instant::now();
    let end = start + timeout;
    let mut check = Check::new(until)?;
    std::thread::sleep(delay);
    let mut matched = None;
    if matches!(until, Condition::Elapsed) {
        std::thread::sleep(timeout);
        matched = Some(Vec::new());
    }
    while matched.is_none() && Instant::now() < end {
        matched = check.look(until, end)?;
        if matched.is_none() {
            std::thread::sleep(sleep);
        }
    }
    Ok(Outcome::Waited {
        met: matched.is_some(),
        elapsed: start.elapsed(),
        matched: matched.unwrap_or_default(),
    })
}

struct Check {
    pattern: Option<Pattern>,
}

impl Check {
    fn new(until: &Condition) -> Result<Check> {
        let pattern = match until {
            Condition::PortOpen { pattern, .. } | Condition::PathPresent { pattern, .. } => pattern,
            _ => &None,
        };
        let pattern = pattern.as_ref().map(|p| {
            Pattern::new(p, Flags::MULTILINE).map_err(|e| {
                Diag::error("bad-regex", format!("`{p}` is no regular expression: {e}"))
            })
        });
        Ok(Check {
            pattern: pattern.transpose()?,
        })
    }

    /// What the pattern matched (nothing, without a pattern) where the condition holds.
    fn look(&mut self, until: &Condition, end: Instant) -> Result<Option<Matched>> {
        let holds = |yes: bool| yes.then(Vec::new);
        Ok(match until {
            Condition::Elapsed => None,
            Condition::PortOpen {
                host,
                port,
                connect_timeout,
                ..
            } => {
                let left = end.saturating_duration_since(Instant::now());
                let limit = (*connect_timeout).min(left.max(Duration::from_secs(1)));
                match (connect(host, *port, limit), &self.pattern) {
                    (None, _) => None,
                    (Some(_), None) => Some(Vec::new()),
                    (Some(stream), Some(pattern)) => listen(stream, pattern, end),
                }
            }
            Condition::PortClosed {
                host,
                port,
                connect_timeout,
            } => holds(connect(host, *port, *connect_timeout).is_none()),
            Condition::PortDrained {
                host,
                port,
                exclude,
                states,
            } => holds(!is_busy(host, *port, exclude, states)?),
            Condition::PathPresent { path, .. } => match &self.pattern {
                None => holds(files::stat(path)?.is_some()),
                Some(pattern) => files::read(path)?
                    .and_then(|bytes| find(pattern, &String::from_utf8_lossy(&bytes))),
            },
            Condition::PathAbsent { path } => holds(files::stat(path)?.is_none()),
        })
    }
}

fn connect(host: &str, port: u16, limit: Duration) -> Option<TcpStream> {
    // A zero limit is refused by the system call's wrapper.
    let limit = limit.max(Duration::from_millis(1));
    (host, port)
        .to_socket_addrs()
        .ok()?
        .find_map(|address| TcpStream::connect_timeout(&address, limit).ok())
}

/// Reads until the pattern matches, the peer is through or the time is over.
fn listen(mut stream: TcpStream, pattern: &Pattern, end: Instant) -> Option<Matched> {
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return None;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => all.extend_from_slice(&buffer[..n]),
        }
        if let Some(matched) = find(pattern, &String::from_utf8_lossy(&all)) {
            return Some(matched);
        }
    }
}

fn find(pattern: &Pattern, text: &str) -> Option<Matched> {
    let found = pattern.search(text)?;
    Some(
        (0..=found.len())
            .map(|group| found.group(text, group).map(str::to_owned))
            .collect(),
    )
}

/// True where a connection on the port counts as active.
fn is_busy(host: &str, port: u16, exclude: &[String], states: &[String]) -> Result<bool> {
    let local = addresses(host)?;
    let mut excluded = Vec::new();
    for peer in exclude {
        excluded.extend(addresses(peer)?);
    }
    let numbers: Vec<u8> = states.iter().filter_map(|s| state_number(s)).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    Ok(tables
        .iter()
        .filter_map(|table| std::fs::read_to_string(Path::new(table)).ok())
        .any(|text| {
            text.lines().filter_map(parse_connection).any(|c| {
                c.local.port() == port
                    && numbers.contains(&c.state)
                    && !excluded.contains(&c.remote)
                    && local
                        .iter()
                        .any(|a| a.is_unspecified() || *a == c.local.ip().to_canonical())
            })
        }))
}

fn addresses(host: &str) -> Result<Vec<IpAddr>> {
    (host, 80)
        .to_socket_addrs()
        .map(|all| all.map(|a| a.ip().to_canonical()).collect())
        .map_err(|_| Diag::error("unknown-host", format!("the host name {host} is not known")))
}

fn state_number(name: &str) -> Option<u8> {
    Some(match name {
        "ESTABLISHED" => 1,
        "SYN_SENT" => 2,
        "SYN_RECV" => 3,
        "FIN_WAIT1" => 4,
        "FIN_WAIT2" => 5,
        "TIME_WAIT" => 6,
        _ => return None,
    })
}

struct Connection {
    local: SocketAddr,
    remote: IpAddr,
    state: u8,
}

/// A line of `/proc/net/tcp`.
fn parse_connection(line: &str) -> Option<Connection> {
    let mut fields = line.split_whitespace().skip(1);
    let local = parse_address(fields.next()?)?;
    let remote = parse_address(fields.next()?)?;
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    Some(Connection {
        local,
        remote: remote.ip().to_canonical(),
        state,
    })
}

/// `0100007F:1F90`: words of four bytes in the machine's order, then the port.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for at in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    const NO_TIME: Duration = Duration::ZERO;
    const SOME: Duration = Duration::from_millis(300);

    fn run(until: &Condition) -> (bool, Matched) {
        match wait(until, NO_TIME, Duration::from_millis(20), SOME).unwrap() {
            Outcome::Waited { met, matched, .. } => (met, matched),
            other => panic!("{other:?}"),
        }
    }

    fn open(port: u16, pattern: Option<&str>) -> Condition {
        Condition::PortOpen {
            host: "127.0.0.1".into(),
            port,
            pattern: pattern.map(Into::into),
            connect_timeout: SOME,
        }
    }

    #[test]
    fn ports() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(run(&open(port, None)).0);
        let server = std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                // The first one only connected.
                let _ = stream.unwrap().write_all(b"SSH-2.0-OpenSSH_9\r\n");
            }
        });
        let (met, matched) = run(&open(port, Some("^SSH-(\\S+)-(?P<name>Open)?")));
        assert!(met);
        assert_eq!(matched[1].as_deref(), Some("2.0"));
        server.join().unwrap();
        assert!(!run(&open(port, None)).0);
        let closed = Condition::PortClosed {
            host: "127.0.0.1".into(),
            port,
            connect_timeout: SOME,
        };
        assert!(run(&closed).0);
    }

    #[test]
    fn paths() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let present = |pattern: Option<&str>| Condition::PathPresent {
            path: path.clone(),
            pattern: pattern.map(Into::into),
        };
        assert!(!run(&present(None)).0);
        assert!(run(&Condition::PathAbsent { path: path.clone() }).0);
        std::fs::write(&path, "starting\nready 42\n").unwrap();
        assert!(run(&present(None)).0);
        assert!(!run(&present(Some("^never"))).0);
        assert_eq!(
            run(&present(Some("^ready (\\d+)$"))).1,
            [Some("ready 42".into()), Some("42".into())]
        );
    }

    #[test]
    fn connections_that_drain() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let drained = |exclude: &[&str]| Condition::PortDrained {
            host: "127.0.0.1".into(),
            port,
            exclude: exclude.iter().map(|s| (*s).to_owned()).collect(),
            states: vec!["ESTABLISHED".into()],
        };
        assert!(run(&drained(&[])).0);
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _served = listener.accept().unwrap();
        assert!(!run(&drained(&[])).0);
        assert!(run(&drained(&["127.0.0.1"])).0);
        drop(client);
    }

    #[test]
    fn addresses_of_the_kernel() {
        assert_eq!(
            parse_address("0100007F:1F90"),
            Some(SocketAddr::from(([127, 0, 0, 1], 8080)))
        );
        assert_eq!(parse_address("x"), None);
    }
}
