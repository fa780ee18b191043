//! Host patterns: `web:&staging:!db1`, globs, `~regular expressions`, `group[0:2]`.

use super::model::{Data, is_local};
use crate::diag::{Diag, Result};
use indexmap::IndexSet;

/// What a pattern selects, and which parts of it matched nothing.
#[derive(Debug, Default)]
pub struct Selection {
    /// Hosts in the order of the inventory's groups.
    pub hosts: Vec<String>,
    /// Parts without a match, for warnings.
    pub unmatched: Vec<String>,
}

impl Data {
    /// The hosts of a pattern.
    ///
    /// # Errors
    /// `bad-pattern`: a regular expression or a subscript that is none.
    pub fn select(&self, pattern: &str) -> Result<Selection> {
        let mut unmatched = Vec::new();
        let parts = split(pattern);
        let (mut plain, mut and, mut not) = (Vec::new(), Vec::new(), Vec::new());
        for part in &parts {
            match part.as_bytes().first() {
                Some(b'&') => and.push(&part[1..]),
                Some(b'!') => not.push(&part[1..]),
                _ => plain.push(part.as_str()),
            }
        }
        if plain.is_empty() {
            plain.push("all");
        }
        let mut hosts: IndexSet<String> = IndexSet::new();
        for part in plain {
            let found = self.part(part)?;
            if found.is_empty() {
                unmatched.push(part.to_owned());
            }
            hosts.extend(found);
        }
        for part in and {
            let keep = self.part(part)?;
            hosts.retain(|host| keep.contains(host));
        }
        for part in not {
            let drop = self.part(part)?;
            hosts.retain(|host| !drop.contains(host));
        }
        Ok(Selection {
            hosts: hosts.into_iter().collect(),
            unmatched,
        })
    }

    /// One part: a name, a glob or a regular expression, with an optional subscript.
    fn part(&self, part: &str) -> Result<IndexSet<String>> {
        if let Some(regex) = part.strip_prefix('~') {
            return self.matching(&Matcher::regex(regex)?);
        }
        let (name, subscript) = subscript(part);
        if let Some(group) = self.groups.get_key_value(name).map(|(name, _)| name) {
            let hosts = self
                .hosts_of(group)
                .into_iter()
                .map(str::to_owned)
                .collect();
            return cut(hosts, subscript);
        }
        if self.hosts.contains_key(part) {
            return Ok(std::iter::once(part.to_owned()).collect());
        }
        let glob = name.contains(['*', '?', '[']);
        let found = if glob || subscript.is_some() {
            self.matching(&Matcher::glob(name)?)?
        } else if self.hosts.contains_key(name) {
            std::iter::once(name.to_owned()).collect()
        } else {
            IndexSet::new()
        };
        if found.is_empty() && is_local(part) {
            return Ok(std::iter::once(part.to_owned()).collect());
        }
        cut(found, subscript)
    }

    fn matching(&self, matcher: &Matcher) -> Result<IndexSet<String>> {
        let mut found = IndexSet::new();
        for group in self.groups.keys() {
            if matcher.matches(group) {
                found.extend(self.hosts_of(group).into_iter().map(str::to_owned));
            }
        }
        for host in self.hosts.keys() {
            if matcher.matches(host) {
                found.insert(host.clone());
            }
        }
        Ok(found)
    }
}

enum Matcher {
    Regex(fancy_regex::Regex),
    Glob(glob::Pattern),
}

impl Matcher {
    fn regex(text: &str) -> Result<Matcher> {
        // As with Python's `match`, the pattern starts at the beginning of the name.
        fancy_regex::Regex::new(&format!("^(?:{text})"))
            .map(Matcher::Regex)
            .map_err(|e| {
                Diag::error(
                    "bad-pattern",
                    format!("invalid host pattern `~{text}`: {e}"),
                )
            })
    }

    fn glob(text: &str) -> Result<Matcher> {
        glob::Pattern::new(text)
            .map(Matcher::Glob)
            .map_err(|e| Diag::error("bad-pattern", format!("invalid host pattern `{text}`: {e}")))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Matcher::Regex(regex) => regex.is_match(name).unwrap_or(false),
            Matcher::Glob(glob) => glob.matches(name),
        }
    }
}

