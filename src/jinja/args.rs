//! The arguments of a call.

use super::env::Env;
use super::obj::Obj;
use super::stop::{Res, Stop};
use std::rc::Rc;
use std::sync::Arc;

/// Positional and keyword arguments. For filters and tests the first positional one is the input.
pub struct Args {
    /// The name of what is called, for errors.
    pub name: Arc<str>,
    /// Positional arguments.
    pub pos: Vec<Obj>,
    /// Keyword arguments.
    pub kw: Vec<(Arc<str>, Obj)>,
    /// Where variables and other filters come from.
    pub env: Rc<Env>,
}

impl Args {
    /// The arguments by parameter name; stops with a type error on too many or unknown ones.
    pub fn bind<const N: usize>(&self, names: [&str; N]) -> Res<[Option<Obj>; N]> {
        let mut bound: [Option<Obj>; N] = std::array::from_fn(|_| None);
        if self.pos.len() > N {
            return Err(Stop::fail(format!(
                "{}() takes at most {N} arguments ({} given)",
                self.name,
                self.pos.len()
            )));
        }
        for (slot, arg) in bound.iter_mut().zip(&self.pos) {
            *slot = Some(arg.clone());
        }
        for (key, arg) in &self.kw {
            match names.iter().position(|n| **n == **key) {
                Some(i) => bound[i] = Some(arg.clone()),
                None => {
                    return Err(Stop::fail(format!(
                        "{}() got an unexpected keyword argument '{key}'",
                        self.name
                    )));
                }
            }
        }
        Ok(bound)
    }

    /// A keyword argument.
    pub fn kwarg(&self, name: &str) -> Option<&Obj> {
        self.kw.iter().find(|(k, _)| &**k == name).map(|(_, v)| v)
    }

    /// The input of a filter or test.
    pub fn input(&self) -> Res<&Obj> {
        self.pos
            .first()
            .ok_or_else(|| Stop::fail(format!("{}() missing its first argument", self.name)))
    }

    /// The error of a missing argument.
    pub fn missing(&self, name: &str) -> Stop {
        Stop::fail(format!(
            "{}() missing 1 required positional argument: '{name}'",
            self.name
        ))
    }

    /// A failure of this filter, test or lookup.
    pub fn fail(&self, message: impl std::fmt::Display) -> Stop {
        Stop::fail(format!("{}: {message}", self.name))
    }

    /// Only the positional arguments after the input.
    pub fn rest(&self) -> &[Obj] {
        self.pos.get(1..).unwrap_or(&[])
    }

    /// The same keyword arguments for another call.
    pub fn with(&self, name: &str, pos: Vec<Obj>) -> Args {
        Args {
            name: name.into(),
            pos,
            kw: self.kw.clone(),
            env: self.env.clone(),
        }
    }
}
