//! The variables that a play's own keywords see: no host's.

use super::run::Run;
use crate::play::ast::Play;
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use std::sync::Arc;

/// The variables that a play's own keywords see: no host's.
pub struct PlayScope {
    layers: [Arc<Map>; 3],
    run: Arc<Run>,
}

impl PlayScope {
    /// Those of a play.
    pub fn of(run: &Arc<Run>, play: &Play) -> PlayScope {
        let mut magic = Map::new();
        magic.insert("groups", run.inventory.groups_value());
        magic.insert(
            "playbook_dir",
            run.playbook_dir.to_string_lossy().into_owned(),
        );
        PlayScope {
            layers: [
                run.extra_vars.clone(),
                Arc::new(magic),
                Arc::new(play.common.vars.clone()),
            ],
            run: run.clone(),
        }
    }
}

impl crate::vars::Scope for PlayScope {
    fn get(&self, name: &str) -> Option<Value> {
        self.layers
            .iter()
            .find_map(|layer| layer.get(name).cloned())
    }

    fn names(&self) -> Vec<String> {
        self.layers
            .iter()
            .flat_map(|layer| crate::vars::Scope::names(layer.as_ref()))
            .collect()
    }

    fn host(&self, host: &str) -> Option<SharedScope> {
        self.run.host_scope(host)
    }

    fn hosts(&self) -> Vec<String> {
        self.run.inventory.host_names()
    }
}
