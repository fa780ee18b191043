//! supervisord and supervisorctl: the surface of supervisor 4.3.0, and what it lacks.

pub mod rpc; // XML-RPC
