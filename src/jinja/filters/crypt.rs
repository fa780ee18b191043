//! Unix password hashes: SHA-256 and SHA-512 crypt, by Ulrich Drepper's public specification.

use super::Row;
use crate::jinja::function::Call;
use crate::value::Value;
use rand::{Rng, SeedableRng};
use sha2::Digest;

pub const FILTERS: &[Row] = &[("password_hash", password_hash)];

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `password_hash(hashtype='sha512', salt=None, salt_size=None, rounds=None)`
fn password_hash(call: &Call) -> Result<Value, String> {
    let secret = call.subject()?.to_text();
    let kind = call
        .text(1, "hashtype")
        .unwrap_or_else(|| "sha512".to_owned());
    if call
        .arg(3, "salt_size")
        .is_some_and(|v| v.as_int().is_none() && !v.is_null())
    {
        return Err("salt_size must be an integer".to_owned());
    }
    if call
        .arg(4, "rounds")
        .is_some_and(|v| v.as_int().is_some_and(|n| n < 1000))
    {
        let few = call.int(4, "rounds").unwrap_or_default();
        return Err(format!(
            "Could not hash the secret: {}_crypt: min_desired_rounds ({few}) is too low, must be \
             at least 1000",
            kind.trim_end_matches("_crypt")
        ));
    }
    let size = call.int(3, "salt_size").unwrap_or(16).clamp(1, 16) as usize;
    let salt = call.text(2, "salt").unwrap_or_else(|| random_salt(size));
    hashed(&kind, &secret, Some(salt), call.int(4, "rounds")).map(Value::str)
}

/// A password's hash: `sha512`, `sha256` or `md5`, with or without `_crypt` behind.
///
/// # Errors
/// Another algorithm; a salt that is too long or has other letters.
pub fn hashed(
    kind: &str,
    secret: &str,
    salt: Option<String>,
    rounds: Option<i64>,
) -> Result<String, String> {
    let kind = kind.strip_suffix("_crypt").unwrap_or(kind);
    let most = if kind == "md5" { 8 } else { 16 };
    let salt = match salt {
        Some(salt) if salt.bytes().all(|b| ALPHABET.contains(&b)) => salt,
        Some(_) => return Err("invalid characters in salt".to_owned()),
        None => random_salt(most),
    };
    if salt.len() > most {
        return Err(format!("salt too large (requires <= {most} chars)"));
    }
    let rounds = rounds.map(|n| n.clamp(1000, 999_999_999));
    match kind {
        "sha512" => Ok(sha512(secret, &salt, rounds)),
        "sha256" => Ok(sha256(secret, &salt, rounds)),
        "md5" => Ok(md5(secret, &salt)),
        other => Err(format!(
            "{other} is not in the list of supported passlib algorithms: md5, sha256, sha512"
        )),
    }
}

/// Letters for a salt.
pub fn random_salt(size: usize) -> String {
    let mut random = rand::rngs::StdRng::seed_from_u64(rand::random());
    (0..size)
        .map(|_| ALPHABET[(random.next_u32() & 63) as usize] as char)
        .collect()
}

fn hash<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().to_vec()
}

fn stretched(block: &[u8], len: usize) -> Vec<u8> {
    block.iter().copied().cycle().take(len).collect()
}

/// The final digest, before its encoding.
fn digest<D: Digest>(secret: &[u8], salt: &[u8], rounds: i64) -> Vec<u8> {
    let b = hash::<D>(&[secret, salt, secret]);
    let mut first = [secret, salt, &stretched(&b, secret.len())].concat();
    let mut bits = secret.len();
    while bits > 0 {
        first.extend_from_slice(if bits & 1 == 1 { &b } else { secret });
        bits >>= 1;
    }
    let mut a = hash::<D>(&[&first]);
    let p = stretched(&hash::<D>(&[&secret.repeat(secret.len())]), secret.len());
    let s = stretched(
        &hash::<D>(&[&salt.repeat(16 + usize::from(a[0]))]),
        salt.len(),
    );
    for i in 0..rounds {
        let mut parts: Vec<&[u8]> = vec![if i & 1 == 1 { &p } else { &a }];
        if i % 3 != 0 {
            parts.push(&s);
        }
        if i % 7 != 0 {
            parts.push(&p);
        }
        parts.push(if i & 1 == 1 { &a } else { &p });
        a = hash::<D>(&parts);
    }
    a
}

