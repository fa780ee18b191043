//! apt's package lists: how old they are, and how they are updated.

use super::super::command;
use crate::diag::Result;
use crate::sys::{Command, Declared, Effect, Op, View};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::time::Duration;

/// The key under which a planned update, or a planned new source, is known to later steps.
const UPDATED: &str = "apt:lists";

/// Written by a hook of the distribution after each successful update.
const STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";
const LISTS: &str = "/var/lib/apt/lists";

/// When the lists were last updated, in seconds since the epoch; 0 where nobody knows. As
/// ansible-core 2.19.14: the hook's stamp, else the directory of the lists.
pub fn updated_at(view: &dyn View) -> Result<u64> {
    for path in [STAMP, LISTS] {
        if let Some(stat) = view.stat(Path::new(path))?.presume(None) {
            return Ok(stat.mtime as u64);
        }
    }
    Ok(0)
}

/// True where the lists are older than `valid` seconds, and no earlier planned step updates them.
pub fn is_stale(view: &dyn View, valid: u64) -> Result<bool> {
    let fresh = updated_at(view)? as f64 + valid as f64 >= view.now().floor();
    Ok(!fresh && (valid == 0 || !is_updated(view)))
}

/// True where an earlier planned step updates the lists, so that what they will hold is not known.
pub fn is_updated(view: &dyn View) -> bool {
    view.assumed(UPDATED).is_some()
}

/// What an update, or a change of the sources, makes known to later steps.
pub fn effect() -> Effect {
    Effect::Assume(UPDATED.to_owned(), json!(true))
}

/// True for what only updates the lists.
pub fn is_update(op: &Op) -> bool {
    let Op::Run {
        effect: Declared::Effects(effects),
        ..
    } = op
    else {
        return false;
    };
    matches!(&effects[..], [Effect::Assume(key, _)] if key == UPDATED)
}

/// Retries and their longest pause.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// `update_cache_retries`.
    pub retries: u32,
    /// `update_cache_retry_max_delay`, in seconds.
    pub max_delay: u64,
    /// `lock_timeout`, in seconds.
    pub lock: i64,
}

/// Updates the lists. apt-get itself waits for the lock and tries each download again.
pub fn update(patience: Patience) -> Op {
    command::run(update_command(patience).build(), vec![effect()])
}

/// Updates the lists, every one of them; the module looks at what came of it.
pub fn try_update(patience: Patience) -> Op {
    let command = update_command(patience).option("APT::Update::Error-Mode", "any");
    command::attempt(command.build(), vec![effect()])
}

fn update_command(patience: Patience) -> AptGet {
    let retries = patience.retries.max(1);
    // apt waits 1, 2, 4 ... seconds between its own tries.
    let delay = Duration::from_secs(patience.max_delay).as_secs().max(1);
    apt_get(["update"])
        .option("Acquire::Retries", retries.to_string())
        .option("Acquire::Retries::Delay::Maximum", delay.to_string())
        .option("DPkg::Lock::Timeout", patience.lock.to_string())
}

/// An apt-get command under construction.
pub struct AptGet {
    words: Vec<String>,
    options: Vec<String>,
}

/// Starts an apt-get command: action and names.
pub fn apt_get<S: Into<String>>(words: impl IntoIterator<Item = S>) -> AptGet {
    AptGet {
        words: words.into_iter().map(Into::into).collect(),
        options: Vec::new(),
    }
}

impl AptGet {
    /// Adds `-o NAME=VALUE`.
    #[must_use]
    pub fn option(self, name: &str, value: impl AsRef<str>) -> AptGet {
        self.flag("-o").flag(format!("{name}={}", value.as_ref()))
    }

    /// Adds a flag before the action.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> AptGet {
        self.options.push(flag.into());
        self
    }

    /// The command, which asks nobody and speaks English.
    pub fn build(self) -> Command {
        let program = "apt-get".to_owned();
        command::c_locale(
            std::iter::once(program)
                .chain(self.options)
                .chain(self.words),
        )
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("DEBIAN_PRIORITY", "critical")
        .env("LC_CTYPE", "C")
    }
}

/// `cache_updated` and `cache_update_time` of a result. Lists count as updated where their time
/// changed during the step, or where a dry run plans to update them.
pub fn result(view: &dyn View, update: Option<Option<f64>>) -> Result<(Json, Json)> {
    let time = updated_at(view)?;
    let updated = match update {
        Some(Some(start)) => time as f64 >= start.floor(),
        Some(None) => true,
        None => false,
    };
    Ok((json!(updated), json!(time)))
}
