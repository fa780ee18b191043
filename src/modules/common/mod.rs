//! What several modules share.

pub mod apt; // dpkg's database, apt's lists and command lines
pub mod command; // commands and what they answer
pub mod command_line; // what command and shell share
pub mod dirs; // making directories
pub mod edit; // a file that is edited in place
pub mod file_attrs; // owner, group, mode and the like, and what results say of a file
pub mod file_facts; // what `stat` and `find` tell of a file
pub mod glob; // shell patterns over the files of a host
pub mod incoming; // a file whose content comes from the control side
pub mod local_time; // the host's clock as text
pub mod passwd; // shadow, group and login.defs
pub mod pgp; // keys
pub mod place; // a path as the user gave it and as it is
pub mod postgresql; // PostgreSQL servers, asked and told through psql
pub mod py_json; // JSON as Python writes it
pub mod ran; // what results tell of a command
pub mod selinux; // security contexts
pub mod text; // contents as text, whatever their encoding
pub mod unit; // services
pub mod web; // requests of uri and get_url
pub mod write; // planning to replace a file's content
