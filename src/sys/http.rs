//! HTTP as data: a request to a server or to a Unix socket, and its answer.

use super::Algorithm;
use crate::diag::Diag;
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
    /// Limit for connecting and for each wait for the server, as Python's sockets have it: a long
    /// download that goes on is not cut off.
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
    /// For an operation: that no server answers is an answer too, see [`Response::silence`].
    #[serde(default)]
    pub may_fail: bool,
    /// Checksums of the body that the answer shall tell.
    #[serde(default)]
    pub sums: Vec<Algorithm>,
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
            may_fail: false,
            sums: Vec::new(),
        }
    }
}

/// One answer. An HTTP error status is an answer too, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Response {
    /// Status code; 0 where no server answered.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// Body. Empty where it went to a file.
    pub body: Vec<u8>,
    /// The URL that answered, after redirects.
    pub url: String,
    /// The checksums of the body that were asked for.
    #[serde(default)]
    pub sums: Vec<(Algorithm, String)>,
}

impl Response {
    /// Stands for the answer that did not come: status 0, and the reason says why.
    pub fn silence(error: &Diag) -> Response {
        Response {
            reason: error.message.clone(),
            ..Response::default()
        }
    }

    /// True for [`Response::silence`].
    pub fn is_silence(&self) -> bool {
        self.status == 0
    }

    /// A checksum of the body, if it was asked for.
    pub fn sum(&self, algorithm: Algorithm) -> Option<&str> {
        let found = self.sums.iter().find(|(a, _)| *a == algorithm);
        found.map(|(_, sum)| sum.as_str())
    }

    /// Tells the checksums of a body that lies in memory.
    pub fn sum_body(&mut self, algorithms: &[Algorithm]) {
        self.sums = algorithms.iter().map(|a| (*a, a.of(&self.body))).collect();
    }

    /// The first header of a name, any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}
