//! What `ansible-vault` does with files and strings (observed: ansible-core 2.19.14).

use super::envelope::{encrypt, is_vaulted};
use super::secrets::{Secret, Secrets};
use crate::diag::{Diag, Result, reason};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Where a text comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file. It is replaced as a whole, and only its owner may read it.
    File(PathBuf),
    /// Standard input or output, written `-`.
    Stream,
}

impl Place {
    /// From a word of the command line.
    pub fn from_word(word: &str) -> Place {
        match word {
            "-" => Place::Stream,
            path => Place::File(path.into()),
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// `io`.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Place::File(path) => std::fs::read(path).map_err(|e| Diag::io("read", path, &e)),
            Place::Stream => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut bytes)
                    .map_err(|e| Diag::io("read", Path::new("standard input"), &e))?;
                Ok(bytes)
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// `io`.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        match self {
            Place::File(path) => replace(path, bytes),
            Place::Stream => {
                let mut out = std::io::stdout();
                out.write_all(bytes)
                    .and_then(|()| out.flush())
                    .map_err(|e| Diag::io("write", Path::new("standard output"), &e))
            }
        }
    }

    /// Adds the file's name to an error about its content.
    fn name(&self, diag: Box<Diag>) -> Box<Diag> {
        match self {
            Place::File(path) => diag.note(format!("in {}", path.display())),
            Place::Stream => diag,
        }
    }
}

/// A file that nobody else may read appears at once or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: &std::io::Error| Diag::io("write", path, e);
    // A link stays one: what it points at is replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let dir = match target.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| failed(&e))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|e| failed(&e))?;
    file.persist(&target).map_err(|e| failed(&e.error))?;
    Ok(())
}

/// Puts a text into an envelope with a fresh salt.
///
/// # Errors
/// Those of [`encrypt`].
pub fn seal(text: &[u8], secret: &Secret) -> Result<String> {
    let salt: [u8; 32] = rand::random();
    encrypt(text, secret, &salt)
}

/// Encrypts a file.
///
/// # Errors
/// `io`; `vault` where it is encrypted already.
pub fn encrypt_file(from: &Place, to: &Place, secret: &Secret) -> Result<()> {
    let text = from.read()?;
    if is_vaulted(&text) {
        return Err(from.name(Diag::error("vault", "input is already encrypted")));
    }
    to.write(seal(&text, secret)?.as_bytes())
}

/// The text in an encrypted file.
///
/// # Errors
/// `io`; `vault` where it is not encrypted or no secret opens it.
pub fn view(from: &Place, secrets: &Secrets) -> Result<Vec<u8>> {
    open(from, secrets).map(|(text, _)| text)
}

fn open<'a>(from: &Place, secrets: &'a Secrets) -> Result<(Vec<u8>, &'a Secret)> {
    let bytes = from.read()?;
    let envelope = String::from_utf8(bytes)
        .ok()
        .filter(|t| is_vaulted(t.as_bytes()));
    let Some(envelope) = envelope else {
        return Err(from.name(Diag::error("vault", "Input is not vault encrypted data")));
    };
    secrets.open(&envelope).map_err(|diag| from.name(diag))
}

/// Decrypts a file.
///
/// # Errors
/// As [`view`].
pub fn decrypt_file(from: &Place, to: &Place, secrets: &Secrets) -> Result<()> {
    to.write(&view(from, secrets)?)
}

/// Encrypts a file anew with another secret.
///
/// # Errors
/// As [`view`].
pub fn rekey(path: &Path, secrets: &Secrets, new: &Secret) -> Result<()> {
    let place = Place::File(path.to_path_buf());
    let (text, _) = open(&place, secrets)?;
    place.write(seal(&text, new)?.as_bytes())
}

/// Lets an editor change a text that lies decrypted in a file of its own meanwhile.
///
/// # Errors
/// As [`view`], and those of the editor.
pub fn edit(path: &Path, secrets: &Secrets, editor: &dyn Fn(&Path) -> Result<()>) -> Result<()> {
    let place = Place::File(path.to_path_buf());
    let (text, secret) = open(&place, secrets)?;
    let edited = edited(path, &text, editor)?;
    if edited == text {
        return Ok(());
    }
    place.write(seal(&edited, secret)?.as_bytes())
}

