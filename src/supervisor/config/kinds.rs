//! The kinds of option values: text to typed value, with supervisord's error texts.

use crate::sys::{Known, RealHost, View};
use crate::value::{quote_repr, strip};
use nix::sys::signal::Signal;
use std::path::Path;

/// `yes/true/on/1`, `no/false/off/0` in any case.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err(format!("not a valid boolean value: {}", quote_repr(text))),
    }
}

/// Python's `int()`.
pub fn integer(text: &str) -> Result<i64, String> {
    let word = strip(text);
    let (sign, digits) = match word.strip_prefix(['-', '+']) {
        Some(digits) => (&word[..1], digits),
        None => ("", word),
    };
    let Some(digits) = plain_digits(digits) else {
        // Python shows so much of it.
        let shown: String = quote_repr(text).chars().take(200).collect();
        return Err(format!("invalid literal for int() with base 10: {shown}"));
    };
    let number = format!("{sign}{digits}").parse();
    Ok(number.unwrap_or(if sign == "-" { i64::MIN } else { i64::MAX }))
}

/// Digits without the underscores that Python lets stand between them, each alone.
fn plain_digits(text: &str) -> Option<String> {
    let are = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    text.split('_').all(are).then(|| text.replace('_', ""))
}

/// A number of bytes, with KB, MB or GB.
pub fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_lowercase();
    for (suffix, factor) in [("kb", 1_i64 << 10), ("mb", 1 << 20), ("gb", 1 << 30)] {
        if let Some(number) = lower.strip_suffix(suffix) {
            let n = integer(number)?.saturating_mul(factor);
            return Ok(u64::try_from(n).unwrap_or(0));
        }
    }
    Ok(u64::try_from(integer(&lower)?).unwrap_or(0))
}

/// An octal number.
pub fn octal(text: &str) -> Result<u32, String> {
    let bad = || format!("{text} can not be converted to an octal type");
    let word = strip(text);
    let word = word.strip_prefix('+').unwrap_or(word);
    let digits = word.strip_prefix("0o").or(word.strip_prefix("0O"));
    // Python takes an underscore behind the prefix, too.
    let digits = match digits {
        Some(digits) => digits.strip_prefix('_').unwrap_or(digits),
        None => word,
    };
    u32::from_str_radix(&plain_digits(digits).ok_or_else(bad)?, 8).map_err(|_| bad())
}

/// A signal's name, with or without `SIG`, or number.
pub fn signal(text: &str) -> Result<Signal, String> {
    let shown = quote_repr(text);
    let bad = || format!("value {shown} is not a valid signal name");
    let word = strip(text).to_uppercase();
    if let Ok(number) = integer(&word) {
        let bad = || format!("value {shown} is not a valid signal number");
        let signal = i32::try_from(number).ok().map(Signal::try_from);
        return signal.and_then(Result::ok).ok_or_else(bad);
    }
    let name = match word.strip_prefix("SIG") {
        Some(_) => word.clone(),
        None => format!("SIG{word}"),
    };
    name.parse().map_err(|_| bad())
}

/// Exit codes, comma separated, 0..255.
pub fn exit_codes(text: &str) -> Result<Vec<i32>, String> {
    let bad = || format!("not a valid list of exit codes: '{text}'");
    list(text)
        .iter()
        .map(|word| match integer(word) {
            Ok(n @ 0..=255) => Ok(n as i32),
            _ => Err(bad()),
        })
        .collect()
}

/// Comma separated, white space around the items trimmed; empty text is no item.
pub fn list(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(|w| strip(w).to_owned()).collect()
}

/// The numeric id of a user's name or id that exists.
pub fn user(text: &str) -> Result<u32, String> {
    let host = RealHost::new().map_err(|e| e.to_string())?;
    let found = match integer(text) {
        Ok(uid) => {
            let uid = u32::try_from(uid).ok();
            let user = uid.and_then(|uid| host.user_by_id(uid).ok().flatten());
            (user, "id")
        }
        Err(_) => match host.user(text) {
            Ok(Known::Known(user)) => (user, "name"),
            _ => (None, "name"),
        },
    };
    let (user, what) = found;
    let uid = user.and_then(|u| u.uid);
    uid.ok_or_else(|| format!("Invalid user {what} {text}"))
}

/// The numeric id of a group's name or id that exists.
pub fn group(text: &str) -> Result<u32, String> {
    let host = RealHost::new().map_err(|e| e.to_string())?;
    let found = match integer(text) {
        Ok(gid) => {
            let gid = u32::try_from(gid).ok();
            let group = gid.and_then(|gid| host.group_by_id(gid).ok().flatten());
            (group, "id")
        }
        Err(_) => match host.group(text) {
            Ok(Known::Known(group)) => (group, "name"),
            _ => (None, "name"),
        },
    };
    let (group, what) = found;
    let gid = group.and_then(|g| g.gid);
    gid.ok_or_else(|| format!("Invalid group {what} {text}"))
}

