//! One look at a process: over HTTP or TCP, by a command, or at what it says of itself.

use super::config::Program;
use super::config::extra::{Check, Probe};
use super::proc::Ended;
use super::watch::{Overtime, Report, Reports};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// One look at whether a process is ready takes no longer than this, in seconds.
const LOOK: u64 = 5;

/// Looks at one copy of a process.
#[derive(Debug)]
pub struct Looker {
    /// The copy.
    pub pid: i32,
    /// What it looks at, and when.
    pub probe: Probe,
    /// Its program: a check's command runs as the program does.
    pub program: Rc<Program>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Where it tells.
    pub reports: Reports,
}

impl Looker {
    /// Looks until the process is ready.
    pub async fn until_ready(self, socket: Option<UnixDatagram>) {
        let due = sleep_until(Instant::now() + Duration::from_secs(self.probe.timeout));
        let looks = self.looks(socket);
        tokio::pin!(due, looks);
        tokio::select! {
            () = &mut looks => return,
            () = &mut due => self.tell(Report::Overdue(self.pid)),
        }
        looks.await;
    }

    async fn looks(&self, socket: Option<UnixDatagram>) {
        match (&self.probe.check, socket) {
            // The reader of its output tells.
            (Check::Log(_), _) => std::future::pending().await,
            (Check::Notify, Some(socket)) => {
                if notified(socket).await.is_some() {
                    self.tell(Report::Ready(self.pid));
                }
            }
            (Check::Notify, None) => {
                let why = "no socket for notifications".to_owned();
                self.tell(Report::NotReady(self.pid, why));
            }
            _ => loop {
                match self.look(LOOK).await {
                    Ok(()) => return self.tell(Report::Ready(self.pid)),
                    Err(why) => self.tell(Report::NotReady(self.pid, why)),
                }
                sleep(Duration::from_secs(self.probe.interval)).await;
            },
        }
    }

    /// Looks again and again as long as the process runs.
    pub async fn while_alive(self) {
        loop {
            sleep(Duration::from_secs(self.probe.interval)).await;
            let report = match self.look(self.probe.timeout).await {
                Ok(()) => Report::Alive(self.pid),
                Err(why) => Report::Ailing(self.pid, why),
            };
            self.tell(report);
        }
    }

    fn tell(&self, report: Report) {
        // The daemon is about to end when nobody listens.
        let _ = self.reports.send(report);
    }

    async fn look(&self, seconds: u64) -> Result<(), String> {
        let look = async {
            match &self.probe.check {
                Check::Http(url) => http(url).await,
                Check::Tcp(address) => connect(address).await.map(drop),
                Check::Command(command) => self.command(command).await,
                Check::Log(_) | Check::Notify => Ok(()),
            }
        };
        let result = timeout(Duration::from_secs(seconds), look).await;
        result.unwrap_or_else(|_| Err(format!("no answer within {seconds} s")))
    }

    async fn command(&self, command: &str) -> Result<(), String> {
        let mut program = Program::clone(&self.program);
        program.command = command.to_owned();
        program.redirect_stderr = true;
        let (started, answer) = oneshot::channel();
        let environment = self.environment.clone();
        self.tell(Report::Run(Box::new(program), environment, started));
        let gone = "the daemon is ending".to_owned();
        let (pid, ended) = answer.await.map_err(|_| gone.clone())??;
        let mut overtime = Overtime(Some(pid));
        let ended = ended.await.map_err(|_| gone)?;
        overtime.0 = None;
        match ended {
            Ended::Code(0) => Ok(()),
            Ended::Code(code) => Err(format!("{command}: exit code {code}")),
            Ended::Signal(signal) => Err(format!("{command}: killed by {}", signal.as_str())),
        }
    }
}

async fn connect(address: &str) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).await;
    stream.map_err(|e| format!("{address}: {}", crate::diag::reason(&e)))
}

async fn http(url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let address = match authority.contains(':') {
        true => authority.to_owned(),
        false => format!("{authority}:80"),
    };
    let stream = TokioIo::new(connect(&address).await?);
    let text = |e: &dyn std::fmt::Display| format!("{url}: {e}");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(|e| text(&e))?;
    let request = hyper::Request::get(path)
        .header(hyper::header::HOST, authority)
        .body(Empty::<Bytes>::new())
        .map_err(|e| text(&e))?;
    let answer = async move {
        tokio::pin!(connection);
        let answer = sender.send_request(request);
        tokio::select! {
            answer = answer => answer,
            ended = &mut connection => match ended {
                Err(e) => Err(e),
                Ok(()) => std::future::pending().await,
            },
        }
    };
    let status = answer.await.map_err(|e| text(&e))?.status();
    match status.is_success() || status.is_redirection() {
        true => Ok(()),
        false => Err(format!("{url}: status {}", status.as_u16())),
    }
}

/// Waits for `READY=1`.
async fn notified(socket: UnixDatagram) -> Option<()> {
    let socket = tokio::net::UnixDatagram::from_std(socket).ok()?;
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await.ok()?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        if text.lines().any(|line| line == "READY=1") {
            return Some(());
        }
    }
}
