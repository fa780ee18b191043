//! `unarchive`: unpacks an archive with the host's own tar and unzip.

mod tar;
mod zip;

use super::common::file_attrs::{FileAttrs, describe};
use super::common::place::{Place, may_be_dir};
use super::{Control, FileSearch, Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::path::temporary;
use crate::sys::{
    Blob, Content, Declared, Effect, Endpoint, Known, Op, Outcome, Owner, Request, View,
};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Unpacks an archive of the control side, of the host or of the web.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The archive; with `remote_src` it may be a URL.
    src: String,
    /// An existing directory to unpack in.
    dest: String,
    /// The archive is on the host.
    #[serde(default)]
    remote_src: bool,
    /// Old opposite of `remote_src`.
    copy: Option<bool>,
    /// Nothing is done where this exists.
    creates: Option<String>,
    /// Tell which files the archive has.
    #[serde(default)]
    list_files: bool,
    /// Leave out these files.
    #[serde(default)]
    exclude: Vec<String>,
    /// Take only these files.
    #[serde(default)]
    include: Vec<String>,
    /// Keep files that are newer than those in the archive.
    #[serde(default)]
    keep_newer: bool,
    /// Further options of tar or unzip.
    #[serde(default)]
    extra_opts: Vec<String>,
    /// Check the certificate of the web server.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Accepted for compatibility.
    io_buffer_size: Option<i64>,
    /// Decrypt a vaulted archive.
    #[serde(default = "yes")]
    decrypt: bool,
    /// What the control side has read.
    #[serde(rename = "$blob", default)]
    #[schemars(skip)]
    blob: Option<Blob>,
}

