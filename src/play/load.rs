//! What the run loads when it is reached: included tasks, roles, files of variables.

use super::ast::{Common, Item, Role};
use super::fields::malformed;
pub use super::files::Loader;
use super::imports;
use super::keywords::{self, Place};
use super::roles::{self, Use};
use super::site::{Parser, Site, words};
use crate::diag::{Result, Span};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A role to load, as `include_role` names it.
#[derive(Clone, Debug, Default)]
pub struct RoleUse {
    /// Its name or path.
    pub name: String,
    /// File of tasks instead of `main`.
    pub tasks_from: Option<String>,
    /// File of vars instead of `main`.
    pub vars_from: Option<String>,
    /// File of defaults instead of `main`.
    pub defaults_from: Option<String>,
    /// File of handlers instead of `main`.
    pub handlers_from: Option<String>,
    /// Whether arguments are checked against the role's specification.
    pub validate: bool,
    /// The directory of the including file: roles are looked for below it too.
    pub dir: Option<PathBuf>,
}

/// A role with what it consists of.
#[derive(Clone, Debug)]
pub struct LoadedRole {
    /// The role.
    pub role: Arc<Role>,
    /// The blocks of its dependencies, then its own.
    pub tasks: Vec<Item>,
    /// Its handlers, and those of roles that it imports.
    pub handlers: Vec<Item>,
    /// Roles that its tasks import publicly: their variables are visible to the play.
    pub roles: Vec<Arc<Role>>,
}

/// The tasks of a file.
#[derive(Clone, Debug, Default)]
pub struct LoadedTasks {
    /// The tasks.
    pub tasks: Vec<Item>,
    /// Handlers of roles that they import.
    pub handlers: Vec<Item>,
    /// Roles that they import publicly: their variables are visible to the play.
    pub roles: Vec<Arc<Role>>,
}

fn parser(loader: &Loader) -> Parser<'_> {
    Parser {
        loader,
        roles: Vec::new(),
        handlers: Vec::new(),
    }
}

/// The surroundings of included content. Imports inside of it find their names among the variables
/// of the role and the command line only.
fn site(loader: &Loader, role: Option<&Arc<Role>>, dir: Option<&Path>) -> Site {
    let base = loader.bases().into_iter().next().unwrap_or_default();
    Site {
        dirs: dir.map(Path::to_path_buf).into_iter().collect(),
        role: role.cloned(),
        base,
        ..Site::default()
    }
}

/// Reads the file of an `include_tasks`; `role` is the role that the including task belongs to.
///
/// # Errors
/// Those of reading it, and what is wrong with its tasks.
pub fn load_tasks(loader: &Loader, path: &Path, role: Option<&Arc<Role>>) -> Result<LoadedTasks> {
    let mut p = parser(loader);
    let site = site(loader, role, path.parent());
    let tasks = imports::tasks_of(&mut p, path, Span::NONE, &site)?;
    Ok(LoadedTasks {
        tasks,
        handlers: p.handlers,
        roles: p.roles,
    })
}

/// Loads the role of an `include_role`; `parent` is the role that the including task belongs to.
///
/// # Errors
/// `role-not-found` with all places searched, and what is wrong with its files.
pub fn load_role(
    loader: &Loader,
    wanted: &RoleUse,
    parent: Option<&Arc<Role>>,
) -> Result<LoadedRole> {
    let mut p = parser(loader);
    let site = site(loader, parent, wanted.dir.as_deref());
    let mut dirs: Vec<PathBuf> = Vec::new();
    if let Some(dir) = &wanted.dir {
        dirs.extend([dir.join("roles"), dir.clone()]);
    }
    for base in loader.bases() {
        dirs.extend([base.join("roles"), base]);
    }
    if let Some(beside) = parent.and_then(|role| role.path.parent()) {
        dirs.push(beside.to_path_buf());
    }
    let wanted = Use {
        name: Value::str(wanted.name.as_str()),
        tasks_from: wanted.tasks_from.clone(),
        vars_from: wanted.vars_from.clone(),
        defaults_from: wanted.defaults_from.clone(),
        handlers_from: wanted.handlers_from.clone(),
        validate: wanted.validate,
        allow_duplicates: Some(true),
        dirs,
        ..Use::default()
    };
    let loaded = roles::load(&mut p, wanted, &site, parent)?;
    let mut handlers = loaded.handlers;
    handlers.append(&mut p.handlers);
    Ok(LoadedRole {
        role: loaded.role,
        tasks: loaded.tasks,
        handlers,
        roles: p.roles,
    })
}

/// The variables of a file; vaulted ones are opened.
///
/// # Errors
/// Those of reading it, and `not-a-dict`.
pub fn load_vars_file(loader: &Loader, path: &Path) -> Result<Map> {
    loader.vars(path, Span::NONE)
}

/// Reads the keywords of `apply:`, which are those of a block.
///
/// # Errors
/// `unknown-keyword`, `wrong-type`.
pub fn parse_common(_loader: &Loader, value: &Value) -> Result<Common> {
    let Some(map) = value.as_map() else {
        let message = format!("`apply` must be a dict, not a {}", value.type_name());
        return Err(malformed("wrong-type", message, value.span));
    };
    let mut common = Common::default();
    for (word, key, value) in words(map) {
        if keywords::find(&word, Place::Block).is_none() {
            return Err(keywords::unknown(key, Place::Block));
        }
        common.set(&word, value)?;
    }
    Ok(common)
}
