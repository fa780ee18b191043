//! A daemon without programs that serves clients from memory: what tests and fuzz targets speak to.

use super::config;
use super::group::{Shared, Supervisor};
use super::http;
use super::mainlog::{Level, MainLog};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// Turns of other tasks within which a request is answered: nothing here waits.
const TURNS: usize = 64;

/// The daemon and its event loop.
#[derive(Debug)]
pub struct Trial {
    runtime: Runtime,
    tasks: LocalSet,
    shared: Shared,
    server: config::Server,
}

impl Trial {
    /// A daemon.
    ///
    /// # Errors
    /// What the kernel says of a file or an event loop.
    pub fn new() -> io::Result<Trial> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("s.conf");
        let text = "[supervisord]\n[inet_http_server]\nport=127.0.0.1:1\n\
            [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=x\n";
        std::fs::write(&file, text)?;
        let config = config::load(&file).map_err(io::Error::other)?;
        let server = config.servers.first().cloned();
        let server = server.ok_or(io::ErrorKind::NotFound)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let log = MainLog::new(None, Level::Critical, false);
        let (reports, _) = tokio::sync::mpsc::unbounded_channel();
        let sup = {
            let _inside = runtime.enter();
            Supervisor::new(file, config, log, reports)?
        };
        Ok(Trial {
            runtime,
            tasks: LocalSet::new(),
            shared: Rc::new(RefCell::new(sup)),
            server,
        })
    }

    /// What a client is answered that says this and then no more.
    pub fn answer(&self, bytes: &[u8]) -> Vec<u8> {
        let (mut client, served) = tokio::io::duplex(1 << 16);
        let talk = async {
            http::serve(served, &self.shared, &self.server);
            let mut answer = Vec::new();
            // A server that has heard enough hangs up.
            let _ = client.write_all(bytes).await;
            // An answer to a client that is gone already would not be written.
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            let _ = client.shutdown().await;
            let _ = client.read_to_end(&mut answer).await;
            answer
        };
        self.tasks.block_on(&self.runtime, talk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::clients::Clients;
    use proptest::prelude::*;

    thread_local! {
        static TRIAL: Trial = Trial::new().unwrap();
    }

    fn answer(bytes: &[u8]) -> Vec<u8> {
        TRIAL.with(|trial| trial.answer(bytes))
    }

    #[test]
    fn a_call_is_answered() {
        let body = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
        let length = body.len();
        let head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        let text = answer(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes());
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("<string>RUNNING</string>"), "{text}");
    }

    fn paths() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("/RPC2".to_owned()),
            Just("/RPC2".to_owned()),
            "/(logtail/|mainlogtail|index.html|tail.html|metrics|ok.html|style.css)?[a-z:%3A/]{0,8}",
            "/index.html\\?[a-z=&%+0-9]{0,30}",
        ]
    }

    /// A client that neither goes on nor goes, and what another hears meanwhile.
    fn hesitating(trial: &Trial, bytes: &[u8]) -> (String, Vec<u8>) {
        let (mut client, served) = tokio::io::duplex(1 << 16);
        let talk = async {
            http::serve(served, &trial.shared, &trial.server);
            client.write_all(bytes).await.unwrap();
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            client
        };
        let mut client = trial.tasks.block_on(&trial.runtime, talk);
        let other = trial.answer(b"GET /ok.html HTTP/1.0\r\n\r\n");
        let mut answer = Vec::new();
        let rest = client.read_to_end(&mut answer);
        trial.tasks.block_on(&trial.runtime, rest).unwrap();
        (String::from_utf8(answer).unwrap(), other)
    }

    #[test]
    fn who_takes_too_long_is_sent_away_and_keeps_nobody_waiting() {
        let patience = std::time::Duration::from_millis(300);
        let mut trial = Trial::new().unwrap();
        trial.shared.borrow_mut().clients = Rc::new(Clients::up_to(8, patience));
        let post =
            |path| format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n<me");
        let check = |trial: &Trial, said: &str, status: &str| {
            let began = std::time::Instant::now();
            let (answer, other) = hesitating(trial, said.as_bytes());
            assert!(other.starts_with(b"HTTP/1.0 200"), "{said}");
            assert!(began.elapsed() >= patience, "{said}");
            assert_eq!(answer.lines().next().unwrap_or_default(), status, "{said}");
        };
        let late = "HTTP/1.1 408 Request Timeout";
        check(&trial, "", "");
        check(&trial, "POST /RP", "");
        check(&trial, "POST /RPC2 HTTP/1.1\r\nHost: x\r\n", "");
        check(&trial, &post("/RPC2"), late);
        check(&trial, &post("/index.html"), late);
        trial.server.login = Some(("user".into(), "password".into()));
        let (answer, _) = hesitating(&trial, post("/RPC2").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }

    proptest! {
        /// A handler that panicked would leave its client without an answer.
        #[test]
        fn every_request_is_answered(
            method in prop_oneof!["GET", "POST", "HEAD", "[A-Z]{1,7}"],
            path in paths(),
            headers in prop::collection::vec("[A-Za-z-]{1,12}: [ -~]{0,20}", 0..4),
            body in "(<(methodCall|methodName|params|param|value|int|/value|/methodCall)>|[a-z.&=% ]){0,30}",
        ) {
            let headers: String = headers.iter().map(|h| format!("X-{h}\r\n")).collect();
            let length = body.len();
            let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
            let answer = answer(request.as_bytes());
            prop_assert!(answer.starts_with(b"HTTP/1.1 "), "{request:?}");
        }

        #[test]
        fn no_bytes_end_the_daemon(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            answer(&bytes);
            prop_assert!(answer(b"GET /ok.html HTTP/1.0\r\n\r\n").starts_with(b"HTTP/1.0 200"));
        }
    }
}
