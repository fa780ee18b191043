//! `invocation` of a result: with which arguments the module ran. Results of a loop's items keep it,
//! others only show it with -vvv (observed: ansible-core 2.19.14).

use super::task::Job;
use crate::modules;
use crate::value::{Map, Value, from_json};
use serde_json::Value as Json;

/// Options that no result shows.
const SECRET: [&str; 8] = [
    "api_key",
    "login_password",
    "passphrase",
    "password",
    "secret",
    "token",
    "url_password",
    "vault_password",
];

/// What takes their place, in ansible-core's words.
const HIDDEN: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

/// The `invocation` of a job whose arguments are typed; `None` where nothing will show it.
pub fn of(job: &Job, args: &Json, verbosity: u8) -> Option<Value> {
    if (job.item.is_none() && verbosity < 3) || job.unit.info.no_log {
        return None;
    }
    let entry = modules::find(&job.task.module)?;
    let mut shown = Map::new();
    for (name, value) in options(args) {
        let name = match entry.free_form {
            Some(free) if free == name && matches!(entry.name, "command" | "shell") => {
                "_raw_params"
            }
            _ => name,
        };
        let value = match SECRET.contains(&name) && !value.is_null() {
            true => Value::str(HIDDEN),
            false => from_json(value),
        };
        shown.insert(name, value);
    }
    if matches!(entry.name, "command" | "shell") {
        shown.insert("_uses_shell", entry.name == "shell");
    }
    let invocation: Map = [("module_args", Value::map(shown))].into_iter().collect();
    Some(Value::map(invocation))
}

/// The options of typed arguments; groups of them that modules share are beside their own.
fn options(args: &Json) -> Vec<(&str, &Json)> {
    match args {
        Json::Array(groups) => groups.iter().flat_map(options).collect(),
        Json::Object(map) => map.iter().map(|(k, v)| (k.as_str(), v)).collect(),
        _ => Vec::new(),
    }
}

/// Puts it into a result that is a dict.
pub fn add(result: &mut super::results::Judged, invocation: Option<Value>) {
    if let Some(invocation) = invocation {
        result.set("invocation", invocation);
    }
}