fn push(out: &mut String, bytes: [u8; 3], chars: usize) {
    let mut word = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    for _ in 0..chars {
        out.push(ALPHABET[(word & 63) as usize] as char);
        word >>= 6;
    }
}

fn head(id: char, salt: &str, rounds: Option<i64>) -> String {
    match rounds {
        Some(rounds) => format!("${id}$rounds={rounds}${salt}$"),
        None => format!("${id}${salt}$"),
    }
}

fn sha512(secret: &str, salt: &str, rounds: Option<i64>) -> String {
    let d = digest::<sha2::Sha512>(secret.as_bytes(), salt.as_bytes(), rounds.unwrap_or(5000));
    let mut out = head('6', salt, rounds);
    let (mut x, mut y, mut z) = (0, 21, 42);
    for _ in 0..21 {
        push(&mut out, [d[x], d[y], d[z]], 4);
        (x, y, z) = (y + 1, z + 1, x + 1);
    }
    push(&mut out, [0, 0, d[63]], 2);
    out
}

fn sha256(secret: &str, salt: &str, rounds: Option<i64>) -> String {
    let d = digest::<sha2::Sha256>(secret.as_bytes(), salt.as_bytes(), rounds.unwrap_or(5000));
    let mut out = head('5', salt, rounds);
    let (mut x, mut y, mut z) = (0, 10, 20);
    for _ in 0..10 {
        push(&mut out, [d[x], d[y], d[z]], 4);
        (x, y, z) = (z + 1, x + 1, y + 1);
    }
    push(&mut out, [0, d[31], d[30]], 3);
    out
}

/// MD5 crypt, by Poul-Henning Kamp's description.
fn md5(secret: &str, salt: &str) -> String {
    let (secret, salt) = (secret.as_bytes(), salt.as_bytes());
    let inner = hash::<md5::Md5>(&[secret, salt, secret]);
    let mut first = [secret, b"$1$", salt, &stretched(&inner, secret.len())].concat();
    let mut bits = secret.len();
    while bits > 0 {
        first.push(if bits & 1 == 1 {
            0
        } else {
            secret.first().copied().unwrap_or(0)
        });
        bits >>= 1;
    }
    let mut d = hash::<md5::Md5>(&[&first]);
    for i in 0..1000 {
        let mut parts: Vec<&[u8]> = vec![if i & 1 == 1 { secret } else { &d }];
        if i % 3 != 0 {
            parts.push(salt);
        }
        if i % 7 != 0 {
            parts.push(secret);
        }
        parts.push(if i & 1 == 1 { &d } else { secret });
        d = hash::<md5::Md5>(&parts);
    }
    let mut out = format!("$1${}$", String::from_utf8_lossy(salt));
    for (x, y, z) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        push(&mut out, [d[x], d[y], d[z]], 4);
    }
    push(&mut out, [0, 0, d[11]], 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl passwd` gives them.
    #[test]
    fn equals_other_implementations() {
        assert_eq!(
            sha512("Hello world!", "saltstring", None),
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        );
        assert_eq!(
            sha256("Hello world!", "saltstring", None),
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
        );
        assert_eq!(md5("Hello", "abc"), "$1$abc$0lWzLRntj3IdjLzhKriFx1");
        assert_eq!(
            sha512("", "abc", Some(1000)),
            "$6$rounds=1000$abc$noBronbzNMcAtG61/dMHzc1H.fuLjHArF9.wCx8LbkVDMMEuChQCPee28tiPcXHL/CMNpCqo6OPTyoEpoCMsY/"
        );
    }
}
