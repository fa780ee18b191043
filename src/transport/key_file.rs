//! What can be told of a private key file without opening it.

use super::known_hosts::kind_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};

/// A private key file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFile {
    /// A passphrase is needed.
    pub encrypted: bool,
    /// The public key in SSH's wire format, where the file or the one beside it tells.
    pub public: Option<Vec<u8>>,
}

impl KeyFile {
    /// True for keys on a FIDO token.
    pub fn is_on_token(&self) -> bool {
        let public = self.public.as_deref().unwrap_or_default();
        kind_of(public).starts_with("sk-")
    }
}

/// Looks at a private key file and its `.pub`.
///
/// # Errors
/// It cannot be read.
pub fn look(path: &Path) -> std::io::Result<KeyFile> {
    let text = std::fs::read(path)?;
    let mut key = of(&String::from_utf8_lossy(&text));
    if key.public.is_none() {
        let text = std::fs::read_to_string(beside(path, ".pub")).unwrap_or_default();
        let word = text.split_whitespace().nth(1);
        key.public = word.and_then(|word| STANDARD.decode(word).ok());
    }
    Ok(key)
}

/// True if a certificate lies beside the key, which OpenSSH would show.
pub fn has_certificate(path: &Path) -> bool {
    beside(path, "-cert.pub").exists()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn of(text: &str) -> KeyFile {
    if !text.contains("BEGIN OPENSSH PRIVATE KEY") {
        let encrypted =
            text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED");
        return KeyFile {
            encrypted,
            public: None,
        };
    }
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(body.trim()).unwrap_or_default();
    openssh(&bytes).unwrap_or_default()
}

/// OpenSSH's own format: the cipher, the kind of derivation and its options, then the public keys.
fn openssh(bytes: &[u8]) -> Option<KeyFile> {
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let cipher = field(&mut rest)?;
    field(&mut rest)?;
    field(&mut rest)?;
    rest = rest.get(4..)?;
    let public = field(&mut rest)?.to_vec();
    Some(KeyFile {
        encrypted: cipher != b"none",
        public: Some(public),
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_at_checked(4)?;
    let len = u32::from_be_bytes(len.try_into().ok()?);
    let (field, after) = after.split_at_checked(usize::try_from(len).ok()?)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats() {
        assert!(of("-----BEGIN ENCRYPTED PRIVATE KEY-----\n").encrypted);
        assert!(of("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n").encrypted);
        assert!(!of("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n").encrypted);
        let mut bytes = b"openssh-key-v1\0".to_vec();
        let public = b"\0\0\0\x1ask-ssh-ed25519@openssh.comx";
        for part in [&b"aes256-ctr"[..], b"bcrypt", b"salt"] {
            bytes.extend((part.len() as u32).to_be_bytes());
            bytes.extend(part);
        }
        bytes.extend([0, 0, 0, 1]);
        bytes.extend((public.len() as u32).to_be_bytes());
        bytes.extend(public);
        let text = format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
            STANDARD.encode(&bytes)
        );
        let key = of(&text);
        assert!(key.encrypted && key.is_on_token(), "{key:?}");
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read(bytes: Vec<u8>, text in "(?s).{0,60}") {
            openssh(&bytes);
            let mut start = b"openssh-key-v1\0".to_vec();
            start.extend(bytes);
            openssh(&start);
            of(&text);
        }
    }
}
