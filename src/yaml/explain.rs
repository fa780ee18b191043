//! Errors of the YAML parser, said so that they can be put right.

use crate::diag::{Diag, Exit, Span};
use libyaml_safer::Error;

/// The parser's error, with its place and the usual cause.
pub fn explain(error: &Error, file: u32, text: &str) -> Box<Diag> {
    let mark = error.problem_mark();
    let start = mark.map_or(0, |m| m.index as usize).min(text.len());
    let start = floor_boundary(text, start);
    let end = text[start..]
        .chars()
        .next()
        .map_or(start, |c| start + c.len_utf8());
    let span = |start: usize, end: usize| Span {
        file,
        start: u32::try_from(start).unwrap_or(u32::MAX),
        end: u32::try_from(end).unwrap_or(u32::MAX),
    };
    let problem = match error.problem() {
        "" => "this is not YAML",
        problem => problem,
    };
    let mut diag = Diag::error("yaml", problem)
        .at(span(start, end), "")
        .exit(Exit::Parser);
    if let Some(context) = error.context_mark()
        && error.context().is_some_and(|c| !c.is_empty())
    {
        let at = floor_boundary(text, (context.index as usize).min(text.len()));
        if line_of(text, at) != line_of(text, start) {
            diag = diag.at(span(at, at), error.context().unwrap_or_default());
        }
    }
    match cause(text, start) {
        Some(help) => diag.help(help),
        None => diag,
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn line_of(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |p| p + 1);
    let end = text[at..].find('\n').map_or(text.len(), |p| at + p);
    &text[start..end]
}

/// The mistakes that people make, looked for on the line of the error and the one before.
fn cause(text: &str, at: usize) -> Option<&'static str> {
    let before = text[..at].trim_end_matches('\n');
    let lines = [line_of(text, at), line_of(text, before.len())];
    for line in lines {
        let indent = &line[..line.len() - line.trim_start().len()];
        if indent.contains('\t') {
            return Some("YAML is indented with spaces; there is a tab here");
        }
    }
    for line in lines {
        let value = line.split_once(':').map_or("", |(_, value)| value.trim());
        if value.starts_with("{{") || line.trim_start().trim_start_matches("- ").starts_with("{{") {
            return Some("a value that starts with `{{` must be quoted: \"{{ variable }}\"");
        }
        let quotes = |c: char| value.matches(c).count();
        if value.starts_with(['"', '\'']) && value.len() > 1 {
            let quote = value.chars().next().unwrap_or('"');
            if quotes(quote) % 2 == 1 {
                return Some("a quote is opened here and not closed");
            }
            if !value.ends_with(quote) {
                return Some(
                    "a value that starts with a quote ends with it; quote the whole value",
                );
            }
        }
        if value.contains(": ") {
            return Some("a value with `: ` in it must be quoted");
        }
    }
    None
}
