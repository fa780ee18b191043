//! The host as modules see it and as the executor changes it.
//!
//! Modules read through [`View`] and return [`Op`]s; only a [`Host`] performs them. There are three
//! hosts: [`real`] (this machine), [`overlay`] (a dry run: effects land in memory, later reads see
//! them) and [`fake`] (tests). A new kind of effect is one variant of [`Op`]; the compiler then
//! asks for its meaning in each of them and in [`diff`].

pub mod account;
pub mod blobs;
pub mod command;
pub mod credentials;
pub mod diff;
pub mod digest;
pub mod execute;
pub mod fake;
pub mod http;
pub mod names;
pub mod naming;
pub mod op;
pub mod overlay;
pub mod path;
pub mod real;
pub mod stamp;
mod stat;
mod summary;
pub mod view;
pub mod watched;
pub mod words;

pub use account::{Group, User};
pub use blobs::{Blobs, MemoryBlobs};
pub use command::{Command, Output};
pub use digest::Algorithm;
pub use execute::{Done, execute};
pub use http::{Endpoint, Request, Response, Tls};
pub use op::{Content, Declared, Effect, Op, Outcome, Owner};
pub use real::RealHost;
pub use stamp::Stamp;
pub use stat::{FileKind, Stat};
pub use view::{Blob, Host, Known, View};
