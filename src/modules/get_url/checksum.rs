//! The option `checksum`.

use super::super::common::web::{self, Web};
use super::{TIMEOUT, name};
use crate::diag::{Diag, Result};
use crate::sys::{Algorithm, Known, View};

/// What a file must sum up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// Lower-case hexadecimal; `None` where only apply can read the list it stands in.
    pub(super) digest: Option<String>,
}

impl Checksum {
    /// Reads the option; a list of digests is fetched.
    ///
    /// # Errors
    /// `bad-checksum`, and those of fetching the list.
    pub(super) fn read(text: &str, web: &Web, view: &dyn View) -> Result<Checksum> {
        let Some((algorithm, digest)) = text.split_once(':') else {
            let message = "The checksum parameter has to be in format <algorithm>:<checksum>";
            return Err(bad(message.to_owned()));
        };
        let Some(algorithm) = Algorithm::named(algorithm) else {
            return Err(bad(format!(
                "Could not hash file with algorithm '{algorithm}'. Available algorithms: md5, \
                 sha1, sha224, sha256, sha384, sha512"
            )));
        };
        let digest = if is_address(digest) {
            listed(digest, web, view)?
        } else {
            Some(digest.to_owned())
        };
        let digest = digest.map(|digest| plain(&digest)).transpose()?;
        Ok(Checksum { algorithm, digest })
    }

    /// False where the digest is another for certain.
    pub(super) fn may_be(&self, digest: Option<&str>) -> bool {
        match (&self.digest, digest) {
            (Some(wanted), Some(digest)) => wanted == digest,
            _ => true,
        }
    }
}

fn bad(message: String) -> Box<Diag> {
    Diag::error("bad-checksum", message).about("checksum")
}

/// Without spaces and other marks, as one copies them from web pages.
fn plain(digest: &str) -> Result<String> {
    let plain: String = digest
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .flat_map(char::to_lowercase)
        .collect();
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(bad("The checksum format is invalid".to_owned()));
    }
    Ok(plain)
}

fn is_address(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| matches!(s, "http" | "https" | "ftp" | "file"))
}

/// The digest of the file that a list of digests names.
fn listed(list: &str, web: &Web, view: &dyn View) -> Result<Option<String>> {
    let answer = web.read(list, "GET", TIMEOUT, None, view)?;
    let Known::Known(answer) = answer else {
        return Ok(None);
    };
    if answer.status != 200 {
        return Err(Diag::error("http-status", "Request failed")
            .with("status_code", answer.status)
            .with("response", web::message(&answer))
            .with("url", list));
    }
    let file = name::of_address(&web.url);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    match digest_of(&file, &text) {
        Some(digest) => Ok(Some(digest)),
        None => Err(bad(format!(
            "Unable to find a checksum for file '{file}' in '{list}'"
        ))),
    }
}

/// Finds a file in a list as `sha256sum` writes it, with or without `--tag`. A single word is the
/// digest itself.
fn digest_of(file: &str, list: &str) -> Option<String> {
    let lines: Vec<&str> = list.lines().collect();
    if let [line] = lines[..]
        && let [digest] = line.split_whitespace().collect::<Vec<_>>()[..]
    {
        return Some(digest.to_owned());
    }
    lines
        .into_iter()
        .filter_map(|line| tagged(line).or_else(|| bare(line)))
        .find(|(_, path)| *path == file)
        .map(|(digest, _)| digest.to_owned())
}

fn is_digest(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._".contains(c))
}

/// `SHA256 (file) = digest`
fn tagged(line: &str) -> Option<(&str, &str)> {
    let (before, digest) = line.rsplit_once("= ")?;
    let (algorithm, path) = before.split_once('(')?;
    let algorithm = algorithm.strip_suffix(' ').unwrap_or(algorithm);
    let path = path.strip_suffix(' ').unwrap_or(path).strip_suffix(')')?;
    (is_digest(digest) && is_digest(algorithm)).then_some((digest, path))
}

/// `digest  file` or `digest *file`
fn bare(line: &str) -> Option<(&str, &str)> {
    let (digest, path) = line.split_once(char::is_whitespace)?;
    let path = path.trim_start();
    let path = path.strip_prefix('*').unwrap_or(path);
    is_digest(digest).then(|| (digest, path.trim_start_matches(['.', '/'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_both_forms() {
        let list = "aa  other\nbb *./a.txt\ncc  a.txt\n";
        assert_eq!(digest_of("a.txt", list).as_deref(), Some("bb"));
        let list = "SHA256 (b (1).txt) = dd\nMD5(a.txt)= ee\n";
        assert_eq!(digest_of("a.txt", list).as_deref(), Some("ee"));
        assert_eq!(digest_of("b (1).txt", list).as_deref(), Some("dd"));
        assert_eq!(digest_of("x", " ff \n").as_deref(), Some("ff"));
        assert_eq!(digest_of("x", list), None);
    }

    #[test]
    fn digests_lose_what_comes_along_with_copying() {
        assert_eq!(plain("AB\u{200b} cd").unwrap(), "abcd");
        assert!(plain("xyz").is_err());
        assert!(plain("").is_err());
    }
}
