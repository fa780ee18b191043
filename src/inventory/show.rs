//! What `ansible-inventory` prints: the inventory as JSON, as YAML, and as a tree
//! (observed: ansible-core 2.19.14).

use super::Inventory;
use super::model::{Data, GroupEntry};
use crate::diag::{Diag, Exit, Result};
use crate::value::{Kind, Map, Trust, Value};
use crate::yaml::{self, Layout};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::HashSet;

/// How to show.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// YAML, not JSON.
    pub yaml: bool,
    /// Variables where they were given, not at each host.
    pub export: bool,
    /// Variables of a group are also those in files beside the playbook (`--playbook-dir` was
    /// given). The variables of a host always are.
    pub playbook_files: bool,
    /// Only these hosts (`--limit`).
    pub limit: Option<Vec<String>>,
}

/// All hosts and groups (`--list`).
pub fn list(inventory: &Inventory, options: &Options) -> String {
    let data = inventory.data();
    let shower = Shower {
        data: &data,
        options,
    };
    if options.yaml {
        let mut seen = Seen::default();
        let all = shower.nested("all", &mut seen).unwrap_or_default();
        let top: Map = [("all", Value::map(all))].into_iter().collect();
        yaml::dump_shared(&Value::map(top), &layout())
    } else {
        json(&shower.flat())
    }
}

/// The variables of one host (`--host`).
///
/// # Errors
/// `unknown-host`.
pub fn host(inventory: &Inventory, name: &str, options: &Options) -> Result<String> {
    if !inventory.has_host(name) {
        let known = inventory.host_names();
        return Err(Diag::error(
            "unknown-host",
            format!("You must pass a single valid host to --host parameter: there is no `{name}`"),
        )
        .did_you_mean(name, known.iter().map(String::as_str))
        .exit(Exit::Usage));
    }
    let vars = Value::map(Map::clone(&inventory.vars_of(name)));
    Ok(if options.yaml {
        yaml::dump_shared(&vars, &layout())
    } else {
        json(&to_json(&vars))
    })
}

/// The tree below a group (`--graph`), with variables where `vars` is true.
///
/// # Errors
/// `unknown-group`.
pub fn graph(inventory: &Inventory, group: &str, vars: bool, options: &Options) -> Result<String> {
    let data = inventory.data();
    if !data.groups.contains_key(group) {
        return Err(Diag::error(
            "unknown-group",
            format!(
                "Pattern must be valid group name when using --graph: there is no group `{group}`"
            ),
        )
        .did_you_mean(group, data.groups.keys().map(String::as_str))
        .exit(Exit::Usage));
    }
    let mut tree = Tree {
        data: &data,
        vars,
        playbook_files: options.playbook_files,
        lines: Vec::new(),
    };
    tree.group(group, 0);
    Ok(tree.lines.join("\n") + "\n")
}

fn layout() -> Layout {
    Layout {
        flow: Some(false),
        ..Layout::default()
    }
}

/// Python's `json.dumps(indent=4, sort_keys=True)`.
fn json(value: &Json) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Values are trees of JSON's own types, and a `Vec` takes all that is written.
    let written = sorted.serialize(&mut serializer);
    debug_assert!(written.is_ok());
    String::from_utf8_lossy(&bytes).into_owned() + "\n"
}

/// A value as JSON; an envelope stays one, marked as Ansible marks it.
fn to_json(value: &Value) -> Json {
    match &value.kind {
        Kind::Str(text) if text.trust == Trust::Vault => {
            serde_json::json!({ "__ansible_vault": text.text.as_ref() })
        }
        Kind::List(items) => items.iter().map(to_json).collect(),
        Kind::Map(map) => {
            // Keys first, as JSON writes them.
            let keys = Value::map(map.keys().map(|k| (k.clone(), Value::null())).collect());
            let keys = keys.to_json();
            let keys = keys.as_object().into_iter().flatten().map(|(key, _)| key);
            let entries = keys.zip(map.values());
            Json::Object(entries.map(|(k, v)| (k.clone(), to_json(v))).collect())
        }
        _ => value.to_json(),
    }
}

/// Variables given to one group or host, its files among them.
fn given(own: &Map, inventory_files: &Map, playbook_files: Option<&Map>) -> Map {
    let levels = [Some(own), Some(inventory_files), playbook_files];
    let entries = levels.into_iter().flatten().flatten();
    entries.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// All variables given to a group.
fn vars_of_group(group: &GroupEntry, playbook_files: bool) -> Map {
    let playbook_files = playbook_files.then_some(&group.playbook_files);
    let mut vars = given(&group.vars, &group.inventory_files, playbook_files);
    if group.priority != 1 {
        vars.insert("ansible_group_priority", group.priority);
    }
    vars
}

#[derive(Default)]
struct Seen {
    groups: HashSet<String>,
    hosts: HashSet<String>,
}

struct Shower<'a> {
    data: &'a Data,
    options: &'a Options,
}

