//! Which way leads to a host's agent.

use super::patience::Patience;
use super::play::PlayRun;
use super::run::Run;
use super::session::{Session, Way};
use super::stream::Stream;
use super::unit::to_bool;
use crate::diag::{Diag, Result};
use crate::jinja::Context;
use crate::output::Event;
use crate::play::ast::Common;
use crate::transport::{self, Link, Pinned, Ssh};
use crate::value::Value;
use crate::vars::SharedScope;
use crate::wire::{Hello, PendingHandler};
use std::sync::Arc;
use std::time::Duration;

/// Connects to a host as its variables, the task's keywords and the command line say. What may pass
/// is tried again where this side is `patient`.
///
/// # Errors
/// `connection`, with the reason.
pub fn open(
    run: &Arc<Run>,
    host: &str,
    keywords: &Common,
    scope: &SharedScope,
    context: &Context,
    patient: bool,
) -> Result<Session> {
    let login = Login {
        run,
        host,
        keywords,
        scope,
        context,
    };
    let kind = login.kind()?;
    let connection = kind.as_str();
    let (opened, way) = match connection {
        "local" => {
            let opened = Stream::open(transport::local()?, &run.blobs)?;
            (opened, None)
        }
        "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "libssh" => {
            let ssh = login.ssh()?;
            let patience = match patient {
                true => Patience::new(limit(run), login.retries()?, &run.interrupted),
                false => Patience::new(Duration::ZERO, 0, &run.interrupted),
            };
            let opened = first(run, host, &ssh, patience)?;
            (opened, way(run, host, ssh))
        }
        other => {
            return Err(Diag::error(
                "connection",
                format!("host {host}: there is no connection plugin `{other}`"),
            )
            .help("known ones: local, ssh"));
        }
    };
    run.costs.add(host, &opened.0.traffic);
    let hello = Hello {
        session: format!("{:032x}", rand::random::<u128>()),
        grace: way
            .as_ref()
            .map_or(0, |way| way.limit.as_secs() * 2 + GRACE),
        // Whoever goes on with the session or the run asks for it.
        journal: !run.options.check && (way.is_some() || run.record.is_some()),
        attach: None,
        claim: run.claim.clone(),
    };
    let blobs = run.blobs.clone();
    let mut session = Session::begin(opened, blobs, hello, way, &run.interrupted, host);
    session.local = connection == "local";
    Ok(session)
}

/// The first connection to a host. One that breaks while it is made is made anew.
fn first(
    run: &Arc<Run>,
    host: &str,
    ssh: &Ssh,
    mut patience: Patience,
) -> Result<(Stream, Vec<PendingHandler>)> {
    let mut tell = |text: &str| {
        if run.options.verbosity > 0 {
            let text = text.to_owned();
            run.collector().event(&Event::Connection { text });
        }
    };
    let mut told = false;
    loop {
        let opened = ssh.open(&mut tell);
        let failed = match opened.and_then(|link| Stream::open(link, &run.blobs)) {
            Ok(opened) => return Ok(opened),
            Err(failed) => failed,
        };
        if !patience.wait(failed.again) {
            return Err(failed.diag);
        }
        if !std::mem::replace(&mut told, true) {
            let text = format!("host {host}: {}, trying again", failed.diag.message);
            let diag = Diag::warning("connecting-again", text);
            run.collector().event(&Event::Message(diag));
        }
    }
}

/// How long this side tries to connect again.
fn limit(run: &Run) -> Duration {
    Duration::from_secs(run.options.reconnect.unwrap_or(LIMIT))
}

/// How much longer than twice the time for which this side tries to connect again an agent waits for
/// that, in seconds: it may notice first that a connection is gone.
const GRACE: u64 = 5;

/// Seconds for which this side tries to connect again where nobody says.
const LIMIT: u64 = 60;

