//! YAML 1.1 as PyYAML reads and writes it, with the place of every node.

mod emit;
mod explain;
mod load;
mod resolve;

pub use emit::{Layout, dump, dump_shared};
pub use load::{Loaded, load, load_all};
