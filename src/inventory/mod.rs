//! Hosts and groups, from INI, YAML, scripts, directories and host lists.

mod ini;
mod model;
mod pattern;
mod ranges;
mod read;
pub mod show;
mod vars_files;
mod yaml;

pub use model::{Data, Inventory};
pub use pattern::Selection;
pub use read::{Decryptor, Options, load};
pub use vars_files::file_vars;
