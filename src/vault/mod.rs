//! ansible-vault envelopes and the secrets that open them.

mod envelope;
pub mod files;
mod secrets;

pub use envelope::{decrypt, encrypt, is_vaulted};
pub use secrets::{Secret, Secrets, from_file};
