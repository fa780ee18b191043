//! What `apt`, `package` and the repository modules share: dpkg's database, apt's lists, names with
//! versions, and apt-get's command line.

pub mod candidate;
pub mod deb;
pub mod dpkg;
pub mod install;
pub mod job;
pub mod lists;
pub mod spec;
pub mod version;
