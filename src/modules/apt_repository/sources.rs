//! Lists of sources in their old form: one line for each.

use crate::diag::Result;
use crate::sys::{Known, View};
use std::path::{Path, PathBuf};

/// The list itself.
pub(super) const LIST: &str = "/etc/apt/sources.list";
/// The directory of further lists.
pub(super) const PARTS: &str = "/etc/apt/sources.list.d";

/// One line of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// It is a source, be it disabled.
    pub(super) valid: bool,
    /// It is not commented out.
    pub(super) enabled: bool,
    /// Without the comments, single spaces between the words.
    pub(super) source: String,
    /// What follows `#`.
    pub(super) comment: String,
}

impl Line {
    /// Reads a line.
    pub(super) fn read(text: &str) -> Line {
        let text = text.trim();
        let (enabled, text) = match text.strip_prefix('#') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let (text, comment) = match text.find('#') {
            Some(at) if at > 0 => (&text[..at], text[at + 1..].trim()),
            _ => (text, ""),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let valid = matches!(words.first(), Some(&("deb" | "deb-src")));
        Line {
            valid,
            enabled,
            source: if valid {
                words.join(" ")
            } else {
                text.trim().to_owned()
            },
            comment: comment.to_owned(),
        }
    }

    fn write(&self) -> String {
        let off = if self.enabled { "" } else { "# " };
        let comment = match self.comment.as_str() {
            "" => String::new(),
            comment => format!(" # {comment}"),
        };
        format!("{off}{}{comment}\n", self.source)
    }
}

/// One file of sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its lines.
    pub(super) lines: Vec<Line>,
}

impl File {
    /// The content, in the form that the original gives all lines (observed: ansible-core 2.19.14).
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(Line::write).collect()
    }
}

/// All files of sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sources {
    pub(super) files: Vec<File>,
}

impl Sources {
    /// Reads the list and those in the directory.
    pub(super) fn load(view: &dyn View) -> Result<Sources> {
        let mut paths = vec![PathBuf::from(LIST)];
        if let Known::Known(Some(names)) = view.list(Path::new(PARTS))? {
            let lists = names.into_iter().filter(|name| name.ends_with(".list"));
            paths.extend(lists.map(|name| Path::new(PARTS).join(name)));
        }
        let mut sources = Sources::default();
        for path in paths {
            let Known::Known(Some(bytes)) = view.read(&path)? else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.lines().map(Line::read).collect();
            sources.files.push(File { path, lines });
        }
        Ok(sources)
    }

    /// True where a source is there and enabled.
    pub(super) fn has(&self, source: &str) -> bool {
        let mut lines = self.files.iter().flat_map(|file| &file.lines);
        lines.any(|line| line.valid && line.enabled && line.source == source)
    }

    /// Enables a source wherever it is, or else adds it to a file.
    pub(super) fn add(&mut self, source: &str, path: &Path) {
        let mut found = false;
        let lines = self.files.iter_mut().flat_map(|file| &mut file.lines);
        for line in lines.filter(|line| line.valid && line.source == source) {
            line.enabled = true;
            found = true;
        }
        if found {
            return;
        }
        let line = Line {
            valid: true,
            enabled: true,
            source: source.to_owned(),
            comment: String::new(),
        };
        match self.files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.lines.push(line),
            None => self.files.push(File {
                path: path.to_owned(),
                lines: vec![line],
            }),
        }
    }

    /// Takes a source out of all files.
    pub(super) fn remove(&mut self, source: &str) {
        for file in &mut self.files {
            file.lines
                .retain(|line| !(line.valid && line.enabled && line.source == source));
        }
    }

    /// The content of a file; nothing for one without lines.
    pub(super) fn text(&self, path: &Path) -> Option<String> {
        let file = self.files.iter().find(|file| file.path == path)?;
        Some(file.text()).filter(|text| !text.is_empty())
    }
}

/// The name of a list for a source: its address, letters and digits only.
pub(super) fn file_name(source: &str) -> String {
    let bare = without_brackets(source);
    let words = bare.split_whitespace().map(|word| {
        let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
        rest.to_owned()
    });
    let address = words
        .filter(|word| word != "deb" && word != "deb-src")
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    let address = address.split_once('@').map_or(address.as_str(), |(_, a)| a);
    let name: Vec<&str> = address
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    name.join("_")
}

fn without_brackets(text: &str) -> String {
    let mut rest = text;
    let mut bare = String::new();
    while let Some((before, after)) = rest.split_once('[') {
        bare.push_str(before);
        match after.split_once(']') {
            Some((inner, after)) if !inner.is_empty() => rest = after,
            _ => {
                bare.push('[');
                rest = after;
            }
        }
    }
    bare + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_as_the_original_writes_them() {
        let round = |text: &str| Line::read(text).write();
        assert_eq!(round("deb  http://a  b   c"), "deb http://a b c\n");
        assert_eq!(round("#deb http://a b#c"), "# deb http://a b # c\n");
        assert_eq!(round("# only text"), "# only text\n");
        assert_eq!(round(""), "\n");
        assert_eq!(
            round("deb [arch=amd64] http://a b # why "),
            "deb [arch=amd64] http://a b # why\n"
        );
        assert!(!Line::read("rpm http://a").valid);
    }

    #[test]
    fn lists_are_named_by_the_address() {
        let name = |source| file_name(source);
        assert_eq!(name("deb http://a.org/x-y b c"), "a_org_x_y");
        assert_eq!(
            name("deb-src [arch=amd64 signed-by=/k] https://u:p@a.org:80/x b"),
            "a_org_80_x"
        );
        assert_eq!(
            name("ppa:nginx/stable_bookworm"),
            "ppa_nginx_stable_bookworm"
        );
    }
}
