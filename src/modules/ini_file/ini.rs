//! Changing one option in the text of an INI file. Decisions as observed with
//! community.general's ini_file.

use crate::modules::common::text::lines;
use crate::value::order;

/// What the options ask for.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// `None`: before the first section.
    pub(super) section: Option<String>,
    /// Options and values that the section must have to be the one.
    pub(super) has_values: Vec<(String, String)>,
    pub(super) option: Option<String>,
    /// Empty: the option without a value.
    pub(super) values: Vec<String>,
    pub(super) present: bool,
    pub(super) exclusive: bool,
    /// `a=b`.
    pub(super) tight: bool,
    pub(super) ignore_spaces: bool,
    /// Lines that are commented out count.
    pub(super) wake_comments: bool,
}

/// What it comes to.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    /// The new text; `None` for no change.
    pub(super) text: Option<String>,
    pub(super) message: &'static str,
}

impl Change {
    pub(super) fn of(message: &'static str) -> Change {
        Change {
            text: None,
            message,
        }
    }
}

/// A line such as `#name = value`.
struct Assignment<'a> {
    comment: bool,
    name: &'a str,
    /// `None` without an equals sign.
    value: Option<&'a str>,
}

fn assignment(line: &str) -> Option<Assignment<'_>> {
    let text = line.trim();
    let active = text.trim_start_matches(['#', ';']);
    // One comment sign makes a line inactive, more make it prose.
    if text.len() - active.len() > 1 || text.starts_with('[') {
        return None;
    }
    let (name, value) = match active.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (active.trim(), None),
    };
    (!name.is_empty()).then_some(Assignment {
        comment: active.len() != text.len(),
        name,
        value,
    })
}

fn header(line: &str) -> Option<&str> {
    let text = line.trim();
    let inner = text.strip_prefix('[')?;
    inner.rfind(']').map(|end| inner[..end].trim())
}

fn is_blank_or_comment(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with(['#', ';'])
}

impl Wish {
    pub(super) fn change(&self, text: &str) -> Change {
        let mut all = lines(text);
        if let Some(last) = all.last_mut()
            && !last.ends_with('\n')
        {
            last.push('\n');
        }
        let before = all.clone();
        if all.is_empty() {
            // A new file begins with an empty line, as the original writes it.
            all.push("\n".into());
        }
        let message = match self.range(&all) {
            Some((start, end)) => match (&self.option, self.present) {
                (None, false) => {
                    let from = if self.section.is_some() {
                        start - 1
                    } else {
                        start
                    };
                    all.drain(from..end);
                    "section removed"
                }
                (None, true) => "OK",
                (Some(option), true) => self.set(option, &mut all, start, end),
                (Some(option), false) => self.unset(option, &mut all, start, end),
            },
            None if self.present => self.append(&mut all),
            None => "OK",
        };
        if all == before || (before.is_empty() && all.len() == 1) {
            return Change::of("OK");
        }
        Change {
            text: Some(all.concat()),
            message,
        }
    }

    /// The lines of the section, without its header.
    fn range(&self, all: &[String]) -> Option<(usize, usize)> {
        let end_after = |start: usize| {
            (start..all.len())
                .find(|i| header(&all[*i]).is_some())
                .unwrap_or(all.len())
        };
        let Some(section) = &self.section else {
            return Some((0, end_after(0)));
        };
        (0..all.len())
            .filter(|i| header(&all[*i]) == Some(section.trim()))
            .map(|i| (i + 1, end_after(i + 1)))
            .find(|(start, end)| {
                self.has_values.iter().all(|(option, value)| {
                    all[*start..*end]
                        .iter()
                        .filter_map(|l| assignment(l))
                        .any(|a| !a.comment && a.name == option && a.value == Some(value.as_str()))
                })
            })
    }

    fn line(&self, option: &str, value: &str) -> String {
        if self.tight {
            format!("{option}={value}\n")
        } else {
            format!("{option} = {value}\n")
        }
    }

    fn wanted(&self, option: &str) -> Vec<String> {
        if self.values.is_empty() {
            return vec![format!("{option}\n")];
        }
        self.values.iter().map(|v| self.line(option, v)).collect()
    }