/// Splits at commas, or at colons that are not inside brackets. An IPv6 address is one part.
fn split(pattern: &str) -> Vec<String> {
    let trimmed = |parts: Vec<&str>| {
        parts
            .into_iter()
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    };
    if pattern.contains(',') {
        return pattern.split(',').flat_map(split).collect();
    }
    if pattern.trim().parse::<std::net::Ipv6Addr>().is_ok() || pattern.starts_with('~') {
        return trimmed(vec![pattern]);
    }
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0i32);
    for (at, c) in pattern.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            ':' if depth <= 0 => {
                parts.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[start..]);
    trimmed(parts)
}

/// `name[1]`, `name[0:3]`, `name[1:]`.
type Subscript = (Option<i64>, Option<Option<i64>>);

fn subscript(part: &str) -> (&str, Option<Subscript>) {
    let none = (part, None);
    let Some((name, range)) = part
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
    else {
        return none;
    };
    let (first, last) = match range
        .split_once(':')
        .or_else(|| range.split_once('-').filter(|(a, _)| !a.is_empty()))
    {
        Some((first, last)) => (first, Some(last)),
        None => (range, None),
    };
    // Only a single index may be negative, and a range needs its first number: anything else is a
    // glob's set of characters (observed: ansible-core 2.19.14).
    let number = |text: &str| text.parse::<i64>().ok();
    let natural =
        |text: &str| number(text).filter(|_| text.starts_with(|c: char| c.is_ascii_digit()));
    let found = match last {
        None => number(first).map(|first| (Some(first), None)),
        Some("") => natural(first).map(|first| (Some(first), Some(None))),
        Some(last) => natural(first)
            .zip(natural(last))
            .map(|(first, last)| (Some(first), Some(Some(last)))),
    };
    match found {
        Some(subscript) => (name, Some(subscript)),
        None => none,
    }
}

/// Applies a subscript; both ends of a range are included.
fn cut(hosts: IndexSet<String>, subscript: Option<Subscript>) -> Result<IndexSet<String>> {
    let Some((first, last)) = subscript else {
        return Ok(hosts);
    };
    let count = i64::try_from(hosts.len()).unwrap_or(i64::MAX);
    let at = |n: i64| if n < 0 { count + n } else { n };
    let first = at(first.unwrap_or(0));
    let last = match last {
        None => first,
        Some(None) => count - 1,
        Some(Some(last)) => at(last),
    };
    Ok(hosts
        .into_iter()
        .zip(0i64..)
        .filter(|(_, n)| (first..=last).contains(n))
        .map(|(host, _)| host)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(pattern: &str) -> String {
        let mut data = Data::new();
        for (host, group) in [
            ("web1", "web"),
            ("web2", "web"),
            ("web3", "web"),
            ("db1", "db"),
            ("lone", "ungrouped"),
        ] {
            data.add_to_group(host, group);
        }
        data.group("site").children.insert("web".into());
        data.reconcile();
        data.select(pattern).unwrap().hosts.join(" ")
    }

    #[test]
    fn selects_as_ansible() {
        assert_eq!(select("all"), "lone db1 web1 web2 web3");
        assert_eq!(select("*"), "lone db1 web1 web2 web3");
        assert_eq!(select("site"), "web1 web2 web3");
        assert_eq!(select("web:!web2"), "web1 web3");
        assert_eq!(select("all:&web"), "web1 web2 web3");
        assert_eq!(select("web,db1"), "web1 web2 web3 db1");
        assert_eq!(select("web[0]"), "web1");
        assert_eq!(select("web[-1]"), "web3");
        assert_eq!(select("web[1:]"), "web2 web3");
        assert_eq!(select("web[0:1]"), "web1 web2");
        assert_eq!(select("~web[13]"), "web1 web3");
        assert_eq!(select("w*1"), "web1");
        assert_eq!(select("!web"), "lone db1");
        assert_eq!(select("localhost"), "localhost");
        assert_eq!(select("nothing"), "");
    }
}
