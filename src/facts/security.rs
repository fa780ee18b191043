//! `selinux`, `apparmor`, `fips` and the capabilities of the process.

use super::Facts;
use super::source::Source;
use serde_json::json;

pub(super) fn selinux(source: &Source) -> Facts {
    let mut facts = Facts::new();
    facts.insert("selinux_python_present".into(), json!(true));
    let Some(enforcing) = source.number("/sys/fs/selinux/enforce") else {
        facts.insert("selinux".into(), json!({"status": "disabled"}));
        return facts;
    };
    let config = source.text("/etc/selinux/config").unwrap_or_default();
    let setting = |name: &str| {
        let found = config.lines().filter_map(|l| l.trim().split_once('='));
        let mut value = found
            .filter(|(n, _)| n.trim() == name)
            .map(|(_, v)| v.trim().to_lowercase());
        value.next_back().unwrap_or_else(|| "unknown".to_owned())
    };
    let version = source.number("/sys/fs/selinux/policyvers");
    facts.insert(
        "selinux".into(),
        json!({
            "status": "enabled",
            "mode": if enforcing == 1 { "enforcing" } else { "permissive" },
            "config_mode": setting("SELINUX"),
            "type": setting("SELINUXTYPE"),
            "policyvers": version.map_or(json!("unknown"), |v| json!(v)),
        }),
    );
    facts
}

pub(super) fn apparmor(source: &Source) -> Facts {
    let enabled = source.exists("/sys/kernel/security/apparmor");
    let status = if enabled { "enabled" } else { "disabled" };
    Facts::from_iter([("apparmor".to_owned(), json!({"status": status}))])
}

pub(super) fn fips(source: &Source) -> Facts {
    let enabled = source.number("/proc/sys/crypto/fips_enabled") == Some(1);
    Facts::from_iter([("fips".to_owned(), json!(enabled))])
}

/// `system_capabilities_enforced` is `"False"` where the process has them all. (ansible-core
/// splits the text of `capsh --print`, which newer versions of `capsh` print differently; here it
/// is always the list of names.)
pub(super) fn capabilities(source: &Source) -> Facts {
    let status = source.text("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|l| l.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let Some(effective) = effective else {
        return Facts::new();
    };
    let last = source.number("/proc/sys/kernel/cap_last_cap").unwrap_or(40);
    let all = (0..=last).all(|bit| effective >> bit & 1 == 1);
    let names: Vec<&str> = CAPABILITIES
        .iter()
        .enumerate()
        .filter(|(bit, _)| !all && effective >> bit & 1 == 1)
        .map(|(_, name)| *name)
        .collect();
    Facts::from_iter([
        ("system_capabilities".to_owned(), json!(names)),
        (
            "system_capabilities_enforced".to_owned(),
            json!(if all { "False" } else { "True" }),
        ),
    ])
}

/// By number, capabilities(7).
const CAPABILITIES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];
