//! Whether a role has a password already.

use crate::sys::Algorithm;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value as Json;
use sha2::Sha256;

/// True where the password is to be set. `role` has the kept one (`password`) and what the server
/// makes of new ones (`encryption`).
pub fn differs(given: &str, encrypted: bool, user: &str, role: &Json) -> bool {
    let kept = role["password"].as_str();
    if given.is_empty() {
        return kept.is_some();
    }
    if Verifier::of(given).is_some() {
        return kept != Some(given);
    }
    if let Some(verifier) = kept.and_then(Verifier::of) {
        return !verifier.fits(given);
    }
    let is_md5 = given.len() == 35 && given.starts_with("md5");
    if is_md5 || !encrypted {
        return kept != Some(given);
    }
    match role["encryption"].as_str() {
        Some("md5") => {
            let sum = Algorithm::Md5.of(format!("{given}{user}").as_bytes());
            kept != Some(format!("md5{sum}").as_str())
        }
        Some("scram-sha-256") => true,
        _ => false,
    }
}

/// `SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY`, as `pg_authid` keeps it.
struct Verifier<'a> {
    iterations: u32,
    salt: &'a str,
    server_key: &'a str,
}

impl<'a> Verifier<'a> {
    fn of(text: &'a str) -> Option<Verifier<'a>> {
        let (first, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = first.split_once(':')?;
        let (stored, server_key) = keys.split_once(':')?;
        let is_base64 = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            !text.is_empty() && text.chars().all(fits)
        };
        let fits = [salt, stored, server_key].into_iter().all(is_base64);
        let iterations = iterations.parse().ok().filter(|_| fits)?;
        Some(Verifier {
            iterations,
            salt,
            server_key,
        })
    }

    /// True for the password that it was made from (RFC 5802, section 3).
    fn fits(&self, password: &str) -> bool {
        let (Ok(salt), Ok(key)) = (
            BASE64_STANDARD.decode(self.salt),
            BASE64_STANDARD.decode(self.server_key),
        ) else {
            return false;
        };
        let mut salted = [0; 32];
        let prepared = prepared(password);
        pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), &salt, self.iterations, &mut salted);
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&salted) else {
            return false;
        };
        mac.update(b"Server Key");
        mac.verify_slice(&key).is_ok()
    }
}

/// What RFC 4013 makes of a password before it is hashed: other spaces become the usual one, and what
/// cannot be seen goes. Characters that have a compatible form (`ﬁ`) are left as they are: a password
/// with one of them is set anew each time.
fn prepared(password: &str) -> String {
    let invisible = |c: &char| {
        matches!(c, '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
    };
    let space = |c: char| match c {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        c => c,
    };
    password
        .chars()
        .filter(|c| !invisible(c))
        .map(space)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn role(password: Option<&str>, encryption: &str) -> Json {
        json!({"password": password, "encryption": encryption})
    }

    #[test]
    fn plain_passwords_are_held_against_what_is_kept() {
        // From a PostgreSQL 15: CREATE USER galaxy PASSWORD 'hunter2'.
        let md5 = format!("md5{}", Algorithm::Md5.of(b"hunter2galaxy"));
        let changes = |given: &str, kept: Option<&str>, encryption: &str| {
            differs(given, true, "galaxy", &role(kept, encryption))
        };
        assert!(!changes("hunter2", Some(&md5), "md5"));
        assert!(changes("hunter3", Some(&md5), "md5"));
        assert!(changes("hunter2", Some(&md5), "scram-sha-256"));
        assert!(!changes(&md5, Some(&md5), "scram-sha-256"));
        assert!(changes("hunter2", None, "scram-sha-256"));
        assert!(changes("", Some(&md5), "md5"));
        assert!(!changes("", None, "md5"));
    }
}
