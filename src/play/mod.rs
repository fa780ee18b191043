//! Playbooks, roles and task files: from nodes to plays.

mod action;
pub mod ast;
mod block;
pub mod check;
mod fields;
mod files;
mod imports;
pub mod keywords;
pub mod list;
mod load;
#[path = "play.rs"]
mod one_play;
mod playbook;
pub mod reserved;
mod role_files;
mod roles;
mod site;
pub mod split;
mod task;

pub use load::{
    LoadedRole, LoadedTasks, Loader, RoleUse, load_role, load_tasks, load_vars_file, parse_common,
};

#[cfg(test)]
mod tests;
