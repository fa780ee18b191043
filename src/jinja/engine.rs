//! What all renders share: compiled templates, decryption, places.

use super::Decrypt;
use super::compile::{self, Mode};
use super::ir::{At, Template};
use crate::diag::{Diag, Result, SourceMap, Span};
use crate::modules::RenderOptions;
use minijinja::syntax::SyntaxConfig;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// More compiled templates than any site has; then the cache starts anew.
const CACHED: usize = 50_000;

/// Template files by the directories that their includes search, and by text.
type Files = HashMap<(Arc<str>, String), Arc<Template>>;
type Cache = HashMap<Arc<str>, Arc<Template>>;

/// The shared part of an engine.
pub struct Inner {
    /// The texts that places point into.
    pub sources: SourceMap,
    decrypt: Decrypt,
    /// Conditions need not be booleans.
    pub lenient_conditions: bool,
    default_syntax: SyntaxConfig,
    inline: RwLock<Cache>,
    bare: RwLock<Cache>,
    files: RwLock<Files>,
    file_numbers: RwLock<HashMap<Arc<str>, u32>>,
    /// Texts by the envelopes they were in.
    opened: RwLock<HashMap<Arc<str>, Arc<str>>>,
}

impl Inner {
    /// An empty cache.
    pub fn new(sources: SourceMap, decrypt: Decrypt) -> Inner {
        Inner {
            sources,
            decrypt,
            lenient_conditions: false,
            default_syntax: compile::syntax(&RenderOptions::default()).unwrap_or_default(),
            inline: RwLock::default(),
            bare: RwLock::default(),
            files: RwLock::default(),
            file_numbers: RwLock::default(),
            opened: RwLock::default(),
        }
    }

    /// The text of an envelope, which is opened once.
    pub fn decrypt_text(&self, envelope: &Arc<str>, span: Span) -> Result<Arc<str>> {
        let opened = self.opened.read().unwrap_or_else(|e| e.into_inner());
        if let Some(text) = opened.get(envelope) {
            return Ok(text.clone());
        }
        drop(opened);
        let text = (self.decrypt)(envelope).map_err(|d| d.at_if_none(span))?;
        let mut opened = self.opened.write().unwrap_or_else(|e| e.into_inner());
        let text = opened.entry(envelope.clone()).or_insert(text.into());
        Ok(text.clone())
    }

    /// True for the text of an envelope itself, wherever it was handed on to.
    pub fn was_in_envelope(&self, text: &Arc<str>) -> bool {
        let opened = self.opened.read().unwrap_or_else(|e| e.into_inner());
        opened.values().any(|known| Arc::ptr_eq(known, text))
    }

    /// A string or bare expression, compiled; `span` is the string's place, for errors.
    pub fn compiled(&self, text: &Arc<str>, mode: Mode, span: Span) -> Result<Arc<Template>> {
        let cache = match mode {
            Mode::Bare => &self.bare,
            _ => &self.inline,
        };
        if let Some(found) = cache.read().unwrap_or_else(|e| e.into_inner()).get(text) {
            return Ok(found.clone());
        }
        let template = compile::compile(text, mode, &self.default_syntax)
            .map_err(|(diag, at)| diag.at_if_none(self.place(span, text, at)))?;
        let template = Arc::new(template);
        let mut cache = cache.write().unwrap_or_else(|e| e.into_inner());
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(text.clone(), template.clone());
        Ok(template)
    }

    /// A template file, compiled, and the place of its text.
    pub fn compiled_file(
        &self,
        name: &std::path::Path,
        text: &Arc<str>,
        options: &RenderOptions,
    ) -> Result<(Arc<Template>, Span)> {
        let span = self.file_span(name, text);
        let key = (text.clone(), format!("{options:?}"));
        if let Some(found) = self
            .files
            .read()
            .unwrap_or_else(|e| e.into_inner())
            .get(&key)
        {
            return Ok((found.clone(), span));
        }
        let syntax = compile::syntax(options)?;
        let template = compile::compile(text, Mode::File, &syntax)
            .map_err(|(diag, at)| diag.at_if_none(self.place(span, text, at)))?;
        let template = Arc::new(template);
        self.files
            .write()
            .unwrap_or_else(|e| e.into_inner())
            .insert(key, template.clone());
        Ok((template, span))
    }

    fn file_span(&self, name: &std::path::Path, text: &Arc<str>) -> Span {
        let known = self
            .file_numbers
            .read()
            .unwrap_or_else(|e| e.into_inner())
            .get(text)
            .copied();
        let file = known.unwrap_or_else(|| {
            let number = self.sources.add(name, text.as_ref());
            self.file_numbers
                .write()
                .unwrap_or_else(|e| e.into_inner())
                .insert(text.clone(), number);
            number
        });
        Span {
            file,
            start: 0,
            end: text.len() as u32,
        }
    }

    /// The place that the control side's own data come from, such as `<environment variable 'X'>`.
    pub fn span_of(&self, name: &str, text: &str) -> Span {
        let key: Arc<str> = format!("{name}\0{text}").into();
        let known = self.file_numbers.read();
        let known = known.unwrap_or_else(|e| e.into_inner()).get(&key).copied();
        let file = known.unwrap_or_else(|| {
            let number = self.sources.add(name, text);
            let mut numbers = self.file_numbers.write().unwrap_or_else(|e| e.into_inner());
            numbers.insert(key, number);
            number
        });
        Span {
            file,
            start: 0,
            end: text.len() as u32,
        }
    }

    /// `file:line:column` with the file's full path.
    pub fn absolute_place(&self, span: Span) -> Option<String> {
        let place = self.sources.place(span)?;
        if place.starts_with(['/', '<']) {
            return Some(place);
        }
        let here = std::env::current_dir().ok()?;
        Some(here.join(place).to_string_lossy().into_owned())
    }

    /// The place of a part of a string. Quotes, escapes and indentation make the written form
    /// longer than the string, so the part is looked for in the source.
    pub fn place(&self, span: Span, text: &str, at: At) -> Span {
        let Some(source) = self.sources.get(span) else {
            return span;
        };
        let (start, end) = (span.start as usize, span.end as usize);
        let written = source.text.get(start..end).unwrap_or_default();
        let from = at.start as usize;
        let line = |s: &str| {
            s.split('\n')
                .next()
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        };
        let part = line(text.get(from..at.end as usize).unwrap_or_default());
        if part.is_empty() {
            return span;
        }
        let before = text.get(..from).map_or(0, |t| t.matches(&part).count());
        match written.match_indices(&part).nth(before) {
            Some((offset, _)) => span.part(offset, offset + part.len()),
            None => span,
        }
    }

    /// Reads a file of the control side, decrypted if it is vaulted.
    pub fn read(&self, path: &std::path::Path) -> Result<String> {
        let bytes = self
            .sources
            .read(path)
            .map_err(|e| Diag::io("read", path, &e))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Diag::error("not-text", format!("{} is not UTF-8 text", path.display()))
        })?;
        match text.starts_with("$ANSIBLE_VAULT;") {
            true => (self.decrypt)(&text),
            false => Ok(text),
        }
    }
}
