//! supervisord and supervisorctl: the surface of supervisor 4.3.0, and what it lacks.

pub mod config; // the INI files
pub mod events; // event types
pub mod logs; // log files
pub mod proc; // the life of a process
pub mod rpc; // XML-RPC
pub mod spawn; // fork and exec
