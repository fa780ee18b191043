//! The variables of a task in the order of their precedence, and where its files are looked for.

use super::context::Surroundings;
use super::host::HostRun;
use crate::jinja::Context;
use crate::play::ast::{Role, Task};
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use std::path::PathBuf;
use std::sync::Arc;

impl HostRun {
    /// The variables of a task.
    pub fn task_scope(&self, around: &Surroundings, task: &Task) -> SharedScope {
        self.scope_of(self.layers(around, task))
    }

    /// The layers of a task's variables, highest precedence first.
    fn layers(&self, around: &Surroundings, task: &Task) -> Vec<Arc<Map>> {
        let role = task.role.as_ref().or(around.role.as_ref());
        let mut layers = Vec::with_capacity(24);
        if let Some(role) = role {
            layers.push(Arc::new(role_magic(role, &around.parents)));
        }
        if let Some((task, result)) = &self.failure {
            let failed: Map = [
                ("ansible_failed_task", task.clone()),
                ("ansible_failed_result", result.clone()),
            ]
            .into_iter()
            .collect();
            layers.push(Arc::new(failed));
        }
        let search = self.context(task, around).search;
        let dirs = search
            .iter()
            .map(|dir| Value::str(dir.to_string_lossy().into_owned()));
        let own: Map = [("ansible_search_path", Value::list(dirs.collect()))]
            .into_iter()
            .collect();
        layers.push(Arc::new(own));
        layers.push(self.magic.clone());
        layers.push(self.run.extra_vars.clone());
        layers.extend(around.include_params.iter().rev().cloned());
        layers.extend(around.role_params.iter().rev().cloned());
        layers.push(self.ahead.set.clone());
        layers.push(self.ahead.included.clone());
        if !task.common.vars.is_empty() {
            layers.push(Arc::new(task.common.vars.clone()));
        }
        layers.extend(around.vars.iter().rev().cloned());
        let mut chain = Vec::new();
        if let Some(role) = role {
            role_chain(role, &mut chain);
        }
        let others: Vec<&Arc<Role>> = self
            .roles
            .iter()
            .rev()
            .filter(|role| !chain.iter().any(|r| Arc::ptr_eq(r, role)))
            .collect();
        // A role's own variables, those of what it depends on, of what depends on it, of the rest.
        let (below, others): (Vec<&Arc<Role>>, Vec<&Arc<Role>>) = others
            .into_iter()
            .partition(|other| role.is_some_and(|role| depends_on(role, other)));
        layers.extend(chain.iter().take(1).map(|role| role.vars.clone()));
        layers.extend(below.iter().map(|role| role.vars.clone()));
        layers.extend(chain.iter().skip(1).map(|role| role.vars.clone()));
        layers.extend(others.iter().map(|role| role.vars.clone()));
        layers.push(self.files.clone());
        layers.push(self.play.prompted.clone());
        layers.push(self.play.vars.clone());
        layers.push(self.ahead.facts.clone());
        layers.push(self.inventory.clone());
        layers.extend(chain.iter().map(|role| role.defaults.clone()));
        layers.extend(
            below
                .iter()
                .chain(&others)
                .map(|role| role.defaults.clone()),
        );
        layers.push(self.fallback.clone());
        layers.retain(|layer| !layer.is_empty());
        layers
    }

    /// Where a task's files and lookups start from.
    pub fn context(&self, task: &Task, around: &Surroundings) -> Context {
        let mut search = Vec::new();
        let role = task.role.as_ref().or(around.role.as_ref());
        if let Some(role) = role {
            search.push(role.path.clone());
            search.push(role.path.join("tasks"));
        }
        if let Some(dir) = task.file.parent() {
            search.push(dir.to_path_buf());
        }
        if let Some(dir) = self.play.play.file.parent() {
            search.push(dir.to_path_buf());
        }
        search.dedup();
        if search.is_empty() {
            // An ad hoc task has no file: it starts from the working directory.
            search.push(PathBuf::from("."));
        }
        Context { search }
    }
}

/// True if a role depends on another, directly or through others.
fn depends_on(role: &Arc<Role>, other: &Arc<Role>) -> bool {
    let parents = || other.parents.iter();
    parents().any(|parent| parent.identity == role.identity || depends_on(role, parent))
}

/// A role, then the roles that depend on it, nearest first.
fn role_chain(role: &Arc<Role>, into: &mut Vec<Arc<Role>>) {
    if into.iter().any(|r| Arc::ptr_eq(r, role)) {
        return;
    }
    into.push(role.clone());
    for parent in &role.parents {
        role_chain(parent, into);
    }
}

fn role_magic(role: &Arc<Role>, parents: &[Arc<Role>]) -> Map {
    let path = |role: &Role| Value::str(role.path.to_string_lossy().into_owned());
    let mut magic: Map = [
        ("role_name", Value::str(short_name(&role.name))),
        ("ansible_role_name", Value::str(role.name.as_str())),
        ("role_path", path(role)),
    ]
    .into_iter()
    .collect();
    if !parents.is_empty() {
        let names = parents.iter().map(|p| Value::str(p.name.as_str()));
        magic.insert("ansible_parent_role_names", Value::list(names.collect()));
        let paths = parents.iter().map(|p| path(p));
        magic.insert("ansible_parent_role_paths", Value::list(paths.collect()));
    }
    magic
}

fn short_name(name: &str) -> &str {
    name
}
