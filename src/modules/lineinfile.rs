//! `lineinfile`: one line of a file.

mod line;

use super::common::edit::{Editable, How};
use super::common::file_attrs::FileAttrs;
use super::common::write::backup_of;
use super::{Control, Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use line::{Change, Wish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Makes sure that a line is in a file, or that it is not.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The file. Aliases: dest, destfile, name
    #[serde(alias = "dest", alias = "destfile", alias = "name")]
    path: String,
    /// Whether the line shall be there.
    #[serde(default)]
    state: State,
    /// The line. Alias: value
    #[serde(alias = "value")]
    line: Option<String>,
    /// Pattern of the line to replace or remove (the last that matches). Alias: regex
    #[serde(alias = "regex")]
    regexp: Option<String>,
    /// Text of the line to replace or remove.
    search_string: Option<String>,
    /// Put groups of `regexp` (`\1`) into the line; leave the file where nothing matches.
    #[serde(default)]
    backrefs: bool,
    /// Put a new line after the last that matches, or at `EOF`.
    insertafter: Option<String>,
    /// Put a new line before the last that matches, or at `BOF`.
    insertbefore: Option<String>,
    /// Take the first line that matches, not the last.
    #[serde(default)]
    firstmatch: bool,
    /// Create the file where it does not exist.
    #[serde(default)]
    create: bool,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Command that must accept the new file (`%s`) before it takes its place.
    validate: Option<String>,
}

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
pub struct Lineinfile;

impl Module for Lineinfile {
    const NAME: &'static str = "lineinfile";
    const FQCN: &'static str = "ansible.builtin.lineinfile";
    type Args = Args;

    /// Planned once: a pattern may match the line that replaces it.
    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn prepare(args: Args, control: &dyn Control) -> Result<Args> {
        let conflict = |a: &str, b: &str| {
            let message = format!("parameters are mutually exclusive: {a}|{b}");
            Err(Diag::error("conflicting-options", message).at(control.span(b), ""))
        };
        if args.regexp.is_some() && args.search_string.is_some() {
            return conflict("regexp", "search_string");
        }
        if args.insertbefore.is_some() && args.insertafter.is_some() {
            return conflict("insertbefore", "insertafter");
        }
        if args.backrefs && args.search_string.is_some() {
            return conflict("backrefs", "search_string");
        }
        let missing = |message: &str| Err(Diag::error("missing-option", message));
        match args.state {
            State::Present if args.backrefs && args.regexp.is_none() => {
                missing("regexp is required with backrefs=true")
            }
            State::Present if args.line.is_none() => missing("line is required with state=present"),
            State::Absent
                if args.line.is_none() && args.regexp.is_none() && args.search_string.is_none() =>
            {
                missing("one of line, search_string, or regexp is required with state=absent")
            }
            _ => Ok(args),
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let file = Editable::open(&args.path, view)?;
        if file.is_missing() {
            if args.state == State::Absent {
                return Ok(Vec::new());
            }
            if !args.create {
                return Err(file.missing("Destination", " !"));
            }
        }
        let change = args.change(&file)?;
        let how = How {
            attrs: &args.shared,
            backup: args.backup,
            validate: args.validate.as_deref(),
        };
        file.finish(change.text.as_deref(), how, view)
    }

    fn plan_more(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        Editable::open(&args.path, view)?.settle(&args.shared, view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        let file = Editable::open(&args.path, view)?;
        if file.is_missing() && args.state == State::Absent {
            return Ok(json!({"msg": "file not present"}));
        }
        let change = args.change(&file)?;
        let mut keys = json!({
            "msg": file.message(&change.message, &args.shared, view)?,
            "backup": backup_of(planned).unwrap_or_else(|| json!("")),
        });
        if args.state == State::Absent {
            keys["found"] = json!(change.count);
        }
        if let Some(warning) = args.warning() {
            keys["warnings"] = json!([warning]);
        }
        if diff && let Some(diff) = file.diff(change.text.as_deref(), &args.shared, view)? {
            keys["diff"] = diff;
        }
        Ok(keys)
    }
}

impl Own {
    fn change(&self, file: &Editable) -> Result<Change> {
        let Known::Known(text) = &file.text else {
            return Ok(Change::default());
        };
        let import = |option: &Option<String>| option.as_deref().map(|t| file.coding.import(t));
        let wish = Wish {
            line: import(&self.line),
            regexp: line::pattern("regexp", import(&self.regexp))?,
            search_string: import(&self.search_string),
            backrefs: self.backrefs,
            insertafter: import(&self.insertafter),
            insertbefore: import(&self.insertbefore),
            firstmatch: self.firstmatch,
        };
        let text = text.as_deref().unwrap_or_default();
        match self.state {
            State::Present => wish.present(text),
            State::Absent => Ok(wish.absent(text)),
        }
    }

    /// What Ansible warns of (observed: ansible-core 2.19.14).
    fn warning(&self) -> Option<String> {
        let empty = |option: &Option<String>| option.as_deref() == Some("");
        let (what, matches) = if empty(&self.regexp) {
            (
                "regular expression",
                " If this is desired, use '^' to match every line in the file and avoid this warning.",
            )
        } else if empty(&self.search_string) {
            ("search string", "")
        } else {
            return None;
        };
        Some(format!(
            "The {what} is an empty string, which will match every line in the file. This may have \
             unintended consequences, such as replacing the last line in the file rather than \
             appending.{matches}"
        ))
    }
}
