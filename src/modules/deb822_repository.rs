//! `deb822_repository`: sources of packages in their new form.

use super::Module;
use super::common::file_attrs::{FileAttrs, describe};
use super::common::place::Place;
use super::common::{dirs, pgp};
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::sys::{Algorithm, Content, Endpoint, Known, Op, Outcome, Owner, Request, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Adds and removes sources of apt, one file for each.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Name of the source, of its file and of its key.
    name: String,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// Permissions of the file.
    #[serde(default = "mode")]
    mode: Mode,
    /// Let what was signed become unsigned.
    allow_downgrade_to_insecure: Option<bool>,
    /// Use it though it is not signed.
    allow_insecure: Option<bool>,
    /// Accept weak digests.
    allow_weak: Option<bool>,
    /// Architectures to fetch.
    architectures: Option<Vec<String>>,
    /// Fetch lists by their digest.
    by_hash: Option<bool>,
    /// Check that the lists do not come from the future.
    check_date: Option<bool>,
    /// Check that the lists are not out of date.
    check_valid_until: Option<bool>,
    /// Components, such as `main`.
    components: Option<Vec<String>>,
    /// Seconds by which the lists may come from the future.
    date_max_future: Option<i64>,
    /// Use it at all.
    enabled: Option<bool>,
    /// Path of the signed list.
    inrelease_path: Option<String>,
    /// Languages of descriptions.
    languages: Option<Vec<String>>,
    /// Fetch differences of lists.
    pdiffs: Option<bool>,
    /// The key: its address, a file, a fingerprint, or the key itself as text.
    signed_by: Option<String>,
    /// Suites, such as `bookworm`.
    suites: Option<Vec<String>>,
    /// What to fetch.
    targets: Option<Vec<String>>,
    /// Trust it without a key.
    trusted: Option<bool>,
    /// `deb`, `deb-src`.
    #[serde(default = "types")]
    types: Vec<Kind>,
    /// Addresses.
    uris: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// It is there.
    #[default]
    Present,
    /// It is not there.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum Kind {
    /// Packages.
    Deb,
    /// Their sources.
    DebSrc,
}

fn mode() -> Mode {
    Mode::Bits(0o644)
}

fn types() -> Vec<Kind> {
    vec![Kind::Deb]
}

const SOURCES: &str = "/etc/apt/sources.list.d";
const KEYS: &str = "/etc/apt/keyrings";

/// The module.
pub struct Deb822Repository;

impl Module for Deb822Repository {
    const NAME: &'static str = "deb822_repository";
    const FQCN: &'static str = "ansible.builtin.deb822_repository";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if args.state == State::Absent {
            return args.remove(view);
        }
        let signed = args.signed(view)?;
        let mut ops = signed.ops(view)?;
        let text = args.text(&signed);
        let content = match text {
            Some(text) => Content::Bytes(text.into_bytes().into()),
            None => Content::Unknown,
        };
        ops.extend(put(&args.file(), content, &args.mode, view)?);
        Ok(ops)
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        if args.state == State::Absent {
            let key = args.key_file("gpg");
            return Ok(json!({"repo": null, "dest": args.file(), "key_filename": key}));
        }
        let signed = args.signed(view)?;
        let unknown = || crate::value::unknown_json("the form of the key is not known yet");
        let key = match &signed {
            Signed::Planned => unknown(),
            Signed::File(path) => json!(path),
            Signed::Fetched(key) => json!(key.path),
            Signed::Nothing | Signed::Text(_) => Json::Null,
        };
        let repo = args.text(&signed).map_or_else(unknown, Json::from);
        let mut keys = describe(&args.file(), view)?;
        keys.insert("repo".into(), repo);
        keys.insert("dest".into(), json!(args.file()));
        keys.insert("key_filename".into(), key);
        Ok(Json::Object(keys))
    }
}

/// What a source is signed by.
enum Signed {
    Nothing,
    /// A file that is there.
    File(String),
    /// A fingerprint or a key.
    Text(String),
    /// A key from the web.
    Fetched(Key),
    /// A key from the web that only apply can fetch.
    Planned,
}

struct Key {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Signed {
    fn ops(&self, view: &dyn View) -> Result<Vec<Op>> {
        let Signed::Fetched(key) = self else {
            return Ok(Vec::new());
        };
        let attrs = FileAttrs {
            mode: Some(Mode::Bits(0o755)),
            ..FileAttrs::default()
        };
        let mut ops = Vec::new();
        if !is_same(&key.path, &key.bytes, view)? {
            ops = dirs::make(Path::new(KEYS), &attrs, view)?;
        }
        let content = Content::Bytes(key.bytes.as_slice().into());
        ops.extend(put(&key.path, content, &mode(), view)?);
        Ok(ops)
    }
}

fn is_same(path: &Path, bytes: &[u8], view: &dyn View) -> Result<bool> {
    let current = view.digest(path, Algorithm::Sha256)?.known().flatten();
    Ok(current == Some(Algorithm::Sha256.of(bytes)))
}

/// Brings a file to a content and a mode.
fn put(path: &Path, content: Content, mode: &Mode, view: &dyn View) -> Result<Vec<Op>> {
    let attrs = FileAttrs {
        mode: Some(mode.clone()),
        ..FileAttrs::default()
    };
    if let Content::Bytes(bytes) = &content
        && is_same(path, bytes, view)?
    {
        return attrs.ops(path, view);
    }
    let stat = view.stat(path)?.known().flatten();
    Ok(vec![Op::Write {
        path: path.to_owned(),
        content,
        mode: attrs.mode_for(stat.as_ref(), false, view),
        owner: Owner::default(),
        backup: None,
        validate: None,
        secret: false,
    }])
}

impl Args {
    fn slug(&self) -> String {
        let is_gap = |c: char| c == '_' || c.is_whitespace();
        let mut slug = String::new();
        let mut after_gap = false;
        for c in self.name.to_lowercase().chars() {
            if !is_gap(c) {
                slug.push(c);
            } else if !after_gap {
                slug.push('-');
            }
            after_gap = is_gap(c);
        }
        slug.retain(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
        slug
    }

    fn file(&self) -> PathBuf {
        Path::new(SOURCES).join(format!("{}.sources", self.slug()))
    }

    fn key_file(&self, form: &str) -> PathBuf {
        Path::new(KEYS).join(format!("{}.{form}", self.slug()))
    }

    fn remove(&self, view: &dyn View) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        for path in [self.file(), self.key_file("asc"), self.key_file("gpg")] {
            if view.stat(&path)? != Known::Known(None) {
                ops.push(Op::Remove { path });
            }
        }
        Ok(ops)
    }

