//! Variables: where they come from, which of them wins, and what a template sees.

mod scope;

pub use scope::{Scope, SharedScope, over};
