//! Lookups of variables, the environment and the inventory.

use super::{Ask, Lookup};
use crate::jinja::function::message;
use crate::value::Value;
use crate::value::re::{Flags, Pattern};

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("env", env),
    ("inventory_hostnames", inventory_hostnames),
    ("vars", vars),
    ("varnames", varnames),
];

fn env(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| match std::env::var(term.to_text().trim()) {
            Ok(value) => Ok(Value::str(value)),
            Err(_) => Ok(ask
                .options
                .get("default")
                .cloned()
                .unwrap_or_else(|| Value::str(""))),
        })
        .collect()
}

fn vars(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| {
            let name = term.to_text();
            let found = ask
                .frame
                .env
                .var(&name)
                .and_then(|v| v.map(|v| v.to_value()).transpose());
            match found.map_err(message)? {
                Some(value) => Ok(value),
                None => ask.options.get("default").cloned().ok_or_else(|| {
                    format!("No variable named '{name}' was found: it is undefined")
                }),
            }
        })
        .collect()
}

fn varnames(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let names = ask.frame.scope.names();
    let mut found = Vec::new();
    for term in ask.terms {
        let pattern = Pattern::new(&term.to_text(), Flags::default())?;
        for name in names.iter().filter(|name| pattern.is_match(name)) {
            found.push(Value::str(name.as_str()));
        }
    }
    Ok(found)
}

/// Hosts of groups and names; patterns go through the inventory elsewhere.
fn inventory_hostnames(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let hosts = ask.frame.scope.hosts();
    let groups = ask.frame.scope.get("groups").unwrap_or_default();
    let mut found: Vec<Value> = Vec::new();
    for term in ask.terms {
        for part in term.to_text().split([',', ':']) {
            let members: Vec<Value> = match groups.get(part).and_then(Value::as_list) {
                Some(list) => list.to_vec(),
                None => hosts
                    .iter()
                    .filter(|h| h.as_str() == part)
                    .map(|h| Value::str(h.as_str()))
                    .collect(),
            };
            match part.strip_prefix('!') {
                Some(not) => {
                    let out = groups
                        .get(not)
                        .and_then(Value::as_list)
                        .unwrap_or_default()
                        .to_vec();
                    found.retain(|h| !out.contains(h) && h.as_str() != Some(not));
                }
                None => {
                    for host in members {
                        if !found.contains(&host) {
                            found.push(host);
                        }
                    }
                }
            }
        }
    }
    Ok(found)
}
