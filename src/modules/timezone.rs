//! `timezone`: the time zone of the host.

use super::Module;
use super::common::file_attrs::FileAttrs;
use super::common::place::is_missing;
use super::common::write::Rewrite;
use crate::diag::{Diag, Result};
use crate::sys::{Content, Known, Op, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::Path;

/// Sets the host's time zone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The zone, such as `Europe/Berlin`.
    name: String,
}

/// The module.
pub struct Timezone;

const LINK: &str = "/etc/localtime";
const NAME: &str = "/etc/timezone";
const ZONES: &str = "/usr/share/zoneinfo";

impl Module for Timezone {
    const NAME: &'static str = "timezone";
    const FQCN: &'static str = "community.general.timezone";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let zone = Path::new(ZONES).join(&args.name);
        if is_missing(&zone, view)? {
            let message = format!("given timezone \"{}\" is not available", args.name);
            return Err(Diag::error("no-such-timezone", message).about("name"));
        }
        let mut ops = Vec::new();
        let link = Path::new(LINK);
        let known = matches!(view.lstat(link)?, Known::Known(_));
        if !known || view.resolve(link)? != view.resolve(&zone)? {
            ops.push(Op::Symlink {
                path: link.to_owned(),
                target: zone,
            });
        }
        // Debian keeps the name in a file too, where that exists.
        let name = Path::new(NAME);
        if let Known::Known(Some(old)) = view.read(name)?
            && String::from_utf8_lossy(&old).trim() != args.name
        {
            let rewrite = Rewrite {
                path: name,
                attrs: &FileAttrs::default(),
                backup: false,
                validate: None,
            };
            let text = format!("{}\n", args.name);
            ops.push(rewrite.op(Content::Bytes(text.into_bytes().into()), view)?);
        }
        Ok(ops)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        if !diff || planned.is_empty() {
            return Ok(json!({}));
        }
        let end = view.resolve(Path::new(LINK))?;
        let before = end
            .strip_prefix(ZONES)
            .map(|zone| zone.display().to_string());
        Ok(json!({"diff": {
            "before": {"name": before.unwrap_or_else(|_| "n/a".into())},
            "after": {"name": args.name},
        }}))
    }
}
