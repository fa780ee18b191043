//! `password`: a random password, kept in a file of the control side.

use super::terms::Term;
use super::{Ask, Lookup};
use crate::jinja::filters::crypt;
use crate::value::{Kind, Value};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub const LOOKUPS: &[(&str, Lookup)] = &[("password", password)];

const OPTIONS: &[&str] = &["length", "encrypt", "chars", "ident", "seed"];

fn password(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| one(ask, &term.to_text()).map(Value::str))
        .collect()
}

fn one(ask: &Ask<'_>, term: &str) -> Result<String, String> {
    let term = Term::parse(term, ask.options, OPTIONS)?;
    let path = term
        .key
        .clone()
        .ok_or("The password lookup requires a path")?;
    let length = usize::try_from(term.number("password", "length", 20)?).unwrap_or(0);
    let alphabet = alphabet(&term);
    if alphabet.is_empty() {
        return Err("there are no characters to make a password of".to_owned());
    }
    let mut random = match term.get("seed") {
        Some(seed) => StdRng::from_seed(Sha256::digest(seed.to_text()).into()),
        None => StdRng::seed_from_u64(rand::random()),
    };
    let made = |random: &mut StdRng| -> String {
        (0..length)
            .map(|_| alphabet[(random.next_u64() % alphabet.len() as u64) as usize])
            .collect()
    };
    let encrypt = Some(term.text("encrypt", "")).filter(|kind| !kind.is_empty());
    let kept = path != "/dev/null";
    let file = place(ask, &path);
    let found = match kept {
        true => read(&file)?,
        false => None,
    };
    let is_new = found.is_none();
    let (plain, mut salt) = found.unwrap_or_else(|| (made(&mut random), None));
    let mut changed = is_new;
    if encrypt.is_some() && salt.is_none() {
        salt = Some(crypt::random_salt(8));
        changed = true;
    }
    if changed && kept {
        write(&file, &plain, salt.as_deref())?;
    }
    match encrypt {
        Some(kind) => crypt::hashed(&kind, &plain, salt, None),
        None => Ok(plain),
    }
}

/// Relative paths start at the playbook's directory.
fn place(ask: &Ask<'_>, path: &str) -> PathBuf {
    let path = match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    };
    match ask.frame.at.search.last() {
        Some(dir) => dir.join(path),
        None => path,
    }
}

/// Names of Python's `string` module stand for their letters, anything else for itself.
fn alphabet(term: &Term) -> Vec<char> {
    let given: Vec<String> = match term.get("chars").map(|value| &value.kind) {
        None => ["ascii_letters", "digits", ".,:-_"]
            .map(str::to_owned)
            .into(),
        Some(Kind::List(items)) => items.iter().map(Value::to_text).collect(),
        Some(_) => listed(&term.text("chars", "")),
    };
    let mut letters: Vec<char> = given.iter().flat_map(|name| named(name)).collect();
    letters.sort_unstable();
    letters.dedup();
    letters
}

/// `digits,,:` is the digits and the comma... a doubled comma stands for one.
fn listed(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    if text.contains(",,") {
        parts.push(",".to_owned());
    }
    let rest = text.replace(",,", ",");
    parts.extend(
        rest.split(',')
            .filter(|part| !part.is_empty())
            .map(str::to_owned),
    );
    parts
}

fn named(name: &str) -> Vec<char> {
    let ascii = |keep: fn(&char) -> bool| ('\0'..='\x7f').filter(keep).collect();
    match name {
        "ascii_letters" => ascii(char::is_ascii_alphabetic),
        "ascii_lowercase" => ascii(char::is_ascii_lowercase),
        "ascii_uppercase" => ascii(char::is_ascii_uppercase),
        "digits" => ascii(char::is_ascii_digit),
        "hexdigits" => ascii(char::is_ascii_hexdigit),
        "octdigits" => ('0'..='7').collect(),
        "punctuation" => ascii(char::is_ascii_punctuation),
        "whitespace" => " \t\n\r\x0b\x0c".chars().collect(),
        "printable" => ascii(|c| c.is_ascii_graphic() || " \t\n\r\x0b\x0c".contains(*c)),
        other => other.chars().collect(),
    }
}

/// The password of a file, and its salt: `secret salt=abc`.
fn read(file: &Path) -> Result<Option<(String, Option<String>)>, String> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("{}: {}", file.display(), crate::diag::reason(&e))),
    };
    let text = text.trim_end();
    Ok(Some(match text.rsplit_once(" salt=") {
        Some((plain, salt)) => (plain.to_owned(), Some(salt.to_owned())),
        None => (text.to_owned(), None),
    }))
}

fn write(file: &Path, plain: &str, salt: Option<&str>) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {}", file.display(), crate::diag::reason(&e));
    if let Some(dir) = file.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(dir).map_err(failed)?;
    }
    let text = match salt {
        Some(salt) => format!("{plain} salt={salt}\n"),
        None => format!("{plain}\n"),
    };
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .map_err(failed)?;
    out.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;

    #[test]
    fn alphabets() {
        let letters = |text: &str| -> String {
            let term = Term::parse(&format!("x chars={text}"), &Map::new(), OPTIONS).unwrap();
            alphabet(&term).into_iter().collect()
        };
        assert_eq!(letters("digits"), "0123456789");
        assert_eq!(letters("octdigits,x"), "01234567x");
        assert_eq!(letters("ab,,"), ",ab");
    }

    #[test]
    fn files_keep_the_salt() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sub/pw");
        assert_eq!(read(&file).unwrap(), None);
        write(&file, "a b", Some("xyz")).unwrap();
        assert_eq!(
            read(&file).unwrap(),
            Some(("a b".to_owned(), Some("xyz".to_owned())))
        );
        write(&file, "a b", None).unwrap();
        assert_eq!(read(&file).unwrap(), Some(("a b".to_owned(), None)));
    }
}
