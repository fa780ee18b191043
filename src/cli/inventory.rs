//! `gxdeploy inventory`, and `ansible-inventory`: hosts, groups and variables as they are understood.

use super::flags::{Hosts, Vault};
use crate::config;
use crate::diag::{Diag, Exit, Result, SourceMap, render};
use crate::exec;
use crate::inventory::{self, Data, Inventory};
use crate::output::{Screen, dumps};
use crate::value::Map;
use serde_json::{Map as Json, Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Shows hosts, groups and variables
#[derive(Debug, clap::Parser)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy inventory -i hosts.ini --graph               Groups and hosts as a tree
  gxdeploy inventory -i hosts.ini --graph web --vars    One group, with variables
  gxdeploy inventory -i hosts.ini --host web1           A host's variables
  gxdeploy inventory -i hosts.ini --list                Everything, as JSON"
)]
#[command(group = clap::ArgGroup::new("action").args(["list", "host", "graph"]).required(true))]
pub(super) struct Args {
    /// A group to begin with, for --graph
    group: Option<String>,
    #[command(flatten)]
    hosts: Hosts,
    #[command(flatten)]
    vault: Vault,
    /// All groups and hosts, as JSON
    #[arg(long)]
    list: bool,
    /// The variables of one host, as JSON
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Groups and hosts as a tree
    #[arg(long)]
    graph: bool,
    /// Variables too, for --graph
    #[arg(long, requires = "graph")]
    vars: bool,
    /// Variables at the hosts and groups where they were written, for --list
    #[arg(long, requires = "list")]
    export: bool,
    /// A file to write to in place of the screen, for --list
    #[arg(long, value_name = "FILE", requires = "list")]
    output: Option<PathBuf>,
    /// The directory whose group_vars and host_vars count too
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
    /// Tell more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Prints what was asked for.
pub(super) fn run(args: &Args) -> Result<Exit> {
    let inventory = args.load()?;
    let text = if let Some(host) = &args.host {
        if !inventory.has_host(host) {
            let names = inventory.host_names();
            return Err(
                Diag::error("unknown-host", format!("there is no host `{host}`"))
                    .did_you_mean(host, names.iter().map(String::as_str)),
            );
        }
        dumps(&vars_json(&inventory.vars_of(host)), Some(4))
    } else if args.graph {
        graph(&inventory, args)?
    } else {
        dumps(&list(&inventory, args)?, Some(4))
    };
    match &args.output {
        Some(path) => {
            std::fs::write(path, text + "\n").map_err(|e| Diag::io("write", path, &e))?;
        }
        None => Screen::stdout().line(&text),
    }
    Ok(Exit::Ok)
}

impl Args {
    fn load(&self) -> Result<Inventory> {
        let config = config::load()?;
        let vault = exec::Options {
            vault_ids: self.vault.ids.clone(),
            vault_password_files: self.vault.password_files.clone(),
            ask_vault_password: self.vault.ask,
            ..exec::Options::default()
        };
        let secrets = exec::vault_secrets(&vault, &config)?;
        let sources = SourceMap::default();
        let mut wanted = self.hosts.inventory.clone();
        if wanted.is_empty() {
            wanted = config.inventory;
        }
        let decrypt = move |_: &std::path::Path, bytes: &[u8]| {
            secrets.decrypt(&String::from_utf8_lossy(bytes))
        };
        let options = inventory::Options {
            sources: wanted,
            playbook_dir: self.playbook_dir.clone(),
            decrypt: Arc::new(decrypt),
        };
        let (inventory, warnings) = inventory::load(&sources, &options)?;
        let mut screen = Screen::stderr();
        for warning in warnings {
            let text = render(&warning, &sources, screen.colour);
            screen.line(&text);
        }
        Ok(inventory)
    }
}

fn vars_json(vars: &Map) -> Value {
    let entries = vars
        .iter()
        .map(|(key, value)| (key.to_value().to_text(), value.to_json()));
    Value::Object(entries.collect())
}

/// The form of inventory programs: groups with their hosts and children, and `_meta.hostvars`.
fn list(inventory: &Inventory, args: &Args) -> Result<Value> {
    let data = inventory.data();
    let shown: HashSet<String> = match &args.hosts.limit {
        Some(limit) => data.select(limit)?.hosts.into_iter().collect(),
        None => data.hosts.keys().cloned().collect(),
    };
    let mut all = Json::new();
    for (name, group) in &data.groups {
        let mut entry = Json::new();
        if !group.children.is_empty() {
            entry.insert(
                "children".into(),
                json!(group.children.iter().collect::<Vec<_>>()),
            );
        }
        let hosts: Vec<&String> = group.hosts.iter().filter(|h| shown.contains(*h)).collect();
        if !hosts.is_empty() && name != "all" {
            entry.insert("hosts".into(), json!(hosts));
        }
        if args.export {
            let own = merged([&group.vars, &group.inventory_files, &group.playbook_files]);
            if !own.is_empty() {
                entry.insert("vars".into(), vars_json(&own));
            }
        }
        if !entry.is_empty() {
            all.insert(name.clone(), Value::Object(entry));
        }
    }
    let mut hostvars = Json::new();
    for (name, host) in data.hosts.iter().filter(|(name, _)| shown.contains(*name)) {
        let vars = match args.export {
            true => merged([&host.vars, &host.inventory_files, &host.playbook_files]),
            false => data.vars_of(name),
        };
        if !vars.is_empty() {
            hostvars.insert(name.clone(), vars_json(&vars));
        }
    }
    let meta = json!({"hostvars": hostvars, "profile": "inventory_legacy"});
    all.insert("_meta".into(), meta);
    Ok(Value::Object(all))
}

fn merged(levels: [&Map; 3]) -> Map {
    let mut vars = Map::new();
    for (key, value) in levels.into_iter().flatten() {
        vars.insert(key.clone(), value.clone());
    }
    vars
}

fn graph(inventory: &Inventory, args: &Args) -> Result<String> {
    let data = inventory.data();
    let start = args.group.as_deref().unwrap_or("all");
    if !data.groups.contains_key(start) {
        return Err(
            Diag::error("unknown-group", format!("there is no group `{start}`"))
                .did_you_mean(start, data.groups.keys().map(String::as_str)),
        );
    }
    let mut lines = Vec::new();
    branch(&data, start, 0, args.vars, &mut lines);
    Ok(lines.join("\n"))
}

fn branch(data: &Data, name: &str, depth: usize, vars: bool, lines: &mut Vec<String>) {
    let Some(group) = data.groups.get(name) else {
        return;
    };
    lines.push(twig(depth, &format!("@{name}:")));
    for child in &group.children {
        branch(data, child, depth + 1, vars, lines);
    }
    if name != "all" {
        for host in &group.hosts {
            lines.push(twig(depth + 1, host));
            if vars {
                leaves(&data.vars_of(host), depth + 2, lines);
            }
        }
    }
    if vars {
        let own = merged([&group.vars, &group.inventory_files, &group.playbook_files]);
        leaves(&own, depth + 1, lines);
    }
}

fn leaves(vars: &Map, depth: usize, lines: &mut Vec<String>) {
    let mut shown: Vec<String> = vars
        .iter()
        .map(|(key, value)| format!("{{{} = {}}}", key.to_value().to_text(), value.to_text()))
        .collect();
    shown.sort();
    lines.extend(shown.iter().map(|leaf| twig(depth, leaf)));
}

fn twig(depth: usize, text: &str) -> String {
    match depth {
        0 => text.to_owned(),
        depth => format!("{}|--{text}", "  |".repeat(depth - 1) + "  "),
    }
}
