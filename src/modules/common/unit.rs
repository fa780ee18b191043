//! Services, whichever program looks after them: what is known of one, and what a step makes known.

use crate::sys::{Effect, View};
use serde_json::{Value as Json, json};

/// What is known of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// There is such a service.
    pub exists: bool,
    /// It runs.
    pub active: bool,
    /// It starts with the system.
    pub enabled: bool,
    /// It is masked (systemd).
    pub masked: bool,
}

/// What a service is after the package that brings it has been installed (Debian's policy).
pub const BROUGHT: Unit = Unit {
    exists: true,
    active: true,
    enabled: true,
    masked: false,
};

fn key(scope: &str, name: &str) -> String {
    let name = name.strip_suffix(".service").unwrap_or(name);
    match scope {
        "system" => format!("service:{name}"),
        scope => format!("service:{scope}:{name}"),
    }
}

/// What earlier planned steps make of a service; parts they do not speak of are taken to be so.
pub fn assumed(view: &dyn View, scope: &str, name: &str) -> Option<Unit> {
    let state = view.assumed(&key(scope, name))?;
    let yes = |part: &str, default: bool| state[part].as_bool().unwrap_or(default);
    Some(Unit {
        exists: yes("exists", true),
        active: yes("active", true),
        enabled: yes("enabled", true),
        masked: yes("masked", false),
    })
}

/// Makes a state known to later steps.
pub fn effect(scope: &str, name: &str, unit: Unit) -> Effect {
    let state: Json = json!({
        "active": unit.active,
        "enabled": unit.enabled,
        "exists": unit.exists,
        "masked": unit.masked,
    });
    Effect::Assume(key(scope, name), state)
}
