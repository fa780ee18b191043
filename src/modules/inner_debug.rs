//! `ansible._protomatter.debug`: what expressions come to, undefined ones marked. ansible-core has
//! it for its own integration tests.

use super::{Module, Side};
use crate::args::Raw;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shows what expressions come to; what is undefined is shown in its place.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// One expression without braces, or a list of them.
    pub expression: Raw,
}

/// The module.
pub struct InnerDebug;

impl Module for InnerDebug {
    const NAME: &'static str = "ansible._protomatter.debug";
    const FQCN: &'static str = "ansible._protomatter.debug";
    const SIDE: Side = Side::Control;
    type Args = Args;
}
