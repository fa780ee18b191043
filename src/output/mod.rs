//! One event enum, one consumer a file.

mod event;
mod screen;

pub use event::{Certainty, Counts, Event, Outcome, Output, PlanCounts, Status, TaskInfo};
pub use screen::{Colour, Screen};
