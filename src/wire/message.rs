//! The messages.

use super::pending::{Notify, PendingHandler};
use crate::diag::Diag;
use crate::modules::{Flags, StepResult};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Version of the messages. Both sides are the same binary, so a difference is an error.
pub const PROTOCOL: u32 = 4;

/// From the control side (or a parent agent) to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToAgent {
    /// First message of a control side; none to the agents of other users.
    Hello(Box<Hello>),
    /// The user does not want to go on: what runs is ended, nothing else begins.
    Cancel,
    /// Nothing to do, but this side is there.
    Alive,
    /// Last message: the stream ends because this side is through, not because it broke.
    Bye,
    /// Perform this after what was sent before.
    Step(Box<Step>),
    /// The pieces of contents that were asked for follow in the next frame, one after the other.
    Pieces {
        /// The length of each; `None` where the control side does not have it.
        lengths: Vec<Option<usize>>,
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

/// Who begins or goes on with a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Hello {
    /// Name of the session: letters and digits, not to be guessed.
    pub session: String,
    /// Seconds that the agent waits for a new connection when this one breaks, before it ends what
    /// it runs. 0: it ends with its stream.
    pub grace: u64,
    /// Steps are carried out, not only planned: what becomes of them is written down.
    pub journal: bool,
    /// The session was begun on another connection.
    pub attach: Option<Attach>,
    /// No other run is to change the host at the same time.
    pub claim: Option<Claim>,
}

/// A run that wants a host for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name.
    pub run: String,
    /// Whose it is: user and machine.
    pub who: String,
    /// When it began, in seconds since 1970.
    pub since: u64,
    /// It does not wait for another run.
    pub refuse: bool,
}

impl Claim {
    /// In words: run, user, machine, since when.
    pub fn shown(&self) -> String {
        let seconds = i64::try_from(self.since).unwrap_or_default();
        let since = time::OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|time| {
                let format = time::macros::format_description!(
                    "[year]-[month]-[day] [hour]:[minute]:[second] UTC"
                );
                time.format(format).ok()
            });
        match since {
            Some(since) if !self.run.is_empty() => {
                format!("run {} of {}, since {since}", self.run, self.who)
            }
            _ => "an unknown one".to_owned(),
        }
    }
}

/// What a control side knows of a session that it goes on with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Attach {
    /// The last step whose answer has come.
    pub answered: u64,
    /// Another process began the session: steps that wait are not wanted any more.
    pub another: bool,
}

/// What an agent knows of a session that is gone on with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Attached {
    /// The agent that was there before still is.
    pub survivor: bool,
    /// How many messages it has received, those that the stream consists of aside.
    pub received: u64,
    /// Where the agent from before is gone: the last step that may have begun to change the host.
    pub begun: u64,
    /// Where it is gone: the host has run all the time, so nothing is missing in the journal.
    pub reliable: bool,
    /// Keys of steps whose answers come or have come, or that have begun, by number.
    pub keys: Vec<(u64, String)>,
    /// The step that runs.
    pub running: Option<u64>,
    /// Handlers that are pending.
    pub pending: Vec<PendingHandler>,
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
    /// The answer to a [`Hello`] with [`Hello::attach`], after the answers that had not come.
    Attached(Box<Attached>),
    /// Another run has the host; this one waits for it, unless it said that it would not.
    Held {
        /// The other run.
        by: Box<Claim>,
    },
    /// What ran when [`ToAgent::Cancel`] came has ended, its answer was sent.
    Cancelled,
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
    /// The agent needs these pieces of contents.
    Need {
        /// Not more than [`Piece::MOST`] bytes together.
        pieces: Vec<Piece>,
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

/// A part of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The content's name.
    pub name: String,
    /// Where it begins.
    pub from: u64,
    /// How many bytes.
    pub length: usize,
}

impl Piece {
    /// The most that is asked for at once (1 MiB): a message must not have to wait long for it.
    pub const MOST: usize = 1 << 20;
}

/// One rendered step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Number within the session, ascending.
    pub id: u64,
    /// Which step of the run it is, in a word: the same in every attempt at this run.
    pub key: String,
    /// The last step whose answer has come: earlier answers need not be kept.
    pub answered: u64,
    /// Its result is not to be written down.
    pub private: bool,
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
