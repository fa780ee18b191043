//! supervisord and supervisorctl: the surface of supervisor 4.3.0, and what it lacks.

pub mod config; // the INI files
pub mod events; // event types
pub mod rpc; // XML-RPC
