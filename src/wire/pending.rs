//! Handlers that were notified and have not run: what is said of them.

use crate::modules::StepResult;
use serde::{Deserialize, Serialize};

/// A handler as it is known from one run to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PendingHandler {
    /// The name of the host in the inventory: one machine may have several, and what is pending for
    /// one of them is not for the others.
    #[serde(default)]
    pub host: String,
    /// The role it belongs to, or directory and file name of the playbook.
    pub place: String,
    /// Its name; for a handler without one, what it listens to.
    pub name: String,
}

/// What a step means for the handlers that are pending on its host.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notify {
    /// Noted before the step has its first effect.
    pub handlers: Vec<PendingHandler>,
    /// Whether the step changed or failed is decided by conditions on the control side.
    pub judged: bool,
    /// This step is all that the handler does: if it succeeds, the handler is pending no more.
    pub settles: Option<PendingHandler>,
    /// The note is not this agent's to take: it asks its parent before the first effect.
    pub ask: bool,
}

impl Notify {
    /// True if what was noted for a step stays, now that its result is there.
    pub fn stays(&self, result: &StepResult) -> bool {
        result.result["changed"] == true && (self.judged || !result.is_failed())
    }
}
