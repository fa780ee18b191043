//! `sysctl`: kernel parameters, in the file and in the running kernel.

use super::Module;
use super::common::dirs;
use super::common::file_attrs::FileAttrs;
use super::common::place::Place;
use super::common::text::lines;
use super::common::write::Rewrite;
use crate::args::Raw;
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Command, Content, Declared, Effect, Known, Op, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Sets kernel parameters.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The parameter, such as `vm.swappiness`. Alias: key
    #[serde(alias = "key")]
    name: String,
    /// Its value. Alias: val
    #[serde(alias = "val")]
    value: Option<Raw>,
    /// Whether it shall be in the file.
    #[serde(default)]
    state: State,
    /// The file.
    #[serde(default = "file")]
    sysctl_file: String,
    /// Load the file after a change.
    #[serde(default = "yes")]
    reload: bool,
    /// Set it in the running kernel too.
    #[serde(default)]
    sysctl_set: bool,
    /// A parameter that the kernel does not have is no error.
    #[serde(default)]
    ignoreerrors: bool,
}

fn yes() -> bool {
    true
}

fn file() -> String {
    "/etc/sysctl.conf".into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    #[default]
    Present,
    Absent,
}

/// The module.
pub struct Sysctl;

impl Module for Sysctl {
    const NAME: &'static str = "sysctl";
    const FQCN: &'static str = "ansible.posix.sysctl";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let value = args.checked_value()?;
        let place = Place::of(&args.sysctl_file, view)?.followed(view)?;
        let mut ops = Vec::new();
        if args.sysctl_set && args.state == State::Present && !args.is_set(&value, view)? {
            ops.push(args.run(vec!["-w".into(), format!("{}={value}", args.name)], &value));
        }
        let content = match view.read(&place.at)? {
            Known::Unknown => Content::Unknown,
            Known::Known(old) => {
                let old = String::from_utf8_lossy(&old.unwrap_or_default()).into_owned();
                let new = args.change(&old, &value);
                if new == old {
                    return Ok(ops);
                }
                Content::Bytes(new.into_bytes().into())
            }
        };
        let attrs = FileAttrs::default();
        ops.extend(dirs::make(parent(&place.at), &attrs, view)?);
        let rewrite = Rewrite {
            path: &place.at,
            attrs: &attrs,
            backup: false,
            validate: None,
        };
        ops.push(rewrite.op(content, view)?);
        if args.reload {
            ops.push(args.run(vec!["-p".into(), place.at.display().to_string()], &value));
        }
        Ok(ops)
    }
}

impl Args {
    /// The value as the file has it: booleans are 1 and 0, blanks around it do not count.
    fn checked_value(&self) -> Result<String> {
        if self.name.trim().is_empty() {
            return Err(Diag::error("wrong-value", "name cannot be blank").about("name"));
        }
        let text = match self.value.as_ref().map(|raw| &raw.0) {
            Some(Json::Bool(on)) => i32::from(*on).to_string(),
            Some(Json::String(text)) => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "on" => "1".into(),
                "no" | "false" | "off" => "0".into(),
                _ => text.trim().to_owned(),
            },
            Some(other) => other.to_string(),
            None => String::new(),
        };
        if self.state == State::Present && self.value.is_none() {
            let message = "state is present but all of the following are missing: value";
            return Err(Diag::error("missing-option", message));
        }
        if self.state == State::Present && text.is_empty() {
            return Err(Diag::error("wrong-value", "value cannot be blank").about("value"));
        }
        Ok(text)
    }

    /// Has the running kernel this value (or is it planned to)?
    fn is_set(&self, value: &str, view: &dyn View) -> Result<bool> {
        if let Some(planned) = view.assumed(&format!("sysctl:{}", self.name)) {
            return Ok(planned == json!(value));
        }
        let output = view.query(&Command::new(["sysctl", "-e", "-n", &self.name]))?;
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Ok(output
            .known()
            .is_some_and(|output| words(&output.text()) == words(value)))
    }

    fn run(&self, mut words: Vec<String>, value: &str) -> Op {
        words.insert(0, "sysctl".into());
        if self.ignoreerrors {
            words.insert(1, "-e".into());
        }
        let effects = match self.state {
            State::Present => vec![Effect::Assume(
                format!("sysctl:{}", self.name),
                json!(value),
            )],
            State::Absent => Vec::new(),
        };
        Op::Run {
            command: Command::new(words),
            effect: Declared::Effects(effects),
            must_succeed: true,
        }
    }

    /// The file as it should be. Other lines stay as they are.
    fn change(&self, old: &str, value: &str) -> String {
        let mut written = false;
        let mut out = Vec::new();
        for line in lines(old) {
            let text = line.trim();
            let set = match text.split_once('=') {
                Some((name, value)) if !text.starts_with(['#', ';']) => (name.trim(), value.trim()),
                _ => ("", ""),
            };
            if set.0 != self.name.trim() {
                out.push(line);
            } else if self.state == State::Present && !written {
                written = true;
                let same = set.1 == value;
                out.push(if same {
                    line
                } else {
                    format!("{}={value}\n", set.0)
                });
            }
        }
        if self.state == State::Present && !written {
            if let Some(last) = out.last_mut()
                && !last.ends_with('\n')
            {
                last.push('\n');
            }
            out.push(format!("{}={value}\n", self.name.trim()));
        }
        out.concat()
    }
}
