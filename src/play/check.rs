//! The static check: what is wrong whatever the hosts are like. Needs no connection.
//!
//! It goes through all tasks that can be reached, those of includes with constant names too, and
//! collects everything it finds instead of stopping at the first fault.

mod arguments;
mod files;

use super::action::is_all_template;
use super::ast::{Block, Common, Item, Play, Playbook, Role, Task};
use super::files::Loader;
use super::load::{RoleUse, load_role, load_tasks};
use crate::diag::{Diag, Exit, Level};
use crate::modules;
use crate::value::{Kind, Map, Trust, Value};
use std::collections::HashSet;
use std::path::PathBuf;

/// Checks a playbook.
///
/// Errors have the exit code that ansible-playbook ends with when the fault comes up in a run.
/// With `late` only what ansible-playbook finds before it runs anything: modules that do not exist.
/// The rest waits for the task, which may never be reached.
pub fn check(loader: &Loader, playbook: &Playbook, late: bool) -> Vec<Diag> {
    let mut checker = Checker {
        loader,
        late,
        found: Vec::new(),
        seen: HashSet::new(),
        base: PathBuf::new(),
        lenient: false,
        here: false,
        files_made: false,
    };
    for play in &playbook.plays {
        checker.play(play);
    }
    checker.found
}

struct Checker<'a> {
    loader: &'a Loader,
    /// Faults of tasks wait until they run.
    late: bool,
    found: Vec<Diag>,
    /// Files and roles already gone through.
    seen: HashSet<String>,
    /// Directory of the play.
    base: PathBuf,
    /// What the task at hand is wrong about need not come up.
    lenient: bool,
    /// The play is for this machine.
    here: bool,
    /// A task before this one may have made files on this machine.
    files_made: bool,
}

/// What the tasks around one decide about it.
#[derive(Clone, Copy, Default)]
struct Around {
    /// It may never run: there are conditions or a loop.
    conditional: bool,
    /// Arguments may come from `module_defaults`.
    defaults: bool,
    /// It is inside a block with a `rescue`.
    rescued: bool,
}

impl Around {
    fn inside(self, common: &Common) -> Around {
        Around {
            conditional: self.conditional || !common.when.is_empty(),
            defaults: self.defaults || !common.module_defaults.is_empty(),
            rescued: self.rescued,
        }
    }
}

impl Around {
    /// What included tasks have around them: `apply` may bring `module_defaults`.
    fn of_included(self, task: &Task) -> Around {
        Around {
            defaults: true,
            rescued: self.rescued || task.common.ignore_errors.is_some(),
            ..self.inside(&task.common)
        }
    }
}

