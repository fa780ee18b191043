//! `distribution*` and `os_family`.

use super::Facts;
use super::source::Source;
use serde_json::json;
use std::collections::HashMap;

/// `os-release` as a dict: shell assignments, quotes removed.
pub(super) fn assignments(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once('=')?;
        let words = shell_words::split(value).ok();
        let value = words.map_or_else(|| value.to_owned(), |w| w.join(" "));
        (!name.starts_with('#')).then(|| (name.to_owned(), value))
    });
    pairs.collect()
}

pub(super) fn gather(source: &Source) -> Facts {
    let files = Files {
        os_release: source
            .text("/etc/os-release")
            .or_else(|| source.text("/usr/lib/os-release"))
            .unwrap_or_default(),
        debian_version: source.line("/etc/debian_version"),
        redhat_release: source.line("/etc/redhat-release"),
        centos_release: source.line("/etc/centos-release"),
        alpine_release: source.line("/etc/alpine-release"),
        arch_release: source.exists("/etc/arch-release"),
    };
    describe(&files)
}

/// The family alone, for other facts.
pub(super) fn family(source: &Source) -> String {
    let facts = gather(source);
    facts["os_family"].as_str().unwrap_or_default().to_owned()
}

#[derive(Default)]
struct Files {
    os_release: String,
    debian_version: Option<String>,
    redhat_release: Option<String>,
    centos_release: Option<String>,
    alpine_release: Option<String>,
    arch_release: bool,
}

/// What the files say, and which one said it.
#[derive(Default)]
struct Found {
    name: String,
    version: String,
    minor: Option<String>,
    release: String,
    path: &'static str,
    variety: &'static str,
    search: Option<&'static str>,
}

fn describe(files: &Files) -> Facts {
    let os = assignments(&files.os_release);
    let get = |key: &str| os.get(key).map_or("", String::as_str);
    let found = red_hat(files, &os)
        .or_else(|| debian(files, &os))
        .or_else(|| others(files, &os))
        .unwrap_or_else(|| Found {
            name: capitalized(if get("ID").is_empty() {
                "linux"
            } else {
                get("ID")
            }),
            version: get("VERSION_ID").to_owned(),
            release: codename(&os),
            path: "/etc/os-release",
            variety: "NA",
            ..Found::default()
        });
    let na = |text: String| {
        if text.is_empty() {
            "NA".to_owned()
        } else {
            text
        }
    };
    let major = found
        .version
        .split('.')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut facts = Facts::new();
    facts.insert("os_family".into(), json!(family_of(&found.name)));
    facts.insert("distribution".into(), json!(found.name));
    facts.insert("distribution_version".into(), json!(na(found.version)));
    facts.insert("distribution_release".into(), json!(na(found.release)));
    facts.insert("distribution_major_version".into(), json!(na(major)));
    if let Some(minor) = found.minor {
        facts.insert("distribution_minor_version".into(), json!(minor));
    }
    facts.insert("distribution_file_path".into(), json!(found.path));
    facts.insert("distribution_file_variety".into(), json!(found.variety));
    facts.insert("distribution_file_parsed".into(), json!(true));
    if let Some(search) = found.search {
        facts.insert("distribution_file_search_string".into(), json!(search));
    }
    facts
}

fn codename(os: &HashMap<String, String>) -> String {
    if let Some(name) = os.get("VERSION_CODENAME").or(os.get("UBUNTU_CODENAME")) {
        return name.clone();
    }
    let version = os.get("VERSION").map_or("", String::as_str);
    let inside = version
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    inside.map_or_else(String::new, |(name, _)| name.to_owned())
}

fn red_hat(files: &Files, os: &HashMap<String, String>) -> Option<Found> {
    let text = files.redhat_release.as_ref()?;
    let name = match os.get("ID").map_or("", String::as_str) {
        "rhel" => "RedHat".to_owned(),
        "ol" => "OracleLinux".to_owned(),
        "amzn" => "Amazon".to_owned(),
        _ if text.starts_with("Red Hat") => "RedHat".to_owned(),
        _ => text
            .split_whitespace()
            .next()
            .unwrap_or("RedHat")
            .to_owned(),
    };
    let mut version = os.get("VERSION_ID").cloned().unwrap_or_default();
    if let (true, Some(release)) = (name == "CentOS", &files.centos_release) {
        // `7.9.2009` counts as 7.9.
        let words = release.split_whitespace();
        let mut numbers = words.filter(|w| w.starts_with(|c: char| c.is_ascii_digit()));
        let full = numbers.next_back();
        let parts: Vec<&str> = full.unwrap_or(&version).split('.').take(2).collect();
        version = parts.join(".");
    }
    let minor = version.split_once('.').map(|(_, minor)| minor.to_owned());
    Some(Found {
        name,
        version,
        minor,
        release: codename(os),
        path: "/etc/redhat-release",
        variety: "RedHat",
        search: text.starts_with("Red Hat").then_some("Red Hat"),
    })
}

fn debian(files: &Files, os: &HashMap<String, String>) -> Option<Found> {
    let text = &files.os_release;
    let id = os.get("ID").map_or("", String::as_str);
    let name = match id {
        "debian" | "raspbian" => "Debian",
        "ubuntu" => "Ubuntu",
        "linuxmint" => "Linux Mint",
        "kali" => "Kali",
        "parrot" => "Parrot",
        "devuan" => "Devuan",
        "neon" => "KDE neon",
        "pop" => "Pop!_OS",
        "steamos" => "SteamOS",
        "uos" => "Uos",
        "deepin" => "Deepin",
        _ if text.contains("Ubuntu") => "Ubuntu",
        _ if text.contains("Debian") => "Debian",
        _ => return None,
    };
    let mut found = Found {
        name: name.to_owned(),
        version: os.get("VERSION_ID").cloned().unwrap_or_default(),
        release: codename(os),
        path: "/etc/os-release",
        variety: "Debian",
        ..Found::default()
    };
    if name == "Debian" {
        // The point release is in debian_version only.
        if let Some(version) = &files.debian_version {
            found.version = version.clone();
        }
        found.minor = found
            .version
            .split_once('.')
            .map(|(_, minor)| minor.to_owned());
    }
    Some(found)
}

