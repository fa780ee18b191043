//! What a host has learned so far.

use super::queue::Effect;
use crate::value::{Kind, Map, Value};
use std::sync::Arc;

/// Variables that a run gives to a host. A clone is cheap: it is what a step that is under way can
/// be rolled back to.
#[derive(Clone, Default)]
pub struct HostVars {
    /// Facts: `ansible_facts`, and each fact as a variable of its own.
    pub facts: Arc<Map>,
    /// `include_vars`.
    pub included: Arc<Map>,
    /// `set_fact` and `register`.
    pub set: Arc<Map>,
}

impl HostVars {
    /// Adds what a module returned as `ansible_facts`. Setup's names carry the prefix `ansible_`;
    /// the `ansible_facts` dict has them without it.
    pub fn add_facts(&mut self, new: &Map) {
        let facts = Arc::make_mut(&mut self.facts);
        let mut dict = match facts.get("ansible_facts").map(|v| &v.kind) {
            Some(Kind::Map(map)) => Map::clone(map),
            _ => Map::new(),
        };
        for (key, value) in new {
            let name = key.to_value().to_text();
            let bare = name.strip_prefix("ansible_").unwrap_or(&name);
            dict.insert(bare, value.clone());
            if bare == "local" {
                dict.insert("ansible_local", value.clone());
            }
            facts.insert(name.as_str(), value.clone());
        }
        facts.insert("ansible_facts", Value::map(dict));
    }

    /// Forgets all facts (`meta: clear_facts`).
    pub fn clear_facts(&mut self) {
        self.facts = Arc::default();
    }

    /// Applies a change.
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Set(name, value) => self.set(name, value.clone()),
            Effect::Include(vars) => self.include(vars.clone()),
            Effect::Facts(facts) => self.add_facts(facts),
            Effect::ClearFacts => self.clear_facts(),
        }
    }

    /// Sets a variable at the level of `set_fact` and `register`.
    pub fn set(&mut self, name: &str, value: Value) {
        Arc::make_mut(&mut self.set).insert(name, value);
    }

    /// Sets variables at the level of `include_vars`.
    pub fn include(&mut self, vars: Map) {
        let included = Arc::make_mut(&mut self.included);
        for (key, value) in vars {
            included.insert(key, value);
        }
    }
}
