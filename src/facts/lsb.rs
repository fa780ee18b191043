//! `lsb`: what `lsb_release -a` or `/etc/lsb-release` says.

use super::distribution::assignments;
use super::source::Source;
use super::{Facts, distribution};
use serde_json::{Value as Json, json};

/// On Debian and its relatives `lsb_release` only repeats the files, so they are read in its place.
/// Absent program and file give an empty dict, as with Ansible.
pub(super) fn gather(source: &Source) -> Facts {
    let program = source.which("lsb_release");
    let file = source
        .text("/etc/lsb-release")
        .map(|text| assignments(&text));
    let os = assignments(&source.text("/etc/os-release").unwrap_or_default());
    let lsb = match (&program, &file) {
        (_, Some(file)) => pick(
            |key| file.get(&format!("DISTRIB_{key}")).cloned(),
            ["ID", "DESCRIPTION", "RELEASE", "CODENAME"],
        ),
        (Some(_), None) if distribution::family(source) == "Debian" => {
            let mut lsb = pick(
                |key| os.get(key).cloned(),
                ["ID", "PRETTY_NAME", "VERSION_ID", "VERSION_CODENAME"],
            );
            if os.get("ID").is_some_and(|id| id == "debian") {
                lsb.insert("id".into(), json!("Debian"));
            }
            lsb
        }
        (Some(program), None) => asked(source, &program.to_string_lossy()),
        (None, None) => Facts::new(),
    };
    Facts::from_iter([("lsb".to_owned(), Json::Object(lsb))])
}

/// The four values under the keys of one source, and the major release.
fn pick(get: impl Fn(&str) -> Option<String>, keys: [&str; 4]) -> Facts {
    let mut lsb = Facts::new();
    for (name, key) in ["id", "description", "release", "codename"]
        .iter()
        .zip(keys)
    {
        if let Some(value) = get(key) {
            lsb.insert((*name).to_owned(), json!(value));
        }
    }
    if let Some(release) = lsb.get("release").and_then(Json::as_str) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        lsb.insert("major_release".into(), json!(major));
    }
    lsb
}

fn asked(source: &Source, program: &str) -> Facts {
    let Some(output) = source.query(&[program, "-a"]).filter(|o| o.ok()) else {
        return Facts::new();
    };
    let text = output.text();
    let get = |key: &str| {
        let line = text
            .lines()
            .find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    };
    pick(
        get,
        ["Distributor ID", "Description", "Release", "Codename"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_file() {
        let file = assignments(
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04.3 LTS\"\n",
        );
        let lsb = pick(
            |key| file.get(&format!("DISTRIB_{key}")).cloned(),
            ["ID", "DESCRIPTION", "RELEASE", "CODENAME"],
        );
        assert_eq!(
            Json::Object(lsb),
            json!({"id": "Ubuntu", "description": "Ubuntu 22.04.3 LTS", "release": "22.04", "codename": "jammy", "major_release": "22"})
        );
    }
}