/// A link to a host on which an earlier attempt at the run has left a session: as the play's
/// keywords and the host's variables say.
///
/// # Errors
/// `connection`, with the reason.
pub fn again(run: &Arc<Run>, play: &PlayRun, target: &str) -> Result<Link> {
    let (host, kind) = target.split_once('\0').unwrap_or((target, ""));
    let scope = scope_of(run, host)?;
    let login = Login {
        run,
        host,
        keywords: &play.play.common,
        scope: &scope,
        context: &Context::default(),
    };
    let kind = match kind {
        "" => login.kind()?,
        kind => kind.to_owned(),
    };
    match kind.as_str() {
        "local" => transport::local(),
        _ => Ok(login.ssh()?.open(&mut |_| {})?),
    }
}

/// How a connection to a host is made anew; `None` where the user does not want that.
fn way(run: &Arc<Run>, host: &str, ssh: Ssh) -> Option<Way> {
    let limit = limit(run);
    let (shared, name) = (run.clone(), host.to_owned());
    let open = move || {
        let link = ssh.open(&mut |_| {})?;
        shared.costs.add(&name, &link.traffic);
        Ok(link)
    };
    let shared = run.clone();
    let tell = move |diag| shared.collector().event(&Event::Message(diag));
    (!limit.is_zero()).then(|| Way {
        host: host.to_owned(),
        open: Box::new(open),
        limit,
        tell: Box::new(tell),
        interrupted: run.interrupted.clone(),
    })
}

/// The variables of a host outside of any task.
///
/// # Errors
/// `connection`: there is no such host.
fn scope_of(run: &Arc<Run>, host: &str) -> Result<SharedScope> {
    run.host_scope(host)
        .ok_or_else(|| Diag::error("connection", format!("the inventory has no host {host}")))
}

/// Takes note of a host's keys. What may pass is tried again.
///
/// # Errors
/// `connection`, with the reason.
pub fn pin(run: &Arc<Run>, host: &str) -> Result<Pinned> {
    let scope = scope_of(run, host)?;
    let login = Login {
        run,
        host,
        keywords: &Common::default(),
        scope: &scope,
        context: &Context::default(),
    };
    let ssh = login.ssh()?;
    let mut patience = Patience::new(limit(run), login.retries()?, &run.interrupted);
    loop {
        match ssh.pin() {
            Ok(pinned) => return Ok(pinned),
            Err(failed) if patience.wait(failed.again) => {}
            Err(failed) => return Err(failed.diag),
        }
    }
}

/// The kind of connection that leads to a host, without the name of a collection.
///
/// # Errors
/// The variable or the keyword cannot be rendered.
pub fn kind(
    run: &Run,
    keywords: &Common,
    scope: &SharedScope,
    context: &Context,
) -> Result<String> {
    let login = Login {
        run,
        host: "",
        keywords,
        scope,
        context,
    };
    login.kind()
}

/// Everything that says how to reach a host. Variables win over keywords, keywords over the command
/// line and the configuration.
struct Login<'a> {
    run: &'a Run,
    host: &'a str,
    keywords: &'a Common,
    scope: &'a SharedScope,
    context: &'a Context,
}

