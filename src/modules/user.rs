//! `user`: accounts.

mod args;
mod change;
mod create;
mod key;
mod wanted;

use super::Module;
use super::common::command;
use super::group::State;
use crate::diag::{Diag, Result};
use crate::sys::{Effect, Op, Outcome, View};
pub use args::Args;
use serde_json::{Map, Value as Json, json};
use wanted::Wanted;

/// The module.
pub struct User;

impl Module for User {
    const NAME: &'static str = "user";
    const FQCN: &'static str = "ansible.builtin.user";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args)?;
        let found = account(args, view)?;
        if args.state == State::Absent {
            return Ok(found.map(|_| remove(args)).into_iter().collect());
        }
        let wanted = Wanted::of(args, view)?;
        let mut ops = match &found {
            None => create::plan(args, &wanted, view)?,
            Some(user) => change::plan(args, &wanted, user, view)?,
        };
        if args.generate_ssh_key {
            ops.extend(key::plan(args, found.as_ref(), view)?);
        }
        Ok(ops)
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], _: bool) -> Result<Json> {
        let mut result = Map::new();
        let mut put = |key: &str, value: Json| result.insert(key.into(), value);
        put("name", json!(args.name));
        put("state", json!(args.state));
        let found = account(args, view)?;
        if args.state == State::Absent {
            if found.is_some() {
                put("force", json!(args.force));
                put("remove", json!(args.remove));
            }
            return Ok(Json::Object(result));
        }
        if found.is_some() {
            put("append", json!(args.append));
            put("move_home", json!(args.move_home));
        } else {
            put("create_home", json!(args.create_home));
            put("system", json!(args.system));
        }
        if let Some(groups) = &args.groups {
            put("groups", json!(groups.join(",")));
        }
        if args.password.is_some() {
            put("password", json!("NOT_LOGGING_PASSWORD"));
        }
        let mut warnings = wanted::warnings(args);
        if args.generate_ssh_key && !args.force {
            warnings.extend(key::warning(args, found.as_ref(), view)?);
        }
        if !warnings.is_empty() {
            put("warnings", json!(warnings));
        }
        Ok(Json::Object(result))
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let (stdout, stderr) = command::texts(done);
        let mut result = Map::new();
        for (key, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                result.insert(key.into(), json!(text));
            }
        }
        let Some(user) = account(args, view)?.filter(|_| args.state == State::Present) else {
            return Ok(Json::Object(result));
        };
        result.insert("uid".into(), json!(user.uid));
        result.insert("group".into(), json!(user.gid));
        result.insert("comment".into(), json!(user.gecos));
        result.insert("home".into(), json!(user.home));
        result.insert("shell".into(), json!(user.shell));
        if args.generate_ssh_key {
            key::describe(args, &user, view, &mut result)?;
        }
        Ok(Json::Object(result))
    }
}

fn account(args: &Args, view: &dyn View) -> Result<Option<crate::sys::User>> {
    let found = view.user(&args.name)?.presume(None);
    Ok(found.filter(|user| user.name == args.name))
}

fn check(args: &Args) -> Result<()> {
    let wrong = if args.local && args.umask.is_some() {
        "options `local` and `umask` cannot be used together"
    } else if args.local && (args.uid_min.is_some() || args.uid_max.is_some()) {
        "options `uid_min` and `uid_max` cannot be used with `local`"
    } else if args.non_unique && args.uid.is_none() {
        "option `non_unique` needs `uid`"
    } else {
        return Ok(());
    };
    Err(Diag::error("wrong-value", wrong))
}

fn remove(args: &Args) -> Op {
    let mut argv = vec![args.program("userdel")];
    if args.force && !args.local {
        argv.push("-f".into());
    }
    if args.remove {
        argv.push("-r".into());
    }
    argv.push(args.name.clone());
    command::run(
        command::c_locale(argv),
        vec![
            Effect::NoUser(args.name.clone()),
            Effect::Assume(wanted::key(&args.name), json!({})),
        ],
    )
}
