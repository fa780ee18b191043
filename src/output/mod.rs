//! What happens during a run as one event enum, and who shows it: one consumer a file.

mod adhoc;
mod ansible;
mod console;
mod diff;
mod event;
mod fleet;
mod github;
mod json;
mod junit;
mod log;
mod matching;
mod origin;
mod pyjson;
mod ranges;
mod result;
mod screen;
mod secrets;
mod stats;

pub use adhoc::AdHoc;
pub use ansible::Callback;
pub use console::Console;
pub use event::{Certainty, Cost, Counts, Event, Outcome, Output, PlanCounts, Status, TaskInfo};
pub use fleet::Fleet;
pub use github::Annotations;
pub use json::Lines;
pub use junit::Junit;
pub use log::Log;
pub use pyjson::dumps;
pub use screen::{Colour, Screen};
pub use secrets::{MASK, Masked, Secrets};

/// Several consumers of the same events.
pub struct Tee(pub Vec<Box<dyn Output>>);

impl Output for Tee {
    fn event(&mut self, event: &Event) {
        for output in &mut self.0 {
            output.event(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    /// A task's end on a host.
    pub(super) fn outcome(host: &str, status: Status, result: Json) -> Outcome {
        Outcome {
            host: host.to_owned(),
            task: TaskInfo {
                name: "task".into(),
                module: "command".into(),
                ..TaskInfo::default()
            },
            status,
            result,
            item: None,
            ignored: false,
            delegated_to: None,
            show_diff: false,
            diag: None,
            earlier: false,
            certainty: Certainty::Sure,
            duration: 0.0,
        }
    }

    /// What an output wrote: two screens that end up in one text.
    #[derive(Clone, Default)]
    pub(super) struct Paper(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        pub(super) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }
}
