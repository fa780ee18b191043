//! The texts of templates by name, so that minijinja's own cache keeps them compiled.
//!
//! A template string is its own name. A file's name carries the directories that its `include` and
//! `import` statements search.

use crate::modules::RenderOptions;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, ErrorKind};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, PoisonError, RwLock};

const TEXT: &str = "T\u{0}";
const FILE: &str = "F\u{0}";
const DIRS: char = '\u{1}';
const PART: char = '\u{0}';

/// Texts of files that were handed over (a vaulted file is decrypted only once).
static TEXTS: LazyLock<RwLock<HashMap<String, String>>> = LazyLock::new(RwLock::default);

/// The name of a template string.
pub fn text_name(text: &str) -> String {
    format!("{TEXT}{text}")
}

/// The name of a template file with this text.
pub fn file_name(search: &[PathBuf], path: &Path, text: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let dirs: Vec<String> = search
        .iter()
        .map(|dir| dir.to_string_lossy().into_owned())
        .collect();
    let name = format!(
        "{FILE}{}{PART}{}{PART}{:x}",
        dirs.join(&DIRS.to_string()),
        path.display(),
        hash.finish()
    );
    TEXTS
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(name.clone())
        .or_insert_with(|| text.to_owned());
    name
}

/// The path in a file template's name.
pub fn path_of(name: &str) -> Option<&str> {
    name.strip_prefix(FILE)?.split(PART).nth(1)
}

/// The name of a file that a template includes: looked for beside the template, then in
/// `templates/` of the search directories and in those themselves.
pub fn join<'s>(name: &'s str, parent: &'s str) -> Cow<'s, str> {
    let Some(rest) = parent.strip_prefix(FILE) else {
        return Cow::Borrowed(name);
    };
    let mut parts = rest.split(PART);
    let (Some(dirs), Some(path)) = (parts.next(), parts.next()) else {
        return Cow::Borrowed(name);
    };
    let beside = Path::new(path).parent().map(Path::to_path_buf);
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Some(dir) = beside {
        candidates.push(dir.join(name));
    }
    for dir in dirs.split(DIRS).filter(|dir| !dir.is_empty()) {
        candidates.push(Path::new(dir).join("templates").join(name));
        candidates.push(Path::new(dir).join(name));
    }
    match candidates.into_iter().find(|path| path.is_file()) {
        Some(found) => Cow::Owned(format!("{FILE}{dirs}{PART}{}{PART}", found.display())),
        None => Cow::Borrowed(name),
    }
}

/// The text of a name.
pub fn load(name: &str) -> Result<Option<String>, Error> {
    if let Some(text) = name.strip_prefix(TEXT) {
        return Ok(Some(text.to_owned()));
    }
    if let Some(text) = TEXTS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(name)
    {
        return Ok(Some(text.clone()));
    }
    match path_of(name) {
        Some(path) => std::fs::read_to_string(path).map(Some).map_err(|e| {
            Error::new(
                ErrorKind::TemplateNotFound,
                format!("cannot read {path}: {}", crate::diag::reason(&e)),
            )
        }),
        None => Ok(None),
    }
}

/// Takes a `#jinja2: trim_blocks: True, lstrip_blocks: True` line off a template file.
pub fn header<'a>(text: &'a str, options: &RenderOptions) -> (&'a str, RenderOptions) {
    let mut options = options.clone();
    let Some(rest) = text.strip_prefix("#jinja2:") else {
        return (text, options);
    };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    for setting in line.split(',') {
        let Some((key, value)) = setting.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let text = value.trim_matches(['\'', '"']).to_owned();
        let flag = matches!(value, "True" | "true" | "yes");
        let pair = |old: &Option<(String, String)>, default: (&str, &str)| {
            old.clone()
                .unwrap_or((default.0.to_owned(), default.1.to_owned()))
        };
        match key.trim() {
            "trim_blocks" => options.trim_blocks = Some(flag),
            "lstrip_blocks" => options.lstrip_blocks = Some(flag),
            "newline_sequence" => {
                options.newline = Some(text.replace("\\n", "\n").replace("\\r", "\r"))
            }
            "variable_start_string" => {
                options.variable = Some((text, pair(&options.variable, ("{{", "}}")).1));
            }
            "variable_end_string" => {
                options.variable = Some((pair(&options.variable, ("{{", "}}")).0, text));
            }
            "block_start_string" => {
                options.block = Some((text, pair(&options.block, ("{%", "%}")).1));
            }
            "block_end_string" => {
                options.block = Some((pair(&options.block, ("{%", "%}")).0, text));
            }
            "comment_start_string" => {
                options.comment = Some((text, pair(&options.comment, ("{#", "#}")).1));
            }
            "comment_end_string" => {
                options.comment = Some((pair(&options.comment, ("{#", "#}")).0, text));
            }
            _ => {}
        }
    }
    (body, options)
}

/// Delimiters and white space rules.
pub fn syntax(options: &RenderOptions) -> SyntaxConfig {
    let or = |given: &Option<(String, String)>, start: &str, end: &str| {
        given.clone().unwrap_or((start.to_owned(), end.to_owned()))
    };
    let (block, variable, comment) = (
        or(&options.block, "{%", "%}"),
        or(&options.variable, "{{", "}}"),
        or(&options.comment, "{#", "#}"),
    );
    SyntaxConfig::builder()
        .block_delimiters(block.0, block.1)
        .variable_delimiters(variable.0, variable.1)
        .comment_delimiters(comment.0, comment.1)
        .trim_blocks(options.trim_blocks.unwrap_or(true))
        .lstrip_blocks(options.lstrip_blocks.unwrap_or(false))
        .keep_trailing_newline(true)
        .build()
        // Delimiters that cannot be told apart: the usual ones then.
        .unwrap_or_default()
}
