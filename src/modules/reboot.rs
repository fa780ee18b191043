//! `reboot`: starts a host anew and waits for it.

use super::{Module, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Restarts a host and waits until it is there again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Seconds before the restart, in whole minutes; less than 60 is none.
    #[serde(default)]
    pre_reboot_delay: i64,
    /// Seconds after the restart before the host is looked at.
    #[serde(default)]
    post_reboot_delay: i64,
    /// Seconds at most until the host is there, and again until it is ready.
    #[serde(default = "timeout")]
    reboot_timeout: i64,
    /// Seconds for one attempt to connect.
    connect_timeout: Option<i64>,
    /// Command that succeeds once the host is ready.
    #[serde(default = "test")]
    test_command: String,
    /// What users of the host are told.
    #[serde(default = "message")]
    msg: String,
    /// Directories with the command that restarts.
    #[serde(default = "paths")]
    search_paths: Vec<String>,
    /// Command whose output differs from start to start.
    #[serde(default = "boot_id")]
    boot_time_command: String,
    /// Command that restarts the host.
    reboot_command: Option<String>,
}

fn timeout() -> i64 {
    600
}

fn test() -> String {
    "whoami".to_owned()
}

fn message() -> String {
    "Reboot initiated by Ansible".to_owned()
}

fn boot_id() -> String {
    "cat /proc/sys/kernel/random/boot_id".to_owned()
}

fn paths() -> Vec<String> {
    let paths = ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"];
    paths.map(str::to_owned).to_vec()
}

/// The module.
pub struct Reboot;

impl Module for Reboot {
    const NAME: &'static str = "reboot";
    const FQCN: &'static str = "ansible.builtin.reboot";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
