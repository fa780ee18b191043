//! Playbooks, roles and task files: from nodes to plays.

mod action;
pub mod ast;
mod block;
mod fields;
mod files;
mod imports;
pub mod keywords;
mod load;
#[path = "play.rs"]
mod one_play;
mod playbook;
mod role_files;
mod roles;
mod site;
pub mod split;
mod task;

pub use load::{
    LoadedRole, LoadedTasks, Loader, RoleUse, load_role, load_tasks, load_vars_file, parse_common,
};
