//! `known_hosts`: whose key is whose (documented: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

use super::glob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// One line that names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    marker: Option<String>,
    hosts: String,
    /// `ssh-ed25519` ...
    kind: String,
    key: Vec<u8>,
    /// File and line.
    place: (PathBuf, usize),
}

/// All lines of some files.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
}

/// What the files say about a key that a host shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the host's.
    Known,
    /// Nothing is known of the host.
    Unknown,
    /// The host had another key; where that stands.
    Changed(PathBuf, usize),
    /// The key must not be used.
    Revoked,
}

impl KnownHosts {
    /// Reads files; one that is not there holds nothing.
    pub fn read(paths: &[PathBuf]) -> KnownHosts {
        let mut known = KnownHosts::default();
        for path in paths {
            if let Ok(bytes) = std::fs::read(path) {
                known.add(&String::from_utf8_lossy(&bytes), path);
            }
        }
        known
    }

    fn add(&mut self, text: &str, path: &Path) {
        let lines = text.lines().enumerate();
        self.entries.extend(lines.filter_map(|(number, line)| {
            let place = (path.to_owned(), number + 1);
            entry(line, place)
        }));
    }

    /// Whether a host may show a key. A host is known by a name as [`name`] makes it.
    pub fn check(&self, name: &str, key: &[u8]) -> Verdict {
        let mut verdict = Verdict::Unknown;
        let kind = kind_of(key);
        for entry in self.of(name) {
            match entry.marker.as_deref() {
                Some("@revoked") if entry.key == key => return Verdict::Revoked,
                Some(_) => {}
                None if entry.key == key => verdict = Verdict::Known,
                // A key of another kind says nothing: the host may have both.
                None if verdict == Verdict::Unknown && entry.kind == kind => {
                    let (path, line) = entry.place.clone();
                    verdict = Verdict::Changed(path, line);
                }
                None => {}
            }
        }
        verdict
    }

    /// The kinds of key that are known of a host, which should be asked for first.
    pub fn kinds(&self, name: &str) -> Vec<&str> {
        let mut kinds = Vec::new();
        for entry in self.of(name).filter(|e| e.marker.is_none()) {
            if !kinds.contains(&entry.kind.as_str()) {
                kinds.push(entry.kind.as_str());
            }
        }
        kinds
    }

    /// True if hosts of this name are vouched for by an authority, which takes certificates.
    pub fn by_authority(&self, name: &str) -> bool {
        let authority = |e: &Entry| e.marker.as_deref() == Some("@cert-authority");
        self.of(name).any(authority)
    }

    fn of(&self, name: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |e| names(&e.hosts, name))
    }
}

/// How a host is written in the file: with its port where that is not 22.
pub fn name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    match port {
        22 => host,
        port => format!("[{host}]:{port}"),
    }
}

/// A line for a host's key, its name hashed where that is wanted.
pub fn line(name: &str, key: &[u8], hashed: bool) -> String {
    let name = match hashed {
        true => hash(name, &rand::random::<[u8; 20]>()),
        false => name.to_owned(),
    };
    format!("{name} {} {}\n", kind_of(key), STANDARD.encode(key))
}

/// Adds lines to a file in one write, so that concurrent runs do not mix theirs.
///
/// # Errors
/// The file or its directory cannot be written.
pub fn append(path: &Path, lines: &str) -> io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let ends = std::fs::read(path).map_or(true, |text| text.is_empty() || text.ends_with(b"\n"));
    let mut options = File::options();
    let mut file = options.append(true).create(true).mode(0o600).open(path)?;
    let gap = if ends { "" } else { "\n" };
    file.write_all(format!("{gap}{lines}").as_bytes())
}

/// The kind of a key in SSH's wire format: its first field.
pub fn kind_of(key: &[u8]) -> String {
    let field = key.split_at_checked(4).and_then(|(len, rest)| {
        let len = u32::from_be_bytes(len.try_into().ok()?);
        rest.get(..usize::try_from(len).ok()?)
    });
    String::from_utf8_lossy(field.unwrap_or_default()).into_owned()
}

/// A key as `ssh-keygen -l` shows it.
pub fn fingerprint(key: &[u8]) -> String {
    use sha2::Digest;
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    format!("SHA256:{}", engine.encode(sha2::Sha256::digest(key)))
}

