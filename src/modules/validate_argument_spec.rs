//! `validate_argument_spec`: checks variables against a specification.

use super::{Module, Side};
use crate::args::Raw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Checks variables against an argument specification, as a role's `meta/argument_specs.yml` holds
/// it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The specification: option by name.
    pub argument_spec: Raw,
    /// Values that win over the variables of the same name.
    #[serde(default)]
    pub provided_arguments: Option<Raw>,
    /// Put into the result: what the specification belongs to.
    #[serde(default)]
    pub validate_args_context: Option<Raw>,
}

/// The module.
pub struct ValidateArgumentSpec;

impl Module for ValidateArgumentSpec {
    const NAME: &'static str = "validate_argument_spec";
    const FQCN: &'static str = "ansible.builtin.validate_argument_spec";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
