//! YAML inventories: groups with `hosts`, `vars` and `children`.

use super::model::Data;
use super::{ini, ranges};
use crate::diag::{Diag, Result};
use crate::value::{Map, Value};
use std::path::Path;

/// Adds the hosts and groups of a YAML document.
///
/// # Errors
/// `inventory`, at the key or value that is wrong.
pub fn read(data: &mut Data, path: &Path, document: &Value) -> Result<()> {
    let Some(groups) = document.as_map() else {
        return Err(
            Diag::error("inventory", "a YAML inventory is a dict of groups").at(document.span, ""),
        );
    };
    if groups.contains("plugin") {
        return Err(Diag::error(
            "inventory",
            "inventory plugins are not supported; `plugin:` names one",
        )
        .at(document.span, ""));
    }
    for (name, body) in groups {
        group(data, path, &name.to_value().to_text(), body)?;
    }
    Ok(())
}

fn dict<'a>(body: &'a Value, what: &str) -> Result<Option<&'a Map>> {
    if body.is_null() {
        return Ok(None);
    }
    match body.as_map() {
        Some(map) => Ok(Some(map)),
        None => Err(Diag::error("inventory", format!("{what} must be a dict")).at(body.span, "")),
    }
}

fn group(data: &mut Data, path: &Path, name: &str, body: &Value) -> Result<()> {
    data.group(name);
    let Some(body) = dict(body, &format!("group `{name}`"))? else {
        return Ok(());
    };
    for (key, value) in body {
        match key.to_value().to_text().as_str() {
            "vars" => {
                for (key, value) in dict(value, "vars")?.into_iter().flatten() {
                    if key.as_str() == Some("ansible_group_priority") {
                        data.group(name).priority = value.to_text().parse().unwrap_or(1);
                    } else {
                        data.group(name).vars.insert(key.clone(), value.clone());
                    }
                }
            }
            "children" => {
                for (child, body) in dict(value, "children")?.into_iter().flatten() {
                    let child = child.to_value().to_text();
                    group(data, path, &child, body)?;
                    if data.is_below(name, &child) {
                        return Err(Diag::error(
                            "inventory",
                            format!("group `{child}` would contain itself"),
                        )
                        .at(value.span, ""));
                    }
                    data.group(name).children.insert(child);
                }
            }
            "hosts" => hosts(data, path, name, value)?,
            other => {
                return Err(Diag::error(
                    "inventory",
                    format!("unknown key `{other}` in group `{name}`"),
                )
                .at(key.span, "")
                .did_you_mean(other, ["hosts", "vars", "children"]));
            }
        }
    }
    Ok(())
}

fn hosts(data: &mut Data, path: &Path, group: &str, value: &Value) -> Result<()> {
    for (pattern, vars) in dict(value, "hosts")?.into_iter().flatten() {
        let (name, port) = ini::split_port(&pattern.to_value().to_text());
        let names = ranges::expand(&name)
            .map_err(|why| Diag::error("inventory", why).at(pattern.span, ""))?;
        for name in names {
            let entry = data.host(&name);
            if entry.source.is_none() {
                entry.source = Some(path.to_path_buf());
            }
            if let Some(port) = port {
                entry.vars.insert("ansible_port", i64::from(port));
            }
            for (key, value) in dict(vars, "the variables of a host")?.into_iter().flatten() {
                data.host(&name).vars.insert(key.clone(), value.clone());
            }
            data.add_to_group(&name, group);
        }
    }
    Ok(())
}
