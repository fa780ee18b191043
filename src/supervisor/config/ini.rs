//! The INI dialect of supervisord's files: Python's `RawConfigParser(strict=False)` with `;` and `#`
//! as comments, also behind a value after white space.

use crate::value::{is_space, strip};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A value and where it was set last.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Continuation lines are joined by a newline.
    pub value: String,
    /// The file.
    pub file: Rc<Path>,
    /// The line of the option's name, from 1.
    pub line: usize,
}

/// The options of one section, by lower-case name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// In order of first appearance.
    pub options: IndexMap<String, Entry>,
    /// The file that first opened the section.
    pub file: PathBuf,
}

/// Sections by name, in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ini {
    /// All sections of all files read so far.
    pub sections: IndexMap<String, Section>,
    defaults: IndexMap<String, Entry>,
    last: RefCell<Option<(String, String)>>,
    notes: RefCell<Vec<String>>,
}

/// What is being read at the moment.
enum Cursor {
    Nowhere,
    Defaults,
    Section(String),
}

impl Ini {
    /// Adds a file that another one includes: as `read`, and `%(here)s` becomes the file's own
    /// directory, also behind another `%`.
    pub fn include(&mut self, file: &Path, text: &str) -> Result<(), String> {
        self.read(file, text)?;
        self.settle_here(file);
        Ok(())
    }

    /// Adds a file: its options override those of the same name read before. The error is Python's
    /// text.
    pub fn read(&mut self, file: &Path, text: &str) -> Result<(), String> {
        let shown = crate::value::quote_repr(&file.display().to_string());
        let file: Rc<Path> = file.into();
        let mut cursor = Cursor::Nowhere;
        let mut option: Option<String> = None;
        let mut indent = 0;
        let mut errors = Vec::new();
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        for (index, raw) in text.split_inclusive('\n').enumerate() {
            let line = raw.trim_end_matches('\n');
            let (kept, commented) = without_comment(line);
            let value = strip(kept);
            if value.is_empty() {
                if let (false, Some(entry)) = (commented, self.entry(&cursor, option.as_deref())) {
                    entry.value.push('\n');
                }
                continue;
            }
            let level = line.len() - line.trim_start_matches(is_space).len();
            if let (true, Some(entry)) = (level > indent, self.entry(&cursor, option.as_deref())) {
                entry.value.push('\n');
                entry.value.push_str(value);
                continue;
            }
            indent = level;
            if let Some(name) = header(value) {
                option = None;
                cursor = self.open(name, &file);
                continue;
            }
            if matches!(cursor, Cursor::Nowhere) {
                let line = crate::value::quote_repr(raw);
                return Err(format!(
                    "File contains no section headers.\nfile: {shown}, line: {}\n{line}",
                    index + 1
                ));
            }
            match value.find(['=', ':']) {
                Some(at) if at > 0 => {
                    let name = value[..at].trim_end_matches(is_space).to_lowercase();
                    let entry = Entry {
                        value: strip(&value[at + 1..]).to_owned(),
                        file: file.clone(),
                        line: index + 1,
                    };
                    self.set(&cursor, name.clone(), entry);
                    option = Some(name);
                }
                _ => {
                    let line = crate::value::quote_repr(raw);
                    errors.push(format!("\n\t[line {:2}]: {line}", index + 1));
                }
            }
        }
        if !errors.is_empty() {
            return Err(format!(
                "Source contains parsing errors: {shown}{}",
                errors.concat()
            ));
        }
        self.finish(&file);
        Ok(())
    }

    /// The value of an option, the section's own or of `[DEFAULT]`.
    pub fn get(&self, section: &str, option: &str) -> Option<&Entry> {
        *self.last.borrow_mut() = Some((section.to_owned(), option.to_owned()));
        let own = self.sections.get(section)?.options.get(option);
        own.or_else(|| self.defaults.get(option))
    }

    /// Section and name of the option that was asked for last: where an error came from.
    pub fn last(&self) -> Option<(String, String)> {
        self.last.borrow().clone()
    }

    /// The names of a section's options, those of `[DEFAULT]` too; none where there is no section.
    pub fn options(&self, section: &str) -> impl Iterator<Item = &str> {
        let own = self.sections.get(section).map(|s| &s.options);
        let all = own.map(|own| own.keys().chain(self.defaults.keys()));
        all.into_iter().flatten().map(String::as_str)
    }

    /// Keeps a warning for the log, about an option that was just read.
    pub fn warn(&self, line: String) {
        self.notes.borrow_mut().push(line);
    }

