//! `mount`: file systems, in fstab and mounted.

mod fstab;

use super::Module;
use super::common::dirs;
use super::common::file_attrs::FileAttrs;
use super::common::place::{Place, is_missing};
use super::common::write::{Rewrite, backup_of};
use super::{Control, Kind};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Content, Declared, Effect, Known, Op, Outcome, View};
use fstab::{Line, unescape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::Path;

/// Keeps a line of fstab and mounts or unmounts what it says.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Where it is mounted. Alias: name
    #[serde(alias = "name")]
    path: String,
    /// What is mounted.
    src: Option<String>,
    /// Type of the file system.
    fstype: Option<String>,
    /// Options.
    opts: Option<String>,
    /// Field for dump(8).
    dump: Option<String>,
    /// Order of checks when the host starts.
    passno: Option<String>,
    /// What shall be.
    state: State,
    /// The table.
    #[serde(default = "table")]
    fstab: String,
    /// Mount it when the host starts.
    #[serde(default = "yes")]
    boot: bool,
    /// Keep the old table with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Accepted for compatibility.
    #[serde(default)]
    opts_no_log: bool,
}

fn yes() -> bool {
    true
}

fn table() -> String {
    "/etc/fstab".into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum State {
    /// Not in the table, not mounted, its directory gone.
    Absent,
    /// Not in the table.
    AbsentFromFstab,
    /// Mounted, but not in the table.
    Ephemeral,
    /// In the table and mounted.
    Mounted,
    /// In the table.
    Present,
    /// Mounted anew.
    Remounted,
    /// Not mounted.
    Unmounted,
}

/// The module.
pub struct Mount;

impl Module for Mount {
    const NAME: &'static str = "mount";
    const FQCN: &'static str = "ansible.posix.mount";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        match args.state {
            State::Remounted => Kind::Action,
            _ => Kind::Resource,
        }
    }

    fn prepare(args: Args, _: &dyn Control) -> Result<Args> {
        let (state, needed): (&str, &[(&str, bool)]) = match args.state {
            State::Mounted => ("mounted", &[]),
            State::Present => ("present", &[]),
            State::Ephemeral => ("ephemeral", &[("opts", args.opts.is_none())]),
            _ => return Ok(args),
        };
        let both = [
            ("src", args.src.is_none()),
            ("fstype", args.fstype.is_none()),
        ];
        let missing: Vec<&str> = both
            .iter()
            .chain(needed)
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| *name)
            .collect();
        if missing.is_empty() {
            return Ok(args);
        }
        Err(Diag::error(
            "missing-option",
            format!(
                "state is {state} but all of the following are missing: {}",
                missing.join(", ")
            ),
        ))
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let place = Place::of(&args.path, view)?;
        let mounted = args.is_mounted(&place, view)?;
        match args.state {
            State::Present | State::AbsentFromFstab => args.write_table(view),
            State::Absent => {
                let mut ops = args.write_table(view)?;
                if mounted {
                    ops.push(args.run(&["umount"], &place, false));
                }
                if !is_missing(&place.at, view)? {
                    ops.push(Op::Remove { path: place.at });
                }
                Ok(ops)
            }
            State::Unmounted if mounted => Ok(vec![args.run(&["umount"], &place, false)]),
            State::Unmounted => Ok(Vec::new()),
            State::Mounted => args.mount(&place, mounted, view),
            State::Remounted if mounted => {
                Ok(vec![args.run(&["mount", "-o", "remount"], &place, true)])
            }
            State::Remounted => Ok(vec![args.run(&["mount"], &place, true)]),
            State::Ephemeral if mounted => Ok(Vec::new()),
            State::Ephemeral => {
                let mut ops = dirs::make(&place.at, &FileAttrs::default(), view)?;
                let line = args.line(&place);
                ops.push(args.run(
                    &["mount", "-t", &line.fstype, "-o", &line.opts, &line.src],
                    &place,
                    true,
                ));
                Ok(ops)
            }
        }
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let place = Place::of(&args.path, view)?;
        let line = args.line(&place);
        let mut keys = json!({
            "name": line.name,
            "opts": line.opts,
            "dump": line.dump,
            "passno": line.passno,
            "fstab": Place::of(&args.fstab, view)?.shown,
            "boot": if args.boot { "yes" } else { "no" },
            "backup_file": backup_of(planned).unwrap_or_else(|| json!("")),
        });
        for (key, value) in [("src", &args.src), ("fstype", &args.fstype)] {
            if let Some(value) = value {
                keys[key] = json!(value);
            }
        }
        Ok(keys)
    }

    fn result(_: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({}))
    }
}

