//! `fetch`: a file of the host on the control side.
//!
//! The host reads it into the result ([`Module::result`]); the control side takes the content out
//! of it again, writes the file and says what came of it ([`store`]).

use super::Module;
use super::common::place::Place;
use crate::diag::{Diag, Result};
use crate::sys::path::{file_name, normalise};
use crate::sys::{Algorithm, Known, Outcome, View};
use crate::value::unknown_json;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Copies a file of the host to the control side.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The file on the host.
    src: String,
    /// Directory on the control side; the file goes to `dest/HOST/src`.
    dest: String,
    /// Put it at `dest` itself, or inside if that ends with a slash.
    #[serde(default)]
    flat: bool,
    /// A file that is not there is an error.
    #[serde(default = "yes")]
    fail_on_missing: bool,
    /// Compare checksums after the transfer.
    #[serde(default = "yes")]
    validate_checksum: bool,
}

fn yes() -> bool {
    true
}

/// The module.
pub struct Fetch;

const MISSING: &str = "the remote file does not exist, not transferring, ignored";

impl Module for Fetch {
    const NAME: &'static str = "fetch";
    const FQCN: &'static str = "ansible.builtin.fetch";
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let place = Place::of(&args.src, view)?;
        let is_dir = super::common::place::is_dir(&place.at, view)?;
        let content = match view.read(&place.at)? {
            _ if is_dir => {
                let message = "remote file is a directory, fetch cannot work on directories";
                return Err(Diag::error("is-directory", message).about("src"));
            }
            Known::Known(Some(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
            Known::Known(None) if args.fail_on_missing => {
                return Err(Diag::error("no-such-file", MISSING).about("src"));
            }
            Known::Known(None) => return Ok(json!({"msg": MISSING, "file": place.shown})),
            Known::Unknown => unknown_json(&format!("content of {}", place.shown)),
        };
        Ok(json!({"source": place.shown, "content": content, "encoding": "base64"}))
    }
}

/// The control side's half: writes what the host's half read. `args` and `result` are those of the
/// step, `host` its name in the inventory, `base` the directory of the playbook. A dry run only
/// tells. The result that `register` sees comes back.
///
/// # Errors
/// `io` where the file cannot be written.
pub fn store(args: &Json, result: &Json, host: &str, base: &Path, dry: bool) -> Result<Json> {
    let args: Args = crate::args::read(args)?;
    let (Some(content), Some(source)) = (result["content"].as_str(), result["source"].as_str())
    else {
        return Ok(result.clone());
    };
    let bytes = BASE64_STANDARD
        .decode(content)
        .map_err(|e| Diag::error("bad-base64", format!("the host sent no base64: {e}")))?;
    let dest = args.destination(source, host, base);
    let sum = Algorithm::Sha1.of(&bytes);
    let md5 = Algorithm::Md5.of(&bytes);
    if std::fs::read(&dest).is_ok_and(|old| old == bytes) {
        return Ok(json!({
            "changed": false, "md5sum": md5, "file": source, "dest": dest, "checksum": sum,
        }));
    }
    if !dry {
        write(&dest, &bytes)?;
    }
    Ok(json!({
        "changed": true, "md5sum": md5, "dest": dest, "remote_md5sum": null, "checksum": sum,
        "remote_checksum": sum,
    }))
}

impl Args {
    fn destination(&self, source: &str, host: &str, base: &Path) -> PathBuf {
        let name = file_name(source.as_ref());
        let dest = base.join(&self.dest);
        normalise(&if !self.flat {
            dest.join(host).join(source.trim_start_matches('/'))
        } else if self.dest.ends_with('/') {
            dest.join(name)
        } else {
            dest
        })
    }
}

fn write(dest: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e: &std::io::Error| Diag::io("write", dest, e);
    let dir = crate::sys::path::parent(dest);
    std::fs::create_dir_all(dir).map_err(|e| fail(&e))?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|e| fail(&e))?;
    file.write_all(bytes).map_err(|e| fail(&e))?;
    file.persist(dest).map_err(|e| fail(&e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(args: &Json, dir: &Path) -> Json {
        let result = json!({"source": "/etc/motd", "content": "aGk=", "encoding": "base64"});
        store(args, &result, "web1", dir, false).unwrap()
    }

    #[test]
    fn writes_below_the_host_and_only_once() {
        let dir = tempfile::tempdir().unwrap();
        let args = json!({"src": "/etc/motd", "dest": "got"});
        let first = stored(&args, dir.path());
        assert_eq!(first["changed"], true);
        let path = dir.path().join("got/web1/etc/motd");
        assert_eq!(first["dest"], json!(path));
        assert_eq!(std::fs::read(path).unwrap(), b"hi");
        assert_eq!(stored(&args, dir.path())["changed"], false);
    }

    #[test]
    fn flat_goes_to_the_path_or_inside() {
        let dir = tempfile::tempdir().unwrap();
        let flat = |dest: &str| {
            let args = json!({"src": "/etc/motd", "dest": dest, "flat": true});
            stored(&args, dir.path())["dest"].clone()
        };
        assert_eq!(flat("x"), json!(dir.path().join("x")));
        assert_eq!(flat("in/"), json!(dir.path().join("in/motd")));
    }
}
