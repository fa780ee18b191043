//! `python`: the interpreter that roles may ask about. gxdeploy itself needs none; where the host
//! has none, the facts are absent.

use super::Facts;
use super::source::Source;
use serde_json::json;

/// An interpreter and its version.
pub(super) struct Python {
    executable: &'static str,
    version: [u32; 3],
}

impl Python {
    /// `3.11.2`.
    pub fn version_text(&self) -> String {
        let [major, minor, micro] = self.version;
        format!("{major}.{minor}.{micro}")
    }
}

pub(super) fn gather(source: &Source) -> Facts {
    let Some(python) = find(source) else {
        return Facts::new();
    };
    let [major, minor, micro] = python.version;
    let fact = json!({
        "executable": python.executable,
        "has_sslcontext": true,
        "type": "cpython",
        "version": {"major": major, "minor": minor, "micro": micro, "releaselevel": "final", "serial": 0},
        "version_info": [major, minor, micro, "final", 0],
    });
    Facts::from_iter([("python".to_owned(), fact)])
}

/// The system's Python 3. Its version comes from the link and the package database; the program is
/// asked only where those cannot tell.
pub(super) fn find(source: &Source) -> Option<Python> {
    const PATHS: [&str; 2] = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let executable = PATHS.into_iter().find(|p| source.exists(p))?;
    let version = packaged(source, executable).or_else(|| asked(source, executable))?;
    Some(Python {
        executable,
        version,
    })
}

fn packaged(source: &Source, executable: &str) -> Option<[u32; 3]> {
    let real = source.resolve(executable);
    let name = real.file_name()?.to_string_lossy().into_owned();
    let status = source.text("/var/lib/dpkg/status")?;
    dpkg_version(&status, &format!("{name}-minimal"))
}

fn dpkg_version(status: &str, package: &str) -> Option<[u32; 3]> {
    let start = status.find(&format!("Package: {package}\n"))?;
    let stanza = status[start..].split("\n\n").next()?;
    let version = stanza.lines().find_map(|l| l.strip_prefix("Version: "))?;
    numbers(version)
}

fn asked(source: &Source, executable: &str) -> Option<[u32; 3]> {
    let output = source.query(&[executable, "-V"])?;
    numbers(output.text().trim().strip_prefix("Python ")?)
}

/// The first three numbers of `3.11.2-6+deb12u6`.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_from_the_package_database() {
        let status = "Package: python3.11\nVersion: 9.9.9\n\nPackage: python3.11-minimal\n\
                      Status: install ok installed\nVersion: 3.11.2-6+deb12u6\nDescription: x\n";
        assert_eq!(dpkg_version(status, "python3.11-minimal"), Some([3, 11, 2]));
        assert_eq!(dpkg_version(status, "python3.12-minimal"), None);
        assert_eq!(numbers("3.12.0rc1"), Some([3, 12, 0]));
        assert_eq!(numbers("3.13"), None);
    }
}
