//! `script`: a script of the control side, run on the host.

use super::common::incoming::Sent;
use super::common::place::Place;
use super::common::ran;
use super::{Control, FileSearch, Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Content, Declared, Known, Op, Outcome, Owner, View, words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

/// Sends a script of the control side to the host, runs it there and removes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The script (searched for as `copy` does) and its arguments. Alias: _raw_params
    #[serde(alias = "_raw_params")]
    cmd: Option<String>,
    /// Directory to change to first; absolute.
    chdir: Option<PathBuf>,
    /// Do not run the script if this file is there.
    creates: Option<String>,
    /// Do not run the script if this file is not there.
    removes: Option<String>,
    /// Program to run the script with.
    executable: Option<String>,
    /// Decrypt a vaulted script.
    #[serde(default = "yes")]
    decrypt: bool,
    /// The script as the control side has read it.
    #[serde(rename = "$script", default)]
    #[schemars(skip)]
    script: Option<Sent>,
}

fn yes() -> bool {
    true
}

impl Args {
    fn words(&self) -> Result<(&str, Vec<String>)> {
        let line = self.cmd.as_deref().unwrap_or_default().trim();
        let words = words::split(line).map_err(|e| Diag::error("bad-command", e).about("cmd"))?;
        if words.is_empty() {
            return Err(Diag::error(
                "missing-option",
                "one of the following is required: _raw_params, cmd",
            ));
        }
        Ok((line, words))
    }

    /// Why the script need not run.
    fn idle(&self, view: &dyn View) -> Result<Option<String>> {
        let exists = |path: &str| -> Result<Known<bool>> {
            let at = Place::of(path, view)?.at;
            Ok(view.stat(&at)?.map(|stat| stat.is_some()))
        };
        if let Some(path) = &self.creates
            && exists(path)?.presume(false)
        {
            return Ok(Some(format!("{path} exists, matching creates option")));
        }
        if let Some(path) = &self.removes
            && !exists(path)?.presume(true)
        {
            return Ok(Some(format!(
                "{path} does not exist, matching removes option"
            )));
        }
        Ok(None)
    }

    fn run(&self, file: &Path) -> Result<Op> {
        let (line, words) = self.words()?;
        let mut line = line.replace(&words[0], &file.display().to_string());
        if let Some(executable) = &self.executable {
            line = format!("{executable} {line}");
        }
        let mut command = Command::new(["/bin/sh", "-c", &line]);
        command.cwd = self.chdir.clone();
        Ok(Op::Run {
            command,
            effect: Declared::Opaque,
            must_succeed: false,
        })
    }
}

/// A directory for the script that nobody else has made.
fn workplace(sent: &Sent, view: &dyn View) -> Result<PathBuf> {
    let base = view.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
    let hash = sent.blob.as_ref().map_or("", |blob| &blob.name[..16]);
    // Agents of several hosts may be on one machine, at the same script.
    let moment = (view.now() * 1e6) as u64;
    let name = format!("gxdeploy-script-{}-{hash}-{moment:x}", view.me().name);
    let mut path = Path::new(&base).join(&name);
    let mut next = 1;
    while !matches!(view.lstat(&path)?, Known::Known(None) | Known::Unknown) {
        path = Path::new(&base).join(format!("{name}-{next}"));
        next += 1;
    }
    Ok(path)
}

/// The module.
pub struct Script;

impl Module for Script {
    const NAME: &'static str = "script";
    const FQCN: &'static str = "ansible.builtin.script";
    const FREE_FORM: Option<&'static str> = Some("cmd");
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn prepare(mut args: Args, control: &dyn Control) -> Result<Args> {
        let words = args.words()?.1;
        let path = control.find(FileSearch::Files, &words[0])?;
        let bytes = control.read(&path, args.decrypt)?;
        args.script = Some(Sent {
            name: crate::sys::path::file_name(&path),
            blob: Some(control.blob(bytes)),
            mode: 0o700,
        });
        Ok(args)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if let Some(dir) = args.chdir.as_ref().filter(|dir| !dir.is_absolute()) {
            return Err(Diag::error(
                "bad-path",
                format!(
                    "chdir {} must be an absolute path for a Unix-aware remote node",
                    dir.display()
                ),
            )
            .about("chdir"));
        }
        if args.idle(view)?.is_some() {
            return Ok(Vec::new());
        }
        let Some(sent) = &args.script else {
            return Err(Diag::error("missing-option", "the script was not sent"));
        };
        let dir = workplace(sent, view)?;
        let file = dir.join(&sent.name);
        let write = Op::Write {
            path: file.clone(),
            content: sent.blob.clone().map_or(Content::Unknown, Content::Blob),
            mode: Some(0o700),
            owner: Owner::default(),
            backup: None,
            validate: None,
            secret: true,
        };
        let mkdir = Op::Mkdir {
            path: dir.clone(),
            mode: Some(0o700),
        };
        Ok(vec![
            mkdir,
            write,
            args.run(&file)?,
            Op::Remove { path: dir },
        ])
    }

    /// The temporary file is no difference that matters.
    fn explain(_: &Args, _: &dyn View, _: &[Op], diff: bool) -> Result<Json> {
        Ok(if diff { json!({"diff": []}) } else { json!({}) })
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if done.is_empty() {
            let why = args.idle(view)?;
            return Ok(json!({"changed": false, "skipped": true, "msg": why}));
        }
        let mut keys: Map<String, Json> = match ran::output(done) {
            Some(output) => ran::keys(output, false),
            None if view.is_check() && args.creates.is_none() && args.removes.is_none() => {
                return Ok(json!({
                    "changed": false,
                    "skipped": true,
                    "msg": "Check mode is not supported for this task.",
                }));
            }
            None => ran::unknown(args.cmd.as_deref().unwrap_or_default()),
        };
        keys.insert("changed".into(), json!(true));
        Ok(Json::Object(keys))
    }
}
