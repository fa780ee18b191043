//! One event enum, one consumer a file.

mod event;

pub use event::{
    Certainty, Counts, Event, Outcome, Output, PlanCounts, Status, TaskInfo,
};
