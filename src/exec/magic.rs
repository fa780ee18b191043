//! Magic variables: what a run knows about itself (ansible-core's list of special variables).

use super::play::PlayRun;
use super::run::Run;
use crate::play::ast::Role;
use crate::value::{Map, Value};
use std::path::Path;

/// The version of ansible-core whose behaviour this follows.
const ANSIBLE: [i64; 3] = [2, 19, 14];

fn names(list: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    Value::list(
        list.into_iter()
            .map(|name| Value::str(name.as_ref()))
            .collect(),
    )
}

fn path(path: &Path) -> Value {
    Value::str(path.to_string_lossy().into_owned())
}

/// Those of one host.
pub fn of_host(run: &Run, host: &str, play: Option<&PlayRun>) -> Map {
    let mut magic = Map::new();
    magic.insert("inventory_hostname", host);
    magic.insert(
        "inventory_hostname_short",
        if host.parse::<std::net::IpAddr>().is_ok() {
            host
        } else {
            host.split('.').next().unwrap_or(host)
        },
    );
    magic.insert("group_names", names(run.inventory.group_names_of(host)));
    magic.insert("groups", run.inventory.groups_value());
    if let Some((file, dir)) = run.inventory.source_of(host) {
        magic.insert("inventory_file", path(&file));
        magic.insert("inventory_dir", path(&dir));
    }
    magic.insert("playbook_dir", path(&run.playbook_dir));
    of_run(run, &mut magic);
    if let Some(play) = play {
        of_play(play, &mut magic);
    }
    magic
}

fn of_run(run: &Run, magic: &mut Map) {
    let options = &run.options;
    magic.insert("ansible_check_mode", options.check);
    magic.insert("ansible_diff_mode", options.diff);
    magic.insert("ansible_verbosity", i64::from(options.verbosity));
    magic.insert(
        "ansible_forks",
        i64::try_from(options.forks.max(1)).unwrap_or(i64::MAX),
    );
    if let Some(limit) = &options.limit {
        magic.insert("ansible_limit", limit.as_str());
    }
    let all = ["all".to_owned()];
    magic.insert(
        "ansible_run_tags",
        names(if run.tags.only.is_empty() {
            &all[..]
        } else {
            &run.tags.only
        }),
    );
    magic.insert("ansible_skip_tags", names(&run.tags.skip));
    magic.insert("ansible_inventory_sources", names(run.inventory.sources()));
    magic.insert(
        "ansible_config_file",
        run.loader
            .config
            .file
            .as_deref()
            .map_or_else(Value::null, path),
    );
    magic.insert("ansible_playbook_python", "/usr/bin/python3");
    let version: Map = [
        ("full", Value::str(ANSIBLE.map(|n| n.to_string()).join("."))),
        (
            "string",
            Value::str(ANSIBLE.map(|n| n.to_string()).join(".")),
        ),
        ("major", Value::from(ANSIBLE[0])),
        ("minor", Value::from(ANSIBLE[1])),
        ("revision", Value::from(ANSIBLE[2])),
    ]
    .into_iter()
    .collect();
    magic.insert("ansible_version", Value::map(version));
}

fn of_play(play: &PlayRun, magic: &mut Map) {
    let alive = play.alive();
    magic.insert("ansible_play_name", play.name.as_str());
    magic.insert("ansible_play_hosts", names(&alive));
    magic.insert("play_hosts", names(&alive));
    magic.insert("ansible_play_batch", names(&alive));
    magic.insert("ansible_play_hosts_all", names(&play.all_hosts));
    let distinct = |keep: &dyn Fn(&Role) -> bool| -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for role in play.play.roles.iter().filter(|role| keep(role)) {
            if !names.contains(&role.name.as_str()) {
                names.push(&role.name);
            }
        }
        names
    };
    let direct = distinct(&|role| role.parents.is_empty());
    let all = distinct(&|_| true);
    let dependent: Vec<&str> = all
        .iter()
        .copied()
        .filter(|name| !direct.contains(name))
        .collect();
    magic.insert("role_names", names(&direct));
    magic.insert("ansible_play_role_names", names(&direct));
    magic.insert("ansible_dependent_role_names", names(&dependent));
    magic.insert("ansible_role_names", names(&all));
}
