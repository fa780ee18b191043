//! gxdeploy: Ansible-style provisioning with a truthful dry run and a supervisord inside.
//!
//! Rooms, from low to high; `tests/layers.rs` keeps the walls (docs/design/design.md, section 4).

pub mod args; // loose arguments to typed ones
pub mod cli; // the command line, one file per verb
pub mod config; // ansible.cfg and ANSIBLE_* variables
pub mod diag; // messages to the user, and the texts they point into
pub mod facts; // what `setup` tells of a host
pub mod inventory; // hosts, groups, patterns
pub mod jinja; // templates
pub mod modules;
pub mod output; // what happens during a run, and who shows it
pub mod play;
pub mod sys; // the host: what is read (View), what is done (Op), and who does it
pub mod value; // the value every room speaks // one file per module: they only plan
pub mod vars; // variables and their precedence
pub mod vault; // ansible-vault
pub mod yaml; // YAML 1.1 with places // playbooks, roles, tasks
