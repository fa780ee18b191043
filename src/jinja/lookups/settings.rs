//! `config`: settings of `ansible.cfg` and the environment.

use super::{Ask, Lookup};
use crate::config::{self, Config};
use crate::value::Value;
use std::path::PathBuf;

pub const LOOKUPS: &[(&str, Lookup)] = &[("config", settings)];

fn settings(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let config = config::load().map_err(|diag| diag.message)?;
    let missing = ask
        .text("on_missing")
        .or_else(|| ask.text("on_undefined"))
        .unwrap_or_else(|| "error".to_owned());
    if !["error", "skip", "warn"].contains(&missing.as_str()) {
        return Err(format!(
            "Value '{missing}' is not a valid choice for 'on_missing': error, warn, skip"
        ));
    }
    let plugin =
        match (ask.text("plugin_type"), ask.text("plugin_name")) {
            (Some(kind), Some(name)) => Some((kind, name)),
            (None, None) => None,
            _ => return Err(
                "Both plugin_type and plugin_name are required, cannot use one without the other"
                    .to_owned(),
            ),
        };
    let mut found = Vec::new();
    for term in ask.terms {
        let Some(name) = term.as_str() else {
            return Err(format!(
                "Invalid setting identifier, {:?} is not a string.",
                term.to_text()
            ));
        };
        let value = match &plugin {
            Some((kind, plugin)) => option(&config, kind, plugin, name),
            None => setting(&config, name),
        };
        match value {
            Some(value) => found.push(value),
            None if missing == "error" => {
                return Err(format!("No config definition exists for '{name}'."));
            }
            None => {}
        }
    }
    Ok(found)
}

/// An option of a plugin.
fn option(config: &Config, kind: &str, plugin: &str, name: &str) -> Option<Value> {
    let text = |text: &str| Some(Value::str(text));
    let short = plugin.rsplit('.').next().unwrap_or(plugin);
    match (kind, short, name) {
        ("become", _, "become_user") => text(&config.become_user),
        ("become", "sudo" | "su", "become_exe") => text(short),
        ("become", "sudo", "become_flags") => text("-H -S -n"),
        ("become", "su", "become_flags") => text(""),
        ("become", "sudo" | "su", "become_pass") => Some(Value::null()),
        ("connection", "ssh", "ssh_args") => match &config.ssh_args {
            Some(args) => text(args),
            None => text("-C -o ControlMaster=auto -o ControlPersist=60s"),
        },
        ("connection", "ssh", "host_key_checking") => Some(config.host_key_checking.into()),
        ("connection", "ssh", "reconnection_retries") => {
            Some(Value::from(i64::from(config.ssh_retries)))
        }
        ("connection", "ssh", "remote_user") => Some(
            config
                .remote_user
                .as_deref()
                .map_or_else(Value::null, Value::str),
        ),
        ("connection", "ssh", "port") => Some(
            config
                .remote_port
                .map_or_else(Value::null, |port| Value::from(i64::from(port))),
        ),
        ("shell", _, "remote_tmp") => text("~/.ansible/tmp"),
        _ => None,
    }
}

/// A setting by the name that ansible-core's list of settings has for it.
fn setting(config: &Config, name: &str) -> Option<Value> {
    let text = |text: &str| Value::str(text);
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let optional = |text: Option<&str>| text.map_or_else(Value::null, Value::str);
    let path = |path: &Option<PathBuf>| optional(path.as_ref().and_then(|p| p.to_str()));
    let paths = |paths: &[PathBuf]| {
        let shown = paths.iter().map(|p| text(&p.to_string_lossy()));
        Value::list(shown.collect())
    };
    let texts = |list: &[String]| Value::list(list.iter().map(|t| text(t)).collect());
    Some(match name {
        "ANY_ERRORS_FATAL" => config.any_errors_fatal.into(),
        "COLLECTIONS_PATHS" => paths(&config.collections_path),
        "CONFIG_FILE" => path(&config.file),
        "DEFAULT_BECOME" => config.r#become.into(),
        "DEFAULT_BECOME_ASK_PASS" => config.become_ask_pass.into(),
        "DEFAULT_BECOME_METHOD" => text(&config.become_method),
        "DEFAULT_BECOME_USER" => text(&config.become_user),
        "DEFAULT_FORCE_HANDLERS" => config.force_handlers.into(),
        "DEFAULT_FORKS" => number(config.forks as u64),
        "DEFAULT_GATHERING" => text(&config.gathering),
        "DEFAULT_HASH_BEHAVIOUR" => text(&config.hash_behaviour),
        "DEFAULT_HOST_LIST" => texts(&config.inventory),
        "DEFAULT_MANAGED_STR" => text("Ansible managed"),
        "DEFAULT_PRIVATE_KEY_FILE" => path(&config.private_key_file),
        "DEFAULT_PRIVATE_ROLE_VARS" => config.private_role_vars.unwrap_or(false).into(),
        "DEFAULT_REMOTE_USER" => optional(config.remote_user.as_deref()),
        "DEFAULT_ROLES_PATH" => paths(&config.roles_path),
        "DEFAULT_STDOUT_CALLBACK" => text(&config.stdout_callback),
        "DEFAULT_TIMEOUT" => number(config.timeout),
        "DEFAULT_VAULT_IDENTITY_LIST" => texts(&config.vault_identity_list),
        "DEFAULT_VAULT_PASSWORD_FILE" => path(&config.vault_password_file),
        "DISPLAY_SKIPPED_HOSTS" => config.display.skipped_hosts.into(),
        "HOST_KEY_CHECKING" => config.host_key_checking.into(),
        _ => return None,
    })
}
