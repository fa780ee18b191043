//! PostgreSQL servers, asked and told through the host's own `psql`.
//!
//! Statements go to its standard input and the password into its environment, so that no list of
//! processes shows either. What is read of a server comes as one JSON value.

mod login;
mod script;
mod session;
pub mod sql;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use login::Login;
pub use script::{Fault, Script};
pub use session::{Session, Statement, There, fingerprint, plain, refusal, told};

/// Whether there shall be something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum State {
    /// There shall be.
    #[default]
    Present,
    /// There shall not be.
    Absent,
}
