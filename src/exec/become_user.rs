//! As whom a step is performed.

use super::run::Run;
use super::task::Job;
use super::unit::to_bool;
use crate::diag::{Diag, Result};
use crate::value::Value;
use crate::vars::SharedScope;
use crate::wire::Become;

/// The rendered value of a keyword; `None` where it is `omit`.
fn keyword(
    run: &Run,
    name: &str,
    value: &Value,
    scope: &SharedScope,
    context: &crate::jinja::Context,
) -> Result<Option<Value>> {
    let rendered = run.engine.render_unless_omitted(value, scope, context);
    rendered.map_err(|diag| diag.doing(format!("Error processing keyword '{name}'")))
}

/// Flags of sudo that do no more than the agent does anyway.
const USUAL_FLAGS: [&str; 8] = [
    "-H",
    "-S",
    "-n",
    "-HSn",
    "-HS",
    "--set-home",
    "--stdin",
    "--non-interactive",
];

/// As whom a step is performed: connection variables win over keywords, keywords over the command
/// line and the configuration.
pub fn become_of(run: &Run, job: &Job, scope: &SharedScope) -> Result<Option<Become>> {
    let reached_by = job.unit.reached_by(scope);
    let outer = &job.around.keywords;
    let pick = |variables: &[&str], given: [&Option<Value>; 2], default: &str| -> Result<String> {
        for name in variables {
            if let Some(value) = reached_by.get(name) {
                let value = run.engine.render(&value, reached_by, &job.unit.context)?;
                if !value.is_null() {
                    return Ok(value.to_text());
                }
            }
        }
        // What is `omit` counts as in what surrounds the task.
        for value in given.into_iter().flatten() {
            let name = variables[0].trim_start_matches("ansible_");
            if let Some(value) = keyword(run, name, value, scope, &job.unit.context)? {
                return Ok(value.to_text());
            }
        }
        Ok(default.to_owned())
    };
    let defaults = &run.options.r#become;
    let keywords = &job.keywords;
    let wanted = pick(
        &["ansible_become"],
        [&keywords.r#become, &outer.r#become],
        if defaults.enabled { "True" } else { "False" },
    )?;
    if !to_bool(&Value::str(wanted)) {
        return Ok(None);
    }
    let method = pick(
        &["ansible_become_method"],
        [&keywords.become_method, &outer.become_method],
        &defaults.method,
    )?;
    let method = method.rsplit('.').next().unwrap_or(&method).to_owned();
    let user = pick(
        &["ansible_become_user", "ansible_sudo_user"],
        [&keywords.become_user, &outer.become_user],
        &defaults.user,
    )?;
    let flags = pick(
        &["ansible_become_flags"],
        [&keywords.become_flags, &outer.become_flags],
        "",
    )?;
    let exe = pick(
        &["ansible_become_exe"],
        [&keywords.become_exe, &outer.become_exe],
        "",
    )?;
    let password = pick(
        &[
            "ansible_become_password",
            "ansible_become_pass",
            "ansible_sudo_pass",
        ],
        [&None, &None],
        defaults.password.as_deref().unwrap_or_default(),
    )?;
    let chdir = pick(&["ansible_sudo_chdir"], [&None, &None], "")?;
    let flags = shell_words::split(&flags)
        .map_err(|e| Diag::error("become", format!("become_flags cannot be split: {e}")))?;
    Ok(Some(Become {
        user: if user.is_empty() {
            "root".to_owned()
        } else {
            user
        },
        flags: flags
            .into_iter()
            .filter(|flag| !USUAL_FLAGS.contains(&flag.as_str()))
            .collect(),
        chdir: Some(chdir).filter(|dir| !dir.is_empty() && method == "sudo"),
        method,
        exe: Some(exe).filter(|exe| !exe.is_empty()),
        password: Some(password).filter(|password| !password.is_empty()),
    }))
}
