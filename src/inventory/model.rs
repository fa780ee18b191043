//! Hosts, groups and their variables; grown at run time by `add_host` and `group_by`.

use crate::diag::{Result, SourceMap};
use crate::value::{Map, Value, order};
use indexmap::{IndexMap, IndexSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A host.
#[derive(Clone, Debug, Default)]
pub struct HostEntry {
    /// Variables of the inventory itself.
    pub vars: Map,
    /// `host_vars` files beside the inventory.
    pub inventory_files: Map,
    /// `host_vars` files beside the playbook.
    pub playbook_files: Map,
    /// Groups it is listed in.
    pub groups: IndexSet<String>,
    /// The inventory source it came from first.
    pub source: Option<PathBuf>,
    /// True for the `localhost` that nobody wrote down.
    pub implicit: bool,
}

/// A group.
#[derive(Clone, Debug, Default)]
pub struct GroupEntry {
    /// Variables of the inventory itself.
    pub vars: Map,
    /// `group_vars` files beside the inventory.
    pub inventory_files: Map,
    /// `group_vars` files beside the playbook.
    pub playbook_files: Map,
    /// Hosts listed in it.
    pub hosts: IndexSet<String>,
    /// Groups below it.
    pub children: IndexSet<String>,
    /// `ansible_group_priority`.
    pub priority: i64,
}

/// All of it, as plain data.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// In the order in which they were found.
    pub hosts: IndexMap<String, HostEntry>,
    /// `all` and `ungrouped` first.
    pub groups: IndexMap<String, GroupEntry>,
}

impl Data {
    /// Only the two groups that always exist.
    pub fn new() -> Data {
        let mut data = Data::default();
        data.group("all").children.insert("ungrouped".to_owned());
        data.group("ungrouped");
        data
    }

    /// A group, made if there is none.
    pub fn group(&mut self, name: &str) -> &mut GroupEntry {
        self.groups
            .entry(name.to_owned())
            .or_insert_with(|| GroupEntry {
                priority: 1,
                ..GroupEntry::default()
            })
    }

    /// A host, made if there is none.
    pub fn host(&mut self, name: &str) -> &mut HostEntry {
        self.hosts.entry(name.to_owned()).or_default()
    }

    /// Puts a host into a group; false if it was there.
    pub fn add_to_group(&mut self, host: &str, group: &str) -> bool {
        self.host(host);
        if group == "all" {
            return false;
        }
        let new = self.group(group).hosts.insert(host.to_owned());
        self.host(host).groups.insert(group.to_owned());
        new
    }

    /// Groups a host is in, parents included, lowest precedence first: by depth, priority, name.
    /// `all` comes first.
    pub fn groups_of(&self, host: &str) -> Vec<&str> {
        let mut found: IndexSet<&str> = IndexSet::new();
        let mut open: Vec<&str> = match self.hosts.get(host) {
            Some(entry) => entry.groups.iter().map(String::as_str).collect(),
            None => return Vec::new(),
        };
        while let Some(group) = open.pop() {
            if found.insert(group) {
                open.extend(self.parents_of(group));
            }
        }
        let mut groups: Vec<&str> = found.into_iter().filter(|g| *g != "all").collect();
        order::sort_by_key(&mut groups, |group| {
            let priority = self.groups.get(*group).map_or(1, |g| g.priority);
            (self.depth(group), priority, (*group).to_owned())
        });
        groups.insert(0, "all");
        groups
    }

    fn parents_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> {
        self.groups
            .iter()
            .filter(move |(_, entry)| entry.children.contains(group))
            .map(|(name, _)| name.as_str())
    }

    /// The longest way from `all`.
    pub fn depth(&self, group: &str) -> usize {
        self.depth_below(group, 0)
    }

    fn depth_below(&self, group: &str, guard: usize) -> usize {
        if group == "all" {
            return 0;
        }
        // Circles are refused when a child is added; the guard is for what slipped through.
        if guard > 100 {
            return guard;
        }
        1 + self
            .parents_of(group)
            .map(|parent| self.depth_below(parent, guard + 1))
            .max()
            .unwrap_or(0)
    }

    /// True if `below` is `group` or lies under it.
    pub fn is_below(&self, below: &str, group: &str) -> bool {
        let mut seen = IndexSet::new();
        let mut open = vec![group];
        while let Some(name) = open.pop() {
            if name == below {
                return true;
            }
            if seen.insert(name)
                && let Some(entry) = self.groups.get(name)
            {
                open.extend(entry.children.iter().map(String::as_str));
            }
        }
        false
    }

    /// Hosts of a group and of those below it, nearer groups first (observed: ansible-core
    /// 2.19.14). An implicit `localhost` is not in `all`.
    pub fn hosts_of(&self, group: &str) -> Vec<&str> {
        let mut found: IndexSet<&str> = IndexSet::new();
        let mut groups: IndexSet<&str> = IndexSet::new();
        groups.extend(
            self.groups
                .get_key_value(group)
                .map(|(name, _)| name.as_str()),
        );
        let mut next = 0;
        while let Some(name) = groups.get_index(next).copied() {
            next += 1;
            if let Some(entry) = self.groups.get(name) {
                found.extend(entry.hosts.iter().map(String::as_str));
                groups.extend(entry.children.iter().map(String::as_str));
            }
        }
        found
            .into_iter()
            .filter(|host| !self.hosts.get(*host).is_some_and(|entry| entry.implicit))
            .collect()
    }

