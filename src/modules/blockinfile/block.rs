//! A marked block in a text. Decisions as observed with ansible-core 2.19.14.

use crate::diag::{Diag, Result};
use crate::modules::common::text::lines;
use crate::value::re::{Flags, Pattern};

/// The block in the characters of the file.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// First marker line, with its end.
    pub(super) begin: String,
    /// Second marker line, with its end.
    pub(super) end: String,
    /// What is between; empty removes the block.
    pub(super) lines: String,
    pub(super) insertafter: Option<String>,
    pub(super) insertbefore: Option<String>,
    pub(super) empty_before: bool,
    pub(super) empty_after: bool,
}

impl Block {
    /// The text with the block as it should be.
    pub(super) fn put_into(&self, text: &str) -> Result<String> {
        let mut all = lines(text);
        let first = all.iter().rposition(|line| *line == self.begin);
        let last = all.iter().rposition(|line| *line == self.end);
        let mut at = match (first, last) {
            (Some(first), Some(last)) => {
                let (from, to) = (first.min(last), first.max(last));
                all.drain(from..=to);
                from
            }
            _ => self.place_for_new(&all, text)?,
        };
        if at > 0 && !all[at - 1].ends_with('\n') {
            all[at - 1].push('\n');
        }
        if self.empty_before && at > 0 && all[at - 1] != "\n" {
            all.insert(at, "\n".into());
            at += 1;
        }
        let block = self.block_lines();
        let after = at + block.len();
        all.splice(at..at, block);
        if self.empty_after && all.get(after).is_some_and(|line| line != "\n") {
            all.insert(after, "\n".into());
        }
        Ok(all.concat())
    }

    fn block_lines(&self) -> Vec<String> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let mut inner = lines(&self.lines);
        if let Some(last) = inner.last_mut()
            && !last.ends_with('\n')
        {
            last.push('\n');
        }
        inner.insert(0, self.begin.clone());
        inner.push(self.end.clone());
        inner
    }

    fn place_for_new(&self, all: &[String], text: &str) -> Result<usize> {
        let (option, wanted, after) = match (&self.insertafter, &self.insertbefore) {
            (Some(text), _) if text == "EOF" => return Ok(all.len()),
            (Some(text), _) => ("insertafter", text, true),
            (None, Some(text)) if text == "BOF" => return Ok(0),
            (None, Some(text)) => ("insertbefore", text, false),
            (None, None) => return Ok(all.len()),
        };
        let pattern = Pattern::new(wanted, Flags::default())
            .map_err(|e| Diag::error("bad-regex", e).about(option))?;
        let newlines = |end: usize| text[..end].matches('\n').count();
        let hit = if is_multiline(wanted) {
            // A pattern that sets `(?m)` looks at the whole text.
            pattern
                .search(text)
                .map(|found| newlines(if after { found.end() } else { found.start() }))
        } else {
            all.iter().rposition(|line| pattern.is_match(line))
        };
        Ok(match hit {
            Some(at) if after => (at + 1).min(all.len()),
            Some(at) => at,
            None => all.len(),
        })
    }
}

/// True for a pattern that begins with flags among which is `m`.
fn is_multiline(pattern: &str) -> bool {
    let flags = pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'));
    flags.is_some_and(|(flags, _)| {
        flags.contains('m') && flags.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(lines: &str) -> Block {
        Block {
            begin: "# BEGIN\n".into(),
            end: "# END\n".into(),
            lines: lines.into(),
            ..Block::default()
        }
    }

    #[test]
    fn puts_replaces_and_removes() {
        let put = block("X\nY").put_into("one\ntwo").unwrap();
        assert_eq!(put, "one\ntwo\n# BEGIN\nX\nY\n# END\n");
        assert_eq!(block("X\nY\n").put_into(&put).unwrap(), put);
        let other = block("Z").put_into(&put).unwrap();
        assert_eq!(other, "one\ntwo\n# BEGIN\nZ\n# END\n");
        assert_eq!(block("").put_into(&put).unwrap(), "one\ntwo\n");
        assert_eq!(block("X").put_into("").unwrap(), "# BEGIN\nX\n# END\n");
    }

    #[test]
    fn places() {
        let mut b = block("X");
        b.insertafter = Some("^one".into());
        assert_eq!(
            b.put_into("one\ntwo\n").unwrap(),
            "one\n# BEGIN\nX\n# END\ntwo\n"
        );
        b.insertafter = Some("(?m)one\\ntwo".into());
        assert_eq!(
            b.put_into("one\ntwo\n3\n").unwrap(),
            "one\ntwo\n# BEGIN\nX\n# END\n3\n"
        );
        b.insertafter = None;
        b.insertbefore = Some("BOF".into());
        b.empty_after = true;
        assert_eq!(b.put_into("one\n").unwrap(), "# BEGIN\nX\n# END\n\none\n");
    }
}
