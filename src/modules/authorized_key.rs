//! `authorized_key`: public keys that may log in as a user.

use super::Module;
use super::common::file_attrs::describe;
use super::common::place::{Place, is_missing};
use super::common::text::lines;
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Content, Endpoint, Known, Op, Outcome, Owner, Request, User, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Adds or removes public keys in a user's `authorized_keys`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The user.
    user: String,
    /// One key or more, one on each line, or a URL that has them.
    key: String,
    /// The file; `.ssh/authorized_keys` of the user where absent.
    path: Option<String>,
    /// Make the directory of the file too, with its owner and mode.
    #[serde(default = "yes")]
    manage_dir: bool,
    /// Whether the keys shall be there.
    #[serde(default)]
    state: State,
    /// Options before the key, in place of those it has.
    key_options: Option<String>,
    /// Comment after the key, in place of the one it has.
    comment: Option<String>,
    /// Remove all other keys.
    #[serde(default)]
    exclusive: bool,
    /// Check the certificate where the key is a URL.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Write to what a link points to.
    #[serde(default)]
    follow: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    #[default]
    Present,
    Absent,
}

/// The module.
pub struct AuthorizedKey;

impl Module for AuthorizedKey {
    const NAME: &'static str = "authorized_key";
    const FQCN: &'static str = "ansible.posix.authorized_key";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let user = args.account(view)?;
        let place = args.file(user.as_ref(), view)?;
        let keys = args.keys(view)?;
        let owner = Owner {
            user: Some(args.user.clone()),
            group: user.and_then(|u| u.gid).map(|gid| gid.to_string()),
        };
        let content = match (view.read(&place.at)?, keys) {
            (Known::Known(old), Some(keys)) => {
                let old = String::from_utf8_lossy(&old.unwrap_or_default()).into_owned();
                let new = args.change(&old, &keys);
                if new == old {
                    return Ok(Vec::new());
                }
                Content::Bytes(new.into_bytes().into())
            }
            _ => Content::Unknown,
        };
        let mut ops = Vec::new();
        let dir = parent(&place.at);
        if args.manage_dir && is_missing(dir, view)? {
            ops.push(Op::Mkdir {
                path: dir.to_owned(),
                mode: Some(0o700),
            });
            ops.push(Op::Chown {
                path: dir.to_owned(),
                owner: owner.clone(),
            });
        }
        ops.push(Op::Write {
            path: place.at,
            content,
            mode: Some(0o600),
            owner,
            backup: None,
            validate: None,
            secret: false,
        });
        Ok(ops)
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let place = args.file(args.account(view)?.as_ref(), view)?;
        let mut result = json!(args);
        result["keyfile"] = json!(place.shown);
        result["path"] = json!(args.path.as_ref().map(|_| &place.shown));
        for (key, value) in describe(&place.at, view)? {
            result[key] = value;
        }
        Ok(result)
    }
}

/// A key line in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    options: String,
    kind: String,
    blob: String,
    comment: String,
}

impl Key {
    fn parse(line: &str) -> Option<Key> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let words = quoted_words(line);
        let at = words.iter().position(|word| is_kind(word))?;
        Some(Key {
            options: words[..at].join(" "),
            kind: words[at].clone(),
            blob: words.get(at + 1)?.clone(),
            comment: words[at + 2..].join(" "),
        })
    }

    fn line(&self) -> String {
        let parts = [&self.options, &self.kind, &self.blob, &self.comment];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|p| !p.is_empty())
            .collect();
        parts.join(" ") + "\n"
    }
}

fn is_kind(word: &str) -> bool {
    const STARTS: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
    STARTS.iter().any(|start| word.starts_with(start))
}

/// Words between blanks; a quoted part of an option is one word with what is around it.
fn quoted_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut before = ' ';
    for c in line.chars() {
        if c == '"' && before != '\\' {
            quoted = !quoted;
        }
        match (c.is_whitespace() && !quoted, words.last_mut()) {
            (true, _) => words.push(String::new()),
            (false, Some(word)) => word.push(c),
            (false, None) => {}
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Args {
    /// `None` for an account of which only apply can tell.
    fn account(&self, view: &dyn View) -> Result<Option<User>> {
        match view.user(&self.user)? {
            Known::Known(Some(user)) => Ok(Some(user)),
            Known::Unknown => Ok(None),
            Known::Known(None) => Err(Diag::error(
                "no-such-account",
                format!(
                    "Failed to lookup user {0}: 'getpwnam(): name not found: {0}'",
                    self.user
                ),
            )
            .about("user")),
        }
    }

    fn file(&self, user: Option<&User>, view: &dyn View) -> Result<Place> {
        let place = match (&self.path, user) {
            (Some(path), _) => Place::of(path, view)?,
            (None, Some(user)) => Place::at(&user.home.join(".ssh/authorized_keys")),
            (None, None) => Place::of(&format!("/home/{}/.ssh/authorized_keys", self.user), view)?,
        };
        if self.follow {
            place.followed(view)
        } else {
            Ok(place)
        }
    }

    /// The keys asked for; `None` where only apply can tell.
    fn keys(&self, view: &dyn View) -> Result<Option<Vec<Key>>> {
        let text = if self.key.starts_with("http") {
            let mut request = Request::new("GET", Endpoint::Url(self.key.clone()));
            request.redirects = 10;
            request.verify = self.validate_certs;
            match view.http(&request)? {
                Known::Known(answer) if answer.status == 200 => {
                    String::from_utf8_lossy(&answer.body).into_owned()
                }
                Known::Known(_) => {
                    let message = format!("Error getting key from: {}", self.key);
                    return Err(Diag::error("no-key", message).about("key"));
                }
                Known::Unknown => return Ok(None),
            }
        } else {
            self.key.clone()
        };
        let mut keys = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some(mut key) = Key::parse(line) else {
                let message = format!("invalid key specified: {line}");
                return Err(Diag::error("bad-key", message).about("key"));
            };
            if let Some(options) = &self.key_options {
                key.options.clone_from(options);
            }
            if let Some(comment) = &self.comment {
                key.comment.clone_from(comment);
            }
            keys.push(key);
        }
        Ok(Some(keys))
    }

    /// The file as it should be.
    fn change(&self, old: &str, keys: &[Key]) -> String {
        let mut left: Vec<&Key> = keys.iter().collect();
        let mut out = Vec::new();
        for line in lines(old) {
            let Some(there) = Key::parse(&line) else {
                out.push(line);
                continue;
            };
            let wanted = keys.iter().find(|key| key.blob == there.blob);
            match (wanted, self.state) {
                (Some(_), State::Absent) => {}
                (None, State::Present) if self.exclusive => {}
                (Some(key), State::Present) => {
                    let first = left.iter().any(|k| k.blob == key.blob);
                    left.retain(|k| k.blob != key.blob);
                    if first {
                        out.push(if *key == there { line } else { key.line() });
                    }
                }
                (None, _) => out.push(line),
            }
        }
        if self.state == State::Present && !left.is_empty() {
            if let Some(last) = out.last_mut()
                && !last.ends_with('\n')
            {
                last.push('\n');
            }
            out.extend(left.into_iter().map(Key::line));
        }
        out.concat()
    }
}
