//! A group of alternatives, as `update-alternatives --display` tells it.

use super::super::common::command;
use crate::diag::Result;
use crate::sys::{Known, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All alternatives of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// `auto` or `manual`.
    pub(super) mode: Option<String>,
    /// The chosen program.
    pub(super) current: Option<String>,
    /// The link that programs call.
    pub(super) link: Option<String>,
    /// By path.
    pub(super) choices: BTreeMap<String, Choice>,
}

/// One alternative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) priority: i64,
    pub(super) followers: Vec<Follower>,
}

/// A link that follows the choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Follower {
    /// Its common name.
    pub(super) name: String,
    /// What it leads to.
    pub(super) path: String,
    /// The link itself.
    pub(super) link: String,
}

/// Under which a planned group is known.
pub(super) fn key(name: &str) -> String {
    format!("alternatives:{name}")
}

impl Group {
    /// Asks for a group; one that nobody knows is empty.
    pub(super) fn load(name: &str, view: &dyn View) -> Result<Group> {
        if let Some(planned) = view.assumed(&key(name)) {
            return Ok(serde_json::from_value(planned).unwrap_or_default());
        }
        let program = command::required(view, "update-alternatives")?;
        match command::query(view, [program.as_str(), "--display", name])? {
            Known::Known(output) if output.ok() => Ok(Group::parse(&output.text())),
            _ => Ok(Group::default()),
        }
    }

    fn parse(text: &str) -> Group {
        let mut group = Group::default();
        let mut links: BTreeMap<&str, &str> = BTreeMap::new();
        let mut last = String::new();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        if let Some((_, mode)) = first.split_once(" - ") {
            let mode = mode.strip_prefix("status is ").unwrap_or(mode);
            let mode = mode.strip_suffix(" mode").unwrap_or(mode);
            group.mode = Some(mode.trim_end_matches('.').to_owned());
        }
        for line in lines {
            let inner = line.trim_start();
            if let Some(path) = inner.strip_prefix("link currently points to ") {
                group.current = Some(path.to_owned());
            } else if let Some((_, link)) = word_is(inner, "link ") {
                group.link = Some(link.to_owned());
            } else if let Some((name, link)) =
                word_is(inner, "slave ").or_else(|| word_is(inner, "follower "))
            {
                links.insert(name, link);
            } else if line.starts_with('/') {
                last = group.choice(line).unwrap_or_default();
            } else if let Some((name, path)) = follower(inner)
                && let Some(choice) = group.choices.get_mut(&last)
                && path != "(null)"
            {
                choice.followers.push(Follower {
                    name: name.to_owned(),
                    path: path.to_owned(),
                    link: links.get(name).copied().unwrap_or_default().to_owned(),
                });
            }
        }
        group
    }

    /// `/usr/bin/vim.basic - priority 30`
    fn choice(&mut self, line: &str) -> Option<String> {
        let (path, rest) = line.split_once(" - ")?;
        let priority = rest.split_whitespace().last()?.parse().ok()?;
        let followers = Vec::new();
        let choice = Choice {
            priority,
            followers,
        };
        self.choices.insert(path.to_owned(), choice);
        Some(path.to_owned())
    }

    /// Takes the alternative with the highest priority where nobody has chosen.
    pub(super) fn choose(&mut self) {
        if self.mode.as_deref() == Some("auto") {
            // Of equal ones the first stays.
            let best = self.choices.iter().rev().max_by_key(|(_, c)| c.priority);
            self.current = best.map(|(path, _)| path.clone());
        }
    }
}

/// `WORD NAME is PATH`
fn word_is<'a>(line: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let (name, path) = line.strip_prefix(word)?.split_once(" is ")?;
    (!name.contains(' ')).then_some((name, path))
}

/// `slave NAME: PATH`
fn follower(line: &str) -> Option<(&str, &str)> {
    let rest = line
        .strip_prefix("slave ")
        .or(line.strip_prefix("follower "))?;
    rest.split_once(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_program_displays() {
        let text = "editor - auto mode\n  link best version is /usr/bin/vim.basic\n  \
            link currently points to /usr/bin/vim.basic\n  link editor is /usr/bin/editor\n  \
            slave editor.1.gz is /usr/share/man/man1/editor.1.gz\n/bin/ed - priority -100\n  \
            slave editor.1.gz: /usr/share/man/man1/ed.1.gz\n/usr/bin/vim.basic - priority 30\n";
        let group = Group::parse(text);
        assert_eq!(group.mode.as_deref(), Some("auto"));
        assert_eq!(group.current.as_deref(), Some("/usr/bin/vim.basic"));
        assert_eq!(group.link.as_deref(), Some("/usr/bin/editor"));
        assert_eq!(group.choices["/usr/bin/vim.basic"].priority, 30);
        let ed = &group.choices["/bin/ed"];
        assert_eq!(ed.priority, -100);
        assert_eq!(ed.followers[0].link, "/usr/share/man/man1/editor.1.gz");
        assert_eq!(ed.followers[0].path, "/usr/share/man/man1/ed.1.gz");
    }
}
