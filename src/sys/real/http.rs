//! HTTP and HTTPS requests.

use super::{RealHost, unix_http};
use crate::diag::{Diag, Result, reason};
use crate::sys::{Endpoint, Request, Response, Tls, View};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use ureq::ResponseExt;
use ureq::config::RedirectAuthHeaders;
use ureq::http;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// Sends a request and reads the body into memory.
pub(super) fn send(host: &RealHost, request: &Request) -> Result<Response> {
    let mut body = Vec::new();
    let mut response = exchange(host, request, &mut |reader| {
        io::copy(reader, &mut body).map(|_| ())
    })?;
    response.body = body;
    response.sum_body(&request.sums);
    Ok(response)
}

/// Sends a request and streams the body into a new file that only its owner may read.
pub(super) fn fetch(host: &RealHost, request: &Request, into: &Path) -> Result<Response> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(into)
        .map_err(|e| Diag::io("create", into, &e))?;
    let result = exchange(host, request, &mut |reader| {
        io::copy(reader, &mut file)?;
        file.sync_all()
    })
    .and_then(|response| summed(response, request, into));
    if result.is_err() {
        // Half a body is of no use; the error that matters is the other one.
        let _ = std::fs::remove_file(into);
    }
    result
}

fn summed(mut response: Response, request: &Request, file: &Path) -> Result<Response> {
    for algorithm in &request.sums {
        let sum = std::fs::File::open(file).and_then(|file| algorithm.of_reader(file));
        let sum = sum.map_err(|e| Diag::io("read", file, &e))?;
        response.sums.push((*algorithm, sum));
    }
    Ok(response)
}

/// What is done with a body.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&mut dyn Read) -> io::Result<()>;

fn exchange(host: &RealHost, request: &Request, sink: Sink<'_>) -> Result<Response> {
    match &request.endpoint {
        Endpoint::Unix(socket, target) => unix_http::exchange(request, socket, target, sink)
            .map_err(|e| failed(&format!("{} ({target})", socket.display()), &reason(&e))),
        Endpoint::Url(url) => over_tcp(host, request, url, sink),
    }
}

fn failed(what: &str, why: &str) -> Box<Diag> {
    Diag::error("http", format!("request to {what} failed: {why}"))
}

fn over_tcp(host: &RealHost, request: &Request, url: &str, sink: Sink<'_>) -> Result<Response> {
    let shown = request.endpoint.to_string();
    let fail = |e: ureq::Error| failed(&shown, &words(&e));
    let agent = agent(host, request, url)?;
    let mut answer = call(&agent, request, url).map_err(fail)?;
    let mut response = Response {
        status: answer.status().as_u16(),
        reason: answer
            .status()
            .canonical_reason()
            .unwrap_or_default()
            .to_owned(),
        headers: answer
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect(),
        body: Vec::new(),
        sums: Vec::new(),
        url: answer.get_uri().to_string(),
    };
    if response.url.is_empty() {
        response.url = url.to_owned();
    }
    let mut reader = answer.body_mut().with_config().limit(u64::MAX).reader();
    sink(&mut reader).map_err(|e| failed(&shown, &reason(&e)))?;
    Ok(response)
}

fn call(
    agent: &ureq::Agent,
    request: &Request,
    url: &str,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    // These send no body by themselves; with one they need to be told.
    let bodiless = match request.method.as_str() {
        "GET" => Some(agent.get(url)),
        "HEAD" => Some(agent.head(url)),
        "DELETE" => Some(agent.delete(url)),
        "OPTIONS" => Some(agent.options(url)),
        _ => None,
    };
    if let Some(mut builder) = bodiless {
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        return if request.body.is_empty() {
            builder.call()
        } else {
            builder.force_send_body().send(&request.body)
        };
    }
    let mut builder = http::Request::builder()
        .method(request.method.as_str())
        .uri(url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    agent.run(builder.body(request.body.clone())?)
}

fn agent(host: &RealHost, request: &Request, url: &str) -> Result<ureq::Agent> {
    let proxy = if request.proxy {
        proxy(host, url)?
    } else {
        None
    };
    let has = |name: &str| {
        request
            .headers
            .iter()
            .any(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(request.timeout))
        .timeout_connect(Some(request.timeout))
        .timeout_per_read(Some(request.timeout))
        .timeout_per_write(Some(request.timeout))
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .max_redirects(request.redirects)
        .max_redirects_will_error(request.redirects > 0)
        .allow_non_standard_methods(true)
        .accept("")
        .proxy(proxy)
        .tls_config(tls(&request.tls, request.verify)?);
    if !has("user-agent") {
        config = config.user_agent("gxdeploy");
    }
    if !request.decompress && !has("accept-encoding") {
        config = config.accept_encoding("identity");
    }
    Ok(config.build().new_agent())
}

fn tls(tls: &Tls, verify: bool) -> Result<TlsConfig> {
    let mut config = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .disable_verification(!verify);
    if let Some(pem) = &tls.authorities {
        config = config.root_certs(RootCerts::Specific(Arc::new(certificates(pem)?)));
    }
    if let Some(pem) = &tls.certificate {
        let key = tls.key.as_ref().unwrap_or(pem);
        let key = PrivateKey::from_pem(key.as_bytes()).map_err(|_| bad_pem("private key"))?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&certificates(pem)?, key)));
    }
    Ok(config.build())
}

