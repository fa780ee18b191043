//! `ini_file`: one option of an INI file, everything else left as it is.

mod ini;

use super::common::edit::{Editable, How};
use super::common::file_attrs::{FileAttrs, describe};
use super::common::write::backup_of;
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use ini::{Change, Wish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Sets or removes an option or a section of an INI file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The file. Alias: dest
    #[serde(alias = "dest")]
    path: String,
    /// The section; options before the first section where absent.
    section: Option<String>,
    /// Take the section that has these options and values.
    section_has_values: Option<Vec<HasValues>>,
    /// The option.
    option: Option<String>,
    /// Its value.
    value: Option<String>,
    /// Its values, each on a line of its own.
    values: Option<Vec<String>>,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// Remove other values of the option.
    #[serde(default = "yes")]
    exclusive: bool,
    /// Write `a=b`, not `a = b`.
    #[serde(default)]
    no_extra_spaces: bool,
    /// A line that differs in blanks only is right.
    #[serde(default)]
    ignore_spaces: bool,
    /// An option may stand without a value.
    #[serde(default)]
    allow_no_value: bool,
    /// Make use of a line that is commented out.
    #[serde(default = "yes")]
    modify_inactive_option: bool,
    /// Create the file where it does not exist.
    #[serde(default = "yes")]
    create: bool,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Accepted for compatibility; links are followed.
    #[serde(default)]
    follow: bool,
}

fn yes() -> bool {
    true
}

/// An option that a section has.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
struct HasValues {
    /// The option.
    option: String,
    /// Its value.
    value: Option<String>,
    /// Its values.
    values: Option<Vec<String>>,
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
pub struct IniFile;

impl Module for IniFile {
    const NAME: &'static str = "ini_file";
    const FQCN: &'static str = "community.general.ini_file";
    type Args = Args;

    /// Planned once, so that the message tells of the one change.
    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        args.check()?;
        let file = Editable::open(&args.path, view)?;
        if file.is_missing() && !args.create {
            return Err(file.missing("Destination", "!"));
        }
        let how = How {
            attrs: &args.shared,
            backup: args.backup,
            validate: None,
        };
        file.finish(args.change(&file).text.as_deref(), how, view)
    }

    fn plan_more(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        Editable::open(&args.path, view)?.settle(&args.shared, view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let file = Editable::open(&args.path, view)?;
        let mut keys = json!({"msg": args.change(&file).message});
        if let Some(path) = backup_of(planned) {
            keys["backup_file"] = path;
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let file = Editable::open(&args.path, view)?;
        let mut result = json!({"path": file.place.shown});
        for (key, value) in describe(&file.target, view)? {
            result[key] = value;
        }
        Ok(result)
    }
}

impl Own {
    fn check(&self) -> Result<()> {
        if self.value.is_some() && self.values.is_some() {
            return Err(Diag::error(
                "conflicting-options",
                "parameters are mutually exclusive: value|values",
            ));
        }
        let given = self.value.is_some() || self.values.is_some();
        if self.state == State::Present && !self.allow_no_value && !given {
            return Err(Diag::error(
                "missing-option",
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.",
            ));
        }
        Ok(())
    }

    fn values(&self) -> Vec<String> {
        match (&self.value, &self.values) {
            (Some(value), _) => vec![value.clone()],
            (None, Some(values)) => {
                let mut unique: Vec<String> = Vec::new();
                for value in values {
                    if !unique.contains(value) {
                        unique.push(value.clone());
                    }
                }
                unique
            }
            (None, None) => Vec::new(),
        }
    }

    fn change(&self, file: &Editable) -> Change {
        let Known::Known(text) = &file.text else {
            return Change::of("option changed");
        };
        let has_values = self.section_has_values.iter().flatten().flat_map(|has| {
            let values = has.values.iter().flatten().chain(&has.value);
            values.map(|value| (has.option.clone(), value.clone()))
        });
        let wish = Wish {
            section: self.section.clone(),
            has_values: has_values.collect(),
            option: self.option.clone(),
            values: self.values(),
            present: self.state == State::Present,
            exclusive: self.exclusive,
            tight: self.no_extra_spaces,
            ignore_spaces: self.ignore_spaces,
            wake_comments: self.modify_inactive_option,
        };
        wish.change(text.as_deref().unwrap_or_default())
    }
}
