//! XML-RPC as supervisord speaks it: the wire format, the methods, and a client.

pub mod client;
mod config_info;
pub mod fault;
mod help;
pub mod methods;
mod more;
pub mod xml;

pub use fault::Fault;