fn certificates(pem: &str) -> Result<Vec<Certificate<'static>>> {
    let found: Vec<_> = ureq::tls::parse_pem(pem.as_bytes())
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(bad_pem("certificate"));
    }
    Ok(found)
}

fn bad_pem(what: &str) -> Box<Diag> {
    Diag::error(
        "bad-certificate",
        format!("there is no usable {what} in the PEM file"),
    )
}

/// The proxy that the step's environment names for a URL.
fn proxy(host: &RealHost, url: &str) -> Result<Option<ureq::Proxy>> {
    let env = |name: &str| {
        host.env(name)
            .or_else(|| host.env(&name.to_uppercase()))
            .filter(|value| !value.is_empty())
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let Some(proxy) = env(&format!("{scheme}_proxy")).or_else(|| env("all_proxy")) else {
        return Ok(None);
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let server = authority.rsplit('@').next().unwrap_or_default();
    if env("no_proxy").is_some_and(|list| is_exempt(server, &list)) {
        return Ok(None);
    }
    ureq::Proxy::new(&proxy)
        .map(Some)
        .map_err(|_| Diag::error("bad-proxy", format!("{scheme}_proxy is no proxy address")))
}

/// `no_proxy`: host names, with all their subdomains, or `*`.
fn is_exempt(server: &str, list: &str) -> bool {
    let name = match server.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => server,
    };
    list.split(',').map(str::trim).any(|entry| {
        let domain = entry.trim_start_matches('.');
        entry == "*"
            || entry == server
            || (!domain.is_empty() && (name == domain || name.ends_with(&format!(".{domain}"))))
    })
}

fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(e) => reason(e),
        ureq::Error::HostNotFound => "the host name is not known".into(),
        ureq::Error::ConnectionFailed => "connection refused".into(),
        ureq::Error::Timeout(_) => "timed out".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Known;
    use std::io::Write;
    use std::net::TcpListener;

    /// Answers one request after another with canned text and hands back what was asked.
    fn server(answers: Vec<&'static str>) -> (u16, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            answers
                .into_iter()
                .map(|answer| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut asked = Vec::new();
                    let mut buffer = [0; 4096];
                    while !asked.windows(4).any(|w| w == b"\r\n\r\n") {
                        let n = stream.read(&mut buffer).unwrap();
                        asked.extend_from_slice(&buffer[..n]);
                    }
                    stream.write_all(answer.as_bytes()).unwrap();
                    String::from_utf8(asked).unwrap()
                })
                .collect()
        });
        (port, thread)
    }

    fn get(port: u16) -> Request {
        let mut request = Request::new("GET", Endpoint::Url(format!("http://127.0.0.1:{port}/a")));
        request.headers.push(("X-Test".into(), "yes".into()));
        request
    }

    #[test]
    fn an_error_status_is_an_answer_and_redirects_are_followed_if_wanted() {
        let redirect =
            "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let missing =
            "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone";
        let (port, thread) = server(vec![redirect, missing, redirect]);
        let host = RealHost::new().unwrap();
        let mut request = get(port);
        request.redirects = 5;
        let Known::Known(answer) = host.http(&request).unwrap() else {
            panic!("unknown");
        };
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"none"[..]));
        assert!(answer.url.ends_with("/b"));
        let Known::Known(answer) = host.http(&get(port)).unwrap() else {
            panic!("unknown");
        };
        assert_eq!(answer.status, 302);
        assert_eq!(answer.header("LOCATION"), Some("/b"));
        let asked = thread.join().unwrap();
        assert!(asked[0].to_lowercase().contains("x-test: yes"));
    }

    #[test]
    fn a_body_can_go_to_a_new_file() {
        let (port, _) = server(vec!["HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody"]);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x");
        let host = RealHost::new().unwrap();
        fetch(&host, &get(port), &file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"body");
        assert!(fetch(&host, &get(port), &file).is_err());
    }

    #[test]
    fn a_refused_connection_is_an_error_in_words() {
        let error = RealHost::new().unwrap().http(&get(1)).unwrap_err();
        assert_eq!(error.code, "http");
        assert!(error.message.to_lowercase().contains("refused"), "{error}");
    }

    #[test]
    fn proxies_come_from_the_step() {
        assert!(is_exempt("a.example.org:80", "x, .example.org"));
        assert!(is_exempt("example.org", "example.org"));
        assert!(!is_exempt("badexample.org", "example.org"));
        assert!(is_exempt("anything", "*"));
        let secret = Endpoint::Url("http://u:p@h/x@y".into());
        assert_eq!(secret.to_string(), "http://h/x@y");
        let mut host = RealHost::new().unwrap();
        host.set_step([("http_proxy".into(), "http://p:3128".into())].into(), None);
        assert!(proxy(&host, "http://h/").unwrap().is_some());
    }
}
