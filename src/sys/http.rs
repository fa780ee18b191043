//! HTTP as data: a request to a server or to a Unix socket, and its answer.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endpoint {
    /// `http://` or `https://`, with host, path and query.
    Url(String),
    /// A Unix socket, and the path asked for (`/RPC2`).
    Unix(PathBuf, String),
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST` ...
    pub method: String,
    /// Where to.
    pub endpoint: Endpoint,
    /// Header lines.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Limit for the whole exchange.
    pub timeout: Duration,
    /// How many redirects are followed; 0 hands the redirect back.
    pub redirects: u32,
    /// False accepts any certificate.
    pub verify: bool,
    /// False ignores the proxy variables of the environment.
    #[serde(default = "yes")]
    pub proxy: bool,
    /// False leaves a compressed body as it is and does not ask for one.
    #[serde(default = "yes")]
    pub decompress: bool,
    /// Certificates other than the system's.
    #[serde(default)]
    pub tls: Tls,
}

fn yes() -> bool {
    true
}

/// Certificates for HTTPS, as PEM text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// Authorities to trust in place of the system's.
    pub authorities: Option<String>,
    /// The client's certificate, with its chain.
    pub certificate: Option<String>,
    /// The key to it.
    pub key: Option<String>,
}

impl Request {
    /// A request without headers and body: 10 s, no redirects, certificates checked, proxies and
    /// compression as usual.
    pub fn new(method: &str, endpoint: Endpoint) -> Request {
        Request {
            method: method.to_owned(),
            endpoint,
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            redirects: 0,
            verify: true,
            proxy: true,
            decompress: true,
            tls: Tls::default(),
        }
    }
}

/// One answer. An HTTP error status is an answer too, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Response {
    /// Status code; 0 in a dry run's place-holder.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// Body. Empty where it went to a file.
    pub body: Vec<u8>,
    /// The URL that answered, after redirects.
    pub url: String,
}

impl Response {
    /// The first header of a name, any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}
