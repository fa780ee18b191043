//! Digests, passwords and identifiers.

use super::Row;
use crate::jinja::function::Call;
use crate::value::Value;
use sha2::Digest;
use std::fmt::Write;

pub const FILTERS: &[Row] = &[
    ("checksum", checksum),
    ("hash", hash),
    ("md5", md5),
    ("sha1", checksum),
    ("to_uuid", to_uuid),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn text(call: &Call) -> Result<String, String> {
    call.subject().map(Value::to_text)
}

fn checksum(call: &Call) -> Result<Value, String> {
    Ok(Value::str(hex(&sha1::Sha1::digest(text(call)?))))
}

fn md5(call: &Call) -> Result<Value, String> {
    Ok(Value::str(hex(&md5::Md5::digest(text(call)?))))
}

fn hash(call: &Call) -> Result<Value, String> {
    let data = text(call)?;
    let digest = match call
        .text(1, "hashtype")
        .unwrap_or_else(|| "sha1".to_owned())
        .as_str()
    {
        "sha1" => hex(&sha1::Sha1::digest(data)),
        "md5" => hex(&md5::Md5::digest(data)),
        "sha224" => hex(&sha2::Sha224::digest(data)),
        "sha256" => hex(&sha2::Sha256::digest(data)),
        "sha384" => hex(&sha2::Sha384::digest(data)),
        "sha512" => hex(&sha2::Sha512::digest(data)),
        other => return Err(format!("unsupported hash type {other}")),
    };
    Ok(Value::str(digest))
}

/// A UUID of version 5 in Ansible's name space, or another one.
fn to_uuid(call: &Call) -> Result<Value, String> {
    const ANSIBLE: &str = "361e6d51-faec-444a-9079-341386da8e2e";
    let namespace = call
        .text(1, "namespace")
        .unwrap_or_else(|| ANSIBLE.to_owned());
    let digits: String = namespace.chars().filter(char::is_ascii_hexdigit).collect();
    let bytes: Option<Vec<u8>> = (0..16)
        .map(|i| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    let mut hasher = sha1::Sha1::new();
    hasher.update(bytes.ok_or_else(|| format!("Invalid value '{namespace}' for 'namespace'"))?);
    hasher.update(text(call)?);
    let mut id = hasher.finalize()[..16].to_vec();
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    let h = hex(&id);
    Ok(Value::str(format!(
        "{}-{}-{}-{}-{}",
        &h[..8],
        &h[8..12],
        &h[12..16],
        &h[16..20],
        &h[20..]
    )))
}
