//! Vault passwords: where they come from, and the texts that no output may show.

use super::envelope;
use crate::diag::{Diag, Exit, Result, reason};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The keys that are made from a password and a salt.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) cipher: [u8; 32],
    pub(super) mac: [u8; 32],
    pub(super) iv: [u8; 16],
}

/// A password with the vault id it belongs to.
pub struct Secret {
    /// `default`, or the label of `--vault-id label@source`.
    pub label: String,
    password: Vec<u8>,
    /// Deriving keys takes milliseconds, and a file is often opened more than once.
    derived: Mutex<HashMap<Vec<u8>, Keys>>,
}

/// Never shows the password.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl Secret {
    /// A secret from a password.
    pub fn new(label: &str, password: &str) -> Secret {
        Secret {
            label: label.to_owned(),
            password: password.trim().as_bytes().to_vec(),
            derived: Mutex::default(),
        }
    }

    pub(super) fn keys(&self, salt: &[u8]) -> Keys {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        derived
            .entry(salt.to_vec())
            .or_insert_with(|| {
                let mut bytes = [0u8; 80];
                pbkdf2::pbkdf2_hmac::<sha2::Sha256>(&self.password, salt, 10_000, &mut bytes);
                let mut keys = Keys {
                    cipher: [0; 32],
                    mac: [0; 32],
                    iv: [0; 16],
                };
                keys.cipher.copy_from_slice(&bytes[..32]);
                keys.mac.copy_from_slice(&bytes[32..64]);
                keys.iv.copy_from_slice(&bytes[64..]);
                keys
            })
            .clone()
    }
}

/// All secrets of a run. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    secrets: Arc<Vec<Secret>>,
    /// Texts that were decrypted.
    opened: Arc<RwLock<Vec<String>>>,
}

impl Secrets {
    /// From secrets in the order they are tried.
    pub fn new(secrets: Vec<Secret>) -> Secrets {
        Secrets {
            secrets: Arc::new(secrets),
            opened: Arc::default(),
        }
    }

    /// True without any secret.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Opens an envelope: the secret of its vault id first, then all others.
    ///
    /// # Errors
    /// `vault`: there is no secret, or none of them opens it.
    pub fn decrypt(&self, envelope: &str) -> Result<Vec<u8>> {
        let (text, _) = self.open(envelope)?;
        if let Ok(text) = std::str::from_utf8(&text) {
            self.note(text);
        }
        Ok(text)
    }

    /// As [`Secrets::decrypt`], and tells which secret opened it.
    pub(super) fn open(&self, envelope: &str) -> Result<(Vec<u8>, &Secret)> {
        if self.is_empty() {
            return Err(
                Diag::error("vault", "Attempting to decrypt but no vault secrets found")
                    .help("give the password with --vault-password-file or --ask-vault-pass"),
            );
        }
        let label = envelope::label(envelope).unwrap_or("default");
        let (first, others): (Vec<_>, Vec<_>) = self.secrets.iter().partition(|s| s.label == label);
        for secret in first.into_iter().chain(others) {
            if let Some(text) = envelope::decrypt(envelope, secret)? {
                return Ok((text, secret));
            }
        }
        Err(Diag::error(
            "vault",
            "Decryption failed (no vault secrets were found that could decrypt)",
        ))
    }

    /// The secret to encrypt with: that of the label, or the only one.
    ///
    /// # Errors
    /// `vault`: there is none, or a label is needed.
    pub fn to_encrypt(&self, label: Option<&str>) -> Result<&Secret> {
        let labels: Vec<&str> = self.secrets.iter().map(|s| s.label.as_str()).collect();
        if let Some(label) = label {
            let found = self.secrets.iter().find(|s| s.label == label);
            return found.ok_or_else(|| {
                let message = format!("there is no secret for the vault id `{label}`");
                Diag::error("vault", message).did_you_mean(label, labels)
            });
        }
        match &self.secrets[..] {
            [] => Err(Diag::error("vault", "A vault password is required to use Ansible's Vault")),
            [only] => Ok(only),
            [first, others @ ..] if others.iter().all(|s| s.label == first.label) => Ok(first),
            _ => Err(Diag::error(
                "vault",
                format!(
                    "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                    labels.join(",")
                ),
            )
            .exit(Exit::Usage)),
        }
    }

    /// Opens the envelope of a variable.
    ///
    /// # Errors
    /// As [`Secrets::decrypt`].
    pub fn decrypt_text(&self, envelope: &str) -> Result<String> {
        let bytes = self.decrypt(envelope)?;
        String::from_utf8(bytes)
            .map_err(|_| Diag::error("vault", "the decrypted value is not UTF-8 text"))
    }

    fn note(&self, text: &str) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if !opened.iter().any(|known| known == text) {
            opened.push(text.to_owned());
        }
    }

    /// All texts that were decrypted: values, and whole files.
    pub fn opened(&self) -> Vec<String> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }
}

/// Reads a password file: its content, or what it prints if it is executable.
///
/// # Errors
/// `vault`: it cannot be read or fails, or the password is empty.
pub fn from_file(label: &str, path: &Path) -> Result<Secret> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |why: String| {
        Diag::error(
            "vault",
            format!(
                "cannot get the vault password from {}: {why}",
                path.display()
            ),
        )
    };
    let meta = std::fs::metadata(path).map_err(|e| failed(reason(&e)))?;
    let text = if meta.permissions().mode() & 0o111 != 0 {
        let program = path.canonicalize().map_err(|e| failed(reason(&e)))?;
        let mut command = std::process::Command::new(program);
        let client = path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("-client"));
        if client {
            command.args(["--vault-id", label]);
        }
        let output = command.output().map_err(|e| failed(reason(&e)))?;
        if !output.status.success() {
            return Err(failed(format!("it ended with {}", output.status)));
        }
        output.stdout
    } else {
        std::fs::read(path).map_err(|e| failed(reason(&e)))?
    };
    let text = String::from_utf8(text).map_err(|_| failed("it is not text".to_owned()))?;
    if text.trim().is_empty() {
        return Err(failed("it is empty".to_owned()));
    }
    Ok(Secret::new(label, &text))
}