fn others(files: &Files, os: &HashMap<String, String>) -> Option<Found> {
    let id = os.get("ID").map_or("", String::as_str);
    let version = os.get("VERSION_ID").cloned().unwrap_or_default();
    let like = os.get("ID_LIKE").map_or("", String::as_str);
    let found = |name: &str, version: String, path, variety| {
        Some(Found {
            name: name.to_owned(),
            version,
            release: codename(os),
            path,
            variety,
            ..Found::default()
        })
    };
    if let Some(version) = &files.alpine_release {
        return found("Alpine", version.clone(), "/etc/alpine-release", "Alpine");
    }
    if id == "arch" || files.arch_release {
        return found(
            "Archlinux",
            "rolling".to_owned(),
            "/etc/os-release",
            "Archlinux",
        );
    }
    if id == "amzn" {
        return found("Amazon", version, "/etc/os-release", "Amazon");
    }
    if id.contains("suse") || id.starts_with("sle") || like.contains("suse") {
        let name = os.get("NAME").cloned().unwrap_or_else(|| "SUSE".to_owned());
        return found(&name, version, "/etc/os-release", "SUSE");
    }
    if id == "gentoo" {
        return found("Gentoo", version, "/etc/gentoo-release", "Gentoo");
    }
    None
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// Which family a distribution belongs to; one of no family is its own.
fn family_of(name: &str) -> &str {
    const FAMILIES: &[(&str, &[&str])] = &[
        (
            "Debian",
            &[
                "Debian",
                "Ubuntu",
                "Raspbian",
                "Neon",
                "KDE neon",
                "Linux Mint",
                "SteamOS",
                "Devuan",
                "Kali",
                "Cumulus Linux",
                "Pop!_OS",
                "Parrot",
                "Pardus GNU/Linux",
                "Uos",
                "Deepin",
                "OSMC",
            ],
        ),
        (
            "RedHat",
            &[
                "RedHat",
                "RHEL",
                "Fedora",
                "CentOS",
                "Scientific",
                "OracleLinux",
                "Amazon",
                "AlmaLinux",
                "Rocky",
                "EuroLinux",
                "Virtuozzo",
                "CloudLinux",
                "openEuler",
                "TencentOS",
                "MIRACLE",
            ],
        ),
        ("Archlinux", &["Archlinux", "Antergos", "Manjaro"]),
    ];
    let lower = name.to_lowercase();
    if lower.contains("suse") || lower.starts_with("sle") {
        return "Suse";
    }
    let family = FAMILIES.iter().find(|(_, members)| members.contains(&name));
    family.map_or(name, |(family, _)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &Files) -> Vec<String> {
        let facts = describe(files);
        [
            "distribution",
            "distribution_version",
            "distribution_major_version",
            "distribution_release",
            "os_family",
        ]
        .iter()
        .map(|k| facts[*k].as_str().unwrap_or_default().to_owned())
        .collect()
    }

    #[test]
    fn debian_has_its_point_release() {
        let files = Files {
            os_release: "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n".into(),
            debian_version: Some("12.11".into()),
            ..Files::default()
        };
        assert_eq!(
            told(&files),
            ["Debian", "12.11", "12", "bookworm", "Debian"]
        );
        assert_eq!(describe(&files)["distribution_minor_version"], "11");
    }

    #[test]
    fn ubuntu_keeps_its_version_id() {
        let files = Files {
            os_release: "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n".into(),
            debian_version: Some("bookworm/sid".into()),
            ..Files::default()
        };
        assert_eq!(told(&files), ["Ubuntu", "22.04", "22", "jammy", "Debian"]);
    }

    #[test]
    fn red_hat_and_its_relatives() {
        let rocky = Files {
            os_release: "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nVERSION_ID=\"9.3\"\n".into(),
            redhat_release: Some("Rocky Linux release 9.3 (Blue Onyx)".into()),
            ..Files::default()
        };
        assert_eq!(told(&rocky), ["Rocky", "9.3", "9", "Blue Onyx", "RedHat"]);
        let centos = Files {
            os_release: "ID=\"centos\"\nVERSION=\"7 (Core)\"\nVERSION_ID=\"7\"\n".into(),
            redhat_release: Some("CentOS Linux release 7.9.2009 (Core)".into()),
            centos_release: Some("CentOS Linux release 7.9.2009 (Core)".into()),
            ..Files::default()
        };
        assert_eq!(told(&centos), ["CentOS", "7.9", "7", "Core", "RedHat"]);
    }

    #[test]
    fn alpine_and_unknown_ones() {
        let alpine = Files {
            os_release: "ID=alpine\nVERSION_ID=3.19.1\n".into(),
            alpine_release: Some("3.19.1".into()),
            ..Files::default()
        };
        assert_eq!(told(&alpine), ["Alpine", "3.19.1", "3", "NA", "Alpine"]);
        let none = Files {
            os_release: "ID=void\n".into(),
            ..Files::default()
        };
        assert_eq!(told(&none), ["Void", "NA", "NA", "NA", "Void"]);
    }
}