impl Checker<'_> {
    fn report(&mut self, mut diag: Box<Diag>) {
        if self.late && diag.code != "unknown-module" {
            return;
        }
        // A task that may be skipped, or whose failure is dealt with, fails when it runs, if it does.
        if self.lenient && diag.exit == Exit::Failed {
            diag.level = Level::Warning;
        }
        if diag.exit == Exit::Failed {
            diag.exit = Exit::HostsFailed;
        }
        if !self.found.contains(&diag) {
            self.found.push(*diag);
        }
    }

    fn play(&mut self, play: &Play) {
        self.base = play
            .file
            .parent()
            .map(std::path::Path::to_path_buf)
            .unwrap_or_default();
        let around = Around::default().inside(&play.common);
        self.common(&play.common);
        self.here = files::is_here(play);
        for role in &play.roles {
            self.role(role);
        }
        for items in [
            &play.pre_tasks,
            &play.role_blocks,
            &play.tasks,
            &play.post_tasks,
            &play.handlers,
        ] {
            self.items(items, around);
        }
    }

    fn role(&mut self, role: &Role) {
        if !self.seen.insert(format!("vars:{}", role.path.display())) {
            return;
        }
        for vars in [&role.defaults, &role.vars] {
            self.templates_of(vars);
        }
    }

    fn items(&mut self, items: &[Item], around: Around) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task, around.inside(&task.common)),
                Item::Block(block) => self.block(block, around),
            }
        }
    }

    fn block(&mut self, block: &Block, around: Around) {
        let around = around.inside(&block.common);
        self.common(&block.common);
        self.templates_of(&block.role_params);
        if let Some(role) = &block.role {
            self.role(role);
        }
        let rescued = Around {
            rescued: around.rescued || !block.rescue.is_empty(),
            ..around
        };
        self.items(&block.block, rescued);
        for items in [&block.rescue, &block.always] {
            self.items(items, around);
        }
    }

    fn task(&mut self, task: &Task, mut around: Around) {
        around.conditional |= task.looping.is_some();
        self.common(&task.common);
        self.lenient = around.conditional
            || around.rescued
            || task.failed_when.is_some()
            || task.common.ignore_errors.is_some();
        self.keywords(task);
        self.template(&task.args);
        arguments::check(self, task, around);
        files::check(self, task);
        self.files_made |= files::may_make(task, self.here);
        self.lenient = false;
        if !self.late {
            self.include(task, around.of_included(task));
        }
    }

    fn keywords(&mut self, task: &Task) {
        if let Some(name) = &task.name {
            self.template(name);
        }
        if let Some(looping) = &task.looping {
            self.template(&looping.items);
        }
        for (key, value) in &task.loop_control {
            match key.as_str() {
                Some("break_when") => self.conditions(std::slice::from_ref(value)),
                _ => self.template(value),
            }
        }
        for list in [&task.changed_when, &task.failed_when, &task.until] {
            self.conditions(list.as_deref().unwrap_or_default());
        }
        for value in task.notify.iter() {
            self.template(value);
        }
        for (word, value) in [
            ("retries", &task.retries),
            ("async", &task.background),
            ("poll", &task.poll),
        ] {
            self.number(word, value.as_ref());
        }
    }

    fn common(&mut self, common: &Common) {
        self.conditions(&common.when);
        self.templates_of(&common.vars);
        for value in common.environment.iter().chain(&common.module_defaults) {
            self.template(value);
        }
        for (word, value) in [
            ("become", &common.r#become),
            ("run_once", &common.run_once),
            ("ignore_errors", &common.ignore_errors),
            ("ignore_unreachable", &common.ignore_unreachable),
            ("any_errors_fatal", &common.any_errors_fatal),
            ("no_log", &common.no_log),
            ("check_mode", &common.check_mode),
            ("diff", &common.diff),
            ("delegate_facts", &common.delegate_facts),
        ] {
            self.boolean(word, value.as_ref());
        }
        for (word, value) in [
            ("port", &common.port),
            ("throttle", &common.throttle),
            ("timeout", &common.timeout),
        ] {
            self.number(word, value.as_ref());
        }
        for value in [
            &common.become_user,
            &common.delegate_to,
            &common.remote_user,
            &common.connection,
        ]
        .into_iter()
        .flatten()
        {
            self.template(value);
        }
    }

    fn boolean(&mut self, word: &str, value: Option<&Value>) {
        if let Some(value) = value
            && !has_template(value)
            && crate::args::from_value::<bool>(value, &self.loader.sources).is_err()
        {
            let message = format!("`{word}` must be a boolean, not {}", value.repr());
            self.report(Diag::error("wrong-type", message).at(value.span, ""));
        }
    }

    fn number(&mut self, word: &str, value: Option<&Value>) {
        if let Some(value) = value
            && !has_template(value)
            && crate::args::from_value::<i64>(value, &self.loader.sources).is_err()
        {
            let message = format!("`{word}` must be a whole number, not {}", value.repr());
            self.report(Diag::error("wrong-type", message).at(value.span, ""));
        }
    }

    fn templates_of(&mut self, map: &Map) {
        for value in map.values() {
            self.template(value);
        }
    }

    /// Checks the syntax of all templates in a value.
    fn template(&mut self, value: &Value) {
        match &value.kind {
            Kind::Str(text) if text.trust == Trust::Template && holds_template(&text.text) => {
                self.syntax(value, false);
            }
            Kind::List(items) => items.iter().for_each(|item| self.template(item)),
            Kind::Map(map) => self.templates_of(map),
            _ => {}
        }
    }

    fn conditions(&mut self, conditions: &[Value]) {
        for condition in conditions {
            match &condition.kind {
                Kind::Str(text)
                    if text.trust == Trust::Template && !text.text.trim().is_empty() =>
                {
                    self.syntax(condition, !holds_template(&text.text));
                }
                Kind::List(items) => self.conditions(items),
                _ => {}
            }
        }
    }

    fn syntax(&mut self, value: &Value, bare: bool) {
        if let Err(diag) = self.loader.engine.check(value, bare) {
            self.report(diag.at_if_none(value.span));
        }
    }

    /// Goes through what a task includes under a constant name.
    fn include(&mut self, task: &Task, around: Around) {
        let Some(entry) = modules::find(&task.module) else {
            return;
        };
        let text = |option: &str| {
            task.args
                .get(option)
                .filter(|value| !has_template(value))
                .and_then(Value::as_str)
        };
        match entry.name {
            "include_tasks" => {
                if let Some(path) = text("file").and_then(|name| files::tasks(self, task, name))
                    && self.seen.insert(format!("tasks:{}", path.display()))
                {
                    match load_tasks(self.loader, &path, task.role.as_ref()) {
                        Ok(loaded) => self.items(&loaded.tasks, around),
                        Err(diag) => self.report(diag),
                    }
                }
            }
            "include_role" => {
                if let Some(name) = text("name").or_else(|| text("role")) {
                    self.include_role(task, name, around);
                }
            }
            _ => {}
        }
    }

    fn include_role(&mut self, task: &Task, name: &str, around: Around) {
        let from = |option: &str| match task.args.get(option) {
            None => Some(None),
            Some(value) if has_template(value) => None,
            Some(value) => Some(Some(value.to_text())),
        };
        let (Some(tasks_from), Some(vars_from), Some(defaults_from), Some(handlers_from)) = (
            from("tasks_from"),
            from("vars_from"),
            from("defaults_from"),
            from("handlers_from"),
        ) else {
            return;
        };
        if !self.seen.insert(format!("role:{name}:{tasks_from:?}")) {
            return;
        }
        let wanted = RoleUse {
            name: name.to_owned(),
            tasks_from,
            vars_from,
            defaults_from,
            handlers_from,
            validate: true,
            dir: task.file.parent().map(PathBuf::from),
        };
        match load_role(self.loader, &wanted, task.role.as_ref()) {
            Ok(loaded) => {
                self.items(&loaded.tasks, around);
                self.items(&loaded.handlers, around);
            }
            // A role that a condition keeps away from need not be there.
            Err(mut diag) => {
                if !task.common.when.is_empty() && diag.code == "role-not-found" {
                    diag.level = Level::Warning;
                }
                self.report(diag.at_if_none(task.args.span.or(task.span)));
            }
        }
    }
}

fn holds_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// True if a value, or anything inside it, is only known after rendering.
fn has_template(value: &Value) -> bool {
    match &value.kind {
        Kind::Str(text) => match text.trust {
            Trust::Template => holds_template(&text.text),
            Trust::Vault => true,
            Trust::Plain => false,
        },
        Kind::List(items) => items.iter().any(has_template),
        Kind::Map(map) => map
            .iter()
            .any(|(key, value)| has_template(value) || key.as_str().is_some_and(holds_template)),
        _ => is_all_template(value),
    }
}