fn entry(line: &str, place: (PathBuf, usize)) -> Option<Entry> {
    let mut words = line.split_whitespace().peekable();
    let marker = words
        .next_if(|word| word.starts_with('@'))
        .map(str::to_owned);
    let hosts = words.next().filter(|word| !word.starts_with('#'))?;
    let kind = words.next()?.to_owned();
    let key = STANDARD.decode(words.next()?).ok()?;
    Some(Entry {
        marker,
        hosts: hosts.to_owned(),
        kind,
        key,
        place,
    })
}

fn names(hosts: &str, name: &str) -> bool {
    match hosts.strip_prefix("|1|") {
        Some(rest) => rest
            .split_once('|')
            .and_then(|(salt, _)| STANDARD.decode(salt).ok())
            .is_some_and(|salt| hash(name, &salt) == hosts),
        None => glob::any_of(hosts.split(','), name),
    }
}

fn hash(name: &str, salt: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else {
        return String::new();
    };
    mac.update(name.as_bytes());
    let sum = mac.finalize().into_bytes();
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(kind: &str, rest: &[u8]) -> Vec<u8> {
        let mut key = (kind.len() as u32).to_be_bytes().to_vec();
        key.extend(kind.as_bytes());
        key.extend(rest);
        key
    }

    fn known(text: &str) -> KnownHosts {
        let mut known = KnownHosts::default();
        known.add(text, Path::new("known_hosts"));
        known
    }

    #[test]
    fn verdicts() {
        let (a, b) = (key("ssh-ed25519", b"a"), key("ssh-ed25519", b"b"));
        let rsa = key("ssh-rsa", b"r");
        let text = format!("# mine\n\n{}", line("web1,10.0.0.1", &a, false));
        let hosts = known(&text);
        assert_eq!(hosts.check("web1", &a), Verdict::Known);
        assert_eq!(hosts.check("10.0.0.1", &a), Verdict::Known);
        assert_eq!(hosts.check("[web1]:2222", &a), Verdict::Unknown);
        assert_eq!(
            hosts.check("web1", &b),
            Verdict::Changed("known_hosts".into(), 3)
        );
        assert_eq!(hosts.check("web1", &rsa), Verdict::Unknown);
        assert_eq!(hosts.kinds("web1"), ["ssh-ed25519"]);
        let revoked = known(&format!(
            "@revoked * {}",
            &text[text.find("ssh-").unwrap()..]
        ));
        assert_eq!(revoked.check("web1", &a), Verdict::Revoked);
        let authority = text.replace("web1,", "@cert-authority web1,");
        assert!(known(&authority).by_authority("web1"));
        assert_eq!(known(&authority).check("web1", &a), Verdict::Unknown);
    }

    /// Observed: OpenSSH 9.2, `ssh-keygen -H` on a line for web1.example.org.
    #[test]
    fn hashed_names_are_openssh_s() {
        let salted = "|1|dYCDEGYp2SL4508gqaZphnovSxg=|9SS9s1ks/8ZGemMquSCpGb/jOjk=";
        assert!(names(salted, "web1.example.org"));
        assert!(!names(salted, "web2.example.org"));
        let a = key("ssh-ed25519", b"a");
        let text = line("web1", &a, true);
        assert!(text.starts_with("|1|") && !text.contains("web1"), "{text}");
        assert_eq!(known(&text).check("web1", &a), Verdict::Known);
        assert_eq!(known(&text).check("web2", &a), Verdict::Unknown);
    }

    #[test]
    fn lines_are_added_behind_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".ssh/known_hosts");
        append(&path, "a\n").unwrap();
        std::fs::write(&path, "a").unwrap();
        append(&path, "b\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read(text in "(?s).{0,200}", bytes: Vec<u8>) {
            known(&text).check("web1", &bytes);
        }

        #[test]
        fn a_key_that_was_added_is_known(
            host in "[a-zA-Z0-9.-]{1,20}", port in 1u16.., rest: Vec<u8>, hashed: bool, noise in "[a-z# |@\n]{0,40}",
        ) {
            let key = key("ssh-ed25519", &rest);
            let name = name(&host, port);
            let text = format!("{noise}\n{}", line(&name, &key, hashed));
            prop_assert_eq!(known(&text).check(&name, &key), Verdict::Known);
        }
    }
}
