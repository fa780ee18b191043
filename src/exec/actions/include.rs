//! `include_tasks` and `include_role`: content that is loaded when it is reached.

use super::{arguments, flag, text};
use crate::diag::{Diag, Result};
use crate::exec::collect::{Position, Report};
use crate::exec::context::Surroundings;
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::{self, Judged};
use crate::exec::task::Job;
use crate::play::ast::{Common, Item, Role};
use crate::play::{self, RoleUse};
use crate::value::{Kind, Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

/// `include_tasks`
pub fn include_tasks(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let Some(name) = text(&args, "file") else {
        return host.end(job, Judged::unknown("its file is known after apply"));
    };
    let role = job.task.role.as_ref().or(job.around.role.as_ref());
    let loaded = find_tasks(host, job, &name).and_then(|path| {
        let loaded = play::load_tasks(&host.run.loader, &path, role)?;
        Ok((path, loaded))
    });
    let (path, loaded) = match loaded {
        Ok(loaded) => loaded,
        Err(diag) => {
            let diag = diag.at_if_none(job.task.args.span.or(job.task.span));
            return host.end(job, Judged::failed(diag));
        }
    };
    if let Some(circle) = circle(&job.around, &path) {
        return host.end(job, Judged::failed(circle.at_if_none(job.task.span)));
    }
    let place = place(host, job, &path.display().to_string());
    host.report(Report::Included {
        task: job.unit.info.clone(),
        place: place.clone(),
        file: path.display().to_string(),
        item: shown_item(job),
    });
    host.note_role(&job.unit, crate::output::Status::Ok);
    let mut around = surroundings(host, job)?;
    around.files.push(path);
    adopt(host, &around, &loaded.handlers, &loaded.roles);
    inside(host, job, loaded.tasks, around, place)
}

/// The item of the loop that includes.
fn shown_item(job: &Job) -> Option<String> {
    let item = job.item.as_ref()?;
    Some(results::shown_label(&job.unit, &item.label))
}

/// `include_role`
pub fn include_role(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let Some(name) = text(&args, "name").or_else(|| text(&args, "role")) else {
        return host.end(job, Judged::unknown("its name is known after apply"));
    };
    let parent = job.task.role.as_ref().or(job.around.role.as_ref());
    let wanted = RoleUse {
        name: name.clone(),
        tasks_from: text(&args, "tasks_from"),
        vars_from: text(&args, "vars_from"),
        defaults_from: text(&args, "defaults_from"),
        handlers_from: text(&args, "handlers_from"),
        validate: flag(&args, "rolespec_validate", true),
        dir: job.task.file.parent().map(PathBuf::from),
    };
    let loaded = match play::load_role(&host.run.loader, &wanted, parent) {
        Ok(loaded) => loaded,
        Err(diag) => {
            let diag = diag.at_if_none(job.task.args.span.or(job.task.span));
            return host.end(job, Judged::failed(diag));
        }
    };
    if let Some(circle) = circle(
        &job.around,
        &loaded
            .role
            .path
            .join(wanted.tasks_from.as_deref().unwrap_or("main")),
    ) {
        return host.end(job, Judged::failed(circle.at_if_none(job.task.span)));
    }
    let from = wanted.tasks_from.as_deref().unwrap_or("main");
    let place = place(host, job, &format!("{name}/{from}"));
    host.report(Report::Included {
        task: job.unit.info.clone(),
        place: place.clone(),
        file: name,
        item: shown_item(job),
    });
    let shown = host.run.loader.config.private_role_vars == Some(false);
    if flag(&args, "public", shown) {
        make_public(host, &loaded.role);
    }
    let mut around = surroundings(host, job)?;
    around.files.push(
        loaded
            .role
            .path
            .join(wanted.tasks_from.as_deref().unwrap_or("main")),
    );
    around.enter_role();
    around.role = Some(loaded.role);
    adopt(host, &around, &loaded.handlers, &loaded.roles);
    inside(host, job, loaded.tasks, around, place)
}

/// Takes over what included content brings to the play: handlers, and roles it imports.
fn adopt(host: &mut HostRun, around: &Surroundings, handlers: &[Item], roles: &[Arc<Role>]) {
    let mut of_handlers = around.clone();
    of_handlers.handler = true;
    host.handlers.add(handlers, &Arc::new(of_handlers));
    for role in roles {
        make_public(host, role);
    }
}

fn make_public(host: &mut HostRun, role: &Arc<Role>) {
    if !host.roles.iter().any(|r| r.path == role.path) {
        host.roles.push(role.clone());
    }
}

/// The file beside the including one, in the role's `tasks/`, or beside the playbook.
fn find_tasks(host: &HostRun, job: &Job, name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(name);
    let mut candidates = Vec::new();
    if path.is_absolute() {
        candidates.push(path);
    } else {
        if let Some(dir) = job.task.file.parent() {
            candidates.push(dir.join(&path));
        }
        if let Some(role) = job.task.role.as_ref().or(job.around.role.as_ref()) {
            candidates.push(role.path.join("tasks").join(&path));
            candidates.push(role.path.join(&path));
        }
        if let Some(dir) = host.play.play.file.parent() {
            candidates.push(dir.join("tasks").join(&path));
            candidates.push(dir.join(&path));
        }
    }
    if let Some(found) = candidates.iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let mut diag = Diag::error(
        "file-not-found",
        format!("Could not find or access '{name}' on the control side"),
    );
    for candidate in candidates {
        diag = diag.note(format!("looked for {}", candidate.display()));
    }
    Err(diag)
}

/// Including a file from within itself without end is an error; a few times over (in loops that
/// count down) is not.
fn circle(around: &Surroundings, path: &PathBuf) -> Option<Box<Diag>> {
    const MOST: usize = 100;
    let times = around.files.iter().filter(|file| *file == path).count();
    (times >= MOST).then(|| {
        let mut diag = Diag::error(
            "circular-include",
            format!("{} includes itself without end", path.display()),
        );
        for file in around.files.iter().rev().take(5) {
            diag = diag.note(format!("included by {}", file.display()));
        }
        diag
    })
}

/// What surrounds included tasks: the include's `apply`, its `vars`, and its loop's variables.
fn surroundings(host: &mut HostRun, job: &Job) -> Result<Surroundings, Stop> {
    let mut params = Map::new();
    if let Some(item) = &job.item {
        for (key, value) in &item.vars {
            params.insert(key.clone(), value.clone());
        }
    }
    let apply = match job.task.args.get("apply") {
        Some(value) => match play::parse_common(&host.run.loader, value) {
            Ok(common) => common,
            Err(diag) => {
                host.end(job, Judged::failed(diag))?;
                Common::default()
            }
        },
        None => Common::default(),
    };
    let mut around = job.around.included(&job.task, &apply, params);
    if let Some(notify) = job.task.args.get("apply").and_then(|a| a.get("notify")) {
        match notify.as_list() {
            Some(names) => around.notify.extend_from_slice(names),
            None => around.notify.push(notify.clone()),
        }
    }
    Ok(around)
}

/// Where included tasks are: below the include, by the item of its loop and by what is included.
/// Hosts that include the same are at the same place.
fn place(host: &HostRun, job: &Job, what: &str) -> Position {
    let mut hash = DefaultHasher::new();
    what.hash(&mut hash);
    let mut place = host.at.clone();
    place.push(job.item.as_ref().map_or(0, |item| item.index));
    place.push(hash.finish() as u32);
    place
}

/// What one item of a loop has included. All items are looked at before the first is entered.
pub struct Included {
    tasks: Vec<Item>,
    around: Arc<Surroundings>,
    place: Position,
    register: Option<String>,
    role: bool,
}

/// Goes through included tasks, or leaves that to the end of the loop.
fn inside(
    host: &mut HostRun,
    job: &Job,
    tasks: Vec<Item>,
    around: Surroundings,
    place: Position,
) -> Result<(), Stop> {
    let included = Included {
        tasks,
        around: Arc::new(around),
        place,
        register: job.unit.register.clone(),
        role: job.unit.info.module == "include_role",
    };
    match &mut host.included {
        Some(of_loop) => {
            of_loop.push(included);
            Ok(())
        }
        None => enter(host, included),
    }
}

/// Goes through included tasks at positions below the include's own.
///
/// # Errors
/// Why the host does not go on behind them.
pub fn enter(host: &mut HostRun, included: Included) -> Result<(), Stop> {
    let before = std::mem::replace(&mut host.at, included.place);
    let end = host.items(&included.tasks, &included.around);
    host.at = before;
    match end {
        Err(Stop::EndRole) if included.role => return Ok(()),
        end => end?,
    }
    if let Some(name) = &included.register {
        let result: Map = [
            ("changed", Value::from(false)),
            ("include", Value::new(Kind::Null)),
        ]
        .into_iter()
        .collect();
        host.apply(crate::exec::queue::Effect::Set(
            name.clone(),
            Value::map(result),
        ));
    }
    Ok(())
}
