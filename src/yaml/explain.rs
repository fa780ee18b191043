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
    match cause(text, start)
        .or_else(|| unclosed(error))
        .or_else(|| reserved(text, start))
    {
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

/// What was opened and never closed, as the parser's context tells.
fn unclosed(error: &Error) -> Option<&'static str> {
    let context = error.context()?;
    if context.contains("quoted scalar") {
        Some("a quote is opened and not closed")
    } else if context.contains("flow sequence") {
        Some("a list that begins with `[` ends with `]`")
    } else if context.contains("flow mapping") {
        Some("a mapping that begins with `{` ends with `}`")
    } else if context.contains("block mapping") || context.contains("block collection") {
        Some("the keys of one mapping, and the dashes of one list, start in the same column")
    } else {
        None
    }
}

fn reserved(text: &str, at: usize) -> Option<&'static str> {
    text[at..]
        .starts_with(['@', '`', '%'])
        .then_some("a value that starts with `@`, `%` or a backtick must be quoted")
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

#[cfg(test)]
mod tests {
    use crate::diag::{SourceMap, render};
    use crate::yaml::load;
    use std::path::Path;

    fn shown(text: &str) -> String {
        let sources = SourceMap::default();
        let diag = load(&sources, Path::new("t.yml"), text).unwrap_err();
        render(&diag, &sources, false)
    }

    #[test]
    fn says_what_to_do() {
        let help = |text: &str| {
            let shown = shown(text);
            let (_, help) = shown.rsplit_once("= help: ").expect(&shown);
            help.trim().to_owned()
        };
        assert!(help("a:\n\t- x\n").contains("a tab here"));
        assert!(help("- debug:\n    msg: a: b\n").contains("`: ` in it must be quoted"));
        assert!(help("- debug:\n    msg: {{ x }}/y\n").contains("starts with `{{` must be quoted"));
        assert!(help("a: {{ x }}\n").contains("starts with `{{` must be quoted"));
        assert!(help("a: 'x' and\n").contains("quote the whole value"));
        assert!(help("a: \"x\nb: y\n").contains("quote is opened"));
        assert!(help("a: [1, 2\nb: 3\n").contains("ends with `]`"));
        assert!(help("- copy:\n    src: a\n   dest: b\n").contains("the same column"));
        assert!(help("a: @x\n").contains("`@`"));
    }

    #[test]
    fn points_at_the_place() {
        insta::assert_snapshot!(shown("- debug:\n    msg: a: b\n"), @r"
        error[yaml]: mapping values are not allowed in this context
         --> t.yml:2:11
          |
        2 |     msg: a: b
          |           ^
          |
          = help: a value with `: ` in it must be quoted
        ");
    }
}
