//! Playbooks, roles and task files: from nodes to plays.

pub mod ast;
pub mod keywords;
pub mod split;
