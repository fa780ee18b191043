//! `pkg_mgr`: which package manager the host has.

use super::source::Source;
use super::{Facts, Request, distribution};
use crate::sys::View;
use serde_json::json;

/// Programs that tell a package manager, by the name Ansible gives it.
const MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/microdnf", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/bin/pacman", "pacman"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/bin/opkg", "opkg"),
    ("/bin/opkg", "opkg"),
    ("/usr/sbin/swupd", "swupd"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/run/current-system/sw/bin/nix-env", "nix"),
];

pub(super) fn gather(source: &Source) -> Facts {
    Facts::from_iter([("pkg_mgr".to_owned(), json!(name(source)))])
}

/// The package manager by Ansible's name, `unknown` where there is none.
pub fn manager(view: &dyn View) -> String {
    name(&Source::new(view, &Request::default())).to_owned()
}

fn name(source: &Source) -> &'static str {
    let found: Vec<&str> = MANAGERS
        .iter()
        .filter(|(path, _)| source.exists(path))
        .map(|(_, name)| *name)
        .collect();
    // A Debian host with dnf installed is still managed with apt, and the other way round.
    let natural: &[&str] = match found.len() {
        0 => return "unknown",
        1 => &[],
        _ => match distribution::family(source).as_str() {
            "Debian" => &["apt"],
            "RedHat" => &["dnf5", "dnf", "yum"],
            "Suse" => &["zypper"],
            "Archlinux" => &["pacman"],
            _ => &[],
        },
    };
    let usual = natural.iter().find(|name| found.contains(name));
    usual.copied().unwrap_or(found[0])
}
