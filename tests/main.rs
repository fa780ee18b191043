//! Tests of the whole: one binary, one file per theme.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input shall fail"
)]

mod ahead;
mod case;
mod compat;
mod connecting;
mod contents;
mod disconnect;
mod inventory;
mod kill;
mod lab;
mod laws;
mod layers;
mod login;
mod names;
mod pending;
mod plan_file;
mod precedence;
mod resume;
mod runs;
mod settings;
mod supervisor;
mod supervisor_abuse;
mod supervisor_container;
mod supervisor_daemon;
mod supervisor_more;
mod supervisor_replay;
mod supervisor_shell;
mod supervisor_web;
mod unknown;
mod web;
mod yaml;
