//! The end of a run that the user has interrupted: what runs is ended, and what is known is kept.

use super::host::HostRun;
use super::queue::Entry;
use super::record::Noted;
use crate::diag::Diag;
use crate::output::Event;
use crate::wire::FromAgent;
use std::collections::HashMap;

/// What is to be written down of a step, and whether its result is not.
pub(super) type Known = (Noted, bool);

impl HostRun {
    /// The host has left its play while steps are under way: they are ended or dropped, and their
    /// results written down.
    pub fn cancel_all(&mut self) {
        let mut noted: HashMap<u64, Known> = std::mem::take(&mut self.void);
        let mut running = None;
        while let Some(entry) = self.queue.pop() {
            if let Entry::Step(mut pending) = entry {
                running.get_or_insert_with(|| pending.unit.info.name.clone());
                let private = pending.unit.info.no_log;
                noted.extend(
                    pending
                        .noted
                        .take()
                        .map(|noted| (pending.id, (noted, private))),
                );
            }
        }
        let own = self.host.clone();
        let open: Vec<String> = self.sessions.keys().cloned().collect();
        for name in open {
            let mut noted = |id| match name == own {
                true => noted.remove(&id),
                false => None,
            };
            self.cancel(&name, &mut noted);
        }
        if let (Some(task), true) = (running, self.run.interrupted()) {
            self.tell_ended(&task);
        }
    }

    /// Ends what a session runs, and writes down what is told of steps.
    pub fn cancel(&mut self, target: &str, noted: &mut dyn FnMut(u64) -> Option<Known>) {
        let Some(session) = self.sessions.get_mut(target) else {
            return;
        };
        if session.is_through() {
            return;
        }
        for answer in session.cancel() {
            if let FromAgent::Done { id, result, .. } = answer
                && let Some((noted, private)) = noted(id)
            {
                self.note_step(Some(noted), &result, private);
            }
        }
    }

    /// Tells the user where a host was.
    pub fn tell_ended(&self, task: &str) {
        let text = format!("host {}: interrupted at or before task `{task}`", self.host);
        let diag = Diag::warning("interrupted", text);
        self.run.collector().event(&Event::Message(diag));
    }
}