    fn signed(&self, view: &dyn View) -> Result<Signed> {
        let Some(signed) = &self.signed_by else {
            return Ok(Signed::Nothing);
        };
        if !signed.contains('\n') {
            let place = Place::of(signed, view)?;
            let stat = view.stat(&place.at)?.known().flatten();
            if stat.is_some_and(|stat| stat.is_file()) {
                return Ok(Signed::File(signed.clone()));
            }
        }
        if !signed.starts_with("http://") && !signed.starts_with("https://") {
            return Ok(Signed::Text(signed.clone()));
        }
        let Some(bytes) = fetch(signed, view)? else {
            return Ok(Signed::Planned);
        };
        let form = if pgp::is_armored(&bytes) {
            "asc"
        } else {
            "gpg"
        };
        Ok(Signed::Fetched(Key {
            path: self.key_file(form),
            bytes,
        }))
    }

    /// The file's content; nothing where only apply can tell.
    fn text(&self, signed: &Signed) -> Option<String> {
        let yes_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
        let flag = |value: Option<bool>| value.map(yes_no);
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|words| words.join(" "));
        let signed = match signed {
            Signed::Planned => return None,
            Signed::Nothing => None,
            Signed::File(text) | Signed::Text(text) => Some(text.clone()),
            Signed::Fetched(key) => Some(key.path.display().to_string()),
        };
        let types = self.types.iter().map(|kind| match kind {
            Kind::Deb => "deb",
            Kind::DebSrc => "deb-src",
        });
        // In the order of the options' names.
        let fields = [
            (
                "Allow-Downgrade-To-Insecure",
                flag(self.allow_downgrade_to_insecure),
            ),
            ("Allow-Insecure", flag(self.allow_insecure)),
            ("Allow-Weak", flag(self.allow_weak)),
            ("Architectures", list(&self.architectures)),
            ("By-Hash", flag(self.by_hash)),
            ("Check-Date", flag(self.check_date)),
            ("Check-Valid-Until", flag(self.check_valid_until)),
            ("Components", list(&self.components)),
            (
                "Date-Max-Future",
                self.date_max_future.map(|n| n.to_string()),
            ),
            ("Enabled", flag(self.enabled)),
            ("Inrelease-Path", self.inrelease_path.clone()),
            ("Languages", list(&self.languages)),
            ("X-Repolib-Name", Some(self.name.clone())),
            ("Pdiffs", flag(self.pdiffs)),
            ("Signed-By", signed),
            ("Suites", list(&self.suites)),
            ("Targets", list(&self.targets)),
            ("Trusted", flag(self.trusted)),
            ("Types", Some(types.collect::<Vec<_>>().join(" "))),
            ("URIs", list(&self.uris)),
        ];
        let lines = fields.into_iter().filter_map(|(name, value)| {
            let value = value?;
            Some(if value.contains('\n') {
                format!("{name}:{}\n", folded(&value))
            } else {
                format!("{name}: {value}\n")
            })
        });
        Some(lines.collect())
    }
}

/// A value of several lines: each is indented, an empty one is a dot.
fn folded(value: &str) -> String {
    let lines = value.trim().lines().map(|line| match line.trim() {
        "" => "\n    .".to_owned(),
        line => format!("\n    {line}"),
    });
    lines.collect()
}

fn fetch(url: &str, view: &dyn View) -> Result<Option<Vec<u8>>> {
    let mut request = Request::new("GET", Endpoint::Url(url.to_owned()));
    request.redirects = 10;
    request.timeout = Duration::from_secs(10);
    let failed = |why: String| {
        let message = format!("Could not fetch signed_by key: {why}");
        Diag::error("no-key", message).about("signed_by")
    };
    match view.http(&request) {
        Ok(Known::Known(answer)) if answer.status == 200 => Ok(Some(answer.body)),
        Ok(Known::Known(answer)) => Err(failed(format!(
            "HTTP Error {}: {}",
            answer.status, answer.reason
        ))),
        Ok(Known::Unknown) => Ok(None),
        // A dry run may come before the step that brings certificates or a name server.
        Err(error) if error.code == "http" && view.is_dry() => Ok(None),
        Err(error) => Err(failed(super::common::web::refusal(&error.message))),
    }
}
