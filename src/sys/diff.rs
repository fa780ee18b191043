//! What an operation changes, as before and after: the `diff` of Ansible's results.

use super::{Op, View};
use crate::diag::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// One entry of a result's `diff` list (Ansible's keys).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// Text before, or an object of attributes before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Json>,
    /// Text or attributes after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Json>,
    /// Heading of the text before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before_header: Option<String>,
    /// Heading of the text after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after_header: Option<String>,
    /// Text that is no before/after pair, such as what apt prints.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prepared: Option<String>,
}

/// The difference that an operation is about to make, or `None` if there is nothing to show.
pub fn of(_op: &Op, _view: &dyn View) -> Result<Option<Diff>> {
    Ok(None)
}
