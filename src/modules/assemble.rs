//! `assemble`: one file from the fragments in a directory.

use super::common::file_attrs::{FileAttrs, describe};
use super::common::incoming::{Incoming, Sent};
use super::common::place::{Place, is_dir};
use super::common::write::{Rewrite, backup_of};
use super::{Control, FileSearch, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Algorithm, Content, Known, Op, Outcome, View};
use crate::value::re::{Flags, Pattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Puts the files of a directory together, in the order of their names.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The directory.
    src: Option<String>,
    /// The file to make.
    dest: Option<String>,
    /// Text between fragments.
    delimiter: Option<String>,
    /// Take only fragments whose name matches.
    regexp: Option<String>,
    /// Leave out fragments whose name begins with a dot.
    #[serde(default)]
    ignore_hidden: bool,
    /// The directory is on the host.
    #[serde(default = "yes")]
    remote_src: bool,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Command that must accept the new file (`%s`) before it takes its place.
    validate: Option<String>,
    /// Decrypt vaulted fragments.
    #[serde(default = "yes")]
    decrypt: bool,
    /// What the control side has put together.
    #[serde(rename = "$sent", default)]
    #[schemars(skip)]
    sent: Option<Sent>,
}

fn yes() -> bool {
    true
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct Assemble;

impl Module for Assemble {
    const NAME: &'static str = "assemble";
    const FQCN: &'static str = "ansible.builtin.assemble";
    type Args = Args;

    fn prepare(mut args: Args, control: &dyn Control) -> Result<Args> {
        let (Some(src), Some(_)) = (&args.src, &args.dest) else {
            return Err(Diag::error("missing-option", "src and dest are required"));
        };
        if args.remote_src {
            return Ok(args);
        }
        let dir = control.find(FileSearch::Files, src.trim_end_matches('/'))?;
        if !dir.is_dir() {
            let message = format!("Source ({}) is not a directory", dir.display());
            return Err(Diag::error("not-a-directory", message).at(control.span("src"), ""));
        }
        let entries = dir.read_dir().map_err(|e| Diag::io("list", &dir, &e))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        let bytes = args.own.put_together(names, |name| {
            let path = dir.join(name);
            if !path.is_file() {
                return Ok(None);
            }
            Ok(Some(control.read(&path, args.own.decrypt)?.into()))
        })?;
        args.own.sent = Some(Sent {
            name: String::new(),
            blob: Some(control.blob(bytes)),
            mode: 0o644,
        });
        Ok(args)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if let Some(incoming) = args.incoming() {
            return incoming.plan(view);
        }
        let dest = Place::of(args.dest.as_deref().unwrap_or_default(), view)?;
        let content = args.assembled(view)?;
        if let Some(bytes) = &content {
            let old = view.read(&dest.at)?.known().flatten();
            if old.as_deref() == Some(bytes) {
                return args.shared.ops(&dest.at, view);
            }
        }
        let dir = parent(&dest.at);
        if super::common::place::is_missing(dir, view)? {
            let message = format!("Destination directory {} does not exist", dir.display());
            return Err(Diag::error("no-such-directory", message).about("dest"));
        }
        let rewrite = Rewrite {
            path: &dest.at,
            attrs: &args.shared,
            backup: args.backup,
            validate: args.validate.as_deref(),
        };
        let content = content.map_or(Content::Unknown, |bytes| Content::Bytes(bytes.into()));
        Ok(vec![rewrite.op(content, view)?])
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        let dest = Place::of(args.dest.as_deref().unwrap_or_default(), view)?;
        let mut keys = json!({});
        if let Some(path) = backup_of(planned) {
            keys["backup_file"] = path;
        }
        let new = match &args.sent {
            Some(Sent {
                blob: Some(blob), ..
            }) => Some(view.blob(blob)?.to_vec()),
            _ => args.assembled(view)?,
        };
        // One pair and no list, as Ansible has it here.
        if let (true, Some(new)) = (diff, &new) {
            let old = view.read(&dest.at)?.known().flatten().unwrap_or_default();
            keys["diff"] = json!({
                "before_header": dest.shown,
                "after_header": dest.shown,
                "before": String::from_utf8_lossy(&old),
                "after": String::from_utf8_lossy(new),
            });
        }
        keys["md5sum"] = json!(new.map(|bytes| Algorithm::Md5.of(&bytes)));
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        if let Some(incoming) = args.incoming() {
            let mut result = incoming.result(view, &[])?;
            result["src"] = json!(args.src);
            return Ok(result);
        }
        let dest = Place::of(args.dest.as_deref().unwrap_or_default(), view)?;
        let mut result = json!({
            "src": args.source(view)?.shown,
            "dest": dest.shown,
            "checksum": view.digest(&dest.at, Algorithm::Sha1)?.known().flatten(),
            "msg": "OK",
        });
        for (key, value) in describe(&dest.at, view)? {
            result[key] = value;
        }
        Ok(result)
    }
}

trait Parts {
    fn incoming(&self) -> Option<Incoming<'_>>;
}

impl Parts for Args {
    fn incoming(&self) -> Option<Incoming<'_>> {
        Some(Incoming {
            sent: self.sent.as_ref()?,
            dest: self.dest.as_deref()?,
            attrs: &self.shared,
            directory_mode: None,
            force: true,
            follow: false,
            backup: self.backup,
            validate: self.validate.as_deref(),
        })
    }
}

