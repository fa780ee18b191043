//! `pam_limits`: limits of users, as pam_limits(8) reads them.

use super::common::edit::{Editable, How};
use super::common::file_attrs::FileAttrs;
use super::common::text::lines;
use super::common::write::backup_of;
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Sets one limit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// User, `@group`, `*` or `%group`.
    domain: String,
    /// `hard`, `soft` or `-` for both.
    limit_type: String,
    /// What is limited, such as `nofile`.
    limit_item: String,
    /// A number, `unlimited`, `infinity` or -1.
    value: String,
    /// Keep a larger value that is there.
    #[serde(default)]
    use_max: bool,
    /// Keep a smaller value that is there.
    #[serde(default)]
    use_min: bool,
    /// The file.
    #[serde(default = "file")]
    dest: String,
    /// Comment after the limit.
    #[serde(default)]
    comment: String,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
}

fn file() -> String {
    "/etc/security/limits.conf".into()
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct PamLimits;

impl Module for PamLimits {
    const NAME: &'static str = "pam_limits";
    const FQCN: &'static str = "community.general.pam_limits";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        args.check()?;
        let file = Editable::open(&args.dest, view)?;
        let how = How {
            attrs: &args.shared,
            backup: args.backup,
            validate: None,
        };
        file.finish(args.change(&file).0.as_deref(), how, view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let file = Editable::open(&args.dest, view)?;
        let (new, line) = args.change(&file);
        let before = file.text.known().flatten().unwrap_or_default();
        let after = new.unwrap_or_else(|| before.clone());
        let mut keys = json!({"msg": line, "diff": {"before": before, "after": after}});
        if let Some(path) = backup_of(planned) {
            keys["backup_file"] = path;
        }
        Ok(keys)
    }
}

/// A value that stands for no limit at all.
fn is_endless(value: &str) -> bool {
    matches!(value, "unlimited" | "infinity" | "-1")
}

impl Own {
    fn check(&self) -> Result<()> {
        if !matches!(self.limit_type.as_str(), "hard" | "soft" | "-") {
            let message = format!(
                "value of limit_type must be one of: hard, soft, -, got: {}",
                self.limit_type
            );
            return Err(Diag::error("wrong-value", message).about("limit_type"));
        }
        let number = self.value.parse::<i64>().ok();
        let nice = matches!(self.limit_item.as_str(), "nice" | "priority");
        if is_endless(&self.value) || number.is_some_and(|n| n >= 0 || nice) {
            return Ok(());
        }
        Err(Diag::error(
            "wrong-value",
            format!(
                " Value of '{}' for item '{}' is invalid. Value must either be 'unlimited', \
                 'infinity' or -1, all of which indicate no limit, or a limit of 0 or larger. \
                 Refer to the limits.conf(5) manual pages for more details.",
                self.value, self.limit_item
            ),
        )
        .about("value"))
    }

    /// The new text (`None` for no change) and the line of the limit.
    fn change(&self, file: &Editable) -> (Option<String>, String) {
        let Known::Known(text) = &file.text else {
            return (None, self.line(&self.value, &self.comment));
        };
        let text = text.clone().unwrap_or_default();
        let mut all = lines(&text);
        let place = all.iter().position(|line| self.is_this(line));
        let line = match place {
            None => {
                if let Some(last) = all.last_mut()
                    && !last.ends_with('\n')
                {
                    last.push('\n');
                }
                let line = self.line(&self.value, &self.comment);
                all.push(line.clone());
                line
            }
            Some(at) => {
                let (limit, comment) = all[at].split_once('#').unwrap_or((&all[at], ""));
                let old = limit.split_whitespace().nth(3).unwrap_or_default();
                let value = self.choose(old);
                let kept = comment.trim();
                let comment = if self.comment.is_empty() {
                    kept
                } else {
                    &self.comment
                };
                let line = self.line(&value, comment);
                if value != old || comment != kept {
                    all[at].clone_from(&line);
                }
                line
            }
        };
        let new = all.concat();
        ((new != text).then_some(new), line)
    }

    fn is_this(&self, line: &str) -> bool {
        let limit = line.split('#').next().unwrap_or_default();
        let fields: Vec<&str> = limit.split_whitespace().collect();
        fields.len() == 4 && fields[..3] == [&self.domain, &self.limit_type, &self.limit_item]
    }

    fn choose(&self, old: &str) -> String {
        let size = |value: &str| {
            if is_endless(value) {
                i64::MAX
            } else {
                value.parse().unwrap_or(0)
            }
        };
        let keep = (self.use_max && size(old) > size(&self.value))
            || (self.use_min && size(old) < size(&self.value));
        if keep { old } else { &self.value }.to_owned()
    }

    fn line(&self, value: &str, comment: &str) -> String {
        let comment = if comment.is_empty() {
            String::new()
        } else {
            format!("\t#{comment}")
        };
        let Own {
            domain,
            limit_type,
            limit_item,
            ..
        } = self;
        format!("{domain}\t{limit_type}\t{limit_item}\t{value}{comment}\n")
    }
}
