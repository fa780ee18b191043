//! `template`: a file rendered on the control side.

use super::common::file_attrs::FileAttrs;
use super::common::incoming::{Incoming, Sent};
use super::{Control, FileSearch, Module, RenderOptions};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Op, Outcome, View};
use crate::value::charset::Charset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::os::unix::fs::PermissionsExt;

/// Renders a template and puts the result on the host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The template.
    src: Option<String>,
    /// Where to. A trailing slash, or an existing directory, means inside of it.
    dest: Option<String>,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Replace a file that differs.
    #[serde(default = "yes")]
    force: bool,
    /// Write to what a link at `dest` points to.
    #[serde(default)]
    follow: bool,
    /// Command that must accept the new file (`%s`) before it takes its place.
    validate: Option<String>,
    /// Line ends of the result.
    #[serde(default = "newline")]
    newline_sequence: String,
    /// Encoding of the result: utf-8, utf-16, utf-32, latin-1, windows-1252 or ascii.
    #[serde(default = "utf8")]
    output_encoding: String,
    /// Start of a statement.
    #[serde(default = "block_start")]
    block_start_string: String,
    /// End of a statement.
    #[serde(default = "block_end")]
    block_end_string: String,
    /// Start of an expression.
    #[serde(default = "variable_start")]
    variable_start_string: String,
    /// End of an expression.
    #[serde(default = "variable_end")]
    variable_end_string: String,
    /// Start of a comment.
    #[serde(default = "comment_start")]
    comment_start_string: String,
    /// End of a comment.
    #[serde(default = "comment_end")]
    comment_end_string: String,
    /// Drop the line end after a statement.
    #[serde(default = "yes")]
    trim_blocks: bool,
    /// Drop blanks before a statement.
    #[serde(default)]
    lstrip_blocks: bool,
    /// What the control side has rendered.
    #[serde(rename = "$sent", default)]
    #[schemars(skip)]
    sent: Option<Sent>,
}

fn yes() -> bool {
    true
}

macro_rules! defaults {
    ($($name:ident $text:literal),*) => {$(fn $name() -> String { $text.into() })*};
}
defaults! {
    newline "\n", utf8 "utf-8", block_start "{%", block_end "%}", variable_start "{{",
    variable_end "}}", comment_start "{#", comment_end "#}"
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct Template;

impl Module for Template {
    const NAME: &'static str = "template";
    const FQCN: &'static str = "ansible.builtin.template";
    type Args = Args;

    fn prepare(mut args: Args, control: &dyn Control) -> Result<Args> {
        let (Some(src), Some(_)) = (&args.src, &args.dest) else {
            return Err(Diag::error("missing-option", "src and dest are required"));
        };
        let at = control.span("src");
        let path = control
            .find(FileSearch::Templates, src)
            .map_err(|e| e.at_if_none(at))?;
        let bytes = control.read(&path, true).map_err(|e| e.at_if_none(at))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Diag::error(
                "not-text",
                format!("template {} is not UTF-8 text", path.display()),
            )
            .at(at, "")
        })?;
        let mode = path.metadata().map_or(0o644, |m| m.permissions().mode());
        let rendered = control.render(&path, &text, &args.own.render_options()?)?;
        let blob = match rendered {
            Some(text) => Some(control.blob(encode(&text, &args.own.output_encoding)?)),
            None => None,
        };
        args.own.sent = Some(Sent {
            name: crate::sys::path::file_name(&path),
            blob,
            mode: mode & 0o7777,
        });
        Ok(args)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        incoming(args)?.plan(view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        incoming(args)?.explain(planned, view)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        incoming(args)?.result(view, done)
    }
}

impl Own {
    fn render_options(&self) -> Result<RenderOptions> {
        let newline = match self.newline_sequence.as_str() {
            "\n" | "\\n" => "\n",
            "\r" | "\\r" => "\r",
            "\r\n" | "\\r\\n" => "\r\n",
            _ => {
                return Err(Diag::error(
                    "wrong-value",
                    "newline_sequence needs to be one of: \\n, \\r or \\r\\n",
                )
                .about("newline_sequence"));
            }
        };
        let pair = |start: &String, end: &String| Some((start.clone(), end.clone()));
        Ok(RenderOptions {
            trim_blocks: Some(self.trim_blocks),
            lstrip_blocks: Some(self.lstrip_blocks),
            block: pair(&self.block_start_string, &self.block_end_string),
            variable: pair(&self.variable_start_string, &self.variable_end_string),
            comment: pair(&self.comment_start_string, &self.comment_end_string),
            newline: Some(newline.to_owned()),
            line_statement: None,
            line_comment: None,
        })
    }
}

fn incoming(args: &Args) -> Result<Incoming<'_>> {
    let (Some(sent), Some(dest)) = (&args.sent, &args.dest) else {
        return Err(Diag::error("args", "the template was not rendered"));
    };
    Ok(Incoming {
        sent,
        dest,
        attrs: &args.shared,
        directory_mode: None,
        force: args.force,
        follow: args.follow,
        backup: args.backup,
        validate: args.validate.as_deref(),
    })
}

/// Encodes as Python's codec of that name does.
fn encode(text: &str, encoding: &str) -> Result<Vec<u8>> {
    let wrong = |why| Diag::error("bad-encoding", why).about("output_encoding");
    Charset::named(encoding)
        .and_then(|set| set.encode(text))
        .map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn encodes_as_python_does() {
        assert_eq!(encode("é", "latin-1").unwrap(), [0xe9]);
        assert_eq!(encode("a", "UTF-16").unwrap(), [0xff, 0xfe, b'a', 0]);
        assert!(encode("é", "ascii").is_err());
        assert_eq!(encode("a", "rot13").unwrap_err().code, "bad-encoding");
    }
}
