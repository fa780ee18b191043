//! Why an evaluation stops: an error, an undefined variable, or something not known yet.
//!
//! Unknown values travel like exceptions. Whatever looks into one ([`super::obj::Obj`]'s accessors)
//! stops with [`Stop::Unknown`]; every expression catches that and becomes unknown itself. So no
//! operator, filter, test or function has to think of unknown values, and what does not look into
//! one stays known.

use crate::diag::{Diag, Span};
use std::rc::Rc;
use std::sync::Arc;

/// The result of everything inside the engine.
pub type Res<T> = std::result::Result<T, Stop>;

/// Why an evaluation stopped.
#[derive(Clone, Debug)]
pub enum Stop {
    /// It depends on something that only apply will tell; the text says on what.
    Unknown(Arc<str>),
    /// An undefined value was used.
    Undefined(Rc<Undef>),
    /// Anything else that is wrong.
    Fail(Box<Diag>),
    /// `{% break %}`, caught by its loop.
    Break,
    /// `{% continue %}`, caught by its loop.
    Continue,
}

/// What an undefined value stands for.
#[derive(Clone, Debug, Default)]
pub struct Undef {
    /// The message of the error that its use gives.
    pub message: String,
    /// The name of the variable, for `mandatory` and suggestions.
    pub name: Option<Arc<str>>,
    /// Where it was asked for.
    pub span: Span,
    /// A suggestion.
    pub help: Option<String>,
}

impl Undef {
    /// This undefined value as an error.
    pub fn diag(&self) -> Box<Diag> {
        let diag = Diag::error("undefined-variable", self.message.clone()).at(self.span, "");
        match &self.help {
            Some(help) => diag.help(help.clone()),
            None => diag,
        }
    }
}

impl Stop {
    /// An error of a template at work, with a message in Python's words where scripts could see it.
    pub fn fail(message: impl Into<String>) -> Stop {
        Stop::Fail(Diag::error("template-error", message))
    }

    /// The place of an error that has none yet.
    #[must_use]
    pub fn at(self, span: Span) -> Stop {
        match self {
            Stop::Fail(diag) => Stop::Fail(diag.at_if_none(span)),
            Stop::Undefined(undef) if undef.span.is_none() && !span.is_none() => {
                let mut undef = (*undef).clone();
                undef.span = span;
                Stop::Undefined(Rc::new(undef))
            }
            other => other,
        }
    }
}

impl From<Box<Diag>> for Stop {
    fn from(diag: Box<Diag>) -> Stop {
        Stop::Fail(diag)
    }
}
