//! `import_tasks` and `import_role`: content that stands as if written in their place.

use super::ast::{Block, Item, Origin, Task};
use super::block;
use super::fields::malformed;
use super::files::{home, plain};
use super::roles::{self, Use};
use super::site::{Link, Parser, Site};
use crate::args;
use crate::diag::{Diag, Exit, Result, Span};
use crate::modules;
use crate::value::{Kind, Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn refuse_loop(task: &Task, instead: &str) -> Result<()> {
    match &task.looping {
        None => Ok(()),
        Some(looping) => Err(malformed(
            "import-loop",
            format!("`{}` cannot loop", task.module),
            looping.span,
        )
        .help(format!("use `{instead}`"))),
    }
}

/// Refuses options that the statement does not have.
fn refuse_options(task: &Task) -> Result<()> {
    let (Some(entry), Some(map)) = (modules::find(&task.module), task.args.as_map()) else {
        return Ok(());
    };
    let known = (entry.fields)();
    for key in map.keys() {
        let name = key.to_value().to_text();
        if !known.contains(&name.as_str()) && name != "_variable_params" {
            return Err(args::unknown(&task.module, &name, &known)
                .at(key.span, "no such option")
                .exit(Exit::Parser));
        }
    }
    Ok(())
}

/// Checks what `include_tasks` and `include_role` must have from the start.
pub(super) fn check_include(kind: &str, task: &Task) -> Result<()> {
    let needed = match kind {
        "include_tasks" => &["file"][..],
        "include_role" => &["name", "role"],
        _ => return Ok(()),
    };
    refuse_options(task)?;
    let Some(map) = task.args.as_map() else {
        return Ok(());
    };
    let has = |name: &str| map.get(name).is_some_and(Value::truthy);
    if !needed.iter().any(|name| has(name)) && !map.contains("_variable_params") {
        return Err(missing(task, needed[0]));
    }
    if let Some((key, value)) = map.get_entry("apply")
        && !matches!(value.kind, Kind::Map(_))
        && !super::action::is_all_template(value)
    {
        let message = format!("`apply` must be a dict, not a {}", value.type_name());
        return Err(malformed("wrong-type", message, value.span.or(key.span)));
    }
    Ok(())
}

fn missing(task: &Task, option: &str) -> Box<Diag> {
    malformed(
        "missing-option",
        format!("`{}` needs `{option}`", task.module),
        task.module_span.or(task.span),
    )
}

pub(super) fn role_as_handler(task: &Task) -> Box<Diag> {
    malformed(
        "handler-role",
        format!("Using '{}' as a handler is not supported.", task.module),
        task.module_span.or(task.span),
    )
}

/// Expands `import_tasks`.
///
/// # Errors
/// `file-not-found`, `circular`, and those of the file.
pub(super) fn tasks(p: &mut Parser, task: Task, site: &Site) -> Result<Vec<Item>> {
    refuse_loop(&task, "include_tasks")?;
    refuse_options(&task)?;
    let Some(file) = task.args.get("file").filter(|v| v.truthy()) else {
        return Err(missing(&task, "file"));
    };
    let name = p.render(file, site, &task.common.vars)?;
    let path = find_tasks(&name.to_text(), site, file.span.or(task.span))?;
    let inner = site.through(Link {
        key: format!("tasks:{}", path.display()),
        shown: path_shown(&path),
        span: file.span.or(task.span),
    })?;
    let mut inner = inner.with_vars(&task.common.vars);
    if !task.notify.is_empty() {
        inner.notify.clone_from(&task.notify);
    }
    let items = tasks_of(p, &path, file.span, &inner)?;
    Ok(vec![Item::Block(Arc::new(Block {
        name: task.name,
        common: task.common,
        block: items,
        origin: Origin::ImportTasks,
        span: task.span,
        ..Block::default()
    }))])
}

/// The tasks of a file.
///
/// # Errors
/// Those of reading it, `not-a-list`, and those of the tasks.
pub(super) fn tasks_of(p: &mut Parser, path: &Path, from: Span, site: &Site) -> Result<Vec<Item>> {
    let value = p.loader.yaml(path, from)?;
    let mut inner = site.clone();
    inner.file = path.to_path_buf();
    if let Some(dir) = path.parent() {
        inner.dirs.insert(0, dir.to_path_buf());
    }
    match &value.kind {
        Kind::Null => {
            p.loader.warn(
                Diag::warning("empty-file", format!("{} has no tasks", path_shown(path)))
                    .at(from, ""),
            );
            Ok(Vec::new())
        }
        Kind::List(_) => block::items(p, "tasks", &value, &inner),
        _ => Err(malformed(
            "not-a-list",
            format!(
                "a file of tasks must hold a list, not a {}",
                value.type_name()
            ),
            value.span,
        )),
    }
}

pub(super) fn path_shown(path: &Path) -> String {
    super::files::shown(path).display().to_string()
}

/// The file of tasks that a name means: beside the importing files, in the role, beside the
/// playbook.
fn find_tasks(name: &str, site: &Site, span: Span) -> Result<PathBuf> {
    let path = home(name);
    let sub = if site.handlers { "handlers" } else { "tasks" };
    let mut places = Vec::new();
    if path.is_absolute() {
        places.push(path);
    } else {
        places.extend(site.dirs.iter().map(|dir| dir.join(&path)));
        if let Some(role) = &site.role {
            places.push(role.path.join(sub).join(&path));
            places.push(role.path.join("tasks").join(&path));
            places.push(role.path.join(&path));
        }
        places.push(site.base.join(sub).join(&path));
        places.push(site.base.join(&path));
    }
    let places: Vec<PathBuf> = places.iter().map(|p| plain(p)).collect();
    if let Some(found) = places.iter().find(|p| p.is_file()) {
        return Ok(found.clone());
    }
    Err(not_found(&format!("file of tasks {name:?}"), &places, span))
}

/// Says what is missing and where it was looked for.
pub(super) fn not_found(what: &str, places: &[PathBuf], span: Span) -> Box<Diag> {
    let mut diag = Diag::error("file-not-found", format!("there is no {what}")).at(span, "");
    let mut seen: Vec<&PathBuf> = Vec::new();
    for place in places {
        if !seen.contains(&place) {
            seen.push(place);
            diag = diag.note(format!("looked for {}", path_shown(place)));
        }
    }
    diag
}

/// Expands `import_role`.
///
/// # Errors
/// `role-not-found`, `circular`, and those of the role.
pub(super) fn role(p: &mut Parser, task: Task, site: &Site) -> Result<Vec<Item>> {
    if site.handlers {
        return Err(role_as_handler(&task));
    }
    refuse_loop(&task, "include_role")?;
    refuse_options(&task)?;
    let empty = Map::new();
    let options = task.args.as_map().unwrap_or(&empty);
    let Some(name) = options.get("name").or_else(|| options.get("role")) else {
        return Err(missing(&task, "name"));
    };
    let text = |option: &str| -> Result<Option<String>> {
        match options.get(option) {
            None => Ok(None),
            Some(value) if value.as_str().is_none() => {
                let message = format!("`{option}` must be a string, not a {}", value.type_name());
                Err(malformed("wrong-type", message, value.span))
            }
            Some(value) => Ok(Some(p.render(value, site, &task.common.vars)?.to_text())),
        }
    };
    let flag = |option: &str, default: bool| match options.get(option).map(|v| &v.kind) {
        Some(Kind::Bool(b)) => *b,
        Some(Kind::Str(t)) => matches!(&*t.text.to_lowercase(), "yes" | "true" | "on" | "1"),
        _ => default,
    };
    let wanted = Use {
        name: p.render(name, site, &task.common.vars)?,
        tasks_from: text("tasks_from")?,
        vars_from: text("vars_from")?,
        defaults_from: text("defaults_from")?,
        handlers_from: text("handlers_from")?,
        validate: flag("rolespec_validate", true),
        allow_duplicates: Some(flag("allow_duplicates", true)),
        span: name.span.or(task.span),
        ..Use::default()
    };
    let private = p.loader.config.private_role_vars == Some(true);
    let public = flag("public", !private);
    let inner = site.with_vars(&task.common.vars);
    let loaded = roles::load(p, wanted, &inner, site.role.as_ref())?;
    if public {
        p.roles.push(loaded.role.clone());
    }
    let wrap = |block: Vec<Item>| {
        Item::Block(Arc::new(Block {
            name: task.name.clone(),
            common: task.common.clone(),
            block,
            origin: Origin::ImportRole,
            span: task.span,
            ..Block::default()
        }))
    };
    if !loaded.handlers.is_empty() {
        p.handlers.push(wrap(loaded.handlers));
    }
    Ok(vec![wrap(loaded.tasks)])
}
