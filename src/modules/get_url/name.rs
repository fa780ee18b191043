//! What a downloaded file is called inside of a directory.

use super::super::common::web;
use crate::sys::Response;

/// The name that the answer proposes, else that of the address which answered.
pub(super) fn of_answer(answer: &Response) -> String {
    answer
        .header("content-disposition")
        .and_then(proposed)
        .unwrap_or_else(|| of_address(&answer.url))
}

/// The last part of an address's path.
pub(super) fn of_address(url: &str) -> String {
    web::file_name(url).unwrap_or_else(|| "index.html".to_owned())
}

/// The `filename` of a `Content-Disposition` line, without directories.
fn proposed(line: &str) -> Option<String> {
    let mut parameters = split(line);
    parameters.next();
    let mut found = None;
    for parameter in parameters {
        let (key, value) = parameter.split_once('=')?;
        let value = match key.trim().to_ascii_lowercase().as_str() {
            "filename" if found.is_none() => unquoted(value.trim()),
            "filename*" => extended(value.trim())?,
            _ => continue,
        };
        found = Some(value);
    }
    let name = found?.rsplit('/').next()?.to_owned();
    (!name.is_empty() && name != "." && name != "..").then_some(name)
}

/// The parts between semicolons that stand outside of quotes.
fn split(line: &str) -> impl Iterator<Item = String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        match (c, parts.last_mut()) {
            (';', _) if !quoted => parts.push(String::new()),
            (c, Some(part)) => part.push(c),
            _ => {}
        }
    }
    parts.into_iter()
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    match inner {
        Some(inner) => inner.replace("\\\\", "\\").replace("\\\"", "\""),
        None => value.to_owned(),
    }
}

/// `utf-8''na%C3%AFve.txt`
fn extended(value: &str) -> Option<String> {
    let (_, rest) = value.split_once('\'')?;
    let (_, name) = rest.split_once('\'')?;
    Some(web::unquote(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_header_line() {
        let name = |line| proposed(line);
        assert_eq!(name("attachment; filename=x.tgz").as_deref(), Some("x.tgz"));
        let quoted = r#"attachment; a=1; filename="../a;\"b\".txt""#;
        assert_eq!(name(quoted).as_deref(), Some("a;\"b\".txt"));
        let both = "attachment; filename=\"x\"; filename*=UTF-8''na%C3%AFve";
        assert_eq!(name(both).as_deref(), Some("naïve"));
        assert_eq!(name("inline"), None);
        assert_eq!(name("attachment; filename=\"/etc/\""), None);
        assert_eq!(name("attachment; filename=\"..\""), None);
    }
}