/// Makes an encrypted file of what is written in an editor.
///
/// # Errors
/// `vault` where the file exists, and those of the editor.
pub fn create(path: &Path, secret: &Secret, editor: &dyn Fn(&Path) -> Result<()>) -> Result<()> {
    if path.exists() {
        let message = format!("{} exists, please use 'edit' instead", path.display());
        return Err(Diag::error("vault", message));
    }
    let text = edited(path, b"", editor)?;
    Place::File(path.to_path_buf()).write(seal(&text, secret)?.as_bytes())
}

fn edited(path: &Path, text: &[u8], editor: &dyn Fn(&Path) -> Result<()>) -> Result<Vec<u8>> {
    let failed = |e: &std::io::Error| {
        Diag::error(
            "vault",
            format!("cannot keep the text to edit: {}", reason(e)),
        )
    };
    // The ending tells the editor what it is.
    let ending = path
        .extension()
        .map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    let dir = tempfile::tempdir().map_err(|e| failed(&e))?;
    let plain = dir.path().join(format!("vault{ending}"));
    let kept = write_private(&plain, text).map_err(|e| failed(&e));
    let edited = kept
        .and_then(|()| editor(&plain))
        .and_then(|()| std::fs::read(&plain).map_err(|e| failed(&e)));
    wipe(&plain);
    edited
}

fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)
}

/// Overwrites a file that held a secret, as far as a file system lets one.
fn wipe(path: &Path) {
    let Ok(meta) = std::fs::metadata(path) else {
        return;
    };
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(path) {
        let zeros = vec![0; usize::try_from(meta.len()).unwrap_or(0)];
        // Nothing is lost if this fails: the directory is removed in any case.
        let _ = file.write_all(&zeros).and_then(|()| file.sync_all());
    }
}

/// An envelope as a value for a YAML file.
pub fn as_yaml(name: Option<&str>, envelope: &str) -> String {
    let name = name.map_or_else(String::new, |name| format!("{name}: "));
    let lines: Vec<String> = envelope
        .lines()
        .map(|line| format!("          {line}"))
        .collect();
    format!("{name}!vault |\n{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(password: &str) -> Secrets {
        Secrets::new(vec![Secret::new("default", password)])
    }

    #[test]
    fn a_file_goes_through_its_life() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.yml");
        let place = Place::File(path.clone());
        let (old, new) = (Secret::new("default", "old"), Secret::new("prod", "new"));
        std::fs::write(&path, "a: 1\n").unwrap();
        encrypt_file(&place, &place, &old).unwrap();
        assert!(encrypt_file(&place, &place, &old).is_err());
        assert_eq!(view(&place, &secrets("old")).unwrap(), b"a: 1\n");
        assert!(view(&place, &secrets("new")).is_err());
        rekey(&path, &secrets("old"), &new).unwrap();
        let editor = |plain: &Path| {
            assert_eq!(plain.extension().unwrap(), "yml");
            std::fs::write(plain, "a: 2\n").unwrap();
            Ok(())
        };
        let labelled = Secrets::new(vec![Secret::new("prod", "new")]);
        edit(&path, &labelled, &editor).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"));
        decrypt_file(&place, &place, &secrets("new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a: 2\n");
        assert!(view(&place, &secrets("new")).is_err());
        assert!(create(&path, &old, &editor).is_err());
    }

    #[test]
    fn an_edit_without_a_change_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v");
        let secret = Secret::new("default", "x");
        create(&path, &secret, &|plain| {
            std::fs::write(plain, "text").unwrap();
            Ok(())
        })
        .unwrap();
        let before = std::fs::read(&path).unwrap();
        edit(&path, &secrets("x"), &|_| Ok(())).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_string_becomes_a_yaml_value() {
        assert_eq!(
            as_yaml(Some("key"), "$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
            "key: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          6162\n"
        );
    }
}