    /// The warnings so far, in order.
    pub fn warnings(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    fn open(&mut self, name: &str, file: &Path) -> Cursor {
        if name == "DEFAULT" {
            return Cursor::Defaults;
        }
        let new = || Section {
            file: file.to_path_buf(),
            ..Section::default()
        };
        self.sections.entry(name.to_owned()).or_insert_with(new);
        Cursor::Section(name.to_owned())
    }

    fn options_at(&mut self, cursor: &Cursor) -> Option<&mut IndexMap<String, Entry>> {
        match cursor {
            Cursor::Nowhere => None,
            Cursor::Defaults => Some(&mut self.defaults),
            Cursor::Section(name) => self.sections.get_mut(name).map(|s| &mut s.options),
        }
    }

    fn entry(&mut self, cursor: &Cursor, option: Option<&str>) -> Option<&mut Entry> {
        self.options_at(cursor)?.get_mut(option?)
    }

    fn set(&mut self, cursor: &Cursor, name: String, entry: Entry) {
        if let Some(options) = self.options_at(cursor) {
            options.insert(name, entry);
        }
    }

    fn finish(&mut self, file: &Rc<Path>) {
        for entry in self.entries_of(file) {
            let kept = entry.value.trim_end_matches(is_space).len();
            entry.value.truncate(kept);
        }
    }

    /// Writes the file's directory for `%(here)s` in what it says, also behind another `%`.
    pub fn settle_here(&mut self, file: &Path) {
        let here = directory(file);
        for entry in self.entries_of(&file.into()) {
            entry.value = entry.value.replace("%(here)s", &here);
        }
    }

    fn entries_of(&mut self, file: &Rc<Path>) -> impl Iterator<Item = &mut Entry> {
        let sections = self.sections.values_mut().map(|s| &mut s.options);
        let all = sections.chain([&mut self.defaults]);
        let file = file.clone();
        all.flat_map(IndexMap::values_mut)
            .filter(move |e| e.file == file)
    }
}

/// The text of a file; the error is Python's.
pub fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        let (byte, why) = (bytes[at], e.error_len());
        let why = match why {
            None => "unexpected end of data",
            Some(_) if matches!(byte, 0x80..=0xc1 | 0xf5..) => "invalid start byte",
            Some(_) => "invalid continuation byte",
        };
        format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {why}")
    })
}

/// The directory of a file as an absolute path.
pub fn directory(file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    absolute
        .parent()
        .map(|p| p.display().to_string())
        .unwrap_or_default()
}

fn header(value: &str) -> Option<&str> {
    let rest = value.strip_prefix('[')?;
    let end = rest.rfind(']')?;
    (end > 0).then(|| &rest[..end])
}

/// The line without its comment, and whether it had one.
fn without_comment(line: &str) -> (&str, bool) {
    let first = line.trim_start_matches(is_space);
    if first.starts_with([';', '#']) {
        return ("", true);
    }
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if matches!(c, ';' | '#') && is_space(before) {
            return (&line[..at], true);
        }
        before = c;
    }
    (line, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Ini, String> {
        let mut ini = Ini::default();
        ini.read(Path::new("/etc/s.conf"), text)?;
        Ok(ini)
    }

    fn value(text: &str, option: &str) -> String {
        let ini = read(text).unwrap();
        ini.get("a", option).map_or("-".into(), |e| e.value.clone())
    }

    #[test]
    fn the_dialect() {
        assert_eq!(value("[a]\nX : 1 ; c\n", "x"), "1");
        assert_eq!(value("[a]\nx=a;b #c\n", "x"), "a;b");
        assert_eq!(value("[a]\nx=sh -c 'foo ; bar'\n", "x"), "sh -c 'foo");
        assert_eq!(value("[a]\nx=1\n  2\n\n  3\n", "x"), "1\n2\n\n3");
        assert_eq!(value("[a]\nx=1\n[b]\n[a]\nx=2\n", "x"), "2");
        assert_eq!(value("[DEFAULT]\nx=9\n[a]\n", "x"), "9");
        assert_eq!(value("[a]\nx=%(here)s/l\n", "x"), "%(here)s/l");
        let mut ini = Ini::default();
        ini.include(Path::new("/etc/s.conf"), "[a]\nx=%(here)s/l\n")
            .unwrap();
        assert_eq!(ini.get("a", "x").unwrap().value, "/etc/l");
        assert_eq!(value("; no\n# no\n[a]\nx=\n", "x"), "");
    }

    #[test]
    fn pythons_errors() {
        assert_eq!(
            read("x=1\n").unwrap_err(),
            "File contains no section headers.\nfile: '/etc/s.conf', line: 1\n'x=1\\n'"
        );
        assert_eq!(
            read("[a]\nfoo\n").unwrap_err(),
            "Source contains parsing errors: '/etc/s.conf'\n\t[line  2]: 'foo\\n'"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\[a\\]|[a-c=:;# \\n\\t%()é]){0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn plain_values_come_back(values in prop::collection::vec("[a-z0-9/.=%-]{0,12}", 1..8)) {
            let text: String = values.iter().enumerate().map(|(n, v)| format!("k{n} = {v}\n")).collect();
            let ini = read(&format!("[a]\n{text}")).unwrap();
            for (n, v) in values.iter().enumerate() {
                prop_assert_eq!(&ini.get("a", &format!("k{n}")).unwrap().value, v);
            }
        }
    }
}
