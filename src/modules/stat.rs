//! `stat`: all about a file.

use super::Module;
use super::common::file_attrs::attributes_of;
use super::common::file_facts::{facts, may};
use super::common::place::Place;
use crate::diag::{Diag, Result};
use crate::sys::{Algorithm, Command, Known, Outcome, View};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// Tells of a file what is known of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The file. Aliases: dest, name
    #[serde(alias = "dest", alias = "name")]
    path: String,
    /// Tell of what a link points to.
    #[serde(default)]
    follow: bool,
    /// Compute a checksum.
    #[serde(default = "yes")]
    get_checksum: bool,
    /// How. Aliases: checksum, checksum_algo
    #[serde(default = "sha1", alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
    /// Ask `file` for type and encoding. Aliases: mime, mime_type, mime-type
    #[serde(
        default = "yes",
        alias = "mime",
        alias = "mime_type",
        alias = "mime-type"
    )]
    get_mime: bool,
    /// Ask `lsattr` for attributes. Aliases: attr, attributes
    #[serde(default = "yes", alias = "attr", alias = "attributes")]
    get_attributes: bool,
    /// Tell the SELinux context.
    #[serde(default)]
    get_selinux_context: bool,
}

fn yes() -> bool {
    true
}

fn sha1() -> Algorithm {
    Algorithm::Sha1
}

/// The module.
pub struct Stat;

impl Module for Stat {
    const NAME: &'static str = "stat";
    const FQCN: &'static str = "ansible.builtin.stat";
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let place = Place::of(&args.path, view)?;
        let stat = if args.follow {
            view.stat(&place.at)?
        } else {
            view.lstat(&place.at)?
        };
        Ok(match stat {
            Known::Unknown => json!({"stat": unknown_json(&format!("stat of {}", place.shown))}),
            Known::Known(None) if is_below_file(&place.at, view)? => {
                return Err(Diag::error("bad-file", "Not a directory").about("path"));
            }
            Known::Known(None) => json!({"stat": {"exists": false}}),
            Known::Known(Some(stat)) => json!({"stat": args.tell(&place, &stat, view)?}),
        })
    }
}

impl Args {
    fn tell(
        &self,
        place: &Place,
        stat: &crate::sys::Stat,
        view: &dyn View,
    ) -> Result<Map<String, Json>> {
        let mut out = Map::from_iter([("exists".to_owned(), json!(true))]);
        out.extend(facts(&place.shown, stat, view)?);
        let mut put = |key: &str, value: Json| {
            out.insert(key.to_owned(), value);
        };
        put("blocks", json!(stat.blocks));
        put("block_size", json!(stat.block_size));
        put("device_type", json!(stat.rdev));
        let end = view.stat(&place.at)?.known().flatten();
        let may = |what| match &end {
            Some(end) => may(end, what, view),
            None => Ok(false),
        };
        let readable = may(4)?;
        put("readable", json!(readable));
        put("writeable", json!(may(2)?));
        put("executable", json!(may(1)?));
        if let Some(target) = &stat.target {
            // A link to itself has no end.
            let end = view.resolve(&place.at).unwrap_or_else(|_| place.at.clone());
            put("lnk_source", json!(end));
            put("lnk_target", json!(target));
        }
        if self.get_checksum && stat.is_file() && readable {
            match view.digest(&place.at, self.checksum_algorithm)? {
                Known::Known(sum) => put("checksum", json!(sum)),
                Known::Unknown => put("checksum", unknown_json("checksum of a planned file")),
            }
        }
        if self.get_selinux_context {
            put(
                "selinux_context",
                json!(super::common::selinux::context(&place.at, view)?),
            );
        }
        if self.get_mime {
            let (mime, charset) = mime(place, view)?;
            put("mimetype", json!(mime));
            put("charset", json!(charset));
        }
        if self.get_attributes {
            let found = attributes_of(&place.at, view)?;
            let flags = found.as_ref().map_or("", |a| a.flags.as_str());
            let names: Vec<&str> = flags.chars().filter_map(attribute_name).collect();
            put("version", json!(found.as_ref().map(|a| &a.version)));
            put("attributes", json!(names));
            put("attr_flags", json!(flags));
        }
        Ok(out)
    }
}

/// True where something on the way to a path is there and is no directory.
fn is_below_file(path: &Path, view: &dyn View) -> Result<bool> {
    for dir in path.ancestors().skip(1) {
        match view.stat(dir)? {
            Known::Known(Some(stat)) => return Ok(!stat.is_dir()),
            Known::Known(None) => {}
            Known::Unknown => return Ok(false),
        }
    }
    Ok(false)
}

/// Type and encoding, as `file` tells them.
fn mime(place: &Place, view: &dyn View) -> Result<(String, String)> {
    let path = place.at.display().to_string();
    let command = Command::new(["file", "--mime-type", "--mime-encoding", &path]);
    let output = view.query(&command)?.known();
    let text = output.filter(|o| o.ok()).map(|o| o.text());
    let told = text.as_deref().and_then(|text| {
        let (mime, charset) = text.rsplit_once(": ")?.1.split_once(';')?;
        Some((
            mime.trim().to_owned(),
            charset.split_once('=')?.1.trim().to_owned(),
        ))
    });
    Ok(told.unwrap_or_else(|| ("unknown".into(), "unknown".into())))
}

/// Ansible's words for the letters of chattr(1).
fn attribute_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}
