//! minijinja's errors, said as ours, with the place in the user's text.

use super::bridge;
use crate::diag::{Diag, SourceMap, Span};
use minijinja::{Error, ErrorKind};
use std::path::Path;

/// True if evaluating again with undefined attributes let through could help: the text has
/// something that deals with undefined values.
pub fn may_be_lenient(error: &Error, text: &str) -> bool {
    matches!(error.kind(), ErrorKind::UndefinedError) && deals_with_undefined(text)
}

/// True if a text has something that deals with undefined values.
pub fn deals_with_undefined(text: &str) -> bool {
    [
        "default",
        "d(",
        "defined",
        "ternary",
        "selectattr",
        "rejectattr",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// True for `x.y is defined` and the like: the answer does not depend on an unknown value.
pub fn only_asks_whether_defined(text: &str) -> bool {
    let text = text.trim();
    let subject = [
        " is not defined",
        " is defined",
        " is undefined",
        " is not undefined",
    ]
    .iter()
    .find_map(|ending| text.strip_suffix(ending));
    subject.is_some_and(|subject| {
        subject
            .chars()
            .all(|c| c.is_alphanumeric() || "_.[]'\"".contains(c))
    })
}

/// The error of an expression whose result is undefined.
pub fn undefined_result(text: &str) -> Error {
    bridge::carry(undefined(text.trim()))
}

/// `'foo' is undefined`, or the missing attribute.
fn undefined(expression: &str) -> Box<Diag> {
    let message = match expression.rsplit_once('.') {
        Some((_, attribute)) if attribute.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            format!("object of type 'dict' has no attribute '{attribute}'")
        }
        _ if super::syntax::is_name(expression) => format!("'{expression}' is undefined"),
        _ => format!("'{expression}' is undefined"),
    };
    Diag::error("undefined-variable", message)
}

/// An error in a template string of a YAML file.
pub fn explain(error: &Error, text: &str, at: Span, sources: &SourceMap) -> Box<Diag> {
    if let Some(diag) = bridge::carried(error) {
        return diag.at_if_none(place(error, text, at, sources));
    }
    let diag = describe(error, error.template_source().unwrap_or(text));
    diag.at(place(error, text, at, sources), "")
}

/// An error in a template file.
pub fn explain_file(error: &Error, name: &Path, text: &str, sources: &SourceMap) -> Box<Diag> {
    let inner = innermost(error);
    let source = inner.template_source().unwrap_or(text);
    let diag = match bridge::carried(error) {
        Some(diag) if !diag.labels.is_empty() => {
            return diag.note(format!("in {}", name.display()));
        }
        Some(diag) => diag,
        None => describe(inner, source),
    };
    let range = inner.range().unwrap_or(0..0);
    let shown = inner
        .name()
        .and_then(super::sources::path_of)
        .map_or_else(|| name.to_path_buf(), std::path::PathBuf::from);
    let file = sources.add(shown, source);
    diag.at(span_of(file, range), "")
}

fn innermost(error: &Error) -> &Error {
    let mut found = error;
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<Error>() {
            found = inner;
        }
        source = inner.source();
    }
    found
}

fn span_of(file: u32, range: std::ops::Range<usize>) -> Span {
    let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span {
        file,
        start: clamp(range.start),
        end: clamp(range.end.max(range.start + 1)),
    }
}

/// The place inside the YAML text, where the template stands there as it is.
fn place(error: &Error, text: &str, at: Span, sources: &SourceMap) -> Span {
    let (Some(range), Some(written)) = (innermost(error).range(), sources.text(at)) else {
        return at;
    };
    if innermost(error)
        .template_source()
        .is_some_and(|s| !text.contains(s) && s != text)
    {
        return at;
    }
    match written.find(text) {
        Some(offset) if offset + range.end <= written.len() && range.start < range.end => {
            at.part(offset + range.start, offset + range.end)
        }
        _ => at,
    }
}

fn describe(error: &Error, source: &str) -> Box<Diag> {
    let detail = error.detail().unwrap_or_default();
    let text = error
        .range()
        .and_then(|range| source.get(range))
        .unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => {
            let text = text
                .trim()
                .trim_start_matches("{{")
                .trim_end_matches("}}")
                .trim();
            if text.is_empty() || text.contains('\n') {
                let message = if detail.starts_with('`') {
                    detail.replace('`', "'")
                } else {
                    format!("undefined value: {detail}")
                };
                return Diag::error("undefined-variable", message);
            }
            undefined(text)
        }
        ErrorKind::SyntaxError => Diag::error(
            "template-syntax",
            format!("Syntax error in template: {detail}"),
        ),
        ErrorKind::UnknownFilter => {
            let name = quoted(detail).unwrap_or(text);
            Diag::error(
                "unknown-filter",
                format!("Could not load \"{name}\": no such filter"),
            )
            .did_you_mean(name, super::filters::names())
        }
        ErrorKind::UnknownTest => {
            let name = quoted(detail).unwrap_or(text);
            Diag::error(
                "unknown-test",
                format!("Could not load \"{name}\": no such test"),
            )
            .did_you_mean(name, super::tests::names())
        }
        ErrorKind::UnknownFunction => {
            Diag::error("unknown-function", format!("{detail}: no such function"))
        }
        ErrorKind::TemplateNotFound => Diag::error(
            "template-not-found",
            format!("{detail}").replace('\u{0}', " "),
        ),
        kind => {
            let message = if detail.is_empty() {
                kind.to_string()
            } else {
                detail.to_owned()
            };
            Diag::error("template", message)
        }
    }
}

fn quoted(detail: &str) -> Option<&str> {
    detail
        .split(['\'', '"', '`'])
        .nth(1)
        .or_else(|| detail.split_whitespace().nth(1))
}
