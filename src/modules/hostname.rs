//! `hostname`: the name of the host.

use super::Module;
use super::common::file_attrs::FileAttrs;
use super::common::write::Rewrite;
use crate::diag::Result;
use crate::sys::{Command, Content, Declared, Effect, Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::Path;

/// Sets the host's name, now and for the next start.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The name.
    name: String,
    /// How to set it: `systemd`, or by `/etc/hostname` and hostname(1).
    #[serde(rename = "use")]
    using: Option<String>,
}

/// The module.
pub struct Hostname;

const FILE: &str = "/etc/hostname";

impl Module for Hostname {
    const NAME: &'static str = "hostname";
    const FQCN: &'static str = "ansible.builtin.hostname";
    const BRINGS_FACTS: bool = true;
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let systemd = match args.using.as_deref() {
            Some(using) => using == "systemd",
            None => matches!(
                view.lstat(Path::new("/run/systemd/system"))?,
                Known::Known(Some(_))
            ),
        };
        let mut ops = Vec::new();
        if running(view)?.as_deref() != Some(&args.name) {
            let words: &[&str] = if systemd {
                &["hostnamectl", "--transient", "set-hostname"]
            } else {
                &["hostname"]
            };
            ops.push(Op::Run {
                command: Command::new(words.iter().copied().chain([args.name.as_str()])),
                effect: Declared::Effects(vec![Effect::Assume(
                    "hostname".into(),
                    json!(args.name),
                )]),
                must_succeed: true,
            });
        }
        if kept(view)?.as_deref() != Some(&args.name) {
            let rewrite = Rewrite {
                path: Path::new(FILE),
                attrs: &FileAttrs::default(),
                backup: false,
                validate: None,
            };
            let text = format!("{}\n", args.name);
            ops.push(rewrite.op(Content::Bytes(text.into_bytes().into()), view)?);
        }
        Ok(ops)
    }

    fn explain(_: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        let before = kept(view)?.or(running(view)?);
        Ok(if diff && !planned.is_empty() {
            json!({"diff": {"before": format!("hostname = {}\n", before.unwrap_or_default())}})
        } else {
            json!({})
        })
    }

    fn result(args: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        let (short, domain) = args.name.split_once('.').unwrap_or((&args.name, ""));
        Ok(json!({
            "name": args.name,
            "ansible_facts": {
                "ansible_hostname": short,
                "ansible_nodename": args.name,
                "ansible_fqdn": args.name,
                "ansible_domain": domain,
            },
        }))
    }
}

/// The name the kernel has, or is planned to have.
fn running(view: &dyn View) -> Result<Option<String>> {
    if let Some(planned) = view.assumed("hostname") {
        return Ok(planned.as_str().map(str::to_owned));
    }
    text(Path::new("/proc/sys/kernel/hostname"), view)
}

/// The name for the next start.
fn kept(view: &dyn View) -> Result<Option<String>> {
    text(Path::new(FILE), view)
}

fn text(path: &Path, view: &dyn View) -> Result<Option<String>> {
    let bytes = view.read(path)?.known().flatten();
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
}
