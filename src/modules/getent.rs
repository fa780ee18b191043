//! `getent`: entries of the system's databases, as facts.

use super::Module;
use super::common::command;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Outcome, View};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Looks entries up in passwd, group, hosts and the like; they become facts (`getent_passwd`).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// `passwd`, `shadow`, `group`, `hosts`, `services` ...
    database: String,
    /// The entry; all where absent.
    #[serde(default)]
    key: Option<String>,
    /// The source to ask (`files`).
    #[serde(default)]
    service: Option<String>,
    /// What separates fields; `:` for account databases, else white space.
    #[serde(default)]
    split: Option<String>,
    /// Fail if there is no such entry.
    #[serde(default = "yes")]
    fail_key: bool,
}

fn yes() -> bool {
    true
}

/// The module.
pub struct Getent;

impl Module for Getent {
    const NAME: &'static str = "getent";
    const FQCN: &'static str = "ansible.builtin.getent";
    const BRINGS_FACTS: bool = true;
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let fact = format!("getent_{}", args.database);
        let entries = match planned(args, view)? {
            Some(entries) => entries,
            None => match ask(args, view)? {
                Known::Known(entries) => entries,
                Known::Unknown => unknown_json(&fact),
            },
        };
        Ok(json!({"ansible_facts": {fact: entries}}))
    }
}

/// Accounts of earlier planned steps, which getent itself does not know yet.
fn planned(args: &Args, view: &dyn View) -> Result<Option<Json>> {
    let Some(key) = &args.key else {
        return Ok(None);
    };
    let number = |id: Option<u32>, what: &str| match id {
        Some(id) => json!(id.to_string()),
        None => unknown_json(&format!("{what} of {key}")),
    };
    Ok(match args.database.as_str() {
        "passwd" => view.user(key)?.presume(None).filter(|u| u.uid.is_none()).map(|u| {
            json!({key: ["x", number(u.uid, "uid"), number(u.gid, "gid"), u.gecos, u.home, u.shell]})
        }),
        "group" => view.group(key)?.presume(None).filter(|g| g.gid.is_none()).map(|g| {
            json!({key: ["x", number(g.gid, "gid"), g.members.join(",")]})
        }),
        _ => None,
    })
}

fn ask(args: &Args, view: &dyn View) -> Result<Known<Json>> {
    let mut argv = vec!["getent"];
    if let Some(service) = &args.service {
        argv.extend(["-s", service]);
    }
    argv.push(&args.database);
    argv.extend(args.key.as_deref());
    let Known::Known(output) = command::query(view, argv)? else {
        return Ok(Known::Unknown);
    };
    let wrong = match output.rc {
        0 => return Ok(Known::Known(entries(args, &output.text()))),
        1 => "Missing arguments, or database unknown.",
        2 if !args.fail_key => {
            let key = args.key.clone().unwrap_or_default();
            return Ok(Known::Known(json!({key: null})));
        }
        2 => "One or more supplied key could not be found in the database.",
        3 => "Enumeration not supported on this database.",
        _ => "Unexpected failure!",
    };
    Err(Diag::error("no-such-entry", wrong)
        .about("key")
        .with("rc", output.rc)
        .with("stderr", output.err_text()))
}

fn entries(args: &Args, text: &str) -> Json {
    let accounts = ["passwd", "shadow", "group", "gshadow"];
    let colon = accounts
        .contains(&args.database.as_str())
        .then(|| ":".to_owned());
    let split = args.split.clone().or(colon);
    let mut found: Map<String, Json> = Map::new();
    for line in text.lines() {
        let mut fields: Vec<&str> = match &split {
            Some(split) => line.split(split.as_str()).collect(),
            None => line.split_whitespace().collect(),
        };
        if fields.is_empty() {
            continue;
        }
        let key = fields.remove(0).to_owned();
        match found.get_mut(&key) {
            // The same name twice (hosts): both lists, as Ansible gives them.
            Some(Json::Array(all)) if all.first().is_some_and(Json::is_array) => {
                all.push(json!(fields));
            }
            Some(first) => *first = json!([first.clone(), fields]),
            None => {
                found.insert(key, json!(fields));
            }
        }
    }
    Json::Object(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_by_database() -> Result<()> {
        let args: Args = crate::args::read(&json!({"database": "passwd"}))?;
        let text = "root:x:0:0:root:/root:/bin/bash\n";
        assert_eq!(
            entries(&args, text)["root"],
            json!(["x", "0", "0", "root", "/root", "/bin/bash"])
        );
        let args: Args = crate::args::read(&json!({"database": "services"}))?;
        assert_eq!(
            entries(&args, "http  80/tcp www\n"),
            json!({"http": ["80/tcp", "www"]})
        );
        Ok(())
    }
}
