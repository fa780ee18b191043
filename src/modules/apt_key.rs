//! `apt_key`: keys that apt trusts.
//!
//! The keyrings are read and written directly: neither `apt-key` nor `gpg` need be there, and a dry
//! run tells what would be trusted.

mod keyrings;
mod source;

use super::Module;
use super::common::place::Place;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use crate::value::unknown_json;
use keyrings::Keyrings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Adds and removes keys that apt trusts.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Number of the key: 8, 16 or more hexadecimal digits. Without it the first key of what is given
    /// is meant.
    id: Option<String>,
    /// Address of the key.
    url: Option<String>,
    /// The key itself, as text.
    data: Option<String>,
    /// File of the host with the key.
    file: Option<String>,
    /// Keyring to change, in place of `/etc/apt/trusted.gpg`.
    keyring: Option<String>,
    /// Check the certificate of the server.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Server to fetch the key `id` from.
    keyserver: Option<String>,
    /// Whether it shall be trusted.
    #[serde(default)]
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// It is trusted.
    #[default]
    Present,
    /// It is not.
    Absent,
}

fn yes() -> bool {
    true
}

/// The module.
pub struct AptKey;

impl Module for AptKey {
    const NAME: &'static str = "apt_key";
    const FQCN: &'static str = "ansible.builtin.apt_key";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let rings = args.rings(view)?;
        let Some(id) = args.number(view)? else {
            return Ok(vec![rings.add(None, view)?]);
        };
        match (args.state, rings.has(&id)) {
            (State::Present, true) | (State::Absent, false) => Ok(Vec::new()),
            (State::Absent, true) => rings.remove(&id),
            (State::Present, false) => {
                let Known::Known(key) = args.key(view)? else {
                    return Ok(vec![rings.add(None, view)?]);
                };
                if !id.is_in(&key) {
                    let message = "apt-key did not return an error, but failed to add the key \
                                   (check that the id is correct and *not* a subkey)";
                    return Err(Diag::error("no-key", message).with("id", id.given.clone()));
                }
                Ok(vec![rings.add(Some(&key), view)?])
            }
        }
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], _: bool) -> Result<Json> {
        let Some(id) = args.number(view)? else {
            let mut keys = Map::new();
            for key in ["id", "short_id", "fp", "key_id", "before", "after"] {
                keys.insert(key.to_owned(), unknown_json("the key is not known yet"));
            }
            return Ok(Json::Object(keys));
        };
        Ok(json!({
            "id": id.given,
            "key_id": id.whole,
            "short_id": id.short(),
            "fp": id.long(),
            "before": args.rings(view)?.numbers(id.is_short()),
        }))
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        match args.number(view) {
            Ok(Some(id)) if !done.is_empty() && !view.is_check() => {
                Ok(json!({"after": args.rings(view)?.numbers(id.is_short())}))
            }
            _ => Ok(json!({})),
        }
    }
}

/// The number of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Number {
    /// As the user wrote it, or as the key has it.
    given: String,
    /// Upper case, without `0X`.
    whole: String,
}

impl Number {
    fn read(given: &str) -> Result<Number> {
        let upper = given.to_ascii_uppercase();
        let whole = upper.strip_prefix("0X").unwrap_or(&upper).to_owned();
        let digits = whole.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || !matches!(whole.len(), 8 | 16..) {
            return Err(Diag::error("bad-key-id", "Invalid key_id")
                .about("id")
                .help("a key's number has 8, 16 or more hexadecimal digits")
                .with("id", given));
        }
        Ok(Number {
            given: given.to_owned(),
            whole,
        })
    }

    fn is_short(&self) -> bool {
        self.whole.len() == 8
    }

    fn short(&self) -> &str {
        &self.whole[self.whole.len() - 8..]
    }

    fn long(&self) -> &str {
        &self.whole[self.whole.len().saturating_sub(16)..]
    }

    /// True for the number of one of the keys in a binary file.
    fn is_in(&self, key: &[u8]) -> bool {
        let keys = super::common::pgp::ids(key);
        keys.iter().any(|key| key.id().ends_with(self.long()))
    }
}

impl Args {
    fn rings(&self, view: &dyn View) -> Result<Keyrings> {
        let only = match &self.keyring {
            Some(keyring) => Some(Place::of(keyring, view)?.at),
            None => None,
        };
        Keyrings::load(only, view)
    }
}
