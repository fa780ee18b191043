//! PostgreSQL servers, asked and told through the host's own `psql`.
//!
//! Statements go to its standard input and the password into its environment, so that no list of
//! processes shows either. What is read of a server comes as one JSON value.

mod login;
mod script;
mod session;
pub mod sql;

pub use login::Login;
pub use script::{Fault, Script};
pub use session::{Session, There, fingerprint, refusal};
