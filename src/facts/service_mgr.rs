//! `service_mgr`: what looks after services.

use super::source::Source;
use super::{Facts, Request};
use crate::sys::View;
use serde_json::json;

pub(super) fn gather(source: &Source) -> Facts {
    Facts::from_iter([("service_mgr".to_owned(), json!(name(source)))])
}

/// The service manager by Ansible's name (`systemd`, `sysvinit`, `openrc` ...).
pub fn manager(view: &dyn View) -> String {
    name(&Source::new(view, &Request::default()))
}

fn name(source: &Source) -> String {
    let init = source.line("/proc/1/comm").unwrap_or_default();
    match init.as_str() {
        "procd" => return "openwrt_init".to_owned(),
        "runit-init" => return "runit".to_owned(),
        "svscan" => return "svc".to_owned(),
        "openrc-init" => return "openrc".to_owned(),
        // A shell as process 1 is a container's and says nothing.
        "" | "init" => {}
        name if name.ends_with("sh") => {}
        name => return name.to_owned(),
    }
    by_files(source).to_owned()
}

fn by_files(source: &Source) -> &'static str {
    const BOOTED: [&str; 3] = ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"];
    let systemctl = source.which("systemctl").is_some();
    if systemctl && BOOTED.iter().any(|p| source.exists(p)) {
        "systemd"
    } else if source.exists("/sbin/initctl") && source.exists("/etc/init") {
        "upstart"
    } else if source.exists("/sbin/openrc") {
        "openrc"
    } else if systemctl && source.link_name("/sbin/init").as_deref() == Some("systemd") {
        "systemd"
    } else if source.exists("/etc/init.d") {
        "sysvinit"
    } else {
        "service"
    }
}

/// `systemd`: version and compiled-in features, where systemd runs the host. Only the program
/// itself knows them.
pub(super) fn systemd(source: &Source) -> Facts {
    if name(source) != "systemd" {
        return Facts::new();
    }
    let output = source.query(&["systemctl", "--version"]);
    let text = output.map(|o| o.text()).unwrap_or_default();
    Facts::from_iter(version(&text).map(|fact| ("systemd".to_owned(), fact)))
}

fn version(text: &str) -> Option<serde_json::Value> {
    let mut lines = text.lines();
    let number = lines.next()?.split_whitespace().nth(1)?;
    let features = lines.collect::<Vec<_>>().join(" ");
    Some(json!({"version": number.parse::<u32>().ok()?, "features": features.trim()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_version() {
        let text = "systemd 252 (252.39-1~deb12u2)\n+PAM -GNUTLS default-hierarchy=unified\n";
        assert_eq!(
            version(text),
            Some(json!({"version": 252, "features": "+PAM -GNUTLS default-hierarchy=unified"}))
        );
        assert_eq!(version(""), None);
    }
}