    /// Puts hosts that are in no group into `ungrouped`, and top groups below `all`.
    pub fn reconcile(&mut self) {
        let names: Vec<String> = self.groups.keys().cloned().collect();
        for name in &names {
            let orphan = name != "all" && self.parents_of(name).next().is_none();
            if orphan {
                self.group("all").children.insert(name.clone());
            }
        }
        let hosts: Vec<String> = self.hosts.keys().cloned().collect();
        for host in hosts {
            if self.hosts[&host].implicit {
                continue;
            }
            let grouped = self.hosts[&host].groups.iter().any(|g| g != "ungrouped");
            if grouped {
                self.group("ungrouped").hosts.shift_remove(&host);
                self.host(&host).groups.shift_remove("ungrouped");
            } else {
                self.add_to_group(&host, "ungrouped");
            }
        }
    }

    /// Puts the variables over those of an earlier state, dicts merged.
    pub fn merge_over(&mut self, before: &Data) {
        let put_over = |vars: &mut Map, before: &Map| {
            let now = std::mem::replace(vars, before.clone());
            merge(vars, &now);
        };
        for (name, host) in &before.hosts {
            put_over(&mut self.host(name).vars, &host.vars);
        }
        for (name, group) in &before.groups {
            put_over(&mut self.group(name).vars, &group.vars);
        }
    }

    /// The variables of a host: groups from `all` inwards, then the host, each level the
    /// inventory's own before its files before the playbook's (ansible-core's precedence 3 to 10).
    pub fn vars_of(&self, host: &str) -> Map {
        self.vars_by(host, extend)
    }

    /// The same with another way of putting levels together.
    fn vars_by(&self, host: &str, extend: Extend) -> Map {
        let groups = self.groups_of(host);
        let mut vars = Map::new();
        let entry = |name: &&str| self.groups.get(*name);
        let (all, others) = groups.split_at(groups.len().min(1));
        for group in all.iter().chain(others).filter_map(entry) {
            extend(&mut vars, &group.vars);
        }
        type Level = fn(&GroupEntry) -> &Map;
        let levels: [(&[&str], Level); 4] = [
            (all, |g| &g.inventory_files),
            (all, |g| &g.playbook_files),
            (others, |g| &g.inventory_files),
            (others, |g| &g.playbook_files),
        ];
        for (names, level) in levels {
            for group in names.iter().filter_map(entry) {
                extend(&mut vars, level(group));
            }
        }
        if let Some(host) = self.hosts.get(host) {
            for level in [&host.vars, &host.inventory_files, &host.playbook_files] {
                extend(&mut vars, level);
            }
        }
        vars
    }
}

/// How a level of variables is put over those below it.
type Extend = fn(&mut Map, &Map);

fn extend(vars: &mut Map, more: &Map) {
    for (key, value) in more {
        vars.insert(key.clone(), value.clone());
    }
}

/// `hash_behaviour = merge`
fn merge(vars: &mut Map, more: &Map) {
    for (key, value) in more {
        let value = match vars.get_key(key) {
            Some(below) => value.over(below),
            None => value.clone(),
        };
        vars.insert(key.clone(), value);
    }
}

/// What the run adds to the inventory.
enum Grown {
    /// `add_host`: a host, its groups and variables.
    Host(String, Vec<String>, Map),
    /// `group_by`: a host, its group, and the groups above that.
    Group(String, String, Vec<String>),
}

impl Grown {
    /// False if all of it was there.
    fn add_to(&self, data: &mut Data) -> bool {
        match self {
            Grown::Host(name, groups, vars) => {
                let mut changed = !data.hosts.contains_key(name);
                data.host(name).implicit = false;
                for group in groups {
                    changed |= data.add_to_group(name, group);
                }
                let entry = data.host(name);
                for (key, value) in vars {
                    changed |= entry.vars.get_key(key) != Some(value);
                    entry.vars.insert(key.clone(), value.clone());
                }
                changed
            }
            Grown::Group(host, group, parents) => {
                let mut changed = data.add_to_group(host, group);
                for parent in parents.iter().filter(|parent| *parent != group) {
                    if !data.is_below(parent, group) {
                        changed |= data.group(parent).children.insert(group.clone());
                    }
                }
                changed
            }
        }
    }
}

/// What the `localhost` that nobody wrote down has.
const LOCAL: [(&str, &str); 2] = [
    ("ansible_connection", "local"),
    ("ansible_python_interpreter", "/usr/bin/python3"),
];

/// What is read again by `meta: refresh_inventory`.
type Complete = Box<dyn Fn(&mut Data) + Send + Sync>;
type Reload = Box<dyn Fn(&SourceMap) -> Result<Data> + Send + Sync>;

