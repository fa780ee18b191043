//! An account's SSH key.

use super::Args;
use crate::diag::{Diag, Result};
use crate::modules::common::command;
use crate::sys::{Effect, Known, Op, Owner, User, View};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

fn file(args: &Args, user: Option<&User>) -> PathBuf {
    let planned = || match &args.home {
        Some(home) => PathBuf::from(home),
        None => Path::new("/home").join(&args.name),
    };
    let home = match (&args.home, user) {
        (None, Some(user)) => user.home.clone(),
        _ => planned(),
    };
    let standard = format!(".ssh/id_{}", args.ssh_key_type);
    home.join(args.ssh_key_file.as_deref().unwrap_or(&standard))
}

fn public(key: &Path) -> PathBuf {
    crate::sys::path::with_suffix(key, ".pub")
}

/// Says that a key is there, where none is generated for this reason.
pub fn warning(args: &Args, user: Option<&User>, view: &dyn View) -> Result<Option<String>> {
    let key = file(args, user);
    let there = view.lstat(&key)?.presume(None).is_some();
    Ok(there.then(|| {
        format!(
            "Found existing ssh key private file \"{}\", no force, so skipping ssh-keygen generation",
            key.display()
        )
    }))
}

/// Generates the key where there is none, or with `force` once more.
pub fn plan(args: &Args, user: Option<&User>, view: &dyn View) -> Result<Vec<Op>> {
    let key = file(args, user);
    let made = format!("user:key:{}", key.display());
    let public = public(&key);
    if view.assumed(&made).is_some() {
        return Ok(Vec::new());
    }
    let there = view.lstat(&key)?.presume(None).is_some();
    let public_there = view.lstat(&public)?.presume(None).is_some();
    if there && !(args.force && needs_new(view, &key)?) {
        return Ok(Vec::new());
    }
    if public_there && !args.force {
        return Err(Diag::error(
            "key-exists",
            format!("Found existing ssh key public file \"{}\", no force, so skipping ssh-keygen generation", public.display()),
        )
        .about("generate_ssh_key"));
    }
    let owner = Owner {
        user: Some(args.name.clone()),
        group: user.and_then(|u| u.gid).map(|gid| gid.to_string()),
    };
    let mut ops = Vec::new();
    for old in [&key, &public] {
        if view.lstat(old)?.presume(None).is_some() {
            ops.push(Op::Remove { path: old.clone() });
        }
    }
    if let Some(dir) = key.parent()
        && view.stat(dir)? == Known::Known(None)
    {
        ops.push(Op::Mkdir {
            path: dir.to_path_buf(),
            mode: Some(0o700),
        });
        ops.push(chown(dir, &owner));
    }
    ops.push(generate(args, &key, view, made)?);
    ops.extend([chown(&key, &owner), chown(&public, &owner)]);
    Ok(ops)
}

/// With `force` a key is made anew, but only once: not when it is as young as this step.
fn needs_new(view: &dyn View, key: &Path) -> Result<bool> {
    let stat = view.lstat(key)?.presume(None);
    Ok(stat.is_none_or(|stat| view.now() - stat.mtime > 5.0))
}

fn chown(path: &Path, owner: &Owner) -> Op {
    Op::Chown {
        path: path.to_path_buf(),
        owner: owner.clone(),
    }
}

fn generate(args: &Args, key: &Path, view: &dyn View, made: String) -> Result<Op> {
    let comment = match &args.ssh_key_comment {
        Some(comment) => comment.clone(),
        None => format!("ansible-generated on {}", hostname(view)?),
    };
    let file = key.display().to_string();
    let kind = args.ssh_key_type.as_str();
    let mut argv = vec!["ssh-keygen", "-q", "-t", kind, "-C", &comment, "-f", &file];
    let bits = args.ssh_key_bits.unwrap_or_default().to_string();
    if args.ssh_key_bits.is_some_and(|bits| bits > 0) {
        argv.extend(["-b", &bits]);
    }
    let effects = vec![
        Effect::File(key.to_path_buf()),
        Effect::File(public(key)),
        Effect::Assume(made, json!(true)),
    ];
    let command = match &args.ssh_key_passphrase {
        None => {
            argv.extend(["-N", ""]);
            command::c_locale(argv)
        }
        // Without a terminal ssh-keygen reads it from its input: it never stands in the argv.
        Some(secret) => {
            argv.splice(0..0, ["setsid", "-w"]);
            command::c_locale(argv).stdin(format!("{secret}\n{secret}\n").into_bytes())
        }
    };
    Ok(command::run(command, effects))
}

fn hostname(view: &dyn View) -> Result<String> {
    let bytes = view
        .read(Path::new("/proc/sys/kernel/hostname"))?
        .presume(None);
    let text = bytes.map(|b| String::from_utf8_lossy(&b).trim().to_owned());
    Ok(text.unwrap_or_default())
}

/// The keys of the result.
pub fn describe(
    args: &Args,
    user: &User,
    view: &dyn View,
    result: &mut Map<String, Json>,
) -> Result<()> {
    let key = file(args, Some(user));
    result.insert("ssh_key_file".into(), json!(key));
    let path = key.display().to_string();
    if let Known::Known(output) = command::query(view, ["ssh-keygen", "-l", "-f", &path])?
        && output.ok()
    {
        result.insert("ssh_fingerprint".into(), json!(output.text().trim()));
    }
    if let Known::Known(Some(bytes)) = view.read(&public(&key))? {
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        result.insert("ssh_public_key".into(), json!(text));
    }
    Ok(())
}
