//! What a task is judged by on a host: its keywords rendered before it begins.

use super::context::Surroundings;
use super::host::{HostRun, Stop};
use super::results::Unit;
use crate::diag::Result;
use crate::modules;
use crate::output::TaskInfo;
use crate::play::ast::{Common, Task};
use crate::value::Value;
use std::sync::Arc;

impl HostRun {
    /// Renders a value for a task, with what is under way waited for.
    ///
    /// # Errors
    /// As [`HostRun::eval`].
    pub fn render(
        &mut self,
        value: &Value,
        task: &Task,
        around: &Surroundings,
    ) -> Result<Result<Value>, Stop> {
        let context = self.context(task, around);
        self.eval(
            |host| host.task_scope(around, task),
            |run, scope| run.engine.render(value, scope, &context),
            |rendered| rendered.find_unknown().is_some(),
        )
    }

    /// The same, keeping the value as it is where it cannot be rendered: for names and tags.
    ///
    /// # Errors
    /// A step that had to be waited for failed.
    pub fn render_or(
        &mut self,
        value: &Value,
        task: &Task,
        around: &Surroundings,
    ) -> Result<Value, Stop> {
        Ok(self
            .render(value, task, around)?
            .unwrap_or_else(|_| value.clone()))
    }

    /// A keyword that is a boolean; absent means false.
    ///
    /// # Errors
    /// A step that had to be waited for failed.
    pub fn flag(
        &mut self,
        value: Option<&Value>,
        task: &Task,
        around: &Surroundings,
    ) -> Result<bool, Stop> {
        let Some(value) = value else {
            return Ok(false);
        };
        if let Some(b) = value.as_bool() {
            return Ok(b);
        }
        let rendered = self.render_or(value, task, around)?;
        Ok(to_bool(&rendered))
    }

    pub(super) fn unit(
        &mut self,
        task: &Arc<Task>,
        around: &Arc<Surroundings>,
        keywords: &Common,
    ) -> Result<Arc<Unit>, Stop> {
        let name = match &task.name {
            Some(name) if name.to_text().contains("{{") => {
                let context = self.context(task, around);
                let shown = self.eval(
                    |host| host.task_scope(around, task),
                    |run, scope| run.engine.render_marked(name, scope, &context),
                    |(value, _)| value.find_unknown().is_some(),
                )?;
                shown.map_or_else(|_| name.to_text(), |(value, _)| value.to_text())
            }
            Some(name) => name.to_text(),
            None => unnamed(task),
        };
        let entry = modules::find(&task.module);
        let info = TaskInfo {
            name,
            role: task
                .role
                .as_ref()
                .or(around.role.as_ref())
                .map(|role| role.name.clone()),
            module: entry.map_or(task.module.as_str(), |e| e.name).to_owned(),
            handler: around.handler,
            path: self
                .run
                .sources
                .place(task.span)
                .unwrap_or_else(|| task.file.display().to_string()),
            no_log: false,
        };
        let context = self.context(task, around);
        let scope = |host: &HostRun| host.task_scope(around, task);
        let switches = self.switches(keywords, &around.keywords, &scope, &context)?;
        self.begun += 1;
        let mut unit = Unit {
            number: self.begun,
            ignore_errors: false,
            ignore_unreachable: false,
            task: task.clone(),
            info,
            at: self.at.clone(),
            host: self.host.clone(),
            scope: self.task_scope(around, task),
            context,
            register: task.register.as_ref().map(Value::to_text),
            notify: around.notify.iter().chain(&task.notify).cloned().collect(),
            show_diff: false,
            delegated_to: None,
            dry: false,
            brings_facts: entry.is_some_and(|entry| entry.brings_facts),
            skips_opaque: false,
        };
        unit.set(&switches, self.run.options.plan);
        Ok(Arc::new(unit))
    }
}

/// What is shown of a task without a name: its module; of an included role its name too.
fn unnamed(task: &Task) -> String {
    let role = modules::find(&task.module)
        .filter(|entry| entry.name == "include_role")
        .and_then(|_| task.args.get("name").or_else(|| task.args.get("role")));
    match role {
        Some(role) => format!("{} : {}", task.module, role.to_text()),
        None => task.module.clone(),
    }
}

/// Ansible's conversion of a keyword to a boolean.
pub fn to_bool(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => matches!(
            text.trim().to_ascii_lowercase().as_str(),
            "y" | "yes" | "on" | "1" | "true" | "t"
        ),
        None => value.truthy(),
    }
}
