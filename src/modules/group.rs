//! `group`: groups of users.

use super::Module;
use super::common::command;
use crate::diag::{Diag, Result};
use crate::sys::{Effect, Group as Account, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Creates, changes and removes groups.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Name.
    name: String,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// Number; chosen by the system where absent.
    #[serde(default)]
    gid: Option<u32>,
    /// Take the number from the range for system groups.
    #[serde(default)]
    system: bool,
    /// Use the `l...` programs of libuser, for hosts whose accounts come from the network.
    #[serde(default)]
    local: bool,
    /// Allow a number that another group has.
    #[serde(default)]
    non_unique: bool,
    /// Remove it even if it is somebody's primary group.
    #[serde(default)]
    force: bool,
    /// Lowest number to choose.
    #[serde(default)]
    gid_min: Option<u32>,
    /// Highest number to choose.
    #[serde(default)]
    gid_max: Option<u32>,
}

/// Whether an account is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is.
    #[default]
    Present,
    /// It is not.
    Absent,
}

/// The module.
pub struct Group;

impl Module for Group {
    const NAME: &'static str = "group";
    const FQCN: &'static str = "ansible.builtin.group";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args)?;
        let found = view.group(&args.name)?.presume(None);
        let found = found.filter(|group| group.name == args.name);
        match (args.state, found) {
            (State::Present, None) => create(args, view),
            (State::Present, Some(group)) => change(args, &group),
            (State::Absent, Some(_)) => Ok(vec![remove(args)]),
            (State::Absent, None) => Ok(Vec::new()),
        }
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        if args.state == State::Absent {
            return Ok(json!({"name": args.name, "state": args.state}));
        }
        let gid = view.group(&args.name)?.presume(None).and_then(|g| g.gid);
        Ok(json!({
            "name": args.name,
            "state": args.state,
            "system": args.system,
            "gid": gid.or(args.gid),
        }))
    }
}

fn check(args: &Args) -> Result<()> {
    let wrong = if args.non_unique && args.gid.is_none() {
        "option `non_unique` needs `gid`"
    } else if args.local && (args.gid_min.is_some() || args.gid_max.is_some()) {
        "options `gid_min` and `gid_max` cannot be used with `local`"
    } else {
        return Ok(());
    };
    Err(Diag::error("wrong-value", wrong))
}

fn program(args: &Args, name: &str) -> String {
    if args.local {
        format!("l{name}")
    } else {
        name.to_owned()
    }
}

fn create(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    if let Some(gid) = args.gid
        && !args.non_unique
        && let Some(other) = view.group_by_id(gid)?
    {
        return Err(Diag::error(
            "number-taken",
            format!(
                "groupadd: GID '{gid}' already exists: it belongs to group {}",
                other.name
            ),
        )
        .about("gid"));
    }
    let mut argv = vec![program(args, "groupadd")];
    if let Some(gid) = args.gid {
        argv.extend(["-g".to_owned(), gid.to_string()]);
        if args.non_unique {
            argv.push("-o".into());
        }
    }
    if args.system {
        argv.push("-r".into());
    }
    for (key, value) in [("GID_MIN", args.gid_min), ("GID_MAX", args.gid_max)] {
        if let Some(value) = value {
            argv.extend(["-K".to_owned(), format!("{key}={value}")]);
        }
    }
    argv.push(args.name.clone());
    let account = Account {
        name: args.name.clone(),
        gid: args.gid,
        members: Vec::new(),
    };
    Ok(vec![command::run(
        command::c_locale(argv),
        vec![Effect::Group(account)],
    )])
}

fn change(args: &Args, group: &Account) -> Result<Vec<Op>> {
    let Some(gid) = args.gid.filter(|gid| Some(*gid) != group.gid) else {
        return Ok(Vec::new());
    };
    let mut argv = vec![program(args, "groupmod"), "-g".into(), gid.to_string()];
    if args.non_unique {
        argv.push("-o".into());
    }
    argv.push(args.name.clone());
    let account = Account {
        gid: Some(gid),
        ..group.clone()
    };
    Ok(vec![command::run(
        command::c_locale(argv),
        vec![Effect::Group(account)],
    )])
}

fn remove(args: &Args) -> Op {
    let mut argv = vec![program(args, "groupdel")];
    if args.force && !args.local {
        argv.push("-f".into());
    }
    argv.push(args.name.clone());
    command::run(
        command::c_locale(argv),
        vec![Effect::NoGroup(args.name.clone())],
    )
}
