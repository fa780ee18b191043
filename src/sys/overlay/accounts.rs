//! Planned users and groups over those of a view.

use crate::diag::Result;
use crate::sys::{Group, Known, User, View};
use std::collections::BTreeMap;

/// By name; `None` for one that is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    users: BTreeMap<String, Option<User>>,
    groups: BTreeMap<String, Option<Group>>,
}

impl Accounts {
    /// `None` where neither knows the name.
    pub(super) fn user(&self, view: &dyn View, name: &str) -> Result<Known<Option<User>>> {
        if let Some(planned) = self.users.get(name) {
            return Ok(Known::Known(planned.clone()));
        }
        if let Some(uid) = name.parse().ok()
            && let Some(user) = self.user_by_id(view, uid)?
        {
            return Ok(Known::Known(Some(user)));
        }
        Ok(view.user(name)?.map(|found| {
            found.filter(|user| self.users.get(&user.name).is_none_or(Option::is_some))
        }))
    }

    pub(super) fn user_by_id(&self, view: &dyn View, uid: u32) -> Result<Option<User>> {
        let planned = self.users.values().flatten();
        if let Some(user) = planned.into_iter().find(|u| u.uid == Some(uid)) {
            return Ok(Some(user.clone()));
        }
        // A planned change of an account's number makes the old one nobody's.
        Ok(view
            .user_by_id(uid)?
            .filter(|user| !self.users.contains_key(&user.name)))
    }

    pub(super) fn group(&self, view: &dyn View, name: &str) -> Result<Known<Option<Group>>> {
        if let Some(planned) = self.groups.get(name) {
            return Ok(Known::Known(planned.clone()));
        }
        if let Some(gid) = name.parse().ok()
            && let Some(group) = self.group_by_id(view, gid)?
        {
            return Ok(Known::Known(Some(group)));
        }
        Ok(view.group(name)?.map(|found| {
            found.filter(|group| self.groups.get(&group.name).is_none_or(Option::is_some))
        }))
    }

    pub(super) fn group_by_id(&self, view: &dyn View, gid: u32) -> Result<Option<Group>> {
        let planned = self.groups.values().flatten();
        if let Some(group) = planned.into_iter().find(|g| g.gid == Some(gid)) {
            return Ok(Some(group.clone()));
        }
        Ok(view
            .group_by_id(gid)?
            .filter(|group| !self.groups.contains_key(&group.name)))
    }

    /// Plans an account; numbers that it does not give stay, and a new one without a group gets
    /// one of its name.
    pub(super) fn set_user(&mut self, view: &dyn View, mut user: User) -> Result<()> {
        if let Known::Known(Some(old)) = self.user(view, &user.name)? {
            user.uid = user.uid.or(old.uid);
            user.gid = user.gid.or(old.gid);
        } else if user.gid.is_none() {
            match self.group(view, &user.name)? {
                Known::Known(Some(group)) => user.gid = group.gid,
                _ => {
                    let group = Group {
                        name: user.name.clone(),
                        ..Group::default()
                    };
                    self.groups.insert(user.name.clone(), Some(group));
                }
            }
        }
        self.users.insert(user.name.clone(), Some(user));
        Ok(())
    }

    pub(super) fn set_group(&mut self, view: &dyn View, mut group: Group) -> Result<()> {
        if let Known::Known(Some(old)) = self.group(view, &group.name)? {
            group.gid = group.gid.or(old.gid);
        }
        self.groups.insert(group.name.clone(), Some(group));
        Ok(())
    }

    pub(super) fn drop_user(&mut self, name: &str) {
        self.users.insert(name.to_owned(), None);
    }

    pub(super) fn drop_group(&mut self, name: &str) {
        self.groups.insert(name.to_owned(), None);
    }

    /// As [`Accounts::is_planned`], of a group.
    pub(super) fn is_planned_group(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }

    /// True where a view does not have the account as it will be.
    pub(super) fn is_planned(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }
}
