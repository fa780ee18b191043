//! Users and groups from `/etc/passwd` and `/etc/group`.
//!
//! A static glibc cannot load NSS plugins, so names known only to LDAP or sssd come from running
//! `getent`, and only where `nsswitch.conf` names such a source.

use crate::diag::{Diag, Result};
use crate::sys::{Group, User};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// A path of this machine with its leading `~` or `~name` replaced by the home directory, as
/// Python's `os.path.expanduser` does; unknown names stay.
pub fn expand_home_here(text: &str) -> String {
    let Some(rest) = text.strip_prefix('~') else {
        return text.to_owned();
    };
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut accounts = Accounts::default();
    let user = match (name, std::env::var("HOME")) {
        ("", Ok(home)) => return at_home(&home, rest),
        ("", Err(_)) => accounts.user_by_id(nix::unistd::getuid().as_raw()),
        _ => accounts.user(name),
    };
    match user {
        Ok(Some(user)) => at_home(&user.home.display().to_string(), rest),
        _ => text.to_owned(),
    }
}

fn at_home(home: &str, rest: &str) -> String {
    let whole = format!("{}{rest}", home.trim_end_matches('/'));
    if whole.is_empty() {
        "/".to_owned()
    } else {
        whole
    }
}

/// The two files, parsed once for each state they are in.
#[derive(Default)]
pub(super) struct Accounts {
    users: Cached<User>,
    groups: Cached<Group>,
}

impl Accounts {
    /// An account by its name.
    pub(super) fn user(&mut self, name: &str) -> Result<Option<User>> {
        if let Some(user) = self.users.load(PASSWD, parse_user)?.by_name(name) {
            return Ok(Some(user.clone()));
        }
        Ok(getent("passwd", name).and_then(|line| parse_user(&line)))
    }

    /// An account by its number.
    pub(super) fn user_by_id(&mut self, uid: u32) -> Result<Option<User>> {
        if let Some(user) = self.users.load(PASSWD, parse_user)?.by_id(uid) {
            return Ok(Some(user.clone()));
        }
        Ok(getent("passwd", &uid.to_string()).and_then(|line| parse_user(&line)))
    }

    /// A group by its name.
    pub(super) fn group(&mut self, name: &str) -> Result<Option<Group>> {
        if let Some(group) = self.groups.load(GROUP, parse_group)?.by_name(name) {
            return Ok(Some(group.clone()));
        }
        Ok(getent("group", name).and_then(|line| parse_group(&line)))
    }

    /// A group by its number.
    pub(super) fn group_by_id(&mut self, gid: u32) -> Result<Option<Group>> {
        if let Some(group) = self.groups.load(GROUP, parse_group)?.by_id(gid) {
            return Ok(Some(group.clone()));
        }
        Ok(getent("group", &gid.to_string()).and_then(|line| parse_group(&line)))
    }

    /// Numbers of all groups an account belongs to.
    pub(super) fn groups_of(&mut self, user: &User) -> Result<Vec<u32>> {
        let mut gids: Vec<u32> = user.gid.into_iter().collect();
        for group in &self.groups.load(GROUP, parse_group)?.all {
            if let Some(gid) = group.gid
                && group.members.contains(&user.name)
                && !gids.contains(&gid)
            {
                gids.push(gid);
            }
        }
        if let Some(line) = getent("initgroups", &user.name) {
            let more = line
                .split_whitespace()
                .skip(1)
                .filter_map(|n| n.parse().ok());
            for gid in more.collect::<Vec<u32>>() {
                if !gids.contains(&gid) {
                    gids.push(gid);
                }
            }
        }
        Ok(gids)
    }
}

trait Account {
    fn name(&self) -> &str;
    fn id(&self) -> Option<u32>;
}

impl Account for User {
    fn name(&self) -> &str {
        &self.name
    }
    fn id(&self) -> Option<u32> {
        self.uid
    }
}

impl Account for Group {
    fn name(&self) -> &str {
        &self.name
    }
    fn id(&self) -> Option<u32> {
        self.gid
    }
}

/// What tells one state of a file from another: every tool that edits accounts renames a new file
/// over the old one.
type Version = (u64, i64, i64, i64, i64, u64);

struct Table<T> {
    all: Vec<T>,
    names: HashMap<String, usize>,
    ids: HashMap<u32, usize>,
}

impl<T: Account> Table<T> {
    fn parse(text: &str, line: fn(&str) -> Option<T>) -> Table<T> {
        let all: Vec<T> = text.lines().filter_map(line).collect();
        let mut names = HashMap::new();
        let mut ids = HashMap::new();
        for (i, account) in all.iter().enumerate() {
            names.entry(account.name().to_owned()).or_insert(i);
            if let Some(id) = account.id() {
                ids.entry(id).or_insert(i);
            }
        }
        Table { all, names, ids }
    }

    fn by_name(&self, name: &str) -> Option<&T> {
        self.names.get(name).map(|i| &self.all[*i])
    }

