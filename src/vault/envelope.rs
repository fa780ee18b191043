//! The envelope: `$ANSIBLE_VAULT;1.1;AES256`, then hexadecimal lines (ansible-vault's documented
//! format; PBKDF2-HMAC-SHA256 with 10000 rounds, AES-256-CTR, HMAC-SHA256).

use super::secrets::{Keys, Secret};
use crate::diag::{Diag, Result};
use aes::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

/// How every envelope begins.
const MAGIC: &str = "$ANSIBLE_VAULT;";

/// True if a text or file content is an envelope.
pub fn is_vaulted(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC.as_bytes())
}

/// The vault id that an envelope of version 1.2 names.
pub(super) fn label(envelope: &str) -> Option<&str> {
    let header = envelope.lines().next()?;
    let mut fields = header.trim().split(';').skip(1);
    (fields.next()? == "1.2").then(|| fields.nth(1)).flatten()
}

/// Opens an envelope with one secret; `None` if the secret is another one's.
///
/// # Errors
/// `vault`: this is no envelope, or of a kind that is not known.
pub fn decrypt(envelope: &str, secret: &Secret) -> Result<Option<Vec<u8>>> {
    let broken = |what: &str| Diag::error("vault", format!("broken vault envelope: {what}"));
    let mut lines = envelope.lines();
    let header = lines.next().unwrap_or_default().trim();
    let mut fields = header.split(';');
    match (fields.next(), fields.next(), fields.next()) {
        (Some("$ANSIBLE_VAULT"), Some("1.1" | "1.2"), Some("AES256")) => {}
        _ => return Err(broken(&format!("unknown header `{header}`"))),
    }
    let hex: String = lines.map(str::trim).collect();
    let body = unhex(&hex).ok_or_else(|| broken("it is not hexadecimal"))?;
    let body = String::from_utf8(body).map_err(|_| broken("its body is not text"))?;
    let mut parts = body.split('\n').map(unhex);
    let (Some(Some(salt)), Some(Some(mac)), Some(Some(mut text))) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(broken("it does not have three parts"));
    };
    let keys = secret.keys(&salt);
    let mut check = hmac_of(&keys)?;
    check.update(&text);
    if check.verify_slice(&mac).is_err() {
        return Ok(None);
    }
    cipher(&keys).apply_keystream(&mut text);
    let padding = usize::from(*text.last().ok_or_else(|| broken("it is empty"))?);
    if padding == 0 || padding > 16 || padding > text.len() {
        return Err(broken("its padding is wrong"));
    }
    text.truncate(text.len() - padding);
    Ok(Some(text))
}

/// Puts a text into an envelope. `salt` is 32 random bytes; `label` other than `default` makes it
/// version 1.2.
///
/// # Errors
/// `vault`: the salt cannot be used.
pub fn encrypt(text: &[u8], secret: &Secret, salt: &[u8]) -> Result<String> {
    let keys = secret.keys(salt);
    let mut bytes = text.to_vec();
    let padding = 16 - bytes.len() % 16;
    bytes.extend(std::iter::repeat_n(padding as u8, padding));
    cipher(&keys).apply_keystream(&mut bytes);
    let mut mac = hmac_of(&keys)?;
    mac.update(&bytes);
    let mac = mac.finalize().into_bytes();
    let body = format!("{}\n{}\n{}", hex(salt), hex(&mac), hex(&bytes));
    let body = hex(body.as_bytes());
    let mut envelope = match secret.label.as_str() {
        "default" | "" => format!("{MAGIC}1.1;AES256\n"),
        label => format!("{MAGIC}1.2;AES256;{label}\n"),
    };
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(80));
        envelope.push_str(line);
        envelope.push('\n');
        rest = more;
    }
    Ok(envelope)
}

type Ctr = ctr::Ctr128BE<aes::Aes256>;

fn cipher(keys: &Keys) -> Ctr {
    Ctr::new(&keys.cipher.into(), &keys.iv.into())
}

fn hmac_of(keys: &Keys) -> Result<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(&keys.mac)
        .map_err(|_| Diag::error("vault", "the key has the wrong length"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().as_bytes();
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with ansible-vault 2.19.14 from the password `secret`.
    const RECORDED: &str = include_str!("../../tests/compat/vault/hello.vault");

    #[test]
    fn opens_what_ansible_vault_made() {
        let secret = Secret::new("default", "secret");
        assert_eq!(
            decrypt(RECORDED, &secret).unwrap().unwrap(),
            b"hello: world\n"
        );
        let wrong = Secret::new("default", "Secret");
        assert_eq!(decrypt(RECORDED, &wrong).unwrap(), None);
        assert!(decrypt("$ANSIBLE_VAULT;1.0;AES\n00", &secret).is_err());
        assert!(decrypt("$ANSIBLE_VAULT;1.1;AES256\nzz", &secret).is_err());
    }

    #[test]
    fn what_was_encrypted_comes_back() {
        for label in ["default", "prod"] {
            let secret = Secret::new(label, "s3cret");
            for len in [0, 1, 15, 16, 17, 1000] {
                let text = vec![b'x'; len];
                let envelope = encrypt(&text, &secret, &[7; 32]).unwrap();
                assert_eq!(decrypt(&envelope, &secret).unwrap().unwrap(), text);
                assert_eq!(label == "prod", super::label(&envelope) == Some("prod"));
            }
        }
    }
}
