//! `set_stats`: figures that the recap shows.

use super::{Module, Side};
use crate::args::Raw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sets figures of the run, or of a host, which are shown at its end where `show_custom_stats` is
/// set.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The figures: a dict.
    pub data: Raw,
    /// Each host has its own; else they are the run's.
    pub per_host: Option<Raw>,
    /// Add to what is there (numbers are summed, texts and lists joined, dicts merged); else
    /// replace it.
    pub aggregate: Option<Raw>,
}

/// The module.
pub struct SetStats;

impl Module for SetStats {
    const NAME: &'static str = "set_stats";
    const FQCN: &'static str = "ansible.builtin.set_stats";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
