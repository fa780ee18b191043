//! A child agent: the same binary as another user.

use super::line::{Out, send};
use crate::diag::{Diag, Result};
use crate::modules::StepResult;
use crate::sys::real::RealHost;
use crate::sys::{Known, User, View};
use crate::wire::{
    Become, Claim, Frame, FromAgent, Hello, PROTOCOL, Step, ToAgent, read_frame, write_blob,
    write_message,
};
use std::io::{BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What the become program shows when it wants the password; unlikely in any other output.
const PROMPT: &str = "[gxdeploy become] password:";

/// What goes to a child agent: steps, and the contents that it has asked for. `None` once it is to
/// end.
pub type ChildInput = Arc<Mutex<Option<ChildStdin>>>;

/// Gives a child agent pieces of contents.
///
/// # Errors
/// It is gone.
pub fn hand_on(to: &ChildInput, lengths: Vec<Option<usize>>, bytes: &[u8]) -> std::io::Result<()> {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    let to = to.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
    write_message(to, &ToAgent::Pieces { lengths })?;
    write_blob(to, bytes)
}

/// A running child agent. Ends with this value.
pub struct Child {
    process: std::process::Child,
    to: ChildInput,
    from: BufReader<ChildStdout>,
}

impl Child {
    /// Starts an agent as another user and waits until it answers.
    ///
    /// # Errors
    /// `become`, with what the become program said: no such user, no such program, wrong password.
    pub fn start(r#become: &Become, host: &RealHost) -> Result<Child> {
        let mut command = command(r#become, host)?;
        if let Some(dir) = &r#become.chdir {
            // In the words of the shell that sudo is otherwise started from.
            let cannot = |e| {
                let reason = crate::diag::reason(&e);
                Diag::error("become", format!("cd: can't cd to {dir}: {reason}"))
            };
            std::fs::metadata(std::path::Path::new(dir).join(".")).map_err(cannot)?;
            command.current_dir(dir);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                let program = command.get_program().to_string_lossy();
                refused(r#become, &format!("{NO_PROGRAM} {program} on the host"))
            }
            _ => refused(r#become, &crate::diag::reason(&e)),
        })?;
        let (Some(to), Some(from), Some(errors)) = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        ) else {
            return Err(refused(r#become, "its pipes are missing"));
        };
        let to = Arc::new(Mutex::new(Some(to)));
        let said = watch_errors(errors, to.clone(), r#become);
        let mut from = BufReader::new(from);
        let ready = wait_ready(&mut from);
        let to = to.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (ready, to) {
            (true, Some(to)) => Ok(Child {
                process,
                to: Arc::new(Mutex::new(Some(to))),
                from,
            }),
            (_, to) => {
                drop(to);
                let _ = process.kill();
                let _ = process.wait();
                let said = said.lock().unwrap_or_else(PoisonError::into_inner);
                Err(refused(r#become, said.trim()))
            }
        }
    }

    /// Has a step performed, and relays what it asks and shows.
    ///
    /// # Errors
    /// `become`: the child agent died.
    pub fn perform(
        &mut self,
        mut step: Step,
        out: &Out,
        mut acting: impl FnMut(),
    ) -> Result<StepResult> {
        let gone = || Diag::error("become", "the agent of the other user died");
        // Steps are dropped here, never by the child.
        step.drop_after = None;
        self.say(&ToAgent::Step(Box::new(step)))
            .map_err(|_| gone())?;
        loop {
            let Ok(Frame::Message(message)) = read_frame(&mut self.from) else {
                return Err(gone());
            };
            match message {
                FromAgent::Done { result, .. } => return Ok(*result),
                FromAgent::Lost { diag, .. } => return Err(diag),
                FromAgent::Live { .. } | FromAgent::Held { .. } => {
                    let _ = send(out, &message);
                }
                FromAgent::Need { .. } => {
                    // The end of the stream ends this agent too.
                    let _ = out.relay(&message, &self.to);
                }
                FromAgent::Acting => {
                    acting();
                    self.say(&ToAgent::Act).map_err(|_| gone())?;
                }
                FromAgent::Ready { .. }
                | FromAgent::Dropped { .. }
                | FromAgent::Attached(_)
                | FromAgent::Cancelled
                | FromAgent::Warning { .. } => {}
            }
        }
    }

    fn say(&mut self, message: &ToAgent) -> std::io::Result<()> {
        say(&self.to, message)
    }

    /// Has it hold the host for a run, too: another user may have come another way.
    pub fn claim(&mut self, claim: &Claim) {
        let hello = Hello {
            claim: Some(claim.clone()),
            ..Hello::default()
        };
        // One that is gone is noticed by the first step.
        let _ = self.say(&ToAgent::Hello(Box::new(hello)));
    }
}

/// The inputs of all child agents, for whoever has to tell them something while a step runs.
#[derive(Clone, Default)]
pub struct Children(Arc<Mutex<Vec<WeakInput>>>);

type WeakInput = Weak<Mutex<Option<ChildStdin>>>;

impl Children {
    /// There is another one.
    pub fn add(&self, child: &Child) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|to| to.strong_count() > 0);
        all.push(Arc::downgrade(&child.to));
    }

    /// Has them end what they run.
    pub fn cancel(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for to in all.iter().filter_map(Weak::upgrade) {
            // One that is gone runs nothing.
            let _ = say(&to, &ToAgent::Cancel);
        }
    }
}

fn say(to: &ChildInput, message: &ToAgent) -> std::io::Result<()> {
    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
    match to.as_mut() {
        Some(to) => write_message(to, message),
        None => Err(std::io::ErrorKind::BrokenPipe.into()),
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The end of its input ends it, whoever it runs as.
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = self.process.wait();
    }
}

fn refused(r#become: &Become, said: &str) -> Box<Diag> {
    let method = r#become.method.as_str();
    let wrong = [
        "incorrect password attempt",
        "Sorry, try again",
        "Authentication failure",
    ];
    let missing = || {
        Diag::error("become", format!("Missing {method} password")).help(
            "give it with -K or ansible_become_password, or log in as somebody who needs none",
        )
    };
    if wrong.iter().any(|words| said.contains(words)) {
        if r#become.password.is_none() {
            return missing();
        }
        // ansible-core's words, which playbooks look for.
        return Diag::error("become", format!("Incorrect {method} password"))
            .help("check what was given with -K or ansible_become_password: for sudo it is that of the user who logs in, for su that of the other one");
    }
    if said.contains("a password is required") || said.contains("a terminal is required") {
        return missing();
    }
    let said = said.lines().last().unwrap_or_default();
    let why = match said {
        "" => "it gave no reason",
        said => said,
    };
    let text = format!("cannot become {} by {method}: {why}", r#become.user);
    let diag = Diag::error("become", text);
    if said.starts_with(NO_PROGRAM) {
        return diag.help("install it, set ansible_become_method, or log in as that user");
    }
    match said.contains("sudoers") || said.contains("not allowed to") {
        true => diag.help("allow it in sudoers on the host, or log in as another user"),
        false => diag,
    }
}

/// Begins what is said where there is no become program.
const NO_PROGRAM: &str = "there is no program";

/// The command line of the child: through the become program, or directly where root needs none.
fn command(r#become: &Become, host: &RealHost) -> Result<Command> {
    let root = nix::unistd::geteuid().is_root();
    if root && r#become.flags.is_empty() && r#become.exe.is_none() {
        return direct(r#become, host);
    }
    let agent = std::env::current_exe()
        .and_then(|exe| match r#become.user.as_str() {
            "root" => Ok(exe),
            _ => super::place::for_others(exe),
        })
        .map_err(|e| refused(r#become, &crate::diag::reason(&e)))?
        .to_string_lossy()
        .into_owned();
    let user = r#become.user.as_str();
    let program = r#become.exe.as_deref().unwrap_or(&r#become.method);
    let mut command = Command::new(program);
    match r#become.method.as_str() {
        "sudo" => {
            command.arg("-H");
            command.args(&r#become.flags);
            match r#become.password {
                Some(_) => command.args(["-S", "-p", PROMPT]),
                None => command.arg("-n"),
            };
            command.args(["-u", user, "--", &agent, "agent"]);
        }
        "su" => {
            command.args(&r#become.flags);
            command.args([user, "-s", "/bin/sh", "-c"]);
            command.arg(format!("exec {} agent", shell_words::quote(&agent)));
        }
        "runuser" | "doas" => {
            command.args(&r#become.flags);
            command.args(["-u", user, "--", &agent, "agent"]);
        }
        other => {
            return Err(
                Diag::error("become", format!("unknown become method `{other}`"))
                    .did_you_mean(other, ["sudo", "su", "runuser", "doas"]),
            );
        }
    }
    Ok(command)
}

/// As root no program is needed to become somebody: the ids are set between fork and exec. The
/// environment is what sudo -H would leave.
fn direct(r#become: &Become, host: &RealHost) -> Result<Command> {
    let user: User = host
        .user(&r#become.user)
        .map(Known::known)?
        .flatten()
        .ok_or_else(|| refused(r#become, &format!("there is no user {}", r#become.user)))?;
    let (Some(uid), Some(gid)) = (user.uid, user.gid) else {
        return Err(refused(r#become, "the user is only planned"));
    };
    let groups: Vec<nix::unistd::Gid> = host
        .groups_of(&user)?
        .into_iter()
        .map(nix::unistd::Gid::from_raw)
        .collect();
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("gxdeploy")
        .arg("agent")
        .env("HOME", &user.home)
        .env("USER", &user.name)
        .env("LOGNAME", &user.name)
        .env("SHELL", &user.shell)
        .env("SUDO_USER", "root")
        .env("SUDO_UID", "0")
        .env("SUDO_GID", "0");
    let (uid, gid) = (
        nix::unistd::Uid::from_raw(uid),
        nix::unistd::Gid::from_raw(gid),
    );
    // SAFETY: only system calls on values made before the fork; nothing allocates or locks.
    #[expect(unsafe_code, reason = "ids must be set between fork and exec")]
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setgroups(&groups)?;
            nix::unistd::setgid(gid)?;
            nix::unistd::setuid(uid)?;
            Ok(())
        });
    }
    Ok(command)
}

fn wait_ready(from: &mut BufReader<ChildStdout>) -> bool {
    matches!(
        read_frame(from),
        Ok(Frame::Message(FromAgent::Ready {
            protocol: PROTOCOL,
            ..
        }))
    )
}

type Input = Arc<Mutex<Option<ChildStdin>>>;

/// Collects what the become program says and answers its prompt, once. Nothing else is written
/// before the agent has answered: it could be taken for the password.
fn watch_errors(
    mut errors: impl Read + Send + 'static,
    to: Input,
    r#become: &Become,
) -> Arc<Mutex<String>> {
    let mut password = r#become.password.clone();
    // su asks in words of its own, in the language of the host.
    let own_words = r#become.method == "su";
    let said = Arc::new(Mutex::new(String::new()));
    let kept = said.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(n @ 1..) = errors.read(&mut buffer) {
            let mut said = kept.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&String::from_utf8_lossy(&buffer[..n]));
            let asked = match own_words {
                true => said.trim_end().ends_with([':', '：']),
                false => said.contains(PROMPT),
            };
            if !asked {
                continue;
            }
            match own_words {
                true => said.clear(),
                false => *said = said.replace(PROMPT, ""),
            }
            let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
            match (password.take(), to.as_mut()) {
                (Some(password), Some(to)) => {
                    let _ = to.write_all(format!("{password}\n").as_bytes());
                }
                // Asked twice: the password was wrong. The end of its input tells the program.
                _ => *to = None,
            }
        }
    });
    said
}
