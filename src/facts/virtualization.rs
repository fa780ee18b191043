//! `virtualization_*`: what the host runs in, and what it could run.

use super::source::Source;
use super::{Facts, dmi};
use serde_json::json;

/// What was found, the first find being the type.
#[derive(Default)]
struct Found {
    kind: Option<(String, &'static str)>,
    guest: Vec<String>,
    host: Vec<String>,
}

impl Found {
    fn guest(&mut self, tech: &str, kind: &str) {
        if !self.guest.iter().any(|t| t == tech) {
            self.guest.push(tech.to_owned());
        }
        self.kind.get_or_insert_with(|| (kind.to_owned(), "guest"));
    }

    fn host(&mut self, tech: &str) {
        if !self.host.iter().any(|t| t == tech) {
            self.host.push(tech.to_owned());
        }
        self.kind.get_or_insert_with(|| (tech.to_owned(), "host"));
    }
}

pub(super) fn gather(source: &Source) -> Facts {
    let mut found = Found::default();
    containers(source, &mut found);
    firmware(source, &mut found);
    processor(source, &mut found);
    hypervisor(source, &mut found);
    let (kind, role) = found.kind.unwrap_or_else(|| ("NA".to_owned(), "NA"));
    Facts::from_iter([
        ("virtualization_type".to_owned(), json!(kind)),
        ("virtualization_role".to_owned(), json!(role)),
        ("virtualization_tech_guest".to_owned(), json!(found.guest)),
        ("virtualization_tech_host".to_owned(), json!(found.host)),
    ])
}

fn containers(source: &Source, found: &mut Found) {
    let mark = |found: &mut Found, tech: &str, kind: &str| {
        found.guest(tech, kind);
        found.guest("container", kind);
    };
    if source.exists("/.dockerenv") || source.exists("/.dockerinit") {
        mark(found, "docker", "docker");
    }
    let groups = ["/proc/self/cgroup", "/proc/1/cgroup"];
    for line in groups
        .iter()
        .filter_map(|p| source.text(p))
        .flat_map(|t| lines(&t))
    {
        if line.contains("/docker/") || line.contains("/docker-") {
            mark(found, "docker", "docker");
        } else if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            mark(found, "lxc", "lxc");
        } else if line.contains("/system.slice/containerd.service") {
            mark(found, "containerd", "containerd");
        }
    }
    let environment = source.text("/proc/1/environ").unwrap_or_default();
    let named = environment
        .split('\0')
        .find_map(|v| v.strip_prefix("container="));
    match named {
        Some("") | None => {}
        Some(tech @ ("lxc" | "podman" | "docker")) => mark(found, tech, tech),
        Some(tech) => mark(found, tech, "container"),
    }
    if let Some(tech) = source.line("/run/systemd/container") {
        mark(found, &tech, "container");
    }
    if source.exists("/proc/vz") && !source.exists("/proc/lve") {
        match source.exists("/proc/bc") {
            true => found.host("openvz"),
            false => found.guest("openvz", "openvz"),
        }
    }
    let status = source.text("/proc/self/status").unwrap_or_default();
    let vserver = status.lines().find_map(|l| l.strip_prefix("VxID:"));
    match vserver.map(str::trim) {
        Some("0") => found.host("linux_vserver"),
        Some(_) => found.guest("linux_vserver", "linux_vserver"),
        None => {}
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn firmware(source: &Source, found: &mut Found) {
    if source.exists("/proc/xen") {
        let capabilities = source.text("/proc/xen/capabilities").unwrap_or_default();
        match capabilities.contains("control_d") {
            true => found.host("xen"),
            false => found.guest("xen", "xen"),
        }
    }
    let read = |file: &str| dmi::read(source, file).unwrap_or_default();
    let (product, vendor) = (read("product_name"), read("sys_vendor"));
    if let Some(tech) = by_firmware(
        &product,
        &vendor,
        &read("bios_vendor"),
        &read("product_family"),
    ) {
        found.guest(tech, tech);
    }
}

/// Names that hypervisors give the machines they show.
fn by_firmware(product: &str, vendor: &str, bios: &str, family: &str) -> Option<&'static str> {
    const KVM_VENDORS: [&str; 8] = [
        "QEMU",
        "Amazon EC2",
        "DigitalOcean",
        "Hetzner",
        "Google",
        "Scaleway",
        "Nutanix",
        "Linode",
    ];
    if product.starts_with("VMware") {
        return Some("VMware");
    }
    if matches!(product, "OpenStack Compute" | "OpenStack Nova") || vendor == "OpenStack Foundation"
    {
        return Some("openstack");
    }
    if bios == "Xen" {
        return Some("xen");
    }
    if matches!(bios, "innotek GmbH") || vendor == "innotek GmbH" || product == "VirtualBox" {
        return Some("virtualbox");
    }
    if product == "RHEV Hypervisor" || (vendor == "Red Hat" && family == "RHV") {
        return Some("RHEV");
    }
    if vendor == "oVirt" {
        return Some("oVirt");
    }
    if vendor == "Microsoft Corporation" && product == "Virtual Machine" {
        return Some("VirtualPC");
    }
    if vendor.starts_with("Parallels") {
        return Some("parallels");
    }
    if matches!(product, "KVM" | "KVM Server" | "Bochs" | "AHV") || KVM_VENDORS.contains(&vendor) {
        return Some("kvm");
    }
    if vendor == "Red Hat" || product.starts_with("Standard PC") {
        return Some("kvm");
    }
    None
}

fn processor(source: &Source, found: &mut Found) {
    let text = source.text("/proc/cpuinfo").unwrap_or_default();
    let says = |name: &str, part: &str| {
        let mut pairs = text.lines().filter_map(|l| l.split_once(':'));
        pairs.any(|(n, value)| n.trim() == name && value.contains(part))
    };
    if says("model name", "QEMU Virtual CPU") {
        found.guest("kvm", "kvm");
    }
    if says("vendor_id", "User Mode Linux") || says("model name", "UML") {
        found.guest("uml", "uml");
    }
    if says("machine", "emulated by qemu") {
        found.guest("kvm", "kvm");
    }
    if says("vendor_id", "IBM/S390") {
        found.guest("PR/SM", "PR/SM");
    }
}

fn hypervisor(source: &Source, found: &mut Found) {
    let modules = source.text("/proc/modules").unwrap_or_default();
    let loaded = |name: &str| modules.lines().any(|l| l.split(' ').next() == Some(name));
    // Inside a guest `kvm` may be loaded too: then it is a host's ability, not the type.
    if source.exists("/dev/kvm") || loaded("kvm") {
        found.host("kvm");
    }
    if loaded("vboxdrv") {
        found.host("virtualbox");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_names() {
        assert_eq!(
            by_firmware("Standard PC (i440FX + PIIX, 1996)", "QEMU", "SeaBIOS", ""),
            Some("kvm")
        );
        assert_eq!(
            by_firmware("VMware7,1", "VMware, Inc.", "", ""),
            Some("VMware")
        );
        assert_eq!(
            by_firmware("VirtualBox", "innotek GmbH", "innotek GmbH", ""),
            Some("virtualbox")
        );
        assert_eq!(
            by_firmware("OpenStack Nova", "OpenStack Foundation", "", ""),
            Some("openstack")
        );
        assert_eq!(
            by_firmware("PowerEdge R640", "Dell Inc.", "Dell Inc.", ""),
            None
        );
    }

    #[test]
    fn the_first_find_is_the_type() {
        let mut found = Found::default();
        found.guest("docker", "docker");
        found.guest("container", "docker");
        found.host("kvm");
        assert_eq!(found.kind, Some(("docker".to_owned(), "guest")));
        assert_eq!(found.host, ["kvm"]);
    }
}
