//! `blockinfile`: lines of a file between two markers.

mod block;

use super::common::edit::{Editable, How};
use super::common::file_attrs::FileAttrs;
use super::common::write::backup_of;
use super::{Control, Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use block::Block;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Puts lines between two marker lines of a file, or takes them out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The file. Aliases: dest, destfile, name
    #[serde(alias = "dest", alias = "destfile", alias = "name")]
    path: String,
    /// Whether the block shall be there.
    #[serde(default)]
    state: State,
    /// The marker lines; `{mark}` becomes `marker_begin` and `marker_end`.
    #[serde(default = "marker")]
    marker: String,
    /// The lines between; nothing removes the block. Alias: content
    #[serde(default, alias = "content")]
    block: String,
    /// Put a new block after the last line that matches, or at `EOF`.
    insertafter: Option<String>,
    /// Put a new block before the last line that matches, or at `BOF`.
    insertbefore: Option<String>,
    /// Create the file where it does not exist.
    #[serde(default)]
    create: bool,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Command that must accept the new file (`%s`) before it takes its place.
    validate: Option<String>,
    /// Word for `{mark}` in the first marker.
    #[serde(default = "begin")]
    marker_begin: String,
    /// Word for `{mark}` in the second marker.
    #[serde(default = "end")]
    marker_end: String,
    /// An empty line after the block.
    #[serde(default)]
    append_newline: bool,
    /// An empty line before the block.
    #[serde(default)]
    prepend_newline: bool,
    /// Encoding of the file.
    #[serde(default = "utf8")]
    encoding: String,
}

macro_rules! defaults {
    ($($name:ident $text:literal),*) => {$(fn $name() -> String { $text.into() })*};
}
defaults! { marker "# {mark} ANSIBLE MANAGED BLOCK", begin "BEGIN", end "END", utf8 "utf-8" }

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    #[default]
    Present,
    Absent,
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct Blockinfile;

impl Module for Blockinfile {
    const NAME: &'static str = "blockinfile";
    const FQCN: &'static str = "ansible.builtin.blockinfile";
    type Args = Args;

    /// Planned once: a marker without `{mark}` never comes to rest.
    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn prepare(args: Args, control: &dyn Control) -> Result<Args> {
        if args.insertbefore.is_some() && args.insertafter.is_some() {
            return Err(Diag::error(
                "conflicting-options",
                "parameters are mutually exclusive: insertbefore|insertafter",
            )
            .at(control.span("insertafter"), ""));
        }
        Ok(args)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let file = Editable::open(&args.path, view)?;
        if file.is_missing() && !args.create {
            return Err(file.missing("Path", " !"));
        }
        let how = How {
            attrs: &args.shared,
            backup: args.backup,
            validate: args.validate.as_deref(),
        };
        file.finish(args.change(&file)?.as_deref(), how, view)
    }

    fn plan_more(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        Editable::open(&args.path, view)?.settle(&args.shared, view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        let file = Editable::open(&args.path, view)?;
        let change = args.change(&file)?;
        let message = match &change {
            None => "",
            Some(_) if file.is_missing() => "File created",
            Some(_) if args.lines().is_empty() => "Block removed",
            Some(_) => "Block inserted",
        };
        let mut keys = json!({"msg": file.message(message, &args.shared, view)?});
        if let Some(path) = backup_of(planned) {
            keys["backup_file"] = path;
        }
        if diff && let Some(diff) = file.diff(change.as_deref(), &args.shared, view)? {
            keys["diff"] = diff;
        }
        Ok(keys)
    }
}

impl Own {
    fn lines(&self) -> &str {
        match self.state {
            State::Present => &self.block,
            State::Absent => "",
        }
    }

    /// The new text; `None` for no change.
    fn change(&self, file: &Editable) -> Result<Option<String>> {
        let Known::Known(text) = &file.text else {
            return Ok(None);
        };
        let import = |text: &str| file.coding.import(text);
        let mark = |word: &str| import(&self.marker.replace("{mark}", word)) + "\n";
        let block = Block {
            begin: mark(&self.marker_begin),
            end: mark(&self.marker_end),
            lines: import(self.lines()),
            insertafter: self.insertafter.as_deref().map(import),
            insertbefore: self.insertbefore.as_deref().map(import),
            empty_before: self.prepend_newline && self.state == State::Present,
            empty_after: self.append_newline && self.state == State::Present,
        };
        let new = block.put_into(text.as_deref().unwrap_or_default())?;
        Ok((text.as_deref() != Some(&new)).then_some(new))
    }
}
