//! What the user or the world did wrong, said so that it can be put right.
//!
//! A [`Diag`] carries a stable code, one sentence, the places it is about and, where there is one,
//! a suggestion. It is plain data: it crosses the wire from an agent and is rendered on the control
//! side, where the texts are. Panics are bugs and nothing else.

mod exit;
mod render;
mod span;
mod suggest;

pub use exit::Exit;
pub use render::render;
pub use span::{Source, SourceMap, Span};
pub use suggest::nearest;

use serde::{Deserialize, Serialize};

/// How bad a [`Diag`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Work goes on.
    Warning,
    /// The step, host or run fails.
    Error,
}

/// A place a [`Diag`] is about, with a few words on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The text pointed at.
    pub span: Span,
    /// What is to be said of it; may be empty.
    pub text: String,
}

/// One message to the user. `Box`ed inside [`Result`], since it is large and seldom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diag {
    /// Severity.
    pub level: Level,
    /// Stable identifier in kebab-case, such as `unknown-option`: what a test or a script matches.
    pub code: String,
    /// One sentence, no full stop, no file name (the label has it).
    pub message: String,
    /// The first label is the primary one (caret); the others are context.
    pub labels: Vec<Label>,
    /// What was being done, outermost first, in ansible-core's words: it stands before the message
    /// where results and output are to read as its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doing: Vec<String>,
    /// Facts that help to understand, one line each.
    pub notes: Vec<String>,
    /// What to do about it, such as `did you mean "owner"?`.
    pub help: Option<String>,
    /// The module option it is about, where a host found the error: the control side knows its
    /// place.
    pub option: Option<String>,
    /// Further keys of the failed step's result (`rc`, `stderr` ...).
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub data: serde_json::Map<String, serde_json::Value>,
    /// The process exit code this error leads to if it ends the run.
    pub exit: Exit,
}

/// The result type of everything that can fail because of the user or the world.
pub type Result<T, E = Box<Diag>> = std::result::Result<T, E>;

impl Diag {
    /// An error with exit code [`Exit::Failed`].
    pub fn error(code: &str, message: impl Into<String>) -> Box<Diag> {
        Box::new(Diag {
            level: Level::Error,
            code: code.to_owned(),
            message: message.into(),
            labels: Vec::new(),
            doing: Vec::new(),
            notes: Vec::new(),
            help: None,
            option: None,
            data: serde_json::Map::new(),
            exit: Exit::Failed,
        })
    }

    /// A warning.
    pub fn warning(code: &str, message: impl Into<String>) -> Box<Diag> {
        let mut diag = Diag::error(code, message);
        diag.level = Level::Warning;
        diag
    }

    /// Adds a place; the first one added is the primary one. Empty spans are left out.
    #[must_use]
    pub fn at(mut self: Box<Self>, span: Span, text: impl Into<String>) -> Box<Self> {
        if !span.is_none() {
            self.labels.push(Label {
                span,
                text: text.into(),
            });
        }
        self
    }

    /// Adds a place only where the error has none yet: for callers that know where a value came
    /// from when the callee did not.
    #[must_use]
    pub fn at_if_none(self: Box<Self>, span: Span) -> Box<Self> {
        if self.labels.is_empty() {
            self.at(span, "")
        } else {
            self
        }
    }

    /// Says what was being done when it happened.
    #[must_use]
    pub fn doing(mut self: Box<Self>, what: impl Into<String>) -> Box<Self> {
        self.doing.insert(0, what.into());
        self
    }

    /// The message behind what was being done: `Error while resolving value for 'x': ...`.
    pub fn chain(&self) -> String {
        let parts = self.doing.iter().chain([&self.message]);
        parts.map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// Adds a line of explanation.
    #[must_use]
    pub fn note(mut self: Box<Self>, text: impl Into<String>) -> Box<Self> {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self: Box<Self>, text: impl Into<String>) -> Box<Self> {
        self.help = Some(text.into());
        self
    }

    /// `did you mean "x"?` where one of `known` is near `word`.
    #[must_use]
    pub fn did_you_mean<'a>(
        self: Box<Self>,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Box<Self> {
        match nearest(word, known) {
            Some(near) => self.help(format!("did you mean {near:?}?")),
            None => self,
        }
    }

    /// Names the module option it is about.
    #[must_use]
    pub fn about(mut self: Box<Self>, option: &str) -> Box<Self> {
        self.option = Some(option.to_owned());
        self
    }

    /// Adds a key to the result of the step that fails with this error.
    #[must_use]
    pub fn with(mut self: Box<Self>, key: &str, value: impl Into<serde_json::Value>) -> Box<Self> {
        self.data.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the exit code.
    #[must_use]
    pub fn exit(mut self: Box<Self>, exit: Exit) -> Box<Self> {
        self.exit = exit;
        self
    }

    /// An I/O error about a path: `cannot <verb> <path>: <reason>`.
    pub fn io(verb: &str, path: &std::path::Path, error: &std::io::Error) -> Box<Diag> {
        Diag::error(
            "io",
            format!("cannot {verb} {}: {}", path.display(), reason(error)),
        )
    }

    /// The primary place.
    pub fn span(&self) -> Span {
        self.labels.first().map_or(Span::NONE, |l| l.span)
    }
}

impl std::fmt::Display for Diag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diag {}

/// The words of an I/O error without Rust's `(os error N)`.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