/// A directory that exists, `~` expanded.
pub fn directory(text: &str) -> Result<String, String> {
    let path = home(text);
    match Path::new(&path).is_dir() {
        true => Ok(path),
        false => Err(format!("{text} is not an existing directory")),
    }
}

/// A file whose directory exists, `~` expanded.
pub fn file_in_directory(text: &str) -> Result<String, String> {
    let path = home(text);
    // What is before the last slash, also where nothing is behind it.
    let dir = path.rfind('/').map_or("", |at| &path[..at.max(1)]);
    match dir.is_empty() || Path::new(dir).is_dir() {
        true => Ok(path),
        false => Err(format!(
            "The directory named as part of the path {text} does not exist"
        )),
    }
}

/// `~/x` with the home directory of the environment, `~user/x` with that user's.
pub fn home(text: &str) -> String {
    let Some(rest) = text.strip_prefix('~') else {
        return text.to_owned();
    };
    let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = match (user, RealHost::new()) {
        ("", _) => std::env::var("HOME").ok(),
        (user, Ok(host)) => match host.user(user) {
            Ok(Known::Known(Some(user))) => Some(user.home.display().to_string()),
            _ => None,
        },
        _ => None,
    };
    home.map_or(text.to_owned(), |home| format!("{home}{rest}"))
}

/// A name of a program, group or process: no white space, colon or slash.
pub fn name(text: &str) -> Result<String, String> {
    let name = strip(text);
    match [' ', ':', '/'].into_iter().find(|c| name.contains(*c)) {
        Some(c) => Err(format!(
            "Invalid name: {} because of character: '{c}'",
            quote_repr(text)
        )),
        None => Ok(name.to_owned()),
    }
}

/// `K=v,K2="v,2"`: tokens as Python's non-POSIX `shlex` cuts them.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let tokens = tokens(text)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in tokens.chunks(4) {
        let [key, equals, value, ..] = part else {
            return Err(format!(
                "Unexpected end of key/value pairs in value '{text}'"
            ));
        };
        if equals != "=" {
            return Err(format!(
                "Unexpected end of key/value pairs in value '{text}'"
            ));
        }
        let value = value.trim_matches(['\'', '"']).to_owned();
        match pairs.iter_mut().find(|(k, _)| k == key) {
            Some(pair) => pair.1 = value,
            None => pairs.push((key.clone(), value)),
        }
    }
    Ok(pairs)
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || "_/.+-():".contains(c);
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '\'' | '"' => {
                let mut token = String::from(c);
                loop {
                    let next = chars.next().ok_or("No closing quotation")?;
                    token.push(next);
                    if next == c {
                        break;
                    }
                }
                tokens.push(token);
            }
            c if in_word(c) => {
                let mut token = String::from(c);
                while let Some(c) = chars.next_if(|c| in_word(*c) || matches!(c, '\'' | '"')) {
                    token.push(c);
                }
                tokens.push(token);
            }
            c => tokens.push(c.to_string()),
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_good_and_bad() {
        assert_eq!(boolean("YES"), Ok(true));
        assert!(boolean("x").is_err());
        assert_eq!((bytes("2kb"), bytes("7")), (Ok(2048), Ok(7)));
        assert!(bytes("1B").is_err());
        assert_eq!(octal("022"), Ok(0o22));
        assert_eq!(signal("hup"), Ok(Signal::SIGHUP));
        assert_eq!(signal("SIGTERM"), Ok(Signal::SIGTERM));
        assert_eq!(signal("9"), Ok(Signal::SIGKILL));
        assert_eq!((octal("0O22"), octal("0_22")), (Ok(0o22), Ok(0o22)));
        assert!(octal("-1").is_err());
        assert_eq!(integer(" +1_0 "), Ok(10));
        assert_eq!(integer("-99999999999999999999"), Ok(i64::MIN));
        assert!(integer("1__0").is_err() && integer("_1").is_err());
        assert_eq!(user("-1"), Err("Invalid user id -1".into()));
        assert!(signal("a\tb").unwrap_err().contains("'a\\tb'"));
        assert_eq!(
            signal("x"),
            Err("value 'x' is not a valid signal name".into())
        );
        assert_eq!(exit_codes("0, 2"), Ok(vec![0, 2]));
        assert!(exit_codes("256").is_err());
        assert!(name("a:b").is_err());
    }

    #[test]
    fn environments() {
        let read = |text| pairs(text).map(|p| format!("{p:?}"));
        assert_eq!(
            read("A=1,B=\"x, y\",PATH=/a:/b"),
            Ok(r#"[("A", "1"), ("B", "x, y"), ("PATH", "/a:/b")]"#.into())
        );
        assert_eq!(
            read("x"),
            Err("Unexpected end of key/value pairs in value 'x'".into())
        );
        assert_eq!(read("A='x"), Err("No closing quotation".into()));
        assert_eq!(read("A=1,\n  B=2,").map(|t| t.len()), Ok(24));
    }
}