    fn by_id(&self, id: u32) -> Option<&T> {
        self.ids.get(&id).map(|i| &self.all[*i])
    }
}

struct Cached<T>(Option<(Version, Arc<Table<T>>)>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Cached(None)
    }
}

impl<T: Account> Cached<T> {
    fn load(&mut self, path: &str, line: fn(&str) -> Option<T>) -> Result<Arc<Table<T>>> {
        let path = Path::new(path);
        let Some(version) = version(path)? else {
            return Ok(Arc::new(Table::parse("", line)));
        };
        if let Some((known, table)) = &self.0
            && *known == version
        {
            return Ok(table.clone());
        }
        let bytes = std::fs::read(path).map_err(|e| Diag::io("read", path, &e))?;
        let table = Arc::new(Table::parse(&String::from_utf8_lossy(&bytes), line));
        self.0 = Some((version, table.clone()));
        Ok(table)
    }
}

fn version(path: &Path) -> Result<Option<Version>> {
    match std::fs::metadata(path) {
        Ok(m) => Ok(Some((
            m.ino(),
            m.mtime(),
            m.mtime_nsec(),
            m.ctime(),
            m.ctime_nsec(),
            m.size(),
        ))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Diag::io("read", path, &e)),
    }
}

fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, gecos, home, shell] = fields[..] else {
        return None;
    };
    if name.is_empty() || name.starts_with(['#', '+', '-']) {
        return None;
    }
    Some(User {
        name: name.to_owned(),
        uid: Some(uid.parse().ok()?),
        gid: Some(gid.parse().ok()?),
        gecos: gecos.to_owned(),
        home: PathBuf::from(home),
        shell: PathBuf::from(shell),
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else {
        return None;
    };
    if name.is_empty() || name.starts_with(['#', '+', '-']) {
        return None;
    }
    Some(Group {
        name: name.to_owned(),
        gid: Some(gid.parse().ok()?),
        members: members
            .split(',')
            .filter(|m| !m.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// The first line `getent` answers, where the database has a source that is no file.
fn getent(database: &str, key: &str) -> Option<String> {
    if key.is_empty() || key.starts_with('-') || !has_other_sources(database) {
        return None;
    }
    let output = std::process::Command::new("getent")
        .args([database, key])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(str::to_owned)
}

fn has_other_sources(database: &str) -> bool {
    std::fs::read_to_string("/etc/nsswitch.conf").is_ok_and(|text| other_sources(&text, database))
}

/// `systemd` does not count: its only static names, root and nobody, are in the files too.
fn other_sources(nsswitch: &str, database: &str) -> bool {
    let line = |name: &str| {
        nsswitch
            .lines()
            .filter_map(|l| l.split('#').next()?.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, sources)| sources.to_owned())
    };
    let sources = match database {
        "initgroups" => line("initgroups").or_else(|| line("group")),
        name => line(name),
    };
    sources.is_some_and(|sources| {
        sources
            .split_whitespace()
            .filter(|s| !s.starts_with('['))
            .any(|s| !matches!(s, "files" | "compat" | "systemd"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_the_account_files() {
        let table = Table::parse(
            "root:x:0:0:root:/root:/bin/bash\n+::::::\nbroken\ntoor:x:0:0::/:\n",
            parse_user,
        );
        assert_eq!(table.all.len(), 2);
        assert_eq!(table.by_id(0).map(|u| u.name.as_str()), Some("root"));
        assert_eq!(
            table.by_name("toor").map(|u| u.shell.as_path()),
            Some(Path::new(""))
        );
        let group = parse_group("adm:x:4:syslog,bob");
        assert_eq!(
            group.map(|g| g.members),
            Some(vec!["syslog".into(), "bob".into()])
        );
    }

    #[test]
    fn home_directories_of_this_machine() {
        for (text, expected) in [
            ("~root", "/root"),
            ("~root/a/~", "/root/a/~"),
            ("~no-such-account/a", "~no-such-account/a"),
            ("/a/~root", "/a/~root"),
        ] {
            assert_eq!(expand_home_here(text), expected);
        }
        assert_eq!(at_home("/", "/a"), "/a");
        assert_eq!(at_home("/", ""), "/");
    }

    #[test]
    fn asks_getent_only_where_there_is_another_source() {
        let conf = "passwd: files systemd\ngroup: files [NOTFOUND=return] sss # x\nhosts: dns\n";
        assert!(!other_sources(conf, "passwd"));
        assert!(other_sources(conf, "group"));
        assert!(other_sources(conf, "initgroups"));
        assert!(!other_sources(conf, "shadow"));
    }

    #[test]
    fn finds_root_and_no_stranger() {
        let mut accounts = Accounts::default();
        assert_eq!(accounts.user("root").unwrap().unwrap().uid, Some(0));
        assert_eq!(accounts.user("no-such-user-here").unwrap(), None);
        let root = accounts.user_by_id(0).unwrap().unwrap();
        assert!(accounts.groups_of(&root).unwrap().contains(&0));
    }
}
