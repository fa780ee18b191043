//! Where a piece of text came from.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

/// A byte range in one source of the [`SourceMap`].
///
/// Spans cross the wire, so that an error found on a host points at the line of the playbook on
/// the control side; the agent itself never resolves one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct Span {
    /// Index of the source plus one; 0 means that there is no source ([`Span::NONE`]).
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of a value that no file holds (results, facts, `-e` on the command line).
    pub const NONE: Span = Span {
        file: 0,
        start: 0,
        end: 0,
    };

    /// True where there is no source to show.
    pub fn is_none(self) -> bool {
        self.file == 0
    }

    /// This span, or `other` where this one has no source.
    pub fn or(self, other: Span) -> Span {
        if self.is_none() { other } else { self }
    }

    /// A part of this span, `from..to` in bytes from its start.
    pub fn part(self, from: usize, to: usize) -> Span {
        if self.is_none() {
            return self;
        }
        let clamp = |n: usize| (self.start.saturating_add(n as u32)).min(self.end.max(self.start));
        Span {
            file: self.file,
            start: clamp(from),
            end: clamp(to),
        }
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}..{}", self.file, self.start, self.end)
    }
}

/// One text that spans can point into.
#[derive(Debug)]
pub struct Source {
    /// The path as the user wrote it, or a name in angle brackets such as `<command line>`.
    pub name: PathBuf,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Line and column (both from 1, the column in characters) of a byte offset.
    pub fn line_col(&self, offset: usize) -> (usize, usize) {
        let upto = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = upto.iter().filter(|b| **b == b'\n').count() + 1;
        let start = upto.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
        let column = String::from_utf8_lossy(&upto[start..]).chars().count() + 1;
        (line, column)
    }
}

/// All texts read in this run. Cheap to clone; clones share the texts.
#[derive(Clone, Default, Debug)]
pub struct SourceMap {
    sources: Arc<RwLock<Vec<Arc<Source>>>>,
    /// Files by path, with their SHA-256, where somebody asked for that.
    files: Arc<Mutex<Option<BTreeMap<PathBuf, String>>>>,
}

impl SourceMap {
    /// Adds a text and returns its number for [`Span::file`].
    pub fn add(&self, name: impl AsRef<Path>, text: impl Into<String>) -> u32 {
        let mut sources = self.sources.write().unwrap_or_else(|e| e.into_inner());
        sources.push(Arc::new(Source {
            name: name.as_ref().to_path_buf(),
            text: text.into(),
        }));
        sources.len() as u32
    }

    /// From now on it is noted which files are read.
    pub fn note_files(&self) {
        let mut files = self.files.lock().unwrap_or_else(|e| e.into_inner());
        files.get_or_insert_default();
    }

    /// The files that were read, with their SHA-256 in hexadecimal.
    pub fn files(&self) -> BTreeMap<PathBuf, String> {
        let files = self.files.lock().unwrap_or_else(|e| e.into_inner());
        files.clone().unwrap_or_default()
    }

    /// A file was read.
    pub fn saw(&self, path: &Path, sha256: impl FnOnce() -> String) {
        let mut files = self.files.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(files) = &mut *files {
            files.insert(path.to_owned(), sha256());
        }
    }

    /// Reads a file that the run depends on.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let bytes = std::fs::read(path)?;
        self.saw(path, || {
            let digest = Sha256::digest(&bytes);
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        });
        Ok(bytes)
    }

    /// The source a span points into.
    pub fn get(&self, span: Span) -> Option<Arc<Source>> {
        let sources = self.sources.read().unwrap_or_else(|e| e.into_inner());
        let index = (span.file as usize).checked_sub(1)?;
        sources.get(index).cloned()
    }

    /// `file:line:column` of the start of a span, or `None` where it has no source.
    pub fn place(&self, span: Span) -> Option<String> {
        let source = self.get(span)?;
        let (line, column) = source.line_col(span.start as usize);
        Some(format!("{}:{line}:{column}", source.name.display()))
    }

    /// The source text that a span covers.
    pub fn text(&self, span: Span) -> Option<String> {
        let source = self.get(span)?;
        source
            .text
            .get(span.start as usize..span.end as usize)
            .map(str::to_owned)
    }
}
