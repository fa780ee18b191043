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
    let one = |term: &Value| {
        let name = term.to_text();
        let name = name.trim();
        match std::env::var(name) {
            Ok(text) => {
                let from = format!("<environment variable '{name}'>");
                let span = ask.frame.env.engine.span_of(&from, &text);
                Value::str(text).at(span)
            }
            Err(_) => match ask.options.get("default") {
                None => Value::str(""),
                Some(default) if default.is_null() => Value::str(""),
                Some(default) => default.clone(),
            },
        }
    };
    Ok(ask.terms.iter().map(one).collect())
}

fn vars(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| {
            let Some(name) = term.as_str() else {
                return Err(format!(
                    "Variable name must be 'str' not '{}'.",
                    term.type_name()
                ));
            };
            let found = ask
                .frame
                .env
                .var(name)
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
        let Some(text) = term.as_str() else {
            return Err(format!(
                "Invalid setting identifier, \"{}\" is not a string, it is a <class '{}'>",
                term.to_text(),
                term.type_name()
            ));
        };
        let pattern = Pattern::new(text, Flags::default())
            .map_err(|e| format!("Unable to use \"{text}\" as a search parameter: {e}"))?;
        for name in names.iter().filter(|name| pattern.is_match(name)) {
            found.push(Value::str(name.as_str()));
        }
    }
    Ok(found)
}

/// Hosts that patterns select; one that selects nothing is no error.
fn inventory_hostnames(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let terms: Vec<String> = ask.terms.iter().map(Value::to_text).collect();
    let hosts = ask.frame.scope.select(&terms.join(":")).unwrap_or_default();
    Ok(hosts.into_iter().map(Value::str).collect())
}
