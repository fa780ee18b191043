//! Roles: finding them, their dependencies, and what they consist of.

use super::ast::{Block, Common, Item, Origin, Role, Task};
use super::block;
use super::fields::malformed;
use super::files::{home, plain};
use super::imports::path_shown;
use super::keywords::{self, Place};
use super::role_files as files;
use super::site::{Link, Parser, Site, words};
use super::task::names;
use crate::diag::{Diag, Exit, Result, Span};
use crate::value::{Kind, Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One use of a role, as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Use {
    /// Its name, rendered.
    pub name: Value,
    /// `{role: x, port: 80}`: what is no keyword.
    pub params: Map,
    /// Keywords.
    pub common: Common,
    /// File of tasks instead of `main`.
    pub tasks_from: Option<String>,
    /// File of vars instead of `main`.
    pub vars_from: Option<String>,
    /// File of defaults instead of `main`.
    pub defaults_from: Option<String>,
    /// File of handlers instead of `main`.
    pub handlers_from: Option<String>,
    /// Whether arguments are checked against the specification.
    pub validate: bool,
    /// Instead of what `meta/main` says.
    pub allow_duplicates: Option<bool>,
    /// Further directories to look for the role in.
    pub dirs: Vec<PathBuf>,
    /// Where it is written.
    pub span: Span,
}

/// A role with what it consists of.
pub(super) struct Loaded {
    /// The role.
    pub role: Arc<Role>,
    /// The blocks of its dependencies, then its own.
    pub tasks: Vec<Item>,
    /// Likewise its handlers.
    pub handlers: Vec<Item>,
}

/// Reads an entry of `roles:` or `dependencies:`.
///
/// # Errors
/// `bad-role`, and those of its keywords.
pub(super) fn entry(p: &Parser, value: &Value, site: &Site) -> Result<Use> {
    let mut wanted = Use {
        validate: true,
        span: value.span,
        ..Use::default()
    };
    let map = match &value.kind {
        Kind::Str(text) if text.text.contains(',') => {
            let message = format!("Invalid old style role requirement: {}", text.text);
            return Err(malformed("bad-role", message, value.span)
                .help("write `{role: NAME, option: value}`")
                .exit(Exit::Failed));
        }
        Kind::Str(_) => {
            wanted.name = p.render(value, site, &Map::new())?;
            return Ok(wanted);
        }
        Kind::Int(n) => {
            wanted.name = Value::str(n.to_string()).at(value.span);
            return Ok(wanted);
        }
        Kind::Map(map) => map,
        _ => {
            let message = format!(
                "a role must be a name or a dict, not a {}",
                value.type_name()
            );
            return Err(malformed("bad-role", message, value.span));
        }
    };
    let name = match map.get("role").or_else(|| map.get("name")) {
        Some(name) => name.clone(),
        None => src_name(map).unwrap_or_default(),
    };
    if name.as_str().is_none_or(str::is_empty) {
        let message = "the role has no name";
        return Err(malformed("bad-role", message, value.span)
            .help("write `role: NAME`")
            .exit(Exit::Failed));
    }
    wanted.span = name.span.or(value.span);
    wanted.name = p.render(&name, site, &Map::new())?;
    for (word, key, value) in words(map) {
        if keywords::find(&word, Place::Role).is_some() {
            wanted.common.set(&word, value)?;
        } else {
            wanted.params.insert(key.clone(), value.clone());
        }
    }
    Ok(wanted)
}

/// The name in `src: https://host/name.git,version,name` of a dependency.
fn src_name(map: &Map) -> Option<Value> {
    let src = map.get("src")?;
    let mut parts = src.as_str()?.split(',');
    let url = parts.next()?;
    let name = match parts.nth(1) {
        Some(name) => name,
        None => {
            let last = url.trim_end_matches('/').rsplit('/').next()?;
            let last = last.strip_suffix(".git").unwrap_or(last);
            last.strip_suffix(".tar.gz").unwrap_or(last)
        }
    };
    Some(Value::str(name).at(src.span))
}

struct Found {
    name: String,
    path: PathBuf,
    collection: Option<String>,
}

/// Finds the directory of a role.
fn find(p: &Parser, wanted: &Use, site: &Site) -> Result<Found> {
    let name = wanted.name.to_text();
    let mut searched = Vec::new();
    let collections: Vec<String> = site
        .collections
        .iter()
        .map(|c| format!("{c}.{name}"))
        .chain(std::iter::once(name.clone()))
        .collect();
    for full in &collections {
        let mut parts = full.splitn(3, '.');
        let (Some(space), Some(collection), Some(role)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        for root in collection_roots(p, site) {
            let path = root
                .join(space)
                .join(collection)
                .join("roles")
                .join(role.replace('.', "/"));
            if path.is_dir() {
                return Ok(Found {
                    name: full.clone(),
                    path: plain(&path),
                    collection: Some(format!("{space}.{collection}")),
                });
            }
        }
    }
    let path = home(&name);
    let mut dirs = vec![site.base.join("roles")];
    dirs.extend(p.loader.config.roles_path.iter().cloned());
    dirs.extend(wanted.dirs.iter().cloned());
    dirs.push(site.base.clone());
    for dir in dirs {
        let candidate = plain(&dir.join(&path));
        if candidate.is_dir() {
            return Ok(Found {
                name,
                path: candidate,
                collection: None,
            });
        }
        searched.push(candidate);
    }
    let last = plain(&path);
    if last.is_dir() {
        let name = last
            .file_name()
            .map_or(name, |n| n.to_string_lossy().into_owned());
        return Ok(Found {
            name,
            path: last,
            collection: None,
        });
    }
    Err(not_found(p, &name, &searched, wanted.span, site))
}

fn not_found(p: &Parser, name: &str, searched: &[PathBuf], span: Span, site: &Site) -> Box<Diag> {
    let mut diag = super::imports::not_found(&format!("role {name:?}"), searched, span);
    diag.code = "role-not-found".into();
    let mut dirs = vec![site.base.join("roles")];
    dirs.extend(p.loader.config.roles_path.iter().cloned());
    let present: Vec<String> = dirs
        .iter()
        .filter_map(|dir| std::fs::read_dir(dir).ok())
        .flat_map(|entries| entries.flatten())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    diag.did_you_mean(name, present.iter().map(String::as_str))
}

/// Directories that hold `NAMESPACE/COLLECTION`.
pub(super) fn collection_roots(p: &Parser, site: &Site) -> Vec<PathBuf> {
    std::iter::once(site.base.join("collections"))
        .chain(p.loader.config.collections_path.iter().cloned())
        .map(|dir| {
            if dir.ends_with("ansible_collections") {
                dir
            } else {
                dir.join("ansible_collections")
            }
        })
        .collect()
}

/// Loads a role for one use of it.
///
/// # Errors
/// `role-not-found`, `circular`, and those of its files.
pub(super) fn load(
    p: &mut Parser,
    wanted: Use,
    site: &Site,
    parent: Option<&Arc<Role>>,
) -> Result<Loaded> {
    let found = find(p, &wanted, site)?;
    let tasks_from = wanted.tasks_from.as_deref();
    let site = site.through(Link {
        key: format!(
            "role:{}:{}",
            found.path.display(),
            tasks_from.unwrap_or("main")
        ),
        shown: format!("role {}", found.name),
        span: wanted.span,
    })?;
    let at = wanted.span;
    let dir = &found.path;
    let vars = files::vars(p.loader, dir, "vars", wanted.vars_from.as_deref(), at)?;
    let defaults = files::vars(
        p.loader,
        dir,
        "defaults",
        wanted.defaults_from.as_deref(),
        at,
    )?;
    let meta = meta(p, dir, at)?;
    let specs = argument_specs(p, dir, &meta, at)?;
    let argument_spec = specs
        .as_ref()
        .and_then(|specs| specs.get(tasks_from.unwrap_or("main")))
        .cloned()
        .filter(|spec| wanted.validate && spec.as_map().is_some());
    let mut role = Role {
        identity: identity(&found, &wanted),
        name: found.name.clone(),
        path: dir.clone(),
        defaults: Arc::new(defaults),
        vars: Arc::new(vars),
        allow_duplicates: wanted
            .allow_duplicates
            .unwrap_or_else(|| meta.get("allow_duplicates").is_some_and(Value::truthy)),
        dependencies: Vec::new(),
        argument_spec,
        parents: parent.cloned().into_iter().collect(),
    };
    let mut collections: Vec<String> = found.collection.clone().into_iter().collect();
    if let Some(more) = meta.get("collections") {
        collections.extend(names(more));
    }
    let (mut tasks, mut handlers) =
        dependencies(p, &mut role, &meta, &wanted, &collections, &site)?;
    let role = Arc::new(role);
    let mut inner = Site {
        role: Some(role.clone()),
        file: dir.join("tasks/main.yml"),
        dirs: Vec::new(),
        collections,
        handlers: false,
        notify: Vec::new(),
        ..site
            .with_vars(&wanted.common.vars)
            .with_vars(&wanted.params)
    };
    let mut own = Vec::new();
    if let Some(spec) = &role.argument_spec {
        own.push(validation(&role, spec, tasks_from, &wanted.params));
    }
    own.extend(statements(p, "tasks", tasks_from, &inner, at)?);
    inner.handlers = true;
    let of_handlers = statements(p, "handlers", wanted.handlers_from.as_deref(), &inner, at)?;
    let wrap = |items: Vec<Item>| {
        Item::Block(Arc::new(Block {
            common: wanted.common.clone(),
            block: items,
            role: Some(role.clone()),
            role_params: wanted.params.clone(),
            origin: Origin::Role,
            span: wanted.span,
            ..Block::default()
        }))
    };
    tasks.push(wrap(own));
    if !of_handlers.is_empty() {
        handlers.push(wrap(of_handlers));
    }
    Ok(Loaded {
        role: role.clone(),
        tasks,
        handlers,
    })
}

/// What makes two uses of a role the same (observed: ansible-core 2.19.14).
fn identity(found: &Found, wanted: &Use) -> String {
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        found.path.display(),
        Value::map(wanted.params.clone()),
        wanted.common.when,
        wanted.common.tags,
        Value::map(wanted.common.vars.clone()),
        (&wanted.tasks_from, &wanted.vars_from),
        (&wanted.defaults_from, &wanted.handlers_from),
        wanted.allow_duplicates.is_some(),
    )
}

/// `tasks` or `handlers` of a role.
fn statements(
    p: &mut Parser,
    sub: &str,
    from: Option<&str>,
    site: &Site,
    span: Span,
) -> Result<Vec<Item>> {
    let Some(role) = &site.role else {
        return Ok(Vec::new());
    };
    let Some((path, value)) = files::document(p.loader, &role.path, sub, from, span)? else {
        return Ok(Vec::new());
    };
    let mut inner = site.clone();
    if let Some(dir) = path.parent() {
        inner.dirs = vec![dir.to_path_buf()];
    }
    let shown = path_shown(&path);
    inner.file = path;
    match value.kind {
        Kind::Null => Ok(Vec::new()),
        Kind::List(_) => block::items(p, sub, &value, &inner),
        _ => Err(malformed(
            "not-a-list",
            format!(
                "{shown} must hold a list of tasks, not a {}",
                value.type_name()
            ),
            value.span,
        )),
    }
}

/// What `meta/main` may hold besides the keywords that every statement has.
const META: &[&str] = &[
    "allow_duplicates",
    "argument_specs",
    "collections",
    "dependencies",
    "galaxy_info",
];

fn meta(p: &Parser, dir: &Path, span: Span) -> Result<Map> {
    let Some((_, value)) = files::document(p.loader, dir, "meta", None, span)? else {
        return Ok(Map::new());
    };
    let map = match &value.kind {
        Kind::Null => return Ok(Map::new()),
        Kind::Map(map) => Map::clone(map),
        _ => {
            let message = format!("meta/main must hold a dict, not a {}", value.type_name());
            return Err(malformed("not-a-dict", message, value.span));
        }
    };
    for (word, key, _) in words(&map) {
        let base = keywords::find(&word, Place::ImportPlaybook).is_some();
        if !META.contains(&word.as_str()) && !base {
            let message = format!("`{word}` is not a keyword of a role's meta/main");
            return Err(malformed("unknown-keyword", message, key.span)
                .did_you_mean(&word, META.iter().copied()));
        }
    }
    Ok(map)
}

/// `meta/argument_specs`, else `argument_specs` of `meta/main`.
fn argument_specs(p: &Parser, dir: &Path, meta: &Map, span: Span) -> Result<Option<Map>> {
    for extension in ["yml", "yaml", "json"] {
        let path = dir.join("meta").join(format!("argument_specs.{extension}"));
        if path.is_file() {
            let value = p.loader.yaml(&path, span)?;
            return Ok(value.get("argument_specs").and_then(Value::as_map).cloned());
        }
    }
    Ok(meta.get("argument_specs").and_then(Value::as_map).cloned())
}

/// Loads the dependencies; their blocks carry the keywords of the role that depends on them.
fn dependencies(
    p: &mut Parser,
    role: &mut Role,
    meta: &Map,
    wanted: &Use,
    collections: &[String],
    site: &Site,
) -> Result<(Vec<Item>, Vec<Item>)> {
    let list = match meta.get("dependencies") {
        None => return Ok(Default::default()),
        Some(value) => match &value.kind {
            Kind::Null => return Ok(Default::default()),
            Kind::List(list) => list.clone(),
            _ => {
                let message = format!("`dependencies` must be a list, not a {}", value.type_name());
                return Err(malformed("not-a-list", message, value.span));
            }
        },
    };
    let bare = Arc::new(role.clone());
    let mut inner = site.with_vars(&wanted.params);
    inner.collections = collections.to_vec();
    let mut tasks = Vec::new();
    let mut handlers = Vec::new();
    for value in list.iter() {
        let mut dependency = entry(p, value, &inner)?;
        dependency.dirs = role
            .path
            .parent()
            .map(Path::to_path_buf)
            .into_iter()
            .collect();
        let loaded = load(p, dependency, &inner, Some(&bare))?;
        for (found, into) in [(loaded.tasks, &mut tasks), (loaded.handlers, &mut handlers)] {
            if !found.is_empty() {
                into.push(Item::Block(Arc::new(Block {
                    common: wanted.common.clone(),
                    block: found,
                    role_params: wanted.params.clone(),
                    origin: Origin::Dependencies,
                    span: wanted.span,
                    ..Block::default()
                })));
            }
        }
        role.dependencies.push(loaded.role);
    }
    Ok((tasks, handlers))
}

/// The task that checks a role's arguments before its own tasks run.
fn validation(role: &Arc<Role>, spec: &Value, from: Option<&str>, params: &Map) -> Item {
    let entry_point = from.unwrap_or("main");
    let mut name = format!("Validating arguments against arg spec '{entry_point}'");
    if let Some(short) = spec.get("short_description") {
        name = format!("{name} - {}", short.to_text());
    }
    let dict = |entries: Vec<(&str, Value)>| Value::map(entries.into_iter().collect());
    let options = spec.get("options").cloned().filter(|o| !o.is_null());
    let args = dict(vec![
        (
            "argument_spec",
            options.unwrap_or_else(|| Value::map(Map::new())),
        ),
        ("provided_arguments", Value::map(params.clone())),
        (
            "validate_args_context",
            dict(vec![
                ("type", "role".into()),
                ("name", role.name.as_str().into()),
                ("argument_spec_name", entry_point.into()),
                ("path", role.path.display().to_string().into()),
            ]),
        ),
    ]);
    Item::Task(Arc::new(Task {
        name: Some(Value::str(name)),
        module: "ansible.builtin.validate_argument_spec".into(),
        module_span: spec.span,
        args: args.at(spec.span),
        common: Common {
            tags: vec![Value::str("always")],
            ..Common::default()
        },
        role: Some(role.clone()),
        file: role.path.join("tasks/main.yml"),
        span: spec.span,
        ..Task::default()
    }))
}
