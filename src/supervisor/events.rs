//! Event types: a tree by name, a parent standing for all below it.

/// Every type, parents included.
pub const TYPES: [&str; 27] = [
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
];

/// Whether there is such an event type.
pub fn is_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// Whether a subscription to `wanted` takes an event of type `name`.
pub fn takes(wanted: &str, name: &str) -> bool {
    wanted == "EVENT"
        || name
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_take_their_children() {
        assert!(takes("EVENT", "TICK_5"));
        assert!(takes("TICK", "TICK_5"));
        assert!(!takes("TICK_5", "TICK_60"));
        assert!(!takes("PROCESS_STATE", "PROCESS_LOG_STDOUT"));
        assert!(is_type("PROCESS_GROUP_REMOVED") && !is_type("FOO"));
    }
}
