//! `setup`: gathers facts.

use super::{Kind, Module};
use crate::args::Csv;
use crate::diag::Result;
use crate::facts;
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::time::Duration;

/// Gathers facts about a host. Plays do this by themselves unless `gather_facts` is off.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Return only facts whose name matches one of these shell patterns, with or without
    /// `ansible_` in front.
    #[serde(default)]
    filter: Csv,
    /// Families of facts: `all`, `min`, `hardware`, `network`, `virtual`, a fact's own name, or any
    /// of them with `!` in front to leave it out.
    #[serde(default = "all")]
    gather_subset: Csv,
    /// Seconds to wait for what may hang, such as a network mount whose server is gone.
    #[serde(default = "ten")]
    gather_timeout: u64,
    /// Directory of local facts (`*.fact`: executables, JSON or INI).
    #[serde(default = "fact_path")]
    fact_path: PathBuf,
}

fn all() -> Csv {
    vec!["all".to_owned()]
}

fn ten() -> u64 {
    10
}

fn fact_path() -> PathBuf {
    facts::Request::default().fact_path
}

/// The module.
pub struct Setup;

impl Module for Setup {
    const NAME: &'static str = "setup";
    const FQCN: &'static str = "ansible.builtin.setup";
    const ALIASES: &'static [&'static str] = &["gather_facts", "ansible.builtin.gather_facts"];
    const BRINGS_FACTS: bool = true;
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(_: &Args, _: &dyn View) -> Result<Vec<Op>> {
        Ok(Vec::new())
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let request = facts::Request {
            subset: args.gather_subset.clone(),
            fact_path: args.fact_path.clone(),
            timeout: Duration::from_secs(args.gather_timeout),
        };
        let mut facts = facts::gather(view, &request)?;
        facts::keep(&mut facts, &args.filter);
        Ok(json!({"ansible_facts": facts, "changed": false}))
    }
}
