//! What several modules share.

pub mod file_attrs; // owner, group, mode and the like, and what results say of a file
pub mod local_time; // the host's clock as text
pub mod place; // a path as the user gave it and as it is
pub mod selinux; // security contexts
pub mod write; // planning to replace a file's content
