//! Templates with Ansible's rules, over minijinja.

mod bridge;
mod errors;
mod eval;
mod filters;
mod function;
mod lookups;
mod sources;
mod syntax;
mod tests;

pub use eval::{Context, Engine};

/// Opens a vaulted variable.
pub type Decrypt = std::sync::Arc<dyn Fn(&str) -> crate::diag::Result<String> + Send + Sync>;
