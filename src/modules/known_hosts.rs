//! `known_hosts`: keys of SSH servers.

mod entry;

use super::Module;
use super::common::dirs;
use super::common::file_attrs::{FileAttrs, describe};
use super::common::place::{Place, is_missing};
use super::common::text::lines;
use super::common::write::Rewrite;
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Content, Known, Op, Outcome, View};
use entry::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Keeps or removes the key of a host in a `known_hosts` file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The host. Alias: host
    #[serde(alias = "host")]
    name: String,
    /// Its line, as ssh-keyscan prints it.
    key: Option<String>,
    /// The file.
    #[serde(default = "path")]
    path: String,
    /// Hide the host's name by hashing it.
    #[serde(default)]
    hash_host: bool,
    /// Whether the key shall be there.
    #[serde(default)]
    state: State,
}

fn path() -> String {
    "~/.ssh/known_hosts".into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    #[default]
    Present,
    Absent,
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct KnownHosts;

impl Module for KnownHosts {
    const NAME: &'static str = "known_hosts";
    const FQCN: &'static str = "ansible.builtin.known_hosts";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        args.check()?;
        let place = Place::of(&args.path, view)?;
        let Known::Known(text) = args.text(&place, view)? else {
            return Ok(vec![args.rewrite(&place, Content::Unknown, view)?]);
        };
        let old = text.clone().unwrap_or_default();
        let new = args.change(&old, view);
        if new == old {
            return Ok(Vec::new());
        }
        let mut ops = Vec::new();
        let dir = parent(&place.at);
        if is_missing(dir, view)? {
            ops = dirs::make(dir, &FileAttrs::default(), view)?;
        }
        ops.push(args.rewrite(&place, Content::Bytes(new.into_bytes().into()), view)?);
        Ok(ops)
    }

    /// This module tells its difference even unasked.
    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let place = Place::of(&args.path, view)?;
        let Known::Known(text) = args.text(&place, view)? else {
            return Ok(json!({}));
        };
        let before = text.clone().unwrap_or_default();
        let after = planned.iter().find_map(|op| match op {
            Op::Write {
                content: Content::Bytes(bytes),
                ..
            } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        let header = text.map_or("/dev/null", |_| place.shown.as_str());
        Ok(json!({"diff": {
            "before_header": header,
            "after_header": place.shown,
            "after": after.unwrap_or_else(|| before.clone()),
            "before": before,
        }}))
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let place = Place::of(&args.path, view)?;
        let mut result = json!({
            "name": args.name,
            "key": args.key,
            "path": place.shown,
            "hash_host": args.hash_host,
            "state": args.state,
        });
        for (key, value) in describe(&place.at, view)? {
            result[key] = value;
        }
        Ok(result)
    }
}

trait File {
    fn rewrite(&self, place: &Place, content: Content, view: &dyn View) -> Result<Op>;
}

impl File for Args {
    fn rewrite(&self, place: &Place, content: Content, view: &dyn View) -> Result<Op> {
        Rewrite {
            path: &place.at,
            attrs: &self.shared,
            backup: false,
            validate: None,
        }
        .op(content, view)
    }
}

impl Own {
    /// What Ansible refuses.
    fn check(&self) -> Result<()> {
        let refuse =
            |message: &str, option: &str| Err(Diag::error("bad-host-key", message).about(option));
        if self.name.contains(',') {
            return refuse(
                "Comma separated list of names is not supported. Please pass a single name to \
                 lookup in the known_hosts file.",
                "name",
            );
        }
        match &self.key {
            None if self.state == State::Present => {
                refuse("No key specified when adding a host", "key")
            }
            None => Ok(()),
            Some(key) => match Entry::parse(key) {
                Some(entry) if entry.names(&self.name) => Ok(()),
                _ => refuse(
                    "Host parameter does not match hashed host field in supplied key",
                    "key",
                ),
            },
        }
    }

    fn text(&self, place: &Place, view: &dyn View) -> Result<Known<Option<String>>> {
        Ok(view
            .read(&place.at)?
            .map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// The file as it should be.
    fn change(&self, old: &str, view: &dyn View) -> String {
        let Some(key) = &self.key else {
            // Without a key all lines of the host go, those of authorities stay.
            let goes = |e: Entry| !e.is_marked() && e.names(&self.name);
            let keep = |line: &&String| !Entry::parse(line).is_some_and(goes);
            return lines(old).iter().filter(keep).cloned().collect();
        };
        let key = key.trim_end_matches('\n');
        let wanted = Entry::parse(key);
        let mut all = lines(old);
        let mut found = None;
        for (at, line) in all.iter().enumerate() {
            let Some(entry) = Entry::parse(line).filter(|e| e.names(&self.name)) else {
                continue;
            };
            if wanted.as_ref().is_some_and(|w| w.is_kind_of(&entry)) {
                let same = wanted.as_ref().is_some_and(|w| w.key == entry.key);
                // A host has one key of a kind, but may have many authorities.
                if !same && entry.is_marked() {
                    continue;
                }
                let as_written = entry.is_hashed() == self.hash_host
                    && (entry.is_hashed() || wanted.as_ref().is_some_and(|w| w.host == entry.host));
                found = Some((at, same, as_written));
                if same {
                    break;
                }
            }
        }
        match (found, self.state) {
            (Some((_, true, true)), State::Present) | (None, State::Absent) => {
                return old.to_owned();
            }
            (Some((_, false, _)), State::Absent) => return old.to_owned(),
            (Some((at, ..)), _) => {
                all.remove(at);
            }
            (None, State::Present) => {}
        }
        if self.state == State::Present {
            if let Some(last) = all.last_mut()
                && !last.ends_with('\n')
            {
                last.push('\n');
            }
            let line = match wanted {
                Some(entry) if self.hash_host => entry.hashed(&self.name, view.now()),
                _ => key.to_owned(),
            };
            all.push(line + "\n");
        }
        all.concat()
    }
}
