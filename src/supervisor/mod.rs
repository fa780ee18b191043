//! supervisord and supervisorctl: the surface of supervisor 4.3.0, and what it lacks.

pub mod adopt; // processes from daemon to daemon
pub mod berths; // low descriptors for new processes
mod capture; // tagged output
mod cgroup; // memory limits
mod clients; // of the servers
pub mod config; // the INI files
pub mod converge; // new definitions for running groups
pub mod ctl; // supervisorctl
pub mod daemon; // supervisord itself
pub mod events; // event types
mod fcgi; // shared sockets
pub mod flags; // supervisord's command line
mod getopt; // command lines
pub mod group; // the running groups
pub mod http; // the servers
pub mod image; // what a forked copy becomes
pub mod keep; // the file of the daemon's children
pub mod life; // what a process does
mod listen; // the servers' sockets
pub mod listeners; // events to listeners
pub mod logs; // log files
pub mod mainlog; // the daemon's own log
mod memory; // the daemon's own
pub mod metrics; // /metrics
mod orphans; // of a container
pub mod outlet; // where output goes
pub mod pool; // the listeners' protocol
pub mod probe; // one look at a process
pub mod proc; // the life of a process
pub mod proclogs; // the logs of processes
pub mod record; // what is remembered of a process
pub mod rpc; // XML-RPC
mod setup; // limits, user, background
mod spare; // descriptors kept back
pub mod spawn; // fork and exec
mod stat; // a process in the kernel's words
mod streams; // the children's pipes
mod syslog; // the system log
pub mod tap; // lines on their way to the log
pub mod tree; // all that a process started
pub mod trial; // a daemon for tests
pub mod update; // what an update does
pub mod watch; // readiness and liveness
mod web; // the page

pub use ctl::supervisorctl_main;
pub use daemon::supervisord_main;
