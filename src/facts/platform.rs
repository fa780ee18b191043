//! `platform`: architecture, kernel and the host's own names.

use super::source::Source;
use super::{Facts, kernel, python};
use serde_json::json;

pub(super) fn gather(source: &Source) -> Facts {
    let mut facts = Facts::new();
    let machine = kernel::machine();
    let kernel = |file: &str| source.line(format!("/proc/sys/kernel/{file}"));
    let nodename = kernel("hostname").unwrap_or_default();
    let fqdn = full_name(source, &nodename);
    let bits = usize::BITS.to_string();
    facts.insert(
        "system".into(),
        json!(kernel("ostype").unwrap_or("Linux".into())),
    );
    facts.insert(
        "kernel".into(),
        json!(kernel("osrelease").unwrap_or_default()),
    );
    facts.insert(
        "kernel_version".into(),
        json!(kernel("version").unwrap_or_default()),
    );
    facts.insert("machine".into(), json!(machine));
    facts.insert("architecture".into(), json!(architecture(&machine)));
    facts.insert(
        "userspace_architecture".into(),
        json!(architecture(std::env::consts::ARCH)),
    );
    facts.insert("userspace_bits".into(), json!(bits));
    facts.insert("nodename".into(), json!(nodename));
    facts.insert("hostname".into(), json!(nodename.split('.').next()));
    facts.insert(
        "domain".into(),
        json!(fqdn.split_once('.').map_or("", |(_, d)| d)),
    );
    facts.insert("fqdn".into(), json!(fqdn));
    let ids = ["/var/lib/dbus/machine-id", "/etc/machine-id"];
    if let Some(id) = ids.iter().find_map(|p| source.line(p)) {
        facts.insert("machine_id".into(), json!(id));
    }
    if let Some(python) = python::find(source) {
        facts.insert("python_version".into(), json!(python.version_text()));
    }
    facts
}

/// The 32-bit x86 names are one to Ansible.
fn architecture(machine: &str) -> &str {
    match machine {
        "i486" | "i586" | "i686" | "x86" => "i386",
        other => other,
    }
}

/// Python's `socket.getfqdn`: the host name's address, then the first name with a dot that belongs
/// to that address, else its first name. A name server is asked only where `/etc/hosts` does not
/// have the name.
fn full_name(source: &Source, nodename: &str) -> String {
    let hosts = source.text("/etc/hosts").unwrap_or_default();
    if let Some(name) = in_hosts(&hosts, nodename) {
        return name;
    }
    let servers = source.text("/etc/resolv.conf").unwrap_or_default();
    let found = servers
        .lines()
        .any(|l| l.trim_start().starts_with("nameserver"));
    let found = found.then(|| kernel::resolve_name(nodename)).flatten();
    found.unwrap_or_else(|| nodename.to_owned())
}

fn in_hosts(hosts: &str, nodename: &str) -> Option<String> {
    let lines: Vec<Vec<&str>> = hosts
        .lines()
        .map(|l| {
            l.split('#')
                .next()
                .unwrap_or("")
                .split_whitespace()
                .collect()
        })
        .filter(|words: &Vec<&str>| words.len() > 1)
        .collect();
    let named = |words: &&Vec<&str>| words[1..].iter().any(|n| n.eq_ignore_ascii_case(nodename));
    let address = lines.iter().find(named)?[0];
    let names = &lines.iter().find(|words| words[0] == address)?[1..];
    let full = names.iter().find(|n| n.contains('.'));
    Some((*full.unwrap_or(&names[0])).to_owned())
}

#[cfg(test)]
mod tests {
    use super::in_hosts;

    #[test]
    fn full_name_as_python_finds_it() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 web1.example.org web1 # me\n";
        assert_eq!(in_hosts(hosts, "web1").as_deref(), Some("web1.example.org"));
        assert_eq!(in_hosts(hosts, "localhost").as_deref(), Some("localhost"));
        assert_eq!(
            in_hosts("127.0.0.1 localhost\n127.0.0.1 vm", "vm").as_deref(),
            Some("localhost")
        );
        assert_eq!(
            in_hosts("10.0.0.1 vm vm.lab", "vm").as_deref(),
            Some("vm.lab")
        );
        assert_eq!(in_hosts(hosts, "web2"), None);
    }
}