impl Shower<'_> {
    fn wanted(&self, host: &str) -> bool {
        self.options
            .limit
            .as_ref()
            .is_none_or(|hosts| hosts.iter().any(|h| h == host))
    }

    fn hosts<'a>(&'a self, group: &'a GroupEntry) -> impl Iterator<Item = &'a String> {
        group.hosts.iter().filter(|host| self.wanted(host))
    }

    /// A host's variables: all of them, or with `--export` those given to the host itself.
    fn vars_of_host(&self, host: &str) -> Map {
        if !self.options.export {
            return self.data.vars_of(host);
        }
        self.data.hosts.get(host).map_or_else(Map::new, |entry| {
            let playbook_files = self.options.playbook_files.then_some(&entry.playbook_files);
            given(&entry.vars, &entry.inventory_files, playbook_files)
        })
    }

    /// Each group with the names in it, and all variables under `_meta`.
    fn flat(&self) -> Json {
        let mut top = serde_json::Map::new();
        for (name, group) in &self.data.groups {
            let mut body = serde_json::Map::new();
            if name != "all" {
                let hosts: Vec<&String> = self.hosts(group).collect();
                if !hosts.is_empty() {
                    body.insert("hosts".into(), serde_json::json!(hosts));
                }
            }
            if !group.children.is_empty() {
                body.insert("children".into(), group.children.iter().cloned().collect());
            }
            let vars = vars_of_group(group, self.options.playbook_files);
            if self.options.export && !vars.is_empty() {
                body.insert("vars".into(), to_json(&Value::map(vars)));
            }
            if !body.is_empty() {
                top.insert(name.clone(), Json::Object(body));
            }
        }
        let mut hostvars = serde_json::Map::new();
        for host in self.data.hosts_of("all") {
            let vars = self.vars_of_host(host);
            if self.wanted(host) && !vars.is_empty() {
                hostvars.insert(host.to_owned(), to_json(&Value::map(vars)));
            }
        }
        let meta = serde_json::json!({"hostvars": hostvars, "profile": "inventory_legacy"});
        top.insert("_meta".into(), meta);
        Json::Object(top)
    }

    /// A group with everything below it; `None` if there is nothing. What is in a group, and the
    /// variables of a host, are written where they are met first.
    fn nested(&self, name: &str, seen: &mut Seen) -> Option<Map> {
        let group = self.data.groups.get(name)?;
        if !seen.groups.insert(name.to_owned()) {
            return Some(Map::new());
        }
        let mut body = Map::new();
        let mut children = Map::new();
        for child in &group.children {
            if let Some(below) = self.nested(child, seen) {
                children.insert(child.as_str(), Value::map(below));
            }
        }
        if !children.is_empty() {
            body.insert("children", Value::map(children));
        }
        if name != "all" {
            let mut hosts = Map::new();
            for host in self.hosts(group) {
                let vars = match seen.hosts.insert(host.clone()) {
                    true => self.vars_of_host(host),
                    false => Map::new(),
                };
                hosts.insert(host.as_str(), Value::map(vars));
            }
            if !hosts.is_empty() {
                body.insert("hosts", Value::map(hosts));
            }
        }
        let vars = vars_of_group(group, self.options.playbook_files);
        if self.options.export && !vars.is_empty() {
            body.insert("vars", Value::map(vars));
        }
        (!body.is_empty()).then_some(body)
    }
}

struct Tree<'a> {
    data: &'a Data,
    vars: bool,
    playbook_files: bool,
    lines: Vec<String>,
}

impl Tree<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let branch = match depth {
            0 => String::new(),
            depth => format!("{}|--", "  |".repeat(depth - 1) + "  "),
        };
        self.lines.push(branch + text);
    }

    fn group(&mut self, name: &str, depth: usize) {
        let data = self.data;
        self.line(depth, &format!("@{name}:"));
        let Some(group) = data.groups.get(name) else {
            return;
        };
        for child in &group.children {
            self.group(child, depth + 1);
        }
        if name != "all" {
            for host in &group.hosts {
                self.line(depth + 1, host);
                self.variables(&data.vars_of(host), depth + 2);
            }
        }
        self.variables(&vars_of_group(group, self.playbook_files), depth + 1);
    }

    fn variables(&mut self, vars: &Map, depth: usize) {
        if !self.vars {
            return;
        }
        let mut shown: Vec<(String, String)> = vars
            .iter()
            .map(|(key, value)| (key.to_value().to_text(), value.to_text()))
            .collect();
        shown.sort_unstable();
        for (name, value) in shown {
            self.line(depth, &format!("{{{name} = {value}}}"));
        }
    }
}
