//! Account databases beyond passwd(5): shadow(5), group(5), login.defs(5).

use crate::diag::Result;
use crate::sys::{Group, View};
use std::path::Path;

/// A line of shadow(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadow {
    /// The hash; `!` in front locks it.
    pub password: String,
    /// Minimum age in days.
    pub min: Option<i64>,
    /// Maximum age in days.
    pub max: Option<i64>,
    /// Days of warning.
    pub warn: Option<i64>,
    /// Days after which an expired password disables the account.
    pub inactive: Option<i64>,
    /// Day (since the epoch) from which on the account is disabled.
    pub expires: Option<i64>,
}

fn text(view: &dyn View, path: &str) -> Result<String> {
    let bytes = view.read(Path::new(path))?.presume(None);
    Ok(bytes.map_or(String::new(), |b| String::from_utf8_lossy(&b).into_owned()))
}

/// The shadow entry of an account, if there is one that may be read.
pub fn shadow(view: &dyn View, name: &str) -> Result<Option<Shadow>> {
    let text = text(view, "/etc/shadow")?;
    let line = text.lines().find_map(|line| {
        let (user, rest) = line.split_once(':')?;
        (user == name).then_some(rest)
    });
    Ok(line.map(|rest| {
        let fields: Vec<&str> = rest.split(':').collect();
        let number = |index: usize| fields.get(index).and_then(|f| f.trim().parse().ok());
        Shadow {
            password: fields.first().copied().unwrap_or_default().to_owned(),
            min: number(2),
            max: number(3),
            warn: number(4),
            inactive: number(5),
            expires: number(6),
        }
    }))
}

/// All groups of the local database that list an account as a member, by name.
pub fn member_of(view: &dyn View, name: &str) -> Result<Vec<String>> {
    let text = text(view, "/etc/group")?;
    let mut found: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let group = fields.next().unwrap_or_default();
        let in_line = fields
            .nth(2)
            .is_some_and(|members| members.split(',').any(|user| user == name));
        let known = view.group(group)?.presume(None);
        // A planned change of the group counts, not its line.
        let is_member = match known {
            Some(Group { members, .. }) => members.iter().any(|m| m == name),
            None => in_line,
        };
        if !group.is_empty() && is_member {
            found.push(group.to_owned());
        }
    }
    Ok(found)
}

/// A setting of login.defs(5).
pub fn login_defs(view: &dyn View, key: &str) -> Result<Option<String>> {
    let text = text(view, "/etc/login.defs")?;
    Ok(text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(key)).then(|| words.next().map(str::to_owned))?
    }))
}
