//! `slurp`: a file of the host, as base64.

use super::Module;
use super::common::place::is_dir;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Outcome, View};
use crate::value::unknown_json;
use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Reads a file of the host into the result.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The file. Alias: path
    #[serde(alias = "path")]
    src: PathBuf,
}

/// The module.
pub struct Slurp;

impl Module for Slurp {
    const NAME: &'static str = "slurp";
    const FQCN: &'static str = "ansible.builtin.slurp";
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let shown = args.src.display();
        let unreadable = |_| Diag::error("not-readable", format!("File is not readable: {shown}"));
        if is_dir(&args.src, view).map_err(unreadable)? {
            view.list(&args.src).map_err(unreadable)?;
            let message = format!("Source is a directory and must be a file: {shown}");
            return Err(Diag::error("not-a-file", message));
        }
        let content = match view.read(&args.src).map_err(unreadable)? {
            Known::Known(Some(bytes)) => json!(base64::prelude::BASE64_STANDARD.encode(bytes)),
            Known::Known(None) => {
                let above = args.src.parent().unwrap_or(&args.src);
                let message = match view.stat(above)?.known().flatten() {
                    Some(above) if !above.is_dir() => {
                        format!("Unable to slurp file: {shown}: Not a directory")
                    }
                    _ => format!("File not found: {shown}"),
                };
                return Err(Diag::error("no-such-file", message));
            }
            Known::Unknown => unknown_json(&format!("content of {}", args.src.display())),
        };
        Ok(json!({"content": content, "source": args.src, "encoding": "base64"}))
    }
}