/// The inventory of a run, shared by the threads of all hosts.
pub struct Inventory {
    data: RwLock<Data>,
    changes: AtomicU64,
    /// In the order in which it was added.
    grown: Mutex<Vec<Grown>>,
    merges: bool,
    sources: Vec<String>,
    reload: Reload,
    /// Reads the `group_vars` and `host_vars` of groups and hosts that came later.
    complete: Complete,
}

impl Inventory {
    /// An inventory and how to read it again.
    pub fn new(data: Data, sources: Vec<String>, reload: Reload, complete: Complete) -> Inventory {
        Inventory {
            data: RwLock::new(data),
            changes: AtomicU64::new(0),
            grown: Mutex::default(),
            merges: false,
            sources,
            reload,
            complete,
        }
    }

    /// The data, to read.
    pub fn data(&self) -> RwLockReadGuard<'_, Data> {
        self.data.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn data_mut(&self) -> RwLockWriteGuard<'_, Data> {
        self.data.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sources as given.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Names of all hosts, the implicit one left out.
    pub fn host_names(&self) -> Vec<String> {
        let data = self.data();
        data.hosts_of("all")
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    /// True for known hosts, and for the `localhost` that need not be written down.
    pub fn has_host(&self, name: &str) -> bool {
        self.data().hosts.contains_key(name) || is_local(name)
    }

    /// The variables of a host. A `localhost` that nobody wrote down is reached without SSH.
    pub fn vars_of(&self, host: &str) -> Arc<Map> {
        let data = self.data();
        let extend = match self.merges {
            true => merge,
            false => extend,
        };
        let mut vars = data.vars_by(host, extend);
        if data.hosts.get(host).is_none_or(|entry| entry.implicit) && is_local(host) {
            for group in ["all"].iter().filter_map(|name| data.groups.get(*name)) {
                for level in [&group.vars, &group.inventory_files, &group.playbook_files] {
                    extend(&mut vars, level);
                }
            }
            for (name, value) in LOCAL {
                if !vars.contains(name) {
                    vars.insert(name, value);
                }
            }
        }
        Arc::new(vars)
    }

    /// Dicts of several levels are merged (`hash_behaviour = merge`).
    #[must_use]
    pub fn merging(self, merges: bool) -> Inventory {
        Inventory { merges, ..self }
    }

    /// The hosts of a pattern.
    ///
    /// # Errors
    /// `bad-pattern`.
    pub fn select(&self, pattern: &str) -> Result<super::Selection> {
        self.data().select(pattern)
    }

    /// `group_names`: the groups of a host without `all`, sorted.
    pub fn group_names_of(&self, host: &str) -> Vec<String> {
        let data = self.data();
        let mut names: Vec<String> = data
            .groups_of(host)
            .into_iter()
            .filter(|name| *name != "all")
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names
    }

    /// `groups`: each group's hosts.
    pub fn groups_value(&self) -> Value {
        let data = self.data();
        let groups: Map = data
            .groups
            .keys()
            .map(|name| {
                let hosts = data.hosts_of(name).into_iter().map(Value::str).collect();
                (name.as_str(), Value::list(hosts))
            })
            .collect();
        Value::map(groups)
    }

    /// The file a host came from, and its directory.
    pub fn source_of(&self, host: &str) -> Option<(PathBuf, PathBuf)> {
        let data = self.data();
        let file = data.hosts.get(host)?.source.clone()?;
        let dir = if file.is_dir() {
            file.clone()
        } else {
            file.parent()?.to_path_buf()
        };
        Some((file, dir))
    }

    /// Adds a host with variables to groups; false if all of it was there.
    pub fn add_host(&self, name: &str, groups: &[String], vars: Map) -> bool {
        self.grow(Grown::Host(name.to_owned(), groups.to_vec(), vars))
    }

    /// Puts a host into a group below other groups; false if it was there.
    pub fn group_host(&self, host: &str, group: &str, parents: &[String]) -> bool {
        let (host, group) = (host.to_owned(), group.to_owned());
        self.grow(Grown::Group(host, group, parents.to_vec()))
    }

    fn grow(&self, grown: Grown) -> bool {
        let mut data = self.data_mut();
        let changed = grown.add_to(&mut data);
        data.reconcile();
        if changed {
            (self.complete)(&mut data);
            self.changes.fetch_add(1, Ordering::Release);
            self.grown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(grown);
        }
        changed
    }

    /// How often the run has changed it: what was computed from it before is out of date after.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Reads the sources again. What the run has added stays, but for groups of hosts that are
    /// gone (observed: ansible-core 2.19.14).
    ///
    /// # Errors
    /// Those of reading them.
    pub fn refresh(&self, sources: &SourceMap) -> Result<()> {
        let mut data = (self.reload)(sources)?;
        let grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
        for grown in grown.iter() {
            match grown {
                Grown::Group(host, ..) if !data.hosts.contains_key(host) => {}
                grown => {
                    grown.add_to(&mut data);
                }
            }
        }
        data.reconcile();
        (self.complete)(&mut data);
        *self.data_mut() = data;
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

/// Names of this machine that need not be in the inventory.
pub fn is_local(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "::1")
}
