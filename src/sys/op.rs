//! Effects as data: the closed list of what can be done to a host.

use super::{Blob, Command, Group, Output, Request, Response, User};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One effect. Paths are absolute. Owners are names (or numbers as text): an account that an
/// earlier operation creates has no number while the plan is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Replaces or creates a regular file atomically (temporary file in the same directory, fsync,
    /// rename). Owner, mode and extended attributes of a file that exists are kept where the fields
    /// here are absent; a new file gets 0666 less the umask.
    Write {
        /// Where. A symbolic link at this very path is replaced, not followed.
        path: PathBuf,
        /// The new bytes.
        content: Content,
        /// Permission bits.
        mode: Option<u32>,
        /// Owner and group.
        owner: Owner,
        /// Keep the old file beside it under this path.
        backup: Option<PathBuf>,
        /// Words of a command that must succeed on the temporary file (`%s`) before the rename.
        validate: Option<String>,
        /// Never show the content in a diff.
        secret: bool,
    },
    /// Copies a file of the host byte for byte, atomically, as [`Op::Write`] does.
    CopyFile {
        /// The file to read.
        from: PathBuf,
        /// As in `Write`.
        path: PathBuf,
        /// Permission bits; those of an existing destination, else of the source, where absent.
        mode: Option<u32>,
    },
    /// Creates one directory. Its parent exists.
    Mkdir {
        /// Where.
        path: PathBuf,
        /// Permission bits; 0777 less the umask where absent.
        mode: Option<u32>,
    },
    /// Sets permission bits; a symbolic link is followed.
    Mode {
        /// Of which file.
        path: PathBuf,
        /// All twelve bits.
        mode: u32,
    },
    /// Sets owner and group; a symbolic link is not followed.
    Chown {
        /// Of which file.
        path: PathBuf,
        /// To whom.
        owner: Owner,
    },
    /// Sets times, in seconds since the epoch; `None` leaves one alone.
    Times {
        /// Of which file.
        path: PathBuf,
        /// Access time.
        atime: Option<f64>,
        /// Modification time.
        mtime: Option<f64>,
    },
    /// Sets both times of a file that exists to now. Unlike [`Op::Times`] this needs no more than
    /// the permission to write (`utimensat` with `UTIME_NOW`).
    Touch {
        /// Of which file; a link is followed.
        path: PathBuf,
    },
    /// Makes a symbolic link, replacing a file or link that is there, atomically.
    Symlink {
        /// The link.
        path: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// Makes a hard link, replacing a file that is there, atomically.
    Hardlink {
        /// The new name.
        path: PathBuf,
        /// The file.
        target: PathBuf,
    },
    /// Renames within a file system (or copies and removes across two).
    Rename {
        /// Old name.
        from: PathBuf,
        /// New name; what is there is replaced.
        to: PathBuf,
    },
    /// Removes a file, link or directory with all that is in it. Nothing there is no error.
    Remove {
        /// What.
        path: PathBuf,
    },
    /// Runs a command.
    Run {
        /// What to run.
        command: Command,
        /// What it does to the host, as far as the module can say.
        effect: Declared,
        /// A non-zero exit status fails the step (the module need not look).
        must_succeed: bool,
    },
    /// Sends an HTTP request that changes something, or fetches a body.
    Http {
        /// What to send.
        request: Request,
        /// Stream the body into this new temporary file (mode 0600) in place of the outcome.
        into: Option<PathBuf>,
        /// What it does to the host.
        effect: Declared,
    },
    /// Waits until a condition holds; the outcome says how long and whether it did.
    Wait {
        /// What for.
        until: Condition,
        /// Before the first look.
        delay: Duration,
        /// Between looks.
        sleep: Duration,
        /// At most.
        timeout: Duration,
    },
    /// Changes this machine in memory only (dry run and tests); performs nothing on a real host.
    /// For effects that come with another operation, such as a unit that a package starts.
    Declare(Vec<Effect>),
}

/// Owner and group of a file; absent parts are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// User name, or a uid in digits.
    pub user: Option<String>,
    /// Group name, or a gid in digits.
    pub group: Option<String>,
}

impl Op {
    /// The content that must be fetched for it.
    pub fn blob(&self) -> Option<&Blob> {
        match self {
            Op::Write {
                content: Content::Blob(blob),
                ..
            } => Some(blob),
            _ => None,
        }
    }
}

impl Owner {
    /// True where nothing is to be set.
    pub fn is_empty(&self) -> bool {
        self.user.is_none() && self.group.is_none()
    }
}

/// The bytes of a file to be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Here they are.
    Bytes(Arc<[u8]>),
    /// Sent by the control side on demand.
    Blob(Blob),
    /// Only apply will tell (a template over an unknown value). Never performed on a real host.
    Unknown,
}

/// What a command does, as far as its module can tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Declared {
    /// Nobody can tell (`shell`): shown and counted as opaque in a dry run.
    Opaque,
    /// These things.
    Effects(Vec<Effect>),
}

/// One thing a command leaves behind, for the overlay and the fake host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// [`super::View::assumed`] answers with this value from now on. Keys: `package:NAME`
    /// (version or null), `service:NAME` (object), and whatever a module and its readers agree on.
    Assume(String, Json),
    /// A file is there with unknown content.
    File(PathBuf),
    /// A directory is there; what is in it is unknown.
    Dir(PathBuf),
    /// Nothing is there any more.
    Gone(PathBuf),
    /// From now on, whatever does not exist below this directory may exist (packages do that).
    MayFill(PathBuf),
    /// An account exists like this.
    User(User),
    /// An account is gone.
    NoUser(String),
    /// A group exists like this.
    Group(Group),
    /// A group is gone.
    NoGroup(String),
}

/// A condition to wait for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// Time only.
    Elapsed,
    /// Something accepts connections (and, with a pattern, sends matching text).
    PortOpen {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// Python regular expression for what is read.
        pattern: Option<String>,
        /// Per attempt.
        connect_timeout: Duration,
    },
    /// Nothing accepts connections.
    PortClosed {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// Per attempt.
        connect_timeout: Duration,
    },
    /// No established connection on a port but from these addresses.
    PortDrained {
        /// Address that is looked at.
        host: String,
        /// Port.
        port: u16,
        /// Peers that do not count.
        exclude: Vec<String>,
        /// TCP states that count as active (`ESTABLISHED`, `TIME_WAIT` ...).
        states: Vec<String>,
    },
    /// A path exists (and, with a pattern, the file holds matching text).
    PathPresent {
        /// Path.
        path: PathBuf,
        /// Python regular expression.
        pattern: Option<String>,
    },
    /// A path does not exist.
    PathAbsent {
        /// Path.
        path: PathBuf,
    },
}

/// What performing an operation brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done.
    Done,
    /// A command ran.
    Ran(Output),
    /// A server answered.
    Answered(Response),
    /// A wait ended.
    Waited {
        /// Whether the condition held in the end.
        met: bool,
        /// How long it took.
        elapsed: Duration,
        /// What the pattern matched: whole match, then groups.
        matched: Vec<Option<String>>,
    },
    /// A dry run cannot say.
    Unknown,
}