impl Own {
    fn source(&self, view: &dyn View) -> Result<Place> {
        Place::of(self.src.as_deref().unwrap_or_default(), view)
    }

    /// The content from the host's own fragments; `None` where only apply will tell.
    fn assembled(&self, view: &dyn View) -> Result<Option<Vec<u8>>> {
        let src = self.source(view)?;
        let fail = |what: &str| {
            Err(Diag::error("bad-source", format!("Source ({}) {what}", src.shown)).about("src"))
        };
        match view.stat(&src.at)? {
            Known::Known(None) => return fail("does not exist"),
            Known::Known(Some(stat)) if !stat.is_dir() => return fail("is not a directory"),
            _ => {}
        }
        let Known::Known(names) = view.list(&src.at)? else {
            return Ok(None);
        };
        let mut unknown = false;
        let bytes = self.put_together(names.unwrap_or_default(), |name| {
            let path = src.at.join(name);
            if is_dir(&path, view)? {
                return Ok(None);
            }
            let content = view.read(&path)?;
            unknown |= content.is_unknown();
            Ok(content.known().flatten())
        })?;
        Ok((!unknown).then_some(bytes))
    }

    fn put_together(
        &self,
        names: Vec<String>,
        mut read: impl FnMut(&str) -> Result<Option<std::sync::Arc<[u8]>>>,
    ) -> Result<Vec<u8>> {
        let compile = |text: &String| {
            Pattern::new(text, Flags::default()).map_err(|e| {
                let message = format!("Invalid Regexp ({e}) in \"{text}\"");
                Diag::error("bad-regex", message).about("regexp")
            })
        };
        let pattern = self.regexp.as_ref().map(compile).transpose()?;
        let delimiter = self
            .delimiter
            .as_deref()
            .map(unescape)
            .filter(|d| !d.is_empty());
        let mut out: Vec<u8> = Vec::new();
        let mut first = true;
        for name in names {
            let wanted = pattern.as_ref().is_none_or(|p| p.is_match(&name));
            if !wanted || (self.ignore_hidden && name.starts_with('.')) {
                continue;
            }
            let Some(content) = read(&name)? else {
                continue;
            };
            if !first {
                end_line(&mut out);
                if let Some(delimiter) = &delimiter {
                    out.extend(delimiter);
                    end_line(&mut out);
                }
            }
            first = false;
            out.extend_from_slice(&content);
        }
        Ok(out)
    }
}

fn end_line(out: &mut Vec<u8>) {
    if out.last().is_some_and(|byte| *byte != b'\n') {
        out.push(b'\n');
    }
}

/// Escapes such as `\n` and `\x41` in a delimiter.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend(c.to_string().bytes());
            continue;
        }
        match chars.next() {
            Some('n') => out.push(b'\n'),
            Some('t') => out.push(b'\t'),
            Some('r') => out.push(b'\r'),
            Some('\\') | None => out.push(b'\\'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                out.extend(u8::from_str_radix(&digits, 16));
            }
            Some(other) => out.extend(format!("\\{other}").bytes()),
        }
    }
    out
}
