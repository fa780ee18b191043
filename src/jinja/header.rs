//! The `#jinja2:` header of a template file, which overrides Jinja's settings.

use crate::diag::{Diag, Result};
use crate::modules::RenderOptions;

const HEADER: &str = "#jinja2:";

/// The text without its header, and the settings with it.
pub fn split<'t>(text: &'t str, options: &RenderOptions) -> Result<(&'t str, RenderOptions)> {
    let mut options = options.clone();
    let Some(rest) = text.strip_prefix(HEADER) else {
        return Ok((text, options));
    };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    for pair in line.split(',').filter(|p| !p.trim().is_empty()) {
        let (key, value) = pair.split_once(':').ok_or_else(|| {
            Diag::error(
                "template-header",
                format!(
                    "Missing key-value separator `:` in the #jinja2 header: {}",
                    pair.trim()
                ),
            )
        })?;
        set(&mut options, key.trim(), value.trim())?;
    }
    Ok((body, options))
}

fn set(options: &mut RenderOptions, key: &str, value: &str) -> Result<()> {
    let text = || {
        let quoted = value.len() >= 2 && value.starts_with(['"', '\'']);
        if quoted {
            super::mask::unquote(value, false)
        } else {
            value.to_owned()
        }
    };
    let default = |open: &str, close: &str| (open.to_owned(), close.to_owned());
    match key {
        "trim_blocks" => options.trim_blocks = Some(is_true(value)),
        "lstrip_blocks" => options.lstrip_blocks = Some(is_true(value)),
        "variable_start_string" => {
            options
                .variable
                .get_or_insert_with(|| default("{{", "}}"))
                .0 = text();
        }
        "variable_end_string" => {
            options
                .variable
                .get_or_insert_with(|| default("{{", "}}"))
                .1 = text();
        }
        "block_start_string" => {
            options.block.get_or_insert_with(|| default("{%", "%}")).0 = text();
        }
        "block_end_string" => {
            options.block.get_or_insert_with(|| default("{%", "%}")).1 = text();
        }
        "comment_start_string" => {
            options.comment.get_or_insert_with(|| default("{#", "#}")).0 = text();
        }
        "comment_end_string" => {
            options.comment.get_or_insert_with(|| default("{#", "#}")).1 = text();
        }
        "line_statement_prefix" => options.line_statement = Some(text()),
        "line_comment_prefix" => options.line_comment = Some(text()),
        "newline_sequence" => options.newline = Some(text()),
        "keep_trailing_newline" | "autoescape" => {}
        other => {
            return Err(Diag::error(
                "template-header",
                format!("`{other}` is not a setting of the #jinja2 header"),
            )
            .did_you_mean(
                other,
                [
                    "trim_blocks",
                    "lstrip_blocks",
                    "variable_start_string",
                    "variable_end_string",
                    "block_start_string",
                    "block_end_string",
                    "comment_start_string",
                    "comment_end_string",
                    "newline_sequence",
                ],
            ));
        }
    }
    Ok(())
}

fn is_true(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "yes" | "on" | "1" | "y" | "t"
    )
}