impl Login<'_> {
    fn kind(&self) -> Result<String> {
        let connection = self
            .pick(&["ansible_connection"], self.keywords.connection.as_ref())?
            .or_else(|| self.run.options.connection.clone())
            .unwrap_or_else(|| "ssh".to_owned());
        let short = connection.rsplit('.').next().unwrap_or(&connection);
        Ok(short.to_owned())
    }

    /// The first of some variables that is set, or else a keyword.
    fn pick(&self, variables: &[&str], keyword: Option<&Value>) -> Result<Option<String>> {
        let render = |value: &Value| self.run.engine.render(value, self.scope, self.context);
        for name in variables {
            if let Some(value) = self.scope.get(name) {
                let value = render(&value)?;
                if !value.is_null() {
                    return Ok(Some(value.to_text()));
                }
            }
        }
        Ok(keyword
            .map(render)
            .transpose()?
            .map(|value| value.to_text()))
    }

    fn variable(&self, names: &[&str]) -> Result<Option<String>> {
        let value = self.pick(names, None)?;
        Ok(value.filter(|text| !text.is_empty()))
    }

    /// Arguments for ssh, split as a shell would.
    fn arguments(&self, name: &str, default: Option<&str>) -> Result<Vec<String>> {
        let text = self.pick(&[name], None)?;
        let text = text.as_deref().or(default).unwrap_or_default();
        shell_words::split(text).map_err(|e| self.wrong(&format!("{name} cannot be split: {e}")))
    }

    fn wrong(&self, why: &str) -> Box<Diag> {
        Diag::error("connection", format!("host {}: {why}", self.host))
    }

    /// How often a host that does not answer is tried again, as for ansible-core: 0 where nobody says.
    fn retries(&self) -> Result<u32> {
        match self.variable(&["ansible_ssh_retries"])? {
            Some(text) => text
                .trim()
                .parse()
                .map_err(|_| self.wrong(&format!("ansible_ssh_retries is no number: {text:?}"))),
            None => Ok(self.run.options.ssh_retries),
        }
    }

    fn ssh(&self) -> Result<Ssh> {
        let options = &self.run.options;
        let password = [
            "ansible_password",
            "ansible_ssh_pass",
            "ansible_ssh_password",
        ];
        let password = match self.variable(&password)? {
            Some(password) => {
                self.run.options.secrets.add(&password);
                Some(password)
            }
            None => options.connection_password.clone(),
        };
        let passphrase = self.variable(&[
            "ansible_ssh_private_key_passphrase",
            "ansible_private_key_passphrase",
        ])?;
        passphrase.iter().for_each(|text| options.secrets.add(text));
        // A host that is only named in `delegate_to` has no variables of its own.
        let known = self.run.inventory.has_host(self.host);
        let own = |names: &[&str]| match known {
            true => self.variable(names),
            false => Ok(None),
        };
        let timeout = match self.variable(&["ansible_ssh_timeout", "ansible_timeout"])? {
            Some(text) => Some(text.trim().parse().map_err(|_| {
                self.wrong(&format!("the timeout {text:?} is not a number of seconds"))
            })?),
            None => options.timeout,
        };
        let check = ["ansible_ssh_host_key_checking", "ansible_host_key_checking"];
        let skip_host_key_check = match self.variable(&check)? {
            Some(text) => !to_bool(&Value::str(text)),
            None => options.skip_host_key_check,
        };
        let key = ["ansible_ssh_private_key_file", "ansible_private_key_file"];
        let configured_key = || {
            let path = options.private_key.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        let mut more_args = self.arguments("ansible_ssh_common_args", None)?;
        more_args.extend(self.arguments("ansible_ssh_extra_args", None)?);
        let port = match own(&["ansible_port", "ansible_ssh_port"])? {
            Some(port) => Some(port),
            None => self.pick(&[], self.keywords.port.as_ref())?,
        };
        let port = port.or_else(|| Some(options.remote_port?.to_string()));
        Ok(Ssh {
            program: self
                .variable(&["ansible_ssh_executable"])?
                .unwrap_or_else(|| "ssh".to_owned()),
            host: own(&["ansible_host", "ansible_ssh_host"])?
                .unwrap_or_else(|| self.host.to_owned()),
            port,
            user: self
                .pick(
                    &["ansible_user", "ansible_ssh_user"],
                    self.keywords.remote_user.as_ref(),
                )?
                .filter(|user| !user.is_empty())
                .or_else(|| options.remote_user.clone()),
            password,
            passphrase,
            private_key: self.variable(&key)?.or_else(configured_key),
            args: self.arguments("ansible_ssh_args", options.ssh_args.as_deref())?,
            more_args,
            timeout,
            skip_host_key_check,
            ask: Some(|question| super::prompt::ask(question, false).ok()),
        })
    }
}