fn yes() -> bool {
    true
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct Unarchive;

impl Module for Unarchive {
    const NAME: &'static str = "unarchive";
    const FQCN: &'static str = "ansible.builtin.unarchive";
    type Args = Args;

    /// What comes from the web is fetched once each time.
    fn kind(args: &Args) -> Kind {
        if args.is_url() {
            Kind::Action
        } else {
            Kind::Resource
        }
    }

    fn prepare(mut args: Args, control: &dyn Control) -> Result<Args> {
        if !args.include.is_empty() && !args.exclude.is_empty() {
            let message = "parameters are mutually exclusive: include|exclude";
            return Err(Diag::error("conflicting-options", message));
        }
        if args.copy == Some(false) {
            args.own.remote_src = true;
        }
        if !args.remote_src && !args.is_url() {
            let path = control.find(FileSearch::Files, &args.src)?;
            let bytes = control.read(&path, args.decrypt)?;
            args.own.blob = Some(control.blob(bytes));
        }
        Ok(args)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if args.is_created(view)? {
            return Ok(Vec::new());
        }
        let dest = args.directory(view)?;
        if args.is_url() {
            return Ok(vec![args.download(view)]);
        }
        plan_unpacking(args, &dest, view)
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        let dest = args.directory(view)?;
        if !args.is_url() {
            return plan_unpacking(args, &dest, view);
        }
        if done.len() > 1 {
            return Ok(Vec::new());
        }
        let mut ops = plan_unpacking(args, &dest, view)?;
        ops.push(Op::Remove {
            path: args.temporary(view),
        });
        Ok(ops)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        if args.is_created(view)? {
            let shown = Place::of(args.creates.as_deref().unwrap_or_default(), view)?.shown;
            return Ok(json!({"skipped": true, "msg": format!("skipped, since {shown} exists")}));
        }
        let mut keys = json!({
            "dest": Place::of(&args.dest, view)?.shown,
            "src": args.src,
        });
        if args.is_url() {
            return Ok(keys);
        }
        let Some(archive) = Archive::open(args, view)? else {
            return Ok(keys);
        };
        keys["handler"] = json!(archive.handler());
        if args.list_files {
            keys["files"] = json!(archive.files(args, view)?);
        }
        let command = planned.iter().find_map(|op| match op {
            Op::Run { command, .. } => Some(&command.argv),
            _ => None,
        });
        if let Some(argv) = command {
            keys["extract_results"] = json!({"cmd": argv});
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if done.is_empty() && args.is_created(view)? {
            return Ok(json!({}));
        }
        let dest = Place::of(&args.dest, view)?;
        let mut result = Json::Object(describe(&dest.at, view)?);
        let ran = done.iter().find_map(|outcome| match outcome {
            Outcome::Ran(output) => Some(output),
            _ => None,
        });
        if let Some(output) = ran {
            result["extract_results"] = json!({
                "rc": output.rc,
                "out": output.text(),
                "err": output.err_text(),
            });
        }
        if args.is_url() && !done.is_empty() {
            result["changed"] = if done.contains(&Outcome::Unknown) {
                unknown_json("whether the archive brings something new")
            } else {
                json!(ran.is_some())
            };
        }
        Ok(result)
    }
}

impl Own {
    fn is_url(&self) -> bool {
        self.src.contains("://")
    }

    fn is_created(&self, view: &dyn View) -> Result<bool> {
        let Some(creates) = &self.creates else {
            return Ok(false);
        };
        let place = Place::of(creates, view)?;
        Ok(matches!(view.lstat(&place.at)?, Known::Known(Some(_))))
    }

    fn directory(&self, view: &dyn View) -> Result<PathBuf> {
        let dest = Place::of(&self.dest, view)?;
        if may_be_dir(&dest.at, view)? {
            return Ok(dest.at);
        }
        let message = format!("dest '{}' must be an existing dir", dest.shown);
        Err(Diag::error("no-such-directory", message).about("dest"))
    }

    /// Where an archive from elsewhere lies while it is unpacked.
    fn temporary(&self, view: &dyn View) -> PathBuf {
        let seed = match &self.blob {
            Some(blob) => &blob.name,
            None => &self.src,
        };
        let dir = view.env("TMPDIR").unwrap_or_else(|| "/tmp".into());
        temporary(Path::new(&dir), seed)
    }

    fn download(&self, view: &dyn View) -> Op {
        let mut request = Request::new("GET", Endpoint::Url(self.src.clone()));
        request.redirects = 10;
        request.timeout = Duration::from_secs(600);
        request.verify = self.validate_certs;
        request.decompress = false;
        let path = self.temporary(view);
        Op::Http {
            request,
            into: Some(path.clone()),
            effect: Declared::Effects(vec![Effect::File(path)]),
        }
    }
}

/// An archive and where its bytes are.
struct Archive {
    source: Source,
    format: Format,
}

enum Source {
    /// A file of the host.
    File(PathBuf),
    /// A content that the control side sent.
    Blob(Blob),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Tar(&'static str),
    Zip,
}

impl Archive {
    /// Looks at the archive; `None` where only apply will tell.
    fn open(args: &Own, view: &dyn View) -> Result<Option<Archive>> {
        let (source, head) = match &args.blob {
            Some(blob) => {
                let bytes = view.blob(blob)?;
                let head = bytes[..bytes.len().min(512)].to_vec();
                (Source::Blob(blob.clone()), head)
            }
            None => {
                let path = if args.is_url() {
                    args.temporary(view)
                } else {
                    Place::of(&args.src, view)?.at
                };
                match view.lstat(&path)? {
                    Known::Known(None) => {
                        let message = format!("Source '{}' does not exist", args.src);
                        return Err(Diag::error("no-such-file", message).about("src"));
                    }
                    Known::Known(Some(stat)) if stat.ino != 0 => {}
                    _ => return Ok(None),
                }
                let Some(head) = tar::head(&path, view)? else {
                    return Ok(None);
                };
                (Source::File(path), head)
            }
        };
        let Some(format) = Format::of(&head) else {
            return Err(Diag::error(
                "not-an-archive",
                format!(
                    "Failed to find handler for \"{}\". Make sure the required command to extract \
                     the file is installed.",
                    args.src
                ),
            )
            .about("src"));
        };
        Ok(Some(Archive { source, format }))
    }

    /// Ansible's name of the kind.
    fn handler(&self) -> &'static str {
        match self.format {
            Format::Zip => "ZipArchive",
            Format::Tar("-z") => "TgzArchive",
            Format::Tar("-j") => "TarBzipArchive",
            Format::Tar("-J") => "TarXzArchive",
            Format::Tar("--zstd") => "TarZstdArchive",
            Format::Tar(_) => "TarArchive",
        }
    }

    fn files(&self, args: &Own, view: &dyn View) -> Result<Vec<String>> {
        match self.format {
            Format::Tar(_) => tar::files(self, args, view),
            Format::Zip => zip::files(self, args, view),
        }
    }

    fn is_unpacked(&self, args: &Args, dest: &Path, view: &dyn View) -> Result<bool> {
        match self.format {
            Format::Tar(_) => tar::is_unpacked(self, args, dest, view),
            Format::Zip => zip::is_unpacked(self, args, dest, view),
        }
    }
}

impl Format {
    /// By the first bytes.
    fn of(head: &[u8]) -> Option<Format> {
        let starts = |magic: &[u8]| head.starts_with(magic);
        Some(match () {
            () if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => Format::Zip,
            () if starts(b"\x1f\x8b") => Format::Tar("-z"),
            () if starts(b"BZh") => Format::Tar("-j"),
            () if starts(b"\xfd7zXZ") => Format::Tar("-J"),
            () if starts(b"\x28\xb5\x2f\xfd") => Format::Tar("--zstd"),
            () if head.get(257..262) == Some(b"ustar") => Format::Tar(""),
            () => return None,
        })
    }
}

fn plan_unpacking(args: &Args, dest: &Path, view: &dyn View) -> Result<Vec<Op>> {
    let Some(archive) = Archive::open(args, view)? else {
        // A planned archive: what is in it shows when it is there.
        let path = Place::of(&args.src, view)?.at;
        return Ok(vec![tar::unpack("", &path, args, dest, &[])]);
    };
    let files = archive.files(args, view)?;
    if archive.is_unpacked(args, dest, view)? {
        let mut ops = Vec::new();
        for file in &files {
            ops.extend(args.shared.ops(&dest.join(file), view)?);
        }
        return Ok(ops);
    }
    let unpack = |path: &Path| match archive.format {
        Format::Tar(flag) => tar::unpack(flag, path, args, dest, &files),
        Format::Zip => zip::unpack(path, args, dest, &files),
    };
    Ok(match &archive.source {
        Source::File(path) => vec![unpack(path)],
        Source::Blob(blob) => {
            let path = args.temporary(view);
            vec![
                Op::Write {
                    path: path.clone(),
                    content: Content::Blob(blob.clone()),
                    mode: Some(0o600),
                    owner: Owner::default(),
                    backup: None,
                    validate: None,
                    secret: true,
                },
                unpack(&path),
                Op::Remove { path },
            ]
        }
    })
}

/// What unpacking leaves behind.
fn effects(dest: &Path, files: &[String]) -> Declared {
    if files.is_empty() {
        return Declared::Effects(vec![Effect::MayFill(dest.to_owned())]);
    }
    let effect = |file: &String| {
        let path = crate::sys::path::normalise(&dest.join(file));
        if file.ends_with('/') {
            Effect::Dir(path)
        } else {
            Effect::File(path)
        }
    };
    Declared::Effects(files.iter().map(effect).collect())
}
