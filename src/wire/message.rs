//! The messages.

use super::pending::{Notify, PendingHandler};
use crate::diag::Diag;
use crate::modules::{Flags, StepResult};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Version of the messages. Both sides are the same binary, so a difference is an error.
pub const PROTOCOL: u32 = 2;

/// From the control side (or a parent agent) to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToAgent {
    /// Perform this after what was sent before.
    Step(Box<Step>),
    /// A content follows in the next frame; the agent asked for it.
    Blob {
        /// Its SHA-256.
        sha256: String,
    },
    /// The control side does not have a content that was asked for.
    NoBlob {
        /// Its SHA-256.
        sha256: String,
    },
    /// End child agents, so that the next step starts new ones (new groups of the user, say).
    Reset,
    /// These handlers are pending on this host; or, done or never really notified, no more.
    Pending {
        /// To be noted.
        add: Vec<PendingHandler>,
        /// To be forgotten.
        remove: Vec<PendingHandler>,
    },
    /// The answer to [`FromAgent::Acting`].
    Act,
}

/// From an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromAgent {
    /// First message, unasked: until it has come, what runs may be a login shell or sudo.
    Ready {
        /// [`PROTOCOL`].
        protocol: u32,
        /// Effective uid.
        uid: u32,
        /// Handlers that an earlier run has left.
        pending: Vec<PendingHandler>,
    },
    /// A child agent is about to change the host for a step that notifies; it waits for
    /// [`ToAgent::Act`].
    Acting,
    /// Something that the user should know, of the host and not of a step.
    Warning {
        /// What.
        diag: Box<Diag>,
    },
    /// A line that the running command wrote.
    Live {
        /// The step.
        id: u64,
        /// Without its newline.
        line: String,
    },
    /// The agent needs the bytes of a content and waits for them.
    NeedBlob {
        /// Its SHA-256.
        sha256: String,
    },
    /// A step ended.
    Done {
        /// The step.
        id: u64,
        /// What came of it.
        result: Box<StepResult>,
        /// Seconds.
        duration: f64,
    },
    /// A step was dropped, because an earlier one of its epoch failed.
    Dropped {
        /// The step.
        id: u64,
    },
    /// The step could not be started at all: no way to become its user.
    Lost {
        /// The step.
        id: u64,
        /// Why.
        diag: Box<Diag>,
    },
}

/// One rendered step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Number within the session, ascending.
    pub id: u64,
    /// See the module documentation of [`crate::wire`].
    pub epoch: u64,
    /// Module name.
    pub module: String,
    /// Typed arguments, as [`crate::modules::Entry::check`] returned them.
    pub args: Json,
    /// Diff wanted?
    pub flags: Flags,
    /// On which host.
    pub mode: Mode,
    /// `environment` of the task.
    pub environment: BTreeMap<String, String>,
    /// As whom.
    pub r#become: Option<Become>,
    /// If this step fails, the steps of its epoch with a higher number than this are dropped: the
    /// step's own number, or that of the last item of its loop. `None`: a failure is no reason to
    /// stop.
    pub drop_after: Option<u64>,
    /// The handlers it has to do with.
    pub notify: Notify,
    /// Not waited for (`async`).
    pub background: Option<Background>,
}

/// How a step is carried out in the background.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Background {
    /// Seconds it may take.
    pub limit: u64,
    /// Directory of the file with its result, on the host; may begin with `~`.
    pub dir: String,
}

/// What a step acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// The host.
    Apply,
    /// The planned host: effects of all steps in this mode add up in memory.
    Plan,
    /// The host as it is, effects in memory and forgotten afterwards (`check_mode: true` on a task
    /// of a real run).
    Trial,
}

/// Another user to act as.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Become {
    /// `sudo`, `su`, `runuser`, `doas` ...
    pub method: String,
    /// Whom to become.
    pub user: String,
    /// Further flags for the method's program.
    pub flags: Vec<String>,
    /// The program, where it is not the method's own.
    pub exe: Option<String>,
    /// Password for the method.
    pub password: Option<String>,
    /// Directory to be in before the method's program is started.
    pub chdir: Option<String>,
}

impl Become {
    /// The beginning of the command line, as it would be typed.
    pub fn shown(&self) -> String {
        let program = self.exe.as_deref().unwrap_or(&self.method);
        let usual: &[&str] = match (self.method.as_str(), &self.password) {
            ("sudo", None) => &["-H", "-S", "-n"],
            ("sudo", Some(_)) => &["-H", "-S"],
            _ => &[],
        };
        let flags = self.flags.iter().map(String::as_str);
        let mut words = vec![program];
        words.extend(usual.iter().copied().chain(flags));
        if self.method != "su" {
            words.push("-u");
        }
        words.push(&self.user);
        shell_words::join(words)
    }
}

/// Shows everything but the password.
impl std::fmt::Debug for Become {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Become")
            .field("method", &self.method)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}
