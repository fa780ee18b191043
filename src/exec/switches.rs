//! Keywords that are booleans: rendered for a task, and again for the items of its loop where they
//! may speak of these.

use super::host::{HostRun, Stop};
use super::results::Unit;
use super::task::Job;
use super::unit::to_bool;
use crate::diag::{Diag, Result};
use crate::jinja::Context;
use crate::play::ast::Common;
use crate::value::{Kind, Value};
use crate::vars::SharedScope;
use std::sync::Arc;

/// How a task is shown and what its failures count for.
pub struct Switches {
    /// `no_log`
    pub no_log: bool,
    /// `ignore_errors`
    pub ignore_errors: bool,
    /// `ignore_unreachable`
    pub ignore_unreachable: bool,
    /// `diff`
    pub diff: bool,
    /// `check_mode`
    pub check: bool,
}

type Scoped<'a> = &'a dyn Fn(&HostRun) -> SharedScope;

impl HostRun {
    /// The switches of a task; what is `omit` counts as in what surrounds the task.
    ///
    /// # Errors
    /// A step that had to be waited for failed.
    pub(super) fn switches(
        &mut self,
        keywords: &Common,
        outer: &Common,
        scope: Scoped<'_>,
        context: &Context,
    ) -> Result<Switches, Stop> {
        let run = self.run.clone();
        let mut switch = |get: fn(&Common) -> &Option<Value>, default: bool| {
            for value in [get(keywords), get(outer)].into_iter().flatten() {
                if let Some(given) = self.switch(value, scope, context)? {
                    return Ok(given);
                }
            }
            Ok(default)
        };
        Ok(Switches {
            no_log: switch(|k| &k.no_log, run.loader.config.no_log)?,
            ignore_errors: switch(|k| &k.ignore_errors, false)?,
            ignore_unreachable: switch(|k| &k.ignore_unreachable, false)?,
            diff: switch(|k| &k.diff, run.options.diff)?,
            check: switch(|k| &k.check_mode, run.options.check)?,
        })
    }

    /// `None` for `omit`; false where it cannot be rendered (yet).
    fn switch(
        &mut self,
        value: &Value,
        scope: Scoped<'_>,
        context: &Context,
    ) -> Result<Option<bool>, Stop> {
        if let Some(known) = value.as_bool() {
            return Ok(Some(known));
        }
        let rendered = self.eval(
            scope,
            |run, scope| run.engine.render_unless_omitted(value, scope, context),
            |value| value.as_ref().is_some_and(|v| v.find_unknown().is_some()),
        )?;
        Ok(match rendered {
            Ok(value) => value.as_ref().map(to_bool),
            Err(_) => Some(false),
        })
    }

    /// The unit of an item of a loop; that of the task unless a switch may speak of the item.
    pub(super) fn unit_of_item(&mut self, job: &Job) -> Result<Arc<Unit>, Stop> {
        let keywords = &job.keywords;
        let switches = [
            &keywords.no_log,
            &keywords.ignore_errors,
            &keywords.ignore_unreachable,
            &keywords.diff,
            &keywords.check_mode,
        ];
        let is_template = |value: &&Value| value.as_str().is_some_and(|text| text.contains("{{"));
        if !switches.into_iter().flatten().any(|v| is_template(&v)) {
            return Ok(job.unit.clone());
        }
        let outer = &job.around.keywords;
        let scope = |host: &HostRun| host.job_scope(job);
        let switches = self.switches(keywords, outer, &scope, &job.unit.context)?;
        let mut unit = Unit::clone(&job.unit);
        unit.set(&switches, self.run.options.plan);
        Ok(Arc::new(unit))
    }

    /// Why a keyword that has to be a boolean is none, if there is one.
    ///
    /// # Errors
    /// A step that had to be waited for failed.
    pub(super) fn wrong_switch(&mut self, job: &Job) -> Result<Option<Box<Diag>>, Stop> {
        let keywords = &job.keywords;
        for (name, value) in [
            ("any_errors_fatal", &keywords.any_errors_fatal),
            ("become", &keywords.r#become),
            ("check_mode", &keywords.check_mode),
            ("delegate_facts", &keywords.delegate_facts),
            ("diff", &keywords.diff),
            ("ignore_errors", &keywords.ignore_errors),
            ("ignore_unreachable", &keywords.ignore_unreachable),
            ("no_log", &keywords.no_log),
        ] {
            let Some(value) = value.as_ref().filter(|value| value.as_bool().is_none()) else {
                continue;
            };
            let rendered = self.eval(
                |host| host.job_scope(job),
                |run, scope| {
                    let context = &job.unit.context;
                    run.engine.render_unless_omitted(value, scope, context)
                },
                |value| value.as_ref().is_some_and(|v| v.find_unknown().is_some()),
            )?;
            let wrong = match rendered {
                Ok(None) => continue,
                Ok(Some(given)) if given.find_unknown().is_some() || is_bool(&given) => continue,
                Ok(Some(given)) => Diag::error(
                    "wrong-type",
                    format!(
                        "The value {} could not be converted to 'bool'.",
                        given.repr()
                    ),
                ),
                Err(diag) => diag,
            };
            let doing = format!("Error processing keyword '{name}'");
            return Ok(Some(wrong.at_if_none(value.span).doing(doing)));
        }
        Ok(None)
    }
}

impl Unit {
    /// Sets what switches say.
    pub(super) fn set(&mut self, switches: &Switches, plan: bool) {
        self.info.no_log = switches.no_log;
        self.ignore_errors = switches.ignore_errors;
        self.ignore_unreachable = switches.ignore_unreachable;
        self.show_diff = switches.diff;
        self.dry = switches.check;
        self.skips_opaque = switches.check && !plan;
    }
}

/// True for what Ansible takes for a boolean.
fn is_bool(value: &Value) -> bool {
    match &value.kind {
        Kind::Bool(_) | Kind::Int(0 | 1) => true,
        Kind::Float(f) => *f == 0.0 || *f == 1.0,
        Kind::Str(text) => matches!(
            text.text.trim().to_ascii_lowercase().as_str(),
            "y" | "yes" | "on" | "1" | "true" | "t" | "n" | "no" | "off" | "0" | "false" | "f"
        ),
        _ => false,
    }
}
