//! Requests as `uri` and `get_url` describe them.

use super::place::Place;
use crate::args::Raw;
use crate::diag::{Diag, Result};
use crate::sys::{Endpoint, Known, Request, Response, Stat, Tls, View};
use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::format_description;

/// The shared options.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Web {
    /// Address, `http://` or `https://`.
    pub url: String,
    /// Header lines to send, as a dict.
    pub headers: Option<Raw>,
    /// Fetch the file even where the server has none newer than `dest`.
    #[serde(default)]
    pub force: bool,
    /// Seconds to wait for the connection and for each further answer.
    timeout: Option<u64>,
    /// User name for the server. Aliases: user, username
    #[serde(alias = "user", alias = "username")]
    url_username: Option<String>,
    /// Password for the server. Alias: password
    #[serde(alias = "password")]
    url_password: Option<String>,
    /// Send user name and password at once, not only when the server asks for them.
    #[serde(default)]
    force_basic_auth: bool,
    /// Check the server's certificate.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Use the proxy that the environment names.
    #[serde(default = "yes")]
    use_proxy: bool,
    /// Accepted for compatibility; `.netrc` is not read.
    use_netrc: Option<bool>,
    /// Accepted for compatibility if false; there is no Kerberos.
    #[serde(default)]
    use_gssapi: bool,
    /// Accepted for compatibility; the TLS library chooses.
    ciphers: Option<Vec<String>>,
    /// Accepted for compatibility; header lines with a password stay with the first server.
    #[serde(default)]
    unredirected_headers: Vec<String>,
    /// What the request says for `User-Agent`.
    #[serde(default = "agent")]
    http_agent: String,
    /// Unpack a body that was sent compressed.
    #[serde(default = "yes")]
    decompress: bool,
    /// PEM file of the host with a client certificate, and its key unless `client_key` has it.
    client_cert: Option<String>,
    /// PEM file of the host with the key of the client certificate.
    client_key: Option<String>,
}

/// Redirects that are followed in a row.
pub const REDIRECTS: u32 = 10;

fn yes() -> bool {
    true
}

fn agent() -> String {
    "ansible-httpget".to_owned()
}

impl Web {
    /// The request without a body. `timeout` counts where the user gives none. Name and password
    /// come along if they shall be sent at once, or if `asked` (the server has asked for them).
    ///
    /// # Errors
    /// `bad-url`, `bad-headers`, and `no-such-file` for a missing certificate.
    pub fn request(
        &self,
        method: &str,
        timeout: u64,
        asked: bool,
        view: &dyn View,
    ) -> Result<Request> {
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|s| ["http", "https"].iter().any(|h| s.eq_ignore_ascii_case(h))) {
            let message = format!("unknown url type: '{}'", self.shown());
            return Err(Diag::error("bad-url", message)
                .about("url")
                .with("status", -1)
                .with("url", self.shown()));
        }
        let (url, _) = split_login(&self.url);
        let mut request = Request::new(method, Endpoint::Url(url));
        request.headers = self.header_lines()?;
        request.timeout = Duration::from_secs(self.timeout.unwrap_or(timeout));
        request.verify = self.validate_certs;
        request.proxy = self.use_proxy;
        request.decompress = self.decompress;
        request.tls = Tls {
            authorities: None,
            certificate: pem(self.client_cert.as_deref(), view)?,
            key: pem(self.client_key.as_deref(), view)?,
        };
        set_default(&mut request, "User-Agent", &self.http_agent);
        set_default(&mut request, "Accept-Encoding", "identity");
        if (asked || self.force_basic_auth)
            && let Some((user, password)) = self.login()
        {
            let token = base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"));
            set_default(&mut request, "Authorization", &format!("Basic {token}"));
        }
        Ok(request)
    }

    /// Asks another address (or the same with another method) with the same headers, name and
    /// password; `line` is one more header line.
    ///
    /// # Errors
    /// Those of [`Web::request`], and `http` where nobody answers.
    pub fn read(
        &self,
        url: &str,
        method: &str,
        timeout: u64,
        line: Option<(String, String)>,
        view: &dyn View,
    ) -> Result<Known<Response>> {
        let mut sent = false;
        loop {
            let mut request = self.request(method, timeout, sent, view)?;
            request.endpoint = Endpoint::Url(split_login(url).0);
            request.redirects = REDIRECTS;
            request.headers.extend(line.clone());
            match view.http(&request)? {
                Known::Known(answer) if !sent && self.is_asked(&answer) => sent = true,
                answer => return Ok(answer),
            }
        }
    }

    /// The address without name and password.
    pub fn shown(&self) -> String {
        split_login(&self.url).0
    }

    /// True where the server asks for a name and password that are known and were not sent.
    pub fn is_asked(&self, answer: &Response) -> bool {
        let scheme = answer.header("www-authenticate").unwrap_or_default();
        answer.status == 401
            && scheme.to_ascii_lowercase().starts_with("basic")
            && !self.force_basic_auth
            && self.login().is_some()
    }

    fn login(&self) -> Option<(String, String)> {
        match &self.url_username {
            Some(user) => Some((user.clone(), self.url_password.clone().unwrap_or_default())),
            None => split_login(&self.url).1,
        }
    }

    fn header_lines(&self) -> Result<Vec<(String, String)>> {
        match &self.headers {
            None | Some(Raw(Json::Null)) => Ok(Vec::new()),
            Some(Raw(Json::Object(map))) => Ok(map
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect()),
            Some(_) => Err(Diag::error("bad-headers", "headers must be a dict").about("headers")),
        }
    }
}

