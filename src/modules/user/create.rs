//! A new account.

use super::Args;
use super::change::{group_effects, parents};
use super::wanted::{Wanted, expiry_date, shadow_ops};
use crate::diag::Result;
use crate::modules::common::command;
use crate::sys::{Effect, Group, Op, User, View};
use std::path::PathBuf;

/// Plans useradd and what comes after it.
pub fn plan(args: &Args, wanted: &Wanted, view: &dyn View) -> Result<Vec<Op>> {
    let home = wanted
        .home
        .clone()
        .unwrap_or_else(|| PathBuf::from("/home").join(&args.name));
    let mut ops = match args.create_home {
        true => parents(&home, view)?,
        false => Vec::new(),
    };
    let own_group = view.group(&args.name)?.presume(None).is_some();
    let argv = words(args, wanted, own_group);
    let user = User {
        name: args.name.clone(),
        uid: args.uid,
        gid: wanted.group.as_ref().and_then(|g| g.gid),
        gecos: args.comment.clone().unwrap_or_default(),
        shell: wanted
            .shell
            .clone()
            .unwrap_or_else(|| PathBuf::from("/bin/sh")),
        home: home.clone(),
    };
    let mut effects = vec![Effect::User(user)];
    if wanted.group.is_none() && !own_group {
        effects.push(Effect::Group(Group {
            name: args.name.clone(),
            gid: None,
            members: Vec::new(),
        }));
    }
    let groups = wanted.groups.as_deref().unwrap_or_default();
    effects.extend(group_effects(&args.name, groups, &[]));
    if args.create_home {
        effects.push(Effect::Dir(home));
    }
    ops.push(command::run(command::c_locale(argv), effects));
    if args.local {
        for group in groups {
            ops.push(command::run(
                command::c_locale(["lgroupmod", "-M", &args.name, &group.name]),
                Vec::new(),
            ));
        }
        if let Some(day) = args.expiry_day() {
            let day = day.to_string();
            ops.push(command::run(
                command::c_locale(["lchage", "-E", &day, &args.name]),
                Vec::new(),
            ));
        }
    }
    ops.extend(shadow_ops(args, view, true)?);
    Ok(ops)
}

fn words(args: &Args, wanted: &Wanted, own_group: bool) -> Vec<String> {
    let mut argv = vec![args.program("useradd")];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|w| (*w).to_owned()));
    if let Some(uid) = args.uid {
        add(&["-u", &uid.to_string()]);
        if args.non_unique {
            add(&["-o"]);
        }
    }
    if let Some(seuser) = &args.seuser {
        add(&["-Z", seuser]);
    }
    match &wanted.group {
        Some(group) => add(&["-g", &group.name]),
        // useradd refuses to make a group that is there.
        None if own_group && !args.local => add(&["-N"]),
        None if own_group => add(&["-g", &args.name]),
        None => {}
    }
    let groups = wanted.groups.as_deref().unwrap_or_default();
    if !groups.is_empty() && !args.local {
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        add(&["-G", &names.join(",")]);
    }
    if let Some(comment) = &args.comment {
        add(&["-c", comment]);
    }
    if let Some(home) = &wanted.home {
        add(&["-d", &home.display().to_string()]);
    }
    if let Some(shell) = &wanted.shell {
        add(&["-s", &shell.display().to_string()]);
    }
    if !args.local {
        if let Some(day) = args.expiry_day() {
            add(&["-e", &expiry_date(day)]);
        }
        if args.create_home {
            add(&["-m"]);
        }
        for (key, value) in [
            ("UMASK", args.umask.clone()),
            ("UID_MIN", args.uid_min.map(|n| n.to_string())),
            ("UID_MAX", args.uid_max.map(|n| n.to_string())),
        ] {
            if let Some(value) = value {
                add(&["-K", &format!("{key}={value}")]);
            }
        }
    }
    if !args.create_home {
        add(&["-M"]);
    } else if let Some(skeleton) = &args.skeleton {
        add(&["-k", skeleton]);
    }
    if args.system {
        add(&["-r"]);
    }
    argv.push(args.name.clone());
    argv
}
