//! The accounts of a fake host.

use super::FakeHost;
use crate::diag::{Diag, Result};
use crate::sys::{Group, Owner, User};
use std::path::PathBuf;

pub(super) fn user(name: &str, uid: u32, home: &str) -> User {
    User {
        name: name.to_owned(),
        uid: Some(uid),
        gid: Some(uid),
        gecos: String::new(),
        home: PathBuf::from(home),
        shell: PathBuf::from("/bin/sh"),
    }
}

pub(super) fn group(name: &str, gid: u32) -> Group {
    Group {
        name: name.to_owned(),
        gid: Some(gid),
        members: Vec::new(),
    }
}

/// useradd and groupadd start here.
const FIRST: u32 = 1000;

fn free(used: impl Iterator<Item = u32> + Clone) -> u32 {
    (FIRST..)
        .find(|n| !used.clone().any(|u| u == *n))
        .unwrap_or(FIRST)
}

impl FakeHost {
    pub(super) fn find_user(&self, name: &str) -> Option<User> {
        let uid = name.parse().ok();
        self.users
            .iter()
            .find(|u| u.name == name)
            .or_else(|| self.users.iter().find(|u| uid.is_some() && u.uid == uid))
            .cloned()
    }

    pub(super) fn find_group(&self, name: &str) -> Option<Group> {
        let gid = name.parse().ok();
        self.groups
            .iter()
            .find(|g| g.name == name)
            .or_else(|| self.groups.iter().find(|g| gid.is_some() && g.gid == gid))
            .cloned()
    }

    /// Adds or replaces an account; missing numbers are chosen.
    pub(super) fn set_user(&mut self, mut user: User) {
        let old = self.users.iter().position(|u| u.name == user.name);
        if user.uid.is_none() {
            user.uid = match old {
                Some(i) => self.users[i].uid,
                None => Some(free(self.users.iter().filter_map(|u| u.uid))),
            };
        }
        if user.gid.is_none() {
            if self.find_group(&user.name).is_none() {
                self.set_group(Group {
                    name: user.name.clone(),
                    ..Group::default()
                });
            }
            user.gid = self.find_group(&user.name).and_then(|g| g.gid);
        }
        match old {
            Some(i) => self.users[i] = user,
            None => self.users.push(user),
        }
    }

    /// Adds or replaces a group; a missing number is chosen.
    pub(super) fn set_group(&mut self, mut group: Group) {
        let old = self.groups.iter().position(|g| g.name == group.name);
        if group.gid.is_none() {
            group.gid = match old {
                Some(i) => self.groups[i].gid,
                None => Some(free(self.groups.iter().filter_map(|g| g.gid))),
            };
        }
        match old {
            Some(i) => self.groups[i] = group,
            None => self.groups.push(group),
        }
    }

    pub(super) fn uid(&self, name: &str) -> Option<u32> {
        self.find_user(name)
            .and_then(|u| u.uid)
            .or_else(|| name.parse().ok())
    }

    pub(super) fn gid(&self, name: &str) -> Option<u32> {
        self.find_group(name)
            .and_then(|g| g.gid)
            .or_else(|| name.parse().ok())
    }

    /// The numbers of the account that steps run as.
    pub(super) fn my_ids(&self) -> (Option<u32>, Option<u32>) {
        (self.me.uid, self.me.gid)
    }

    pub(super) fn ids(&self, owner: &Owner) -> Result<(Option<u32>, Option<u32>)> {
        let unknown = |what: &str, name: &str| {
            Diag::error(
                &format!("no-such-{what}"),
                format!("there is no {what} `{name}`"),
            )
        };
        let uid = match &owner.user {
            Some(name) => Some(self.uid(name).ok_or_else(|| unknown("user", name))?),
            None => None,
        };
        let gid = match &owner.group {
            Some(name) => Some(self.gid(name).ok_or_else(|| unknown("group", name))?),
            None => None,
        };
        Ok((uid, gid))
    }
}