    fn append(&self, all: &mut Vec<String>) -> &'static str {
        let Some(section) = &self.section else {
            return "OK";
        };
        all.push(format!("[{section}]\n"));
        for (option, value) in &self.has_values {
            all.push(self.line(option, value));
        }
        match &self.option {
            Some(option) => {
                all.extend(self.wanted(option));
                "section and option added"
            }
            None => "only section added",
        }
    }

    /// Does this line set the option?
    fn sets(&self, option: &str, line: &str) -> bool {
        assignment(line).is_some_and(|a| a.name == option && (!a.comment || self.wake_comments))
    }

    fn set(
        &self,
        option: &str,
        all: &mut Vec<String>,
        start: usize,
        mut end: usize,
    ) -> &'static str {
        let mut left = self.wanted(option);
        let mut spare = Vec::new();
        // Lines that have a wanted value stay where they are.
        for (at, text) in all.iter_mut().enumerate().take(end).skip(start) {
            if !self.sets(option, text) {
                continue;
            }
            let line = assignment(text);
            let value = line.as_ref().and_then(|a| a.value);
            let active = line.as_ref().is_some_and(|a| !a.comment);
            let hit = left
                .iter()
                .position(|w| assignment(w).is_some_and(|a| a.value == value));
            match hit {
                Some(hit) => {
                    let wanted = left.remove(hit);
                    if !(self.ignore_spaces && active) {
                        *text = wanted;
                    }
                }
                None => spare.push((at, active)),
            }
        }
        let mut message = "option changed";
        if self.exclusive {
            // An active line is the first to be changed; comments are left in peace otherwise.
            order::sort_by_key(&mut spare, |(at, active)| (!active, *at));
            let mut gone = Vec::new();
            for (at, active) in spare {
                if !left.is_empty() {
                    all[at] = left.remove(0);
                } else if active {
                    gone.push(at);
                }
            }
            gone.sort_unstable();
            for at in gone.into_iter().rev() {
                all.remove(at);
                end -= 1;
            }
        }
        if !left.is_empty() {
            let place = (start..end)
                .rev()
                .find(|i| !is_blank_or_comment(&all[*i]))
                .map_or(start, |i| i + 1);
            all.splice(place..place, left);
            message = "option added";
        }
        message
    }

    fn unset(&self, option: &str, all: &mut Vec<String>, start: usize, end: usize) -> &'static str {
        let meant = |line: &str| {
            assignment(line).is_some_and(|a| {
                let value_meant = self.exclusive
                    || self.values.is_empty()
                    || a.value.is_some_and(|v| self.values.iter().any(|w| w == v));
                !a.comment && a.name == option && value_meant
            })
        };
        for at in (start..end).rev() {
            if meant(&all[at]) {
                all.remove(at);
            }
        }
        "option changed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(section: &str, option: &str, values: &[&str]) -> Wish {
        Wish {
            section: Some(section.into()),
            option: Some(option.into()),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            present: true,
            exclusive: true,
            wake_comments: true,
            ..Wish::default()
        }
    }

    const TEXT: &str = "; c\n[a]\nx = 1\ny=2\n\n[b]\n#w = 4\n";

    fn changed(wish: &Wish, text: &str) -> (String, &'static str) {
        let change = wish.change(text);
        (
            change.text.unwrap_or_else(|| text.to_owned()),
            change.message,
        )
    }

    #[test]
    fn sets_adds_and_wakes() {
        let (text, message) = changed(&wish("a", "x", &["2"]), TEXT);
        assert_eq!(
            (text.contains("x = 2\ny=2\n"), message),
            (true, "option changed")
        );
        let (text, message) = changed(&wish("a", "n", &["1"]), TEXT);
        assert_eq!(
            (text.contains("y=2\nn = 1\n\n[b]"), message),
            (true, "option added")
        );
        let (text, _) = changed(&wish("b", "w", &["5"]), TEXT);
        assert!(text.ends_with("[b]\nw = 5\n"));
        let (text, message) = changed(&wish("c", "q", &["1"]), TEXT);
        assert!(text.ends_with("#w = 4\n[c]\nq = 1\n"));
        assert_eq!(message, "section and option added");
        assert_eq!(changed(&wish("a", "x", &["1"]), TEXT).1, "OK");
    }

    #[test]
    fn several_values() {
        let text = "[m]\nk = 1\nk = 2\n";
        assert_eq!(
            changed(&wish("m", "k", &["2", "3"]), text).0,
            "[m]\nk = 3\nk = 2\n"
        );
        let mut more = wish("m", "k", &["4"]);
        more.exclusive = false;
        assert_eq!(changed(&more, text).0, "[m]\nk = 1\nk = 2\nk = 4\n");
    }

    #[test]
    fn removes() {
        let mut gone = wish("a", "y", &[]);
        gone.present = false;
        assert!(!changed(&gone, TEXT).0.contains("y=2"));
        gone.option = None;
        assert_eq!(
            changed(&gone, TEXT),
            ("; c\n[b]\n#w = 4\n".into(), "section removed")
        );
    }
}