impl Args {
    fn line(&self, place: &Place) -> Line {
        let or = |value: &Option<String>, default: &str| value.clone().unwrap_or(default.into());
        let mut opts = or(&self.opts, "defaults");
        if !self.boot && !opts.split(',').any(|opt| opt == "noauto") {
            opts = format!("{opts},noauto");
        }
        let swap = self.fstype.as_deref() == Some("swap");
        Line {
            src: or(&self.src, ""),
            name: if swap || self.path == "none" {
                "none".into()
            } else {
                place.shown.clone()
            },
            fstype: or(&self.fstype, ""),
            opts,
            dump: or(&self.dump, "0"),
            passno: or(&self.passno, "0"),
        }
    }

    /// Operations that bring the table to what it should be.
    fn write_table(&self, view: &dyn View) -> Result<Vec<Op>> {
        let place = Place::of(&self.path, view)?;
        let table = Place::of(&self.fstab, view)?.followed(view)?;
        let content = match view.read(&table.at)? {
            Known::Unknown => Content::Unknown,
            Known::Known(old) => {
                let old = String::from_utf8_lossy(&old.unwrap_or_default()).into_owned();
                let keep = matches!(self.state, State::Present | State::Mounted);
                let new = self.line(&place).put_into(&old, keep);
                if new == old {
                    return Ok(Vec::new());
                }
                Content::Bytes(new.into_bytes().into())
            }
        };
        let rewrite = Rewrite {
            path: &table.at,
            attrs: &FileAttrs::default(),
            backup: self.backup,
            validate: None,
        };
        Ok(vec![rewrite.op(content, view)?])
    }

    fn mount(&self, place: &Place, mounted: bool, view: &dyn View) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        if is_missing(&place.at, view)? {
            ops = dirs::make(&place.at, &FileAttrs::default(), view)?;
        }
        let table = self.write_table(view)?;
        let changes = !table.is_empty();
        ops.extend(table);
        let own_table = ["-T", &self.fstab];
        let own: &[&str] = if self.fstab == "/etc/fstab" {
            &[]
        } else {
            &own_table
        };
        if !mounted {
            ops.push(self.run(&[&["mount"], own].concat(), place, true));
        } else if changes {
            ops.push(self.run(&[&["mount", "-o", "remount"], own].concat(), place, true));
        }
        Ok(ops)
    }

    fn run(&self, words: &[&str], place: &Place, mounted: bool) -> Op {
        let at = place.at.display().to_string();
        Op::Run {
            command: Command::new(words.iter().copied().chain([at.as_str()])),
            effect: Declared::Effects(vec![Effect::Assume(key(&place.at), json!(mounted))]),
            must_succeed: true,
        }
    }

    fn is_mounted(&self, place: &Place, view: &dyn View) -> Result<bool> {
        if let Some(planned) = view.assumed(&key(&place.at)) {
            return Ok(planned == json!(true));
        }
        let table = view
            .read(Path::new("/proc/self/mountinfo"))?
            .known()
            .flatten();
        let table = String::from_utf8_lossy(&table.unwrap_or_default()).into_owned();
        let at = view.resolve(&place.at)?;
        Ok(table
            .lines()
            .filter_map(|line| line.split(' ').nth(4))
            .any(|point| Path::new(&unescape(point)) == at))
    }
}

fn key(path: &Path) -> String {
    format!("mount:{}", path.display())
}
