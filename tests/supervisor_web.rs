//! The supervisor's web page over its socket: what it shows, what its buttons do, and whom it
//! refuses.

use crate::supervisor_daemon::Daemon;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const PROGRAMS: &str = "\
[program:web]
command=/bin/sh -c 'echo \"<b>&hello\"; exec sleep 1000'
startsecs=0
[program:worker]
command=/bin/sleep 1000
startsecs=0
";

const BROWSER: &str = "User-Agent: Mozilla/5.0\r\nHost: h\r\nOrigin: http://h\r\n";
const SCRIPT: &str = "User-Agent: curl/8\r\nHost: h\r\n";

/// A daemon whose page is looked at.
struct Site(Daemon);

impl Site {
    fn start() -> Site {
        let mut site = Site(Daemon::new(PROGRAMS));
        site.until(|site| site.page("/").matches("running</span>").count() == 2);
        site
    }

    fn until(&mut self, seen: impl Fn(&Site) -> bool) {
        while !seen(self) {
            let ended = self.0.child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Status and everything behind the status line.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        // Between the socket's file and its listening is a moment.
        let Ok(mut stream) = UnixStream::connect(self.0.path("s.sock")) else {
            return (0, String::new());
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap_or_default();
        (status.parse().unwrap_or(0), text)
    }

    fn page(&self, path: &str) -> String {
        self.ask("GET", path, BROWSER, "").1
    }

    fn token(&self) -> String {
        let page = self.page("/");
        let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn state(&self, name: &str) -> String {
        let page = self.page(&format!("/?group={name}"));
        let (_, rest) = page.split_once("class=\"state ").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

#[test]
fn buttons_work_and_other_sites_cannot_press_them() {
    let mut daemon = Site::start();
    let stop = "action=stop&processname=worker";

    for refused in [
        daemon.ask("POST", "/index.html", BROWSER, stop),
        daemon.ask(
            "POST",
            "/index.html",
            BROWSER,
            &format!("{stop}&token=guess"),
        ),
        daemon.ask(
            "POST",
            "/index.html",
            "User-Agent: Mozilla/5.0\r\nHost: h\r\nOrigin: http://evil\r\n",
            &format!("{stop}&token={}", daemon.token()),
        ),
    ] {
        assert_eq!(refused.0, 403, "{}", refused.1);
    }
    let (status, page) = daemon.ask("GET", &format!("/index.html?{stop}"), BROWSER, "");
    assert_eq!(status, 200);
    assert!(page.contains("stop worker?"), "{page}");
    assert_eq!(daemon.state("worker"), "running");

    let form = format!("{stop}&token={}", daemon.token());
    let (status, answer) = daemon.ask("POST", "/index.html", BROWSER, &form);
    assert_eq!(status, 303);
    assert!(
        answer.contains("Location: /?group=&message=worker%3A%20stopping"),
        "{answer}"
    );
    daemon.until(|daemon| daemon.state("worker") == "stopped");

    // As the stock page's links, for scripts.
    let start = "/index.html?action=start&processname=worker";
    assert_eq!(daemon.ask("GET", start, SCRIPT, "").0, 301);
    daemon.until(|daemon| daemon.state("worker") == "running");
    let (status, answer) = daemon.ask("GET", start, SCRIPT, "");
    assert_eq!(status, 301);
    assert!(answer.contains("ALREADY_STARTED"), "{answer}");
    assert_eq!(daemon.ask("GET", "/?action=format", SCRIPT, "").0, 500);
}

#[test]
fn logs_and_messages_are_shown_as_text() {
    let mut daemon = Site::start();
    daemon.until(|daemon| {
        daemon
            .page("/tail.html?processname=web")
            .contains("&#60;b&#62;&#38;hello")
    });
    let page = daemon.page("/?message=%3Cscript%3E");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"));
    assert!(page.contains("Content-Security-Policy: default-src 'none'"));
    let nothing = daemon.page("/tail.html?processname=nobody");
    assert!(nothing.contains("There is no such log."));
    let (status, style) = daemon.ask("GET", "/stylesheets/supervisor.css", BROWSER, "");
    assert!(status == 200 && style.contains("Content-Type: text/css"));
    assert_eq!(daemon.ask("GET", "/nowhere", BROWSER, "").0, 404);
}