/// A scalar as Python's `str` shows it.
pub fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Null => "None".to_owned(),
        other => super::py_json::dumps(other),
    }
}

/// Adds a header line unless there is one of that name.
pub fn set_default(request: &mut Request, name: &str, value: &str) {
    let is_there = |(n, _): &(String, String)| n.eq_ignore_ascii_case(name);
    if !request.headers.iter().any(is_there) {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// Asks for nothing but what is newer than a file (`If-Modified-Since`).
pub fn only_newer(request: &mut Request, than: &Stat) {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = OffsetDateTime::from_unix_timestamp(than.mtime.floor() as i64)
        .ok()
        .and_then(|time| time.format(&format).ok());
    if let Some(date) = date {
        set_default(request, "If-Modified-Since", &date);
    }
}

/// Why there was no answer at all, in the words that Python has for it: playbooks look for them.
pub fn refusal(message: &str) -> String {
    let why = message
        .rsplit_once(" failed: ")
        .map_or(message, |(_, why)| why);
    match why.to_ascii_lowercase().as_str() {
        "connection refused" => {
            "Request failed: <urlopen error [Errno 111] Connection refused>".into()
        }
        "the host name is not known" => {
            "Request failed: <urlopen error [Errno -2] Name or service not known>".into()
        }
        "timed out" => "Connection failure: The read operation timed out".into(),
        _ => format!("Request failed: <urlopen error {why}>"),
    }
}

/// The last part of an address's path, without its query.
pub fn file_name(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let name = path.split_once('/')?.1.rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// What Ansible says of an answer: `OK (6 bytes)`, `HTTP Error 404: Not Found`.
pub fn message(answer: &Response) -> String {
    if (200..300).contains(&answer.status) {
        let length = answer.header("content-length").unwrap_or("unknown");
        return format!("OK ({length} bytes)");
    }
    format!("HTTP Error {}: {}", answer.status, answer.reason)
}

/// `http://user:password@host/` apart.
fn split_login(url: &str) -> (String, Option<(String, String)>) {
    let whole = || (url.to_owned(), None);
    let Some((scheme, rest)) = url.split_once("://") else {
        return whole();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((login, host)) = rest[..end].rsplit_once('@') else {
        return whole();
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    (
        format!("{scheme}://{host}{}", &rest[end..]),
        Some((unquote(user), unquote(password))),
    )
}

/// Undoes `%41`.
pub fn unquote(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = digits
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text of a PEM file of the host.
///
/// # Errors
/// `no-such-file`.
pub fn pem(path: Option<&str>, view: &dyn View) -> Result<Option<String>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let place = Place::of(path, view)?;
    match view.read(&place.at)? {
        Known::Known(Some(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Known::Unknown => Ok(None),
        Known::Known(None) => Err(Diag::error(
            "no-such-file",
            format!("file not found: {}", place.shown),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_are_taken_out_of_an_address() {
        let (url, login) = split_login("http://u%40x:p%3a:q@h:80/a@b?c=d@e");
        assert_eq!(url, "http://h:80/a@b?c=d@e");
        assert_eq!(login, Some(("u@x".into(), "p::q".into())));
        assert_eq!(split_login("http://h/a@b"), ("http://h/a@b".into(), None));
        assert_eq!(unquote("%zz%4"), "%zz%4");
    }

    #[test]
    fn a_file_is_named_by_the_path() {
        assert_eq!(file_name("http://h/a/b.tar?x=/y").as_deref(), Some("b.tar"));
        assert_eq!(file_name("http://h/a/"), None);
        assert_eq!(file_name("http://h"), None);
    }
}
