//! Runs: from plays to steps on hosts, and from results back to variables.
//!
//! Each host goes through the play on its own thread. The control side renders and sends steps
//! ahead of their results for as long as nothing needs one ([`queue`]); hosts wait for each other
//! only where one could notice ([`barrier`]); events are put back into the order of tasks
//! ([`collect`]).

mod actions;
mod ad_hoc;
mod arguments;
mod ask_first;
mod background;
mod barrier;
mod become_user;
mod blobs;
mod cancel;
mod collect;
mod conclude;
mod connect;
mod context;
mod control;
mod costs;
mod delegation;
mod drawn;
mod earlier;
mod environment;
mod extra_vars;
mod fact_cache;
mod foresee;
mod forks;
mod handlers;
mod held;
mod host;
mod interrupt;
mod invocation;
mod keys;
mod layers;
mod listing;
mod lock;
mod loops;
mod magic;
mod options;
mod outbox;
mod patience;
mod pending;
mod play;
mod play_scope;
mod playbook;
mod plays;
mod prepare;
mod promises;
mod prompt;
mod queue;
pub mod record;
mod replay;
mod results;
mod retry;
mod run;
pub mod saved;
mod scope;
mod secrets;
mod serial;
mod session;
mod state;
mod step;
mod stream;
mod switches;
mod tags;
mod task;
mod trust;
mod unit;
mod vars_files;
mod walk;

pub use drawn::Drawn;
pub use extra_vars::without_secrets;
pub use foresee::PlanFile;
pub use held::Held;
pub use listing::{Listing, list};
pub use lock::Lock;
pub use options::{AdHoc, BecomeOptions, Options};
pub use playbook::run;
pub use prompt::ask;
pub use replay::{Once, Replay};
pub use secrets::collect as vault_secrets;
pub use tags::Tags;
pub use trust::{Trusted, trust};
