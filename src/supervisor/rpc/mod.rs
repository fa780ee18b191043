//! XML-RPC as supervisord speaks it: the wire format, the methods, and a client.

pub mod client;
mod config_info;
pub mod fault;
mod help;
mod info;
mod logfiles;
pub mod methods;
mod more;
mod operate;
pub mod xml;

pub use fault::Fault;
