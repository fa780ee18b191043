//! Steps that have been sent and have not answered yet, and what follows them.
//!
//! The control side runs ahead: it renders and sends steps as long as nothing needs a result.
//! Whatever it reports or sets meanwhile waits here, in order. When a step fails, everything behind
//! it is forgotten, as if the play had stopped there.

use super::collect::{Position, Report};
use super::results::Unit;
use crate::value::{Map, Value};
use std::collections::VecDeque;
use std::sync::Arc;

/// One thing in the queue.
pub enum Entry {
    /// Something to report when everything before it has been.
    Report(Position, Report),
    /// Something that the control side has set already, ahead of the results.
    Effect(Effect),
    /// A step under way.
    Step(Box<Pending>),
    /// An item of a loop that needed no step (a skipped one).
    Item(Box<(Arc<Unit>, Item, super::results::Judged)>),
    /// The end of a loop: its items are before it.
    LoopEnd(Arc<Unit>),
}

/// A change of a host's variables by the control side itself.
#[derive(Clone)]
pub enum Effect {
    /// `set_fact`, `register`.
    Set(String, Value),
    /// `include_vars`.
    Include(Map),
    /// `set_fact` with `cacheable`, facts of control-side modules.
    Facts(Map),
    /// `meta: clear_facts`.
    ClearFacts,
}

/// A step under way.
pub struct Pending {
    /// Its number in the session.
    pub id: u64,
    /// The task.
    pub unit: Arc<Unit>,
    /// The loop's item.
    pub item: Option<Item>,
    /// The `invocation` of its result, where something will show it.
    pub invocation: Option<Value>,
    /// Whether the banner was shown.
    pub begun: bool,
    /// What is to be written down of it.
    pub noted: Option<super::record::Noted>,
}

/// An item of a loop.
#[derive(Clone)]
pub struct Item {
    /// `item` and the other loop variables.
    pub vars: Map,
    /// The name of the loop variable.
    pub var: String,
    /// What is shown of it.
    pub label: String,
    /// A label that could not be rendered before the item: it may speak of its result.
    pub label_of_result: Option<Value>,
    /// Its number in the loop, from 0.
    pub index: u32,
}

/// Queue of one host.
#[derive(Default)]
pub struct Queue {
    entries: VecDeque<Entry>,
    steps: usize,
}

impl Queue {
    /// True while a step is under way.
    pub fn has_steps(&self) -> bool {
        self.steps > 0
    }

    /// Number of steps under way.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        self.steps += usize::from(matches!(entry, Entry::Step(_)));
        self.entries.push_back(entry);
    }

    /// The first entry.
    pub fn front(&mut self) -> Option<&mut Entry> {
        self.entries.front_mut()
    }

    /// Takes the first entry.
    pub fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.steps -= usize::from(matches!(entry, Entry::Step(_)));
        Some(entry)
    }

    /// The tasks of the steps under way.
    pub fn units(&self) -> impl Iterator<Item = &Arc<Unit>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Step(pending) => Some(&pending.unit),
            _ => None,
        })
    }
}
