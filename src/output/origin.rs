//! Where in a playbook something went wrong, with the lines around it, as ansible-core 2.19 shows
//! it.

use super::event::TaskInfo;
use crate::diag::{SourceMap, Span};
use std::fmt::Write;

/// The `Origin:` block of a place in a source. Empty where there is none.
pub(super) fn of_span(span: Span, sources: &SourceMap) -> String {
    let Some(source) = sources.get(span) else {
        return String::new();
    };
    let (line, column) = source.line_col(span.start as usize);
    block(
        &absolute(&source.name.to_string_lossy()),
        &source.text,
        line,
        column,
    )
}

/// The same for a task.
pub(super) fn of_task(task: &TaskInfo) -> String {
    let Some((file, line, column)) = place(&task.path) else {
        return String::new();
    };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let written = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // A task begins after the dash of its list.
    let begin = || written.find(|c: char| c != ' ' && c != '-').unwrap_or(0) + 1;
    block(&absolute(file), &text, line, column.unwrap_or_else(begin))
}

/// `file:line` of a task as ansible-playbook shows it.
pub(super) fn task_path(task: &TaskInfo) -> Option<String> {
    let (file, line, _) = place(&task.path)?;
    Some(format!("{}:{line}", absolute(file)))
}

/// Reads `file:line` or `file:line:column`.
fn place(text: &str) -> Option<(&str, usize, Option<usize>)> {
    let (front, last) = text.rsplit_once(':')?;
    let last: usize = last.parse().ok()?;
    let before = front.rsplit_once(':');
    match before.and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file, line, Some(last))),
        None => Some((front, last, None)),
    }
}

fn absolute(name: &str) -> String {
    match std::path::absolute(name) {
        Ok(path) if !name.starts_with('<') => path.display().to_string(),
        _ => name.to_owned(),
    }
}

fn block(name: &str, text: &str, line: usize, column: usize) -> String {
    let mut out = format!("Origin: {name}:{line}:{column}\n\n");
    let first = line.saturating_sub(2).max(1);
    let width = line.to_string().len();
    for (index, text) in text
        .lines()
        .enumerate()
        .skip(first - 1)
        .take(line + 1 - first)
    {
        // Writing to a String cannot fail.
        let line = format!("{:>width$} {text}", index + 1);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let _ = writeln!(out, "{:>1$} column {column}", "^", width + 1 + column);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place("a/b.yml:5"), Some(("a/b.yml", 5, None)));
        assert_eq!(place("a:b.yml:5:7"), Some(("a:b.yml", 5, Some(7))));
        assert_eq!(place(""), None);
    }

    #[test]
    fn as_ansible_shows_it() {
        let text = "a\nb\n  tasks:\n\n    - fail:\n";
        insta::assert_snapshot!(block("/p.yml", text, 5, 7), @r"
        Origin: /p.yml:5:7

        3   tasks:
        4
        5     - fail:
                ^ column 7
        ");
    }
}
