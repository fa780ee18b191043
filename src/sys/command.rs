//! A command and what it answered.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A program with its arguments and surroundings. No shell is involved unless `argv` names one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working directory; the agent's own where absent.
    pub cwd: Option<PathBuf>,
    /// Variables set on top of the step's environment.
    pub env: BTreeMap<String, String>,
    /// Bytes for its standard input; empty input where absent.
    pub stdin: Option<Vec<u8>>,
    /// File mode creation mask.
    pub umask: Option<u32>,
    /// Account to run as, where it is not the agent's own (needs root).
    pub user: Option<String>,
}

impl Command {
    /// A command from its words.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Command {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Command::default()
        }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Command {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Command {
        self.cwd = Some(dir.into());
        self
    }

    /// Gives it input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Command {
        self.stdin = Some(bytes.into());
        self
    }
}

/// How a command ended and what it wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Exit status; minus the signal's number where one ended it, as Python counts.
    pub rc: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Start, seconds since the epoch.
    pub start: f64,
    /// End, seconds since the epoch.
    pub end: f64,
}

impl Output {
    /// True for exit status 0.
    pub fn ok(&self) -> bool {
        self.rc == 0
    }

    /// Standard output as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}
