//! Where in the playbook a statement stands, and what can be known there before the run.

use super::ast::{Item, Role};
use super::files::Loader;
use crate::diag::{Diag, Exit, Result, Span};
use crate::jinja::Context;
use crate::value::{Key, Map, Value};
use crate::vars::SharedScope;
use std::path::PathBuf;
use std::sync::Arc;

/// The surroundings of a statement.
#[derive(Clone, Default)]
pub(super) struct Site {
    /// Directory of the playbook.
    pub base: PathBuf,
    /// The file of the statement.
    pub file: PathBuf,
    /// Directories of the files that imported it, nearest first; its own included.
    pub dirs: Vec<PathBuf>,
    /// The role around it.
    pub role: Option<Arc<Role>>,
    /// Inside handlers.
    pub handlers: bool,
    /// `collections` in force.
    pub collections: Vec<String>,
    /// Variables of the play, and of the blocks and imports around.
    pub vars: Arc<Map>,
    /// `notify` of the blocks around.
    pub notify: Vec<Value>,
    /// Files and roles that led here, outermost first.
    pub chain: Vec<Link>,
}

/// One step of how something came to be loaded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    /// What it is: equal keys within one chain are a circle.
    pub key: String,
    /// How it is called in messages.
    pub shown: String,
    /// The statement that loads it.
    pub span: Span,
}

/// Reads statements, and collects what belongs to the play although it stands inside.
pub(super) struct Parser<'a> {
    /// Reads files.
    pub loader: &'a Loader,
    /// Roles whose variables the play sees.
    pub roles: Vec<Arc<Role>>,
    /// Handlers of imported roles.
    pub handlers: Vec<Item>,
}

impl Site {
    /// The same with more variables.
    pub fn with_vars(&self, vars: &Map) -> Site {
        let mut inner = self.clone();
        if !vars.is_empty() {
            let mut all = Map::clone(&self.vars);
            for (key, value) in vars {
                all.insert(key.clone(), value.clone());
            }
            inner.vars = Arc::new(all);
        }
        inner
    }

    /// The same with one more link.
    ///
    /// # Errors
    /// `circular`, with the whole chain.
    pub fn through(&self, link: Link) -> Result<Site> {
        if self.chain.iter().any(|l| l.key == link.key) {
            let mut diag = Diag::error("circular", format!("{} loads itself", link.shown))
                .at(link.span, "this closes the circle");
            let from = self.chain.iter().position(|l| l.key == link.key);
            for pair in self.chain[from.unwrap_or(0)..].windows(2) {
                diag = diag.note(format!("{} loads {}", pair[0].shown, pair[1].shown));
            }
            if let Some(last) = self.chain.last() {
                diag = diag.note(format!("{} loads {}", last.shown, link.shown));
            }
            return Err(diag);
        }
        let mut inner = self.clone();
        inner.chain.push(link);
        Ok(inner)
    }
}

impl Parser<'_> {
    /// Renders a name that must be known before the run; `None` where the value is no template.
    ///
    /// # Errors
    /// Those of the template, with a hint about which variables there are.
    pub fn render(&self, value: &Value, site: &Site, vars: &Map) -> Result<Value> {
        let is_template = value
            .as_str()
            .is_some_and(|text| text.contains("{{") || text.contains("{%"));
        if !is_template {
            return Ok(value.clone());
        }
        let scope: SharedScope = Arc::new(self.variables(site, vars));
        let context = Context {
            search: site.dirs.clone(),
        };
        self.loader
            .engine
            .render(value, &scope, &context)
            .map_err(|e| {
                e.at_if_none(value.span)
                    .note("only variables of the play, its roles and the command line are known when names of imports are read; facts and the inventory are not")
                    .exit(Exit::Parser)
            })
    }

    fn variables(&self, site: &Site, vars: &Map) -> Map {
        let mut all = Map::new();
        let mut add = |map: &Map| {
            for (key, value) in map {
                all.insert(key.clone(), value.clone());
            }
        };
        for role in &self.roles {
            add(&role.defaults);
        }
        if let Some(role) = &site.role {
            add(&role.defaults);
        }
        add(&site.vars);
        for role in &self.roles {
            add(&role.vars);
        }
        let mut magic = Map::new();
        magic.insert("playbook_dir", Value::str(site.base.display().to_string()));
        if let Some(role) = &site.role {
            add(&role.vars);
            magic.insert("role_path", Value::str(role.path.display().to_string()));
            magic.insert("role_name", Value::str(role.name.as_str()));
            magic.insert("ansible_role_name", Value::str(role.name.as_str()));
        }
        add(vars);
        add(&magic);
        add(&self.loader.extra_vars);
        all
    }
}

/// The keys of a statement with the words they are.
pub(super) fn words(map: &Map) -> impl Iterator<Item = (String, &Key, &Value)> {
    map.iter()
        .map(|(key, value)| (key.to_value().to_text(), key, value))
}
