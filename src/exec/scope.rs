//! The variables of one task on one host: layers, the winner first.

use super::collect::Position;
use super::forks::Seat;
use super::play::PlayRun;
use super::promises::Promises;
use super::run::Run;
use super::state::HostVars;
use crate::value::{Map, Value};
use crate::vars::{Scope, SharedScope, over};
use std::sync::Arc;

/// Layers of variables, highest precedence first.
pub struct TaskScope {
    /// The layers.
    pub layers: Vec<Arc<Map>>,
    /// Results that came later.
    pub promises: Promises,
    /// For `hostvars`.
    pub run: Arc<Run>,
    /// The host itself, as `hostvars` shows it.
    pub own: Option<Own>,
}

/// What a host knows of itself that others may not know yet.
pub struct Own {
    /// Its name.
    pub host: String,
    /// Magic variables.
    pub magic: Arc<Map>,
    /// Variables of the inventory.
    pub inventory: Arc<Map>,
    /// What it has learned.
    pub vars: HostVars,
    /// The play, the host's number in it, and where it is.
    pub play: Arc<PlayRun>,
    /// Its number in the play.
    pub index: usize,
    /// Where it is.
    pub at: Position,
    /// Its seat, which it leaves while it waits for another host.
    pub seat: Arc<Seat>,
}

impl Own {
    /// Variables of another host of the play are those it has at the same place.
    fn await_other(&self, host: &str) {
        if self.play.free {
            return;
        }
        if let Some(other) = self.play.hosts.iter().position(|name| name == host) {
            let had = self.seat.leave();
            self.play.barrier.await_host(self.index, other, &self.at);
            if had {
                self.seat.take(&self.at);
            }
        }
    }
}

impl Own {
    /// The hosts that are still in the play, once all have come as far as this one.
    fn hosts_left(&self) -> Value {
        for other in self.play.hosts.iter().filter(|name| **name != self.host) {
            self.await_other(other);
        }
        Value::list(self.play.alive().into_iter().map(Value::str).collect())
    }
}

impl TaskScope {
    /// The value of the first layer from `from` on that has one, and its number.
    fn first(&self, name: &str, from: usize) -> Option<(Value, usize)> {
        for (index, layer) in self.layers.iter().enumerate().skip(from) {
            if let Some(value) = layer.get(name) {
                return Some((self.promises.look(value), index));
            }
        }
        // No facts are an empty dict, not an undefined one.
        let end = self.layers.len();
        (name == "ansible_facts" && from == 0).then(|| (Value::map(Map::new()), end))
    }

    /// The same with `hash_behaviour = merge`: dicts of all layers are put together.
    fn merged(&self, name: &str) -> Option<Value> {
        let (mut value, mut at) = self.first(name, 0)?;
        while value.as_map().is_some() {
            let Some((below, index)) = self.first(name, at + 1) else {
                break;
            };
            if below.as_map().is_none() {
                break;
            }
            value = value.over(&below);
            at = index;
        }
        Some(value)
    }
}

impl Scope for TaskScope {
    fn get(&self, name: &str) -> Option<Value> {
        if let (Some(own), "ansible_play_hosts" | "ansible_play_batch" | "play_hosts") =
            (&self.own, name)
        {
            return Some(own.hosts_left());
        }
        if self.run.loader.config.hash_behaviour == "merge" {
            return self.merged(name);
        }
        self.first(name, 0).map(|(value, _)| value)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .layers
            .iter()
            .flat_map(|layer| layer.keys())
            .filter_map(|key| key.as_str().map(str::to_owned))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn host(&self, host: &str) -> Option<SharedScope> {
        if let Some(own) = self.own.as_ref().filter(|own| own.host == host) {
            let (magic, inventory) = (own.magic.clone(), own.inventory.clone());
            let layers = layers(&self.run, magic, inventory, &own.vars);
            return Some(Arc::new(TaskScope {
                layers,
                promises: self.promises.clone(),
                run: self.run.clone(),
                own: None,
            }));
        }
        if let Some(own) = &self.own {
            own.await_other(host);
        }
        self.run.host_scope(host)
    }

    fn select(&self, pattern: &str) -> Option<Vec<String>> {
        let selection = self.run.inventory.select(pattern).ok()?;
        Some(selection.hosts)
    }

    fn hosts(&self) -> Vec<String> {
        self.run.inventory.host_names()
    }
}

/// Puts one name over a scope.
pub fn over_one(name: &str, value: Value, below: SharedScope) -> SharedScope {
    over([(name, value)].into_iter().collect(), below)
}

/// The variables of a host outside of any task: inventory, facts and what was set.
pub fn outside(
    run: &Arc<Run>,
    magic: Arc<Map>,
    inventory: Arc<Map>,
    vars: &HostVars,
) -> SharedScope {
    Arc::new(TaskScope {
        layers: layers(run, magic, inventory, vars),
        promises: Promises::default(),
        run: run.clone(),
        own: None,
    })
}

fn layers(run: &Arc<Run>, magic: Arc<Map>, inventory: Arc<Map>, vars: &HostVars) -> Vec<Arc<Map>> {
    vec![
        magic,
        run.extra_vars.clone(),
        vars.set.clone(),
        vars.included.clone(),
        vars.facts.clone(),
        inventory,
    ]
}
