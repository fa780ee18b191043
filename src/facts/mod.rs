//! Facts about a host, one file per family, with Ansible's names and values.
//!
//! Everything that a file can tell is read through the [`View`]; the few things that only a system
//! call knows are in [`kernel`]. No process is started for what a file can tell.

mod cmdline;
mod date_time;
mod devices;
mod distribution;
mod dmi;
mod dns;
mod gxdeploy;
mod kernel;
mod load;
mod local;
mod lsb;
mod memory;
mod mounts;
mod network;
mod pkg_mgr;
mod platform;
mod processor;
mod python;
mod security;
mod service_mgr;
mod source;
mod ssh_keys;
mod storage;
mod subset;
mod user;
mod virtualization;

pub use pkg_mgr::manager as package_manager;
pub use service_mgr::manager as service_manager;

use crate::diag::Result;
use crate::sys::View;
use serde_json::{Map, Value as Json, json};
use source::Source;
use std::path::PathBuf;
use std::time::Duration;

/// Facts by name.
pub type Facts = Map<String, Json>;

/// What to gather.
#[derive(Clone, Debug)]
pub struct Request {
    /// Ansible's `gather_subset`: family or fact names, `!name` to leave out.
    pub subset: Vec<String>,
    /// Directory of local facts.
    pub fact_path: PathBuf,
    /// Limit for what may hang: a dead network mount.
    pub timeout: Duration,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            subset: vec!["all".to_owned()],
            fact_path: PathBuf::from("/etc/ansible/facts.d"),
            timeout: Duration::from_secs(10),
        }
    }
}

/// A group of facts that are gathered together.
struct Family {
    /// Its name in `gather_subset`.
    name: &'static str,
    /// Fact names by which it can also be asked for.
    facts: &'static [&'static str],
    /// Part of the minimum that is always gathered unless `!min` is given.
    minimal: bool,
    /// Families that come along when it is asked for by name.
    needs: &'static [&'static str],
    /// Gathers.
    gather: fn(&Source) -> Facts,
}

macro_rules! family {
    ($name:literal, $facts:expr, $minimal:expr, $needs:expr, $gather:expr) => {
        Family {
            name: $name,
            facts: $facts,
            minimal: $minimal,
            needs: $needs,
            gather: $gather,
        }
    };
}

/// All families (names and grouping observed: ansible-core 2.19.14).
#[rustfmt::skip]
static FAMILIES: &[Family] = &[
    family!("platform", &["architecture", "kernel", "kernel_version", "machine", "machine_id", "python_version", "system"], true, &[], platform::gather),
    family!("distribution", &["distribution_major_version", "distribution_release", "distribution_version", "os_family"], true, &[], distribution::gather),
    family!("python", &[], true, &[], python::gather),
    family!("user", &["effective_group_ids", "effective_user_id", "real_user_id", "user_dir", "user_gecos", "user_gid", "user_id", "user_shell", "user_uid"], true, &[], user::gather),
    family!("env", &[], true, &[], user::environment),
    family!("date_time", &[], true, &[], date_time::gather),
    family!("service_mgr", &[], true, &[], service_mgr::gather),
    family!("systemd", &[], true, &[], service_mgr::systemd),
    family!("pkg_mgr", &[], true, &[], pkg_mgr::gather),
    family!("lsb", &[], true, &[], lsb::gather),
    family!("selinux", &[], true, &[], security::selinux),
    family!("apparmor", &[], true, &[], security::apparmor),
    family!("fips", &[], true, &[], security::fips),
    family!("caps", &["system_capabilities", "system_capabilities_enforced"], true, &[], security::capabilities),
    family!("cmdline", &[], true, &[], cmdline::gather),
    family!("dns", &[], true, &[], dns::gather),
    family!("local", &[], true, &[], local::gather),
    family!("ssh_pub_keys", &["ssh_host_key_dsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public", "ssh_host_key_rsa_public", "ssh_host_pub_keys"], true, &[], ssh_keys::gather),
    family!("network", &["all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"], false, &["platform", "distribution"], network::gather),
    family!("hardware", &["devices", "mounts", "processor", "processor_cores", "processor_count"], false, &["platform"], hardware),
    family!("virtual", &["virtualization_role", "virtualization_tech_guest", "virtualization_tech_host", "virtualization_type"], false, &[], virtualization::gather),
    family!("chroot", &["is_chroot"], false, &[], load::chroot),
    family!("loadavg", &[], false, &[], load::average),
    family!("fibre_channel_wwn", &[], false, &[], storage::fibre_channel),
    family!("iscsi", &[], false, &[], storage::iscsi),
    family!("nvme", &[], false, &[], storage::nvme),
    // Not one of Ansible's: a play sees by it that gxdeploy applies it, and finds the binary.
    family!("gxdeploy", &[], true, &[], gxdeploy::gather),
    // Other programs' facts: accepted, and empty where those programs are absent.
    family!("facter", &[], false, &[], |_| Facts::new()),
    family!("ohai", &[], false, &[], |_| Facts::new()),
];

/// Gathers facts. Names carry Ansible's prefix `ansible_`, as `setup` returns them; `gather_subset`
/// and `module_setup` are there without it.
///
/// # Errors
/// `bad-subset` for an unknown name in `gather_subset`. What cannot be read is left out, as a
/// missing fact is easier to handle than a failing `setup`.
pub fn gather(view: &dyn View, request: &Request) -> Result<Facts> {
    let chosen = subset::choose(&request.subset)?;
    let source = Source::new(view, request);
    let mut facts = Facts::new();
    for family in chosen {
        for (name, value) in (family.gather)(&source) {
            facts.insert(format!("ansible_{}", name.replace('-', "_")), value);
        }
    }
    facts.sort_keys();
    facts.insert("gather_subset".into(), json!(request.subset));
    facts.insert("module_setup".into(), json!(true));
    Ok(facts)
}

fn hardware(source: &Source) -> Facts {
    let parts = [
        memory::gather(source),
        processor::gather(source),
        dmi::gather(source),
        mounts::gather(source),
        devices::gather(source),
        load::uptime(source),
    ];
    parts.into_iter().flatten().collect()
}

/// Leaves only facts whose name, with or without `ansible_`, matches a shell pattern. No pattern
/// leaves all.
pub fn keep(facts: &mut Facts, patterns: &[String]) {
    let wanted = patterns.iter().filter(|p| !p.is_empty() && *p != "*");
    let patterns: Vec<glob::Pattern> = wanted.filter_map(|p| glob::Pattern::new(p).ok()).collect();
    if patterns.is_empty() {
        return;
    }
    facts.retain(|name, _| {
        let short = name.strip_prefix("ansible_").unwrap_or(name);
        patterns.iter().any(|p| p.matches(name) || p.matches(short))
    });
}
