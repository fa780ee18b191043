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
