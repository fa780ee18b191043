//! Where a line belongs in a text. Decisions as observed with ansible-core 2.19.14.

use crate::diag::{Diag, Result};
use crate::modules::common::text::lines;
use crate::value::re::{Flags, Pattern, Template};

/// What the options ask for, in the characters of the file.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) line: Option<String>,
    pub(super) regexp: Option<Pattern>,
    pub(super) search_string: Option<String>,
    pub(super) backrefs: bool,
    pub(super) insertafter: Option<String>,
    pub(super) insertbefore: Option<String>,
    pub(super) firstmatch: bool,
}

/// What it comes to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    /// The new text; `None` for no change.
    pub(super) text: Option<String>,
    /// `line added` and the like.
    pub(super) message: String,
    /// How many lines were removed.
    pub(super) count: usize,
}

/// Compiles a pattern option.
pub(super) fn pattern(option: &str, text: Option<String>) -> Result<Option<Pattern>> {
    let compile = |text: String| {
        Pattern::new(&text, Flags::default()).map_err(|e| Diag::error("bad-regex", e).about(option))
    };
    text.map(compile).transpose()
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

impl Wish {
    pub(super) fn absent(&self, text: &str) -> Change {
        let all = lines(text);
        let total = all.len();
        let kept: Vec<String> = all
            .into_iter()
            .filter(|line| !self.is_meant(line))
            .collect();
        match total - kept.len() {
            0 => Change::default(),
            count => Change {
                text: Some(kept.concat()),
                message: format!("{count} line(s) removed"),
                count,
            },
        }
    }

    /// True for a line that `regexp` or `search_string` (or, without both, `line`) finds.
    fn is_meant(&self, line: &str) -> bool {
        match (&self.regexp, &self.search_string) {
            (Some(regexp), _) => regexp.is_match(line),
            (None, Some(text)) => line.contains(text.as_str()),
            (None, None) => self.line.as_deref() == Some(bare(line)),
        }
    }

    pub(super) fn present(&self, text: &str) -> Result<Change> {
        let mut all = lines(text);
        let line = self.line.clone().unwrap_or_default();
        let searches = self.regexp.is_some() || self.search_string.is_some();
        let mut hits = (0..all.len()).filter(|i| searches && self.is_meant(&all[*i]));
        let hit = if self.firstmatch {
            hits.next()
        } else {
            hits.next_back()
        };
        let same = all.iter().rposition(|old| bare(old) == line);
        if let Some(at) = hit.or(same) {
            let mut new = match (&self.regexp, hit) {
                (Some(regexp), Some(_)) if self.backrefs => expand(regexp, &line, &all[at])?,
                _ => line,
            };
            if !new.ends_with('\n') {
                new.push('\n');
            }
            if all[at] == new {
                return Ok(Change::default());
            }
            all[at] = new;
            return Ok(Change {
                text: Some(all.concat()),
                message: "line replaced".into(),
                count: 0,
            });
        }
        if self.backrefs {
            return Ok(Change::default());
        }
        let at = self.place_for_new(&all)?;
        if at > 0
            && let Some(before) = all.get_mut(at - 1)
            && !before.ends_with(['\n', '\r'])
        {
            before.push('\n');
        }
        all.insert(at, line + "\n");
        Ok(Change {
            text: Some(all.concat()),
            message: "line added".into(),
            count: 0,
        })
    }

    fn place_for_new(&self, all: &[String]) -> Result<usize> {
        let end = all.len();
        let (option, text) = match (&self.insertafter, &self.insertbefore) {
            (Some(text), _) => ("insertafter", text),
            (None, Some(text)) => ("insertbefore", text),
            (None, None) => return Ok(end),
        };
        match text.as_str() {
            "BOF" => return Ok(0),
            "EOF" if option == "insertafter" => return Ok(end),
            _ => {}
        }
        let Some(pattern) = pattern(option, Some(text.clone()))? else {
            return Ok(end);
        };
        let mut hits = (0..end).filter(|i| pattern.is_match(&all[*i]));
        let hit = if self.firstmatch {
            hits.next()
        } else {
            hits.next_back()
        };
        Ok(match hit {
            Some(at) if option == "insertafter" => at + 1,
            Some(at) => at,
            None => end,
        })
    }
}

fn expand(regexp: &Pattern, template: &str, line: &str) -> Result<String> {
    let template = Template::parse(template, regexp)
        .map_err(|e| Diag::error("bad-template", e).about("line"))?;
    let mut out = String::new();
    if let Some(found) = regexp.search(line) {
        template.expand(&found, line, &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Wish {
        Wish {
            line: Some(line.into()),
            ..Wish::default()
        }
    }

    fn text(wish: &Wish, text: &str) -> Option<String> {
        wish.present(text).unwrap().text
    }

    #[test]
    fn adds_at_the_end_with_a_line_end() {
        assert_eq!(text(&wish("b"), "a").as_deref(), Some("a\nb\n"));
        assert_eq!(text(&wish("a"), "a\nb\n"), None);
        assert_eq!(text(&wish("a"), "a").as_deref(), Some("a\n"));
        assert_eq!(text(&wish("b"), "").as_deref(), Some("b\n"));
    }

    #[test]
    fn replaces_the_last_match_or_the_first() {
        let mut w = wish("b=9");
        w.regexp = pattern("regexp", Some("^b=".into())).unwrap();
        assert_eq!(text(&w, "b=1\nb=2\n").as_deref(), Some("b=1\nb=9\n"));
        w.firstmatch = true;
        assert_eq!(text(&w, "b=1\nb=2\n").as_deref(), Some("b=9\nb=2\n"));
    }

    #[test]
    fn back_references_need_a_match() {
        let mut w = wish(r"\1=one");
        w.regexp = pattern("regexp", Some(r"^(\w)=1$".into())).unwrap();
        w.backrefs = true;
        assert_eq!(text(&w, "a=1\n").as_deref(), Some("a=one\n"));
        assert_eq!(text(&w, "a=2\n"), None);
    }

    #[test]
    fn inserts_beside_a_match() {
        let mut w = wish("x");
        w.insertafter = Some("^a".into());
        assert_eq!(text(&w, "a\na\nb\n").as_deref(), Some("a\na\nx\nb\n"));
        assert_eq!(text(&w, "b\na").as_deref(), Some("b\na\nx\n"));
        w.insertafter = None;
        w.insertbefore = Some("^a".into());
        w.firstmatch = true;
        assert_eq!(text(&w, "a\na\n").as_deref(), Some("x\na\na\n"));
        w.insertbefore = Some("BOF".into());
        assert_eq!(text(&w, "a\n").as_deref(), Some("x\na\n"));
    }

    #[test]
    fn removes_and_counts() {
        let change = wish("a").absent("a\nb\na\r\n");
        assert_eq!((change.text.as_deref(), change.count), (Some("b\n"), 2));
        assert_eq!(wish("z").absent("a\n"), Change::default());
    }
}
