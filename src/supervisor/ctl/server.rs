//! The server that supervisorctl speaks to.

use crate::supervisor::rpc::{Fault, client};
use crate::sys::{Endpoint, Known, RealHost, Request, View};
use crate::value::Value;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// A call may wait for a process to stop.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Why a call brought no result.
#[derive(Debug)]
pub enum Failure {
    /// The server's own answer.
    Fault(Fault),
    /// `no such file`: the socket is not there.
    NoSocket,
    /// Nobody listens.
    Refused,
    /// User name or password.
    Unauthorized,
    /// Anything else.
    Other(String),
}

/// A server by its URL.
pub struct Server {
    /// As configured.
    pub url: String,
    socket: Option<PathBuf>,
    login: Option<(String, String)>,
}

impl Server {
    /// `unix:///path` or `http://host:port`.
    pub fn new(url: &str, login: Option<(String, String)>) -> Server {
        Server {
            url: url.to_owned(),
            socket: url.strip_prefix("unix://").map(PathBuf::from),
            login,
        }
    }

    /// The same server once more.
    pub fn again(&self) -> Server {
        self.elsewhere(&self.url)
    }

    /// Another server, with the same login.
    pub fn elsewhere(&self, url: &str) -> Server {
        Server::new(url, self.login.clone())
    }

    /// Asks for what has no end; the answer is read from the connection.
    pub fn stream(&self, path: &str) -> Result<File, Failure> {
        let failed = |e: std::io::Error| match e.kind() {
            ErrorKind::NotFound => Failure::NoSocket,
            ErrorKind::ConnectionRefused => Failure::Refused,
            _ => Failure::Other(crate::diag::reason(&e)),
        };
        let base = self.url.trim_start_matches("http://");
        let address = base.split('/').next().unwrap_or_default();
        let mut stream: File = match &self.socket {
            Some(file) => OwnedFd::from(UnixStream::connect(file).map_err(failed)?).into(),
            None => {
                let tcp = match address.contains(':') {
                    true => TcpStream::connect(address),
                    false => TcpStream::connect((address, 80)),
                };
                OwnedFd::from(tcp.map_err(failed)?).into()
            }
        };
        let host = if self.socket.is_some() {
            "localhost"
        } else {
            address
        };
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n");
        if let Some((user, password)) = &self.login {
            let value = client::basic_auth(user, password);
            request.push_str(&format!("Authorization: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).map_err(failed)?;
        Ok(stream)
    }

    /// Calls a method.
    pub fn call(&self, method: &str, params: &[Value]) -> Result<Value, Failure> {
        if self.socket.is_none() && !self.url.starts_with("http://") {
            let url = &self.url;
            return Err(Failure::Other(format!(
                "Unknown protocol for serverurl {url}"
            )));
        }
        let host = RealHost::new().map_err(|e| Failure::Other(e.to_string()))?;
        let endpoint = match &self.socket {
            Some(path) => {
                if !path.exists() {
                    return Err(Failure::NoSocket);
                }
                if let Err(e) = std::os::unix::net::UnixStream::connect(path) {
                    return Err(match e.kind() {
                        std::io::ErrorKind::ConnectionRefused => Failure::Refused,
                        _ => Failure::Other(crate::diag::reason(&e)),
                    });
                }
                Endpoint::Unix(path.clone(), client::PATH.into())
            }
            None => {
                let base = self.url.trim_end_matches('/');
                Endpoint::Url(format!("{base}{}", client::PATH))
            }
        };
        let mut request = Request::new("POST", endpoint);
        request.timeout = PATIENCE;
        request.proxy = false;
        request.body = client::encode_call(method, params);
        request
            .headers
            .push(("Content-Type".into(), "text/xml".into()));
        if let Some((user, password)) = &self.login {
            let value = client::basic_auth(user, password);
            request.headers.push(("Authorization".into(), value));
        }
        let response = match host.http(&request) {
            Ok(Known::Known(response)) => response,
            Ok(_) => return Err(Failure::Other("no answer".into())),
            Err(diag) if diag.message.to_lowercase().contains("refused") => {
                return Err(Failure::Refused);
            }
            Err(diag) => return Err(Failure::Other(diag.message)),
        };
        match response.status {
            200 => client::decode_response(&response.body).map_err(Failure::Fault),
            401 => Err(Failure::Unauthorized),
            code => Err(Failure::Other(format!("HTTP {code} {}", response.reason))),
        }
    }
}
