//! What is asked for, in terms of the host: groups that exist, paths without `~`, shadow(5).

use super::Args;
use super::args::UpdatePassword;
use crate::diag::{Diag, Result};
use crate::modules::common::command;
use crate::modules::common::passwd::{self, Shadow};
use crate::sys::path::expand_home;
use crate::sys::{Effect, Group, Known, Op, View};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// The account as asked for.
pub struct Wanted {
    /// Primary group.
    pub group: Option<Group>,
    /// Further groups.
    pub groups: Option<Vec<Group>>,
    /// Home directory.
    pub home: Option<PathBuf>,
    /// Login shell.
    pub shell: Option<PathBuf>,
}

impl Wanted {
    /// Looks groups and paths up.
    ///
    /// # Errors
    /// `no-such-group`.
    pub fn of(args: &Args, view: &dyn View) -> Result<Wanted> {
        let primary = args.group.as_deref().map(|name| group(name, view));
        let groups = args.groups.as_ref().map(|names| {
            let names = names.iter().filter(|name| !name.trim().is_empty());
            names
                .map(|name| group(name.trim(), view))
                .collect::<Result<Vec<_>>>()
        });
        let path = |text: &Option<String>| match text {
            Some(text) => Ok(Some(PathBuf::from(expand_home(text, view)?))),
            None => Ok::<_, Box<Diag>>(None),
        };
        Ok(Wanted {
            group: primary.transpose()?,
            groups: groups.transpose()?,
            home: path(&args.home)?,
            shell: path(&args.shell)?,
        })
    }
}

fn group(name: &str, view: &dyn View) -> Result<Group> {
    match view.group(name)? {
        Known::Known(Some(group)) => Ok(group),
        Known::Known(None) => Err(Diag::error(
            "no-such-group",
            format!("Group {name} does not exist"),
        )),
        Known::Unknown => Ok(Group {
            name: name.to_owned(),
            ..Group::default()
        }),
    }
}

/// The key under which a planned password and planned ages are known.
pub fn key(name: &str) -> String {
    format!("user:{name}")
}

/// Sets password, lock, expiry and ages where they differ. `fresh` is for a new account, whose
/// entry in shadow(5) is not there yet.
pub fn shadow_ops(args: &Args, view: &dyn View, fresh: bool) -> Result<Vec<Op>> {
    let assumed = view.assumed(&key(&args.name)).unwrap_or(json!({}));
    let current = match fresh {
        true => None,
        false => passwd::shadow(view, &args.name)?,
    };
    let entry = current.clone().unwrap_or_default();
    let mut ops = Vec::new();
    let mut planned = assumed.clone();
    let known = |part: &str, value: Json| assumed.get(part) == Some(&value);
    let mut op = |command: crate::sys::Command, part: &str, value: Json| {
        planned[part] = value;
        if part == "password" {
            planned["lock"] = json!(args.password_lock == Some(true));
        }
        let effect = Effect::Assume(key(&args.name), planned.clone());
        ops.push(command::run(command, vec![effect]));
    };
    let name = args.name.as_str();

    if let Some(secret) = password(args, &entry, fresh)
        && !known("password", json!(true))
    {
        let line = format!("{name}:{secret}\n");
        let command = command::c_locale(["chpasswd", "-e"]).stdin(line.into_bytes());
        op(command, "password", json!(true));
    } else if let Some(lock) = args.password_lock {
        let is_locked = match assumed["lock"].as_bool() {
            Some(lock) => lock,
            None => entry.password.starts_with('!') || fresh,
        };
        if lock != is_locked {
            let flag = if lock { "-L" } else { "-U" };
            let command = command::c_locale([&args.program("usermod"), flag, name]);
            op(command, "lock", json!(lock));
        }
    }
    if let Some(day) = args.expiry_day()
        && !fresh
        && !known("expires", json!(day))
        && (current.is_none() || entry.expires.unwrap_or(-1).max(-1) != day)
    {
        op(expiry(args, day), "expires", json!(day));
    }
    let ages = [
        ("-m", "min", args.password_expire_min, entry.min),
        ("-M", "max", args.password_expire_max, entry.max),
        ("-W", "warn", args.password_expire_warn, entry.warn),
        (
            "-I",
            "inactive",
            args.password_expire_account_disable,
            entry.inactive,
        ),
    ];
    for (flag, part, wanted, now) in ages {
        if let Some(days) = wanted.filter(|days| now != Some(*days))
            && !known(part, json!(days))
        {
            let days_text = days.to_string();
            let program = args.program("chage");
            let command = command::c_locale([program.as_str(), flag, &days_text, name]);
            op(command, part, json!(days));
        }
    }
    Ok(ops)
}

fn expiry(args: &Args, day: i64) -> crate::sys::Command {
    if args.local {
        let day = day.to_string();
        return command::c_locale(["lchage", "-E", &day, &args.name]);
    }
    let date = expiry_date(day);
    command::c_locale(["usermod", "-e", &date, &args.name])
}

/// A day since the epoch as `YYYY-MM-DD`; empty for never.
pub fn expiry_date(day: i64) -> String {
    let date = time::OffsetDateTime::from_unix_timestamp(day.max(0) * 86400);
    match date {
        Ok(date) if day >= 0 => {
            format!(
                "{:04}-{:02}-{:02}",
                date.year(),
                u8::from(date.month()),
                date.day()
            )
        }
        _ => String::new(),
    }
}

/// The content of the password field, if it has to be set.
fn password(args: &Args, entry: &Shadow, fresh: bool) -> Option<String> {
    let hash = args.password.as_deref()?;
    if !fresh && args.update_password == UpdatePassword::OnCreate {
        return None;
    }
    let locked = format!("!{}", hash.trim_start_matches('!'));
    let now = entry.password.as_str();
    let (wanted, same) = match args.password_lock {
        Some(true) => (locked.as_str(), now == locked),
        Some(false) => (hash, now == hash),
        None => (
            hash,
            now.trim_start_matches('!') == hash.trim_start_matches('!'),
        ),
    };
    (fresh || !same).then(|| wanted.to_owned())
}

/// What looks wrong with the options, in Ansible's words.
pub fn warnings(args: &Args) -> Vec<String> {
    let mut out = Vec::new();
    if args.password.as_deref().is_some_and(looks_unhashed) {
        out.push(
            "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.".to_owned(),
        );
    }
    if args.append && args.groups.is_none() {
        out.push(
            "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.".to_owned(),
        );
    }
    out
}

fn looks_unhashed(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return false;
    }
    let fields: Vec<&str> = password.split('$').collect();
    if password.contains([':', '*', '!']) || fields.len() < 4 {
        return true;
    }
    let hash = fields.last().copied().unwrap_or_default();
    let of_alphabet = hash
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '/');
    let length = match fields[1] {
        "1" => Some(22),
        "5" => Some(43),
        "6" => Some(86),
        _ => None,
    };
    !of_alphabet || length.is_some_and(|n| hash.len() != n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_hashes_from_words() {
        assert!(looks_unhashed("secret"));
        assert!(!looks_unhashed("!"));
        assert!(!looks_unhashed(
            "$y$jCT$ZiF3ZV39/maUl9Lzt2Hk80$Ih6bI4OXU52OnWWqt3T1BAmVn8eH.4qlcP.8/NOjGN5"
        ));
        assert!(looks_unhashed("$6$rounds=656000$abc$short"));
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(expiry_date(29281), "2050-03-03");
        assert_eq!(expiry_date(0), "1970-01-01");
        assert_eq!(expiry_date(-1), "");
    }
}
