//! One line of a `known_hosts` file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

/// A line in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// `@cert-authority` or `@revoked`.
    marker: Option<&'a str>,
    /// Names and patterns with commas, or a hashed name.
    pub(super) host: &'a str,
    kind: &'a str,
    /// The key itself.
    pub(super) key: &'a str,
}

impl<'a> Entry<'a> {
    /// Reads a line; `None` for comments and what is no entry.
    pub(super) fn parse(line: &'a str) -> Option<Entry<'a>> {
        let mut words = line.split_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        let host = words.next().filter(|word| !word.starts_with('#'))?;
        Some(Entry {
            marker,
            host,
            kind: words.next()?,
            key: words.next()?,
        })
    }

    /// True where the host's name is hidden.
    pub(super) fn is_hashed(&self) -> bool {
        self.host.starts_with("|1|")
    }

    /// True for the key of an authority, and for a revoked one.
    pub(super) fn is_marked(&self) -> bool {
        self.marker.is_some()
    }

    /// The same type of key with the same marker.
    pub(super) fn is_kind_of(&self, other: &Entry) -> bool {
        (self.marker, self.kind) == (other.marker, other.kind)
    }

    /// True if the line is about this host: by name, pattern or hash.
    pub(super) fn names(&self, name: &str) -> bool {
        if let Some(hashed) = self.host.strip_prefix("|1|") {
            let Some((salt, hash)) = hashed.split_once('|') else {
                return false;
            };
            let salt = BASE64_STANDARD.decode(salt).unwrap_or_default();
            return BASE64_STANDARD.encode(digest(&salt, name)) == hash;
        }
        let name = name.to_ascii_lowercase();
        let mut named = false;
        for pattern in self.host.split(',') {
            let pattern = pattern.to_ascii_lowercase();
            match pattern.strip_prefix('!') {
                Some(not) if matches(not, &name) => return false,
                Some(_) => {}
                None => named |= matches(&pattern, &name),
            }
        }
        named
    }

    /// The line with its host hashed; the salt comes from the clock.
    pub(super) fn hashed(&self, name: &str, now: f64) -> String {
        let salt = Sha1::digest(format!("{now:?} {} {}", std::process::id(), self.key));
        let host = format!(
            "|1|{}|{}",
            BASE64_STANDARD.encode(salt),
            BASE64_STANDARD.encode(digest(&salt, name))
        );
        let marker = self.marker.map(|m| format!("{m} ")).unwrap_or_default();
        format!("{marker}{host} {} {}", self.kind, self.key)
    }
}

fn digest(salt: &[u8], name: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else {
        return Vec::new();
    };
    mac.update(name.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Matches `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| matches(rest, &text[at..]))
        }
        Some(c) => {
            let mut chars = text.chars();
            chars.next().is_some_and(|t| c == '?' || c == t)
                && matches(&pattern[c.len_utf8()..], chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_patterns_and_hashes() {
        let names = |line: &str, name: &str| Entry::parse(line).is_some_and(|e| e.names(name));
        assert!(names("a.org,b.org ssh-rsa AA", "b.org"));
        assert!(names("@cert-authority *.org ssh-rsa AA", "x.org"));
        assert!(!names("*.org,!x.org ssh-rsa AA", "x.org"));
        assert!(!names("# a.org ssh-rsa AA", "a.org"));
        let entry = Entry::parse("a.org ssh-rsa AA").unwrap();
        let hashed = entry.hashed("a.org", 1.5);
        assert!(names(&hashed, "a.org"));
        assert!(!names(&hashed, "b.org"));
        // Made by `ssh-keygen -H`.
        assert!(names(
            "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AA",
            "192.168.1.61"
        ));
    }
}
