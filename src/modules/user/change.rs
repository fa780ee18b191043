//! An account that is there.

use super::Args;
use super::wanted::{Wanted, shadow_ops};
use crate::diag::Result;
use crate::modules::common::{command, passwd};
use crate::sys::{Effect, Group, Known, Op, Owner, User, View};
use std::path::{Path, PathBuf};

/// Plans usermod and what else differs.
pub fn plan(args: &Args, wanted: &Wanted, user: &User, view: &dyn View) -> Result<Vec<Op>> {
    let mut new = user.clone();
    let mut argv: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|w| (*w).to_owned()));
    // A planned account's number and group are taken to be as asked for.
    if let Some(uid) = args
        .uid
        .filter(|uid| user.uid.is_some_and(|now| now != *uid))
    {
        new.uid = Some(uid);
        add(&["-u", &uid.to_string()]);
        if args.non_unique {
            add(&["-o"]);
        }
    }
    if let Some(group) = &wanted.group
        && let Some(gid) = group.gid
        && user.gid.is_some_and(|now| now != gid)
    {
        new.gid = Some(gid);
        // lusermod takes numbers only.
        add(&["-g", &gid.to_string()]);
    }
    if let Some(comment) = args.comment.as_ref().filter(|c| **c != user.gecos) {
        new.gecos.clone_from(comment);
        add(&["-c", comment]);
    }
    if let Some(home) = wanted.home.as_ref().filter(|h| **h != user.home) {
        new.home.clone_from(home);
        add(&["-d", &home.display().to_string()]);
        if args.move_home {
            add(&["-m"]);
        }
    }
    if let Some(shell) = wanted.shell.as_ref().filter(|s| **s != user.shell) {
        new.shell.clone_from(shell);
        add(&["-s", &shell.display().to_string()]);
    }
    let (joined, left) = memberships(args, wanted, &new, view)?;
    let mut effects = group_effects(&args.name, &joined, &left);
    if !(args.local || joined.is_empty() && left.is_empty()) {
        if args.append {
            add(&["-a"]);
        }
        let groups = match args.append {
            true => joined.as_slice(),
            false => wanted.groups.as_deref().unwrap_or_default(),
        };
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        add(&["-G", &names.join(",")]);
    }
    let mut ops = Vec::new();
    if !argv.is_empty() {
        argv.insert(0, args.program("usermod"));
        argv.push(args.name.clone());
        effects.insert(0, Effect::User(new.clone()));
        if new.home != user.home && args.move_home {
            effects.push(Effect::Dir(new.home.clone()));
        }
        ops.push(command::run(command::c_locale(argv), effects));
    }
    if args.local {
        let moves = [("-M", &joined), ("-m", &left)];
        for (flag, group) in moves
            .iter()
            .flat_map(|(f, gs)| gs.iter().map(move |g| (*f, g)))
        {
            ops.push(command::run(
                command::c_locale(["lgroupmod", flag, &args.name, &group.name]),
                group_effects(&args.name, &joined, &left),
            ));
        }
    }
    ops.extend(shadow_ops(args, view, false)?);
    let moved = new.home != user.home && args.move_home;
    if args.create_home && !moved && view.lstat(&new.home)? == Known::Known(None) {
        ops.extend(make_home(args, &new, view)?);
    }
    Ok(ops)
}

/// Groups to join and to leave.
fn memberships(
    args: &Args,
    wanted: &Wanted,
    user: &User,
    view: &dyn View,
) -> Result<(Vec<Group>, Vec<Group>)> {
    let Some(groups) = &wanted.groups else {
        return Ok(Default::default());
    };
    let is_member = |g: &Group| g.members.contains(&args.name);
    let is_primary = |g: &Group| g.gid.is_some() && g.gid == user.gid;
    let joined = groups
        .iter()
        .filter(|g| !is_member(g) && !is_primary(g))
        .cloned()
        .collect();
    let mut left = Vec::new();
    if !args.append {
        for name in passwd::member_of(view, &args.name)? {
            let kept = groups.iter().any(|g| g.name == name);
            let group = view.group(&name)?.presume(None);
            left.extend(group.filter(|g| !kept && !is_primary(g)));
        }
    }
    Ok((joined, left))
}

/// What joining and leaving groups makes known.
pub fn group_effects(name: &str, joined: &[Group], left: &[Group]) -> Vec<Effect> {
    let join = joined.iter().map(|group| {
        let mut group = group.clone();
        group.members.push(name.to_owned());
        Effect::Group(group)
    });
    let leave = left.iter().map(|group| {
        let mut group = group.clone();
        group.members.retain(|m| m != name);
        Effect::Group(group)
    });
    join.chain(leave).collect()
}

/// Makes the directories above a home directory.
pub fn parents(home: &Path, view: &dyn View) -> Result<Vec<Op>> {
    let mut missing = Vec::new();
    for dir in home.ancestors().skip(1) {
        if view.stat(dir)? != Known::Known(None) {
            break;
        }
        missing.push(Op::Mkdir {
            path: dir.to_path_buf(),
            mode: None,
        });
    }
    missing.reverse();
    Ok(missing)
}

fn make_home(args: &Args, user: &User, view: &dyn View) -> Result<Vec<Op>> {
    let mut ops = parents(&user.home, view)?;
    let home = user.home.display().to_string();
    let skeleton = PathBuf::from(args.skeleton.as_deref().unwrap_or("/etc/skel"));
    let is_dir = |stat: crate::sys::Stat| stat.is_dir();
    if view.stat(&skeleton)?.presume(None).is_some_and(is_dir) {
        let from = skeleton.display().to_string();
        ops.push(command::run(
            command::c_locale([
                "cp",
                "-r",
                "-P",
                "--preserve=mode,timestamps,links",
                &from,
                &home,
            ]),
            vec![Effect::Dir(user.home.clone())],
        ));
    } else {
        ops.push(Op::Mkdir {
            path: user.home.clone(),
            mode: None,
        });
    }
    ops.push(Op::Mode {
        path: user.home.clone(),
        mode: home_mode(args, view)?,
    });
    let id = |number: Option<u32>| number.map_or(String::new(), |n| n.to_string());
    let owner = format!("{}:{}", id(user.uid), id(user.gid));
    ops.push(command::run(
        command::c_locale(["chown", "-R", "-h", &owner, &home]),
        Vec::new(),
    ));
    ops.push(Op::Chown {
        path: user.home.clone(),
        owner: Owner {
            user: Some(args.name.clone()),
            group: None,
        },
    });
    Ok(ops)
}

fn home_mode(args: &Args, view: &dyn View) -> Result<u32> {
    let octal = |text: &str| u32::from_str_radix(text, 8).ok();
    let umask = match &args.umask {
        Some(umask) => octal(umask),
        None => {
            if let Some(mode) = passwd::login_defs(view, "HOME_MODE")?
                .as_deref()
                .and_then(octal)
            {
                return Ok(mode);
            }
            passwd::login_defs(view, "UMASK")?
                .as_deref()
                .and_then(octal)
        }
    };
    Ok(0o777 & !umask.unwrap_or_else(|| view.umask()))
}
