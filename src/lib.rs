//! gxdeploy: Ansible-style provisioning with a truthful dry run and a supervisord inside.
//!
//! Rooms, from low to high; `tests/layers.rs` keeps the walls (docs/design/design.md, section 4).

// messages to the user, and the texts they point into
pub mod diag;

// the value every room speaks
pub mod value;

// the host: what is read (View), what is done (Op), and who does it
pub mod sys;

// supervisord and supervisorctl
pub mod supervisor;

// loose arguments to typed ones
pub mod args;

// one file per module: they only plan
pub mod modules;

// what `setup` tells of a host
pub mod facts;

// YAML 1.1 with places
pub mod yaml;

// ansible-vault
pub mod vault;

// ansible.cfg and ANSIBLE_* variables
pub mod config;

// hosts, groups, patterns
pub mod inventory;

// variables and their precedence
pub mod vars;

// templates
pub mod jinja;

// playbooks, roles, tasks
pub mod play;

// what the control side and an agent say to each other
pub mod wire;

// the host's side
pub mod agent;

// how an agent is reached
pub mod transport;

// what happens during a run, and who shows it
pub mod output;

// runs: plays, hosts, steps, results
pub mod exec;

// the command line, one file per verb
pub mod cli;
