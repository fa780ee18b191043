//! A [`Diag`] as text, with the line it is about and a caret under it.

use super::{Diag, Level, SourceMap};
use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};

/// Renders a diagnostic for people, with colour where `colour` is true.
///
/// Without a source it is one line: `error[code]: message`, followed by notes and help.
pub fn render(diag: &Diag, sources: &SourceMap, colour: bool) -> String {
    let level = match diag.level {
        Level::Warning => Shown::WARNING,
        Level::Error => Shown::ERROR,
    };
    let held: Vec<_> = diag
        .labels
        .iter()
        .filter_map(|label| Some((label, sources.get(label.span)?)))
        .collect();
    let names: Vec<String> = held
        .iter()
        .map(|(_, source)| source.name.display().to_string())
        .collect();
    let mut group = Group::with_title(level.primary_title(diag.message.as_str()).id(&diag.code));
    for (index, (label, source)) in held.iter().enumerate() {
        let len = source.text.len();
        let start = (label.span.start as usize).min(len);
        let end = (label.span.end as usize).clamp(start, len);
        // A block scalar spans many lines; its first one says enough.
        let end = source.text[start..end]
            .find('\n')
            .map_or(end, |newline| start + newline.max(1));
        let kind = if index == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let mark = kind.span(start..end);
        let mark = if label.text.is_empty() {
            mark
        } else {
            mark.label(label.text.as_str())
        };
        group = group.element(
            Snippet::source(source.text.as_str())
                .path(names[index].as_str())
                .annotation(mark),
        );
    }
    for note in &diag.notes {
        group = group.element(Shown::NOTE.message(note.as_str()));
    }
    if let Some(help) = &diag.help {
        group = group.element(Shown::HELP.message(help.as_str()));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn shows_place_caret_and_help() {
        let sources = SourceMap::default();
        let text = "- file:\n    onwer: root\n";
        let file = sources.add("site.yml", text);
        let start = text.find("onwer").map_or(0, |n| n as u32);
        let span = Span {
            file,
            start,
            end: start + 5,
        };
        let diag = Diag::error("unknown-option", "unknown option `onwer` of `file`")
            .at(span, "")
            .did_you_mean("onwer", ["owner", "path"]);
        insta::assert_snapshot!(render(&diag, &sources, false), @r#"
        error[unknown-option]: unknown option `onwer` of `file`
         --> site.yml:2:5
          |
        2 |     onwer: root
          |     ^^^^^
          |
          = help: did you mean "owner"?
        "#);
    }
}
