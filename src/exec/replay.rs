//! What an earlier attempt at a run has done, step by step.
//!
//! A run that is gone on with walks through its plays from the beginning. A step that has a result
//! here is not sent: its result is judged, registered and notified as if it had just come. So what
//! follows from it (variables, conditions, includes, loops, handlers, a rescue) is as it was.

use super::record::{Line, Noted};
use crate::modules::StepResult;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The steps of earlier attempts.
///
/// A step is known by its place in the play and by what it consists of. A playbook may have been
/// edited: a step that is not at its place is looked for elsewhere. It is the same one if its task is
/// written in the same way and comes to the same arguments.
#[derive(Default)]
pub struct Replay {
    entries: Vec<Entry>,
    /// The entry at each place, by owner and key.
    at: HashMap<(String, String), usize>,
    /// Entries by owner and print, in the order of the run.
    like: HashMap<(String, String), Vec<usize>>,
    /// Sessions that did not end in peace, the newest last.
    pub sessions: Vec<Open>,
    /// The last step of each session whose answer has come.
    answered: HashMap<String, u64>,
}

/// One step.
struct Entry {
    noted: Noted,
    /// Nobody knows what came of it.
    unknown: bool,
    /// It does not count as done.
    void: bool,
    /// This attempt has come by it.
    taken: bool,
}

/// What a step is asked for by.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The host.
    pub host: &'a str,
    /// The place, the item, the attempt.
    pub key: &'a str,
    /// The task as written.
    pub print: &'a str,
    /// What it comes to; empty where that is not to be known.
    pub content: &'a str,
}

/// What is known of a step.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its number here.
    pub number: usize,
    /// What was written down of it.
    pub noted: &'a Noted,
    /// Nobody knows what came of it.
    pub unknown: bool,
}

/// A replay that one run takes.
#[derive(Clone, Default)]
pub struct Once(Arc<Mutex<Option<Replay>>>);

impl Once {
    /// For an attempt after others.
    pub fn of(replay: Replay) -> Once {
        Once(Arc::new(Mutex::new(Some(replay))))
    }

    /// Takes it.
    pub fn take(&self) -> Option<Replay> {
        let mut replay = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replay.take()
    }
}

impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Once")
    }
}

/// A session that was left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its name.
    pub name: String,
    /// The host whose step it was.
    pub host: String,
    /// The play.
    pub place: String,
    /// The host it leads to, with the kind of connection where that is not the host's own.
    pub target: String,
}

/// Reads a journal. Failures that ended a host's way do not count as done, nor does one after which
/// nothing is known of the host: it may just not have been noted that it ended there.
pub fn read(lines: &[Line]) -> Replay {
    let mut replay = Replay::default();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let mut open: Vec<Open> = Vec::new();
    for line in lines {
        match line {
            Line::Step(noted) => {
                if let Some((session, id)) = &noted.sent {
                    replay.answered.insert(session.clone(), *id);
                }
                let number = replay.put(Noted::clone(noted), false);
                last.insert(&noted.host, number);
            }
            Line::Moved {
                host,
                from,
                to,
                print,
            } => replay.moved(host, from, to, print),
            Line::Fatal { host, place } => {
                for entry in &mut replay.entries {
                    let noted = &entry.noted;
                    let here = noted.host == *host || noted.key.starts_with('*');
                    entry.void |= here && at(&noted.key) == place && noted.flags.1;
                }
            }
            Line::Session {
                name,
                host,
                place,
                target,
            } => open.push(Open {
                name: name.clone(),
                host: host.clone(),
                place: place.clone(),
                target: target.clone(),
            }),
            Line::Closed { name } => open.retain(|open| open.name != *name),
            Line::Pending { .. } | Line::Task { .. } | Line::Again => {}
        }
    }
    for number in last.into_values() {
        let entry = &mut replay.entries[number];
        entry.void |= entry.noted.flags.1;
    }
    replay.sessions = open;
    replay
}

/// Whose steps those are that one host performs for all.
const ANY: &str = "*";

fn owner(key: &str, host: &str) -> String {
    match key.starts_with('*') {
        true => ANY.to_owned(),
        false => host.to_owned(),
    }
}

/// The place of a step in the run: its key without the item and the attempt.
pub fn at(key: &str) -> &str {
    let key = key.trim_start_matches('*');
    key.split('#').next().unwrap_or(key)
}

/// The name of a step on the host: its key with its prints.
pub fn on_host(key: &str, print: &str, content: &str) -> String {
    format!("{key}~{print}~{content}")
}

/// The parts of such a name.
pub fn parts(name: &str) -> (&str, &str, &str) {
    let mut parts = name.splitn(3, '~');
    let mut part = || parts.next().unwrap_or_default();
    (part(), part(), part())
}

/// Which try at a step it is.
fn attempt(key: &str) -> &str {
    key.rsplit('+').next().unwrap_or_default()
}

/// The play of a step.
fn play(key: &str) -> &str {
    let key = key.trim_start_matches('*');
    key.split(':').next().unwrap_or_default()
}

impl Replay {
    fn put(&mut self, noted: Noted, unknown: bool) -> usize {
        let owner = owner(&noted.key, &noted.host);
        let number = self.entries.len();
        let place = (owner.clone(), noted.key.clone());
        if let Some(before) = self.at.insert(place, number) {
            let before = &mut self.entries[before];
            // Of the same step only the newest counts.
            before.void |= before.noted.print == noted.print || noted.print.is_empty();
        }
        let like = self.like.entry((owner, noted.print.clone()));
        like.or_default().push(number);
        self.entries.push(Entry {
            noted,
            unknown,
            void: false,
            taken: false,
        });
        number
    }

    /// An earlier attempt has found a step at another place than the one before.
    fn moved(&mut self, host: &str, from: &str, to: &str, print: &str) {
        let owner = owner(to, host);
        let alike = self.like.get(&(owner.clone(), print.to_owned()));
        let found = alike.and_then(|alike| {
            let here = |number: &&usize| {
                let entry = &self.entries[**number];
                entry.noted.key == from && !entry.void
            };
            alike.iter().rfind(here).copied()
        });
        let Some(number) = found else { return };
        if self.at.get(&(owner.clone(), from.to_owned())) == Some(&number) {
            self.at.remove(&(owner.clone(), from.to_owned()));
        }
        to.clone_into(&mut self.entries[number].noted.key);
        self.at.insert((owner, to.to_owned()), number);
    }

    /// What is known of a step: at its place, else of one that is the same elsewhere. Each is found
    /// once.
    pub fn step(&self, asked: Asked<'_>) -> Option<Found<'_>> {
        let owner = owner(asked.key, asked.host);
        let here = self.at.get(&(owner.clone(), asked.key.to_owned()));
        let here = here.copied().filter(|number| {
            let entry = &self.entries[*number];
            let print = &entry.noted.print;
            !entry.void && !entry.taken && (print.is_empty() || print == asked.print)
        });
        let number = here.or_else(|| self.elsewhere(owner, asked))?;
        let entry = &self.entries[number];
        Some(Found {
            number,
            noted: &entry.noted,
            unknown: entry.unknown,
        })
    }

    /// The same step at another place. Where it is not to be known what it comes to, there must be
    /// only one of its kind.
    fn elsewhere(&self, owner: String, asked: Asked<'_>) -> Option<usize> {
        if asked.print.is_empty() {
            return None;
        }
        let alike = self.like.get(&(owner, asked.print.to_owned()))?;
        let tries = |number: &&usize| {
            let entry = &self.entries[**number];
            !entry.void && attempt(&entry.noted.key) == attempt(asked.key)
        };
        let mut alike = alike.iter().filter(tries);
        let fits = |number: &&usize| {
            let entry = &self.entries[**number];
            // What took its place came after it.
            !entry.taken && entry.noted.key != asked.key && entry.noted.content == asked.content
        };
        if !asked.content.is_empty() {
            return alike.find(fits).copied();
        }
        let only = alike.next().filter(fits).copied();
        let alone = alike.next().is_none();
        only.filter(|number| alone && play(&self.entries[*number].noted.key) == play(asked.key))
    }

    /// A step is come by. Returns its earlier place where that was another one.
    pub fn take(&mut self, number: usize, key: &str) -> Option<String> {
        let entry = &mut self.entries[number];
        entry.taken = true;
        (entry.noted.key != key).then(|| entry.noted.key.clone())
    }

    /// The last step of a session whose answer has come.
    pub fn answered(&self, session: &str) -> u64 {
        self.answered.get(session).copied().unwrap_or_default()
    }

    /// How many steps are done, and on how many hosts.
    pub fn size(&self) -> (usize, usize) {
        let done = || {
            self.entries
                .iter()
                .filter(|entry| !entry.void && !entry.unknown)
        };
        let hosts: HashSet<&String> = done().map(|entry| &entry.noted.host).collect();
        (done().count(), hosts.len())
    }

    /// What the host's journal knows of a step: its result, or that nobody knows it.
    pub fn add(&mut self, host: &str, name: &str, result: Option<StepResult>) {
        // A failure may have been the end of the host's way; what comes of it now decides.
        if result.as_ref().is_some_and(StepResult::is_failed) {
            return;
        }
        let (key, print, content) = parts(name);
        let unknown = result.is_none();
        let changed = result.as_ref().is_some_and(|r| r.result["changed"] == true);
        let noted = Noted {
            host: host.to_owned(),
            key: key.to_owned(),
            print: print.to_owned(),
            content: content.to_owned(),
            sent: None,
            result,
            flags: (changed, false),
        };
        self.put(noted, unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn step(host: &str, key: &str, failed: bool) -> Line {
        let result = StepResult::of(json!({"changed": true, "failed": failed}));
        Line::Step(Box::new(Noted {
            host: host.to_owned(),
            key: key.to_owned(),
            print: "p".to_owned(),
            content: "c".to_owned(),
            sent: Some(("s".to_owned(), 7)),
            result: Some(result),
            flags: (true, failed),
        }))
    }

    fn written(host: &str, key: &str, print: &str, content: &str) -> Line {
        let Line::Step(mut noted) = step(host, key, false) else {
            panic!("not a step");
        };
        noted.print = print.to_owned();
        noted.content = content.to_owned();
        noted.result = noted.result.map(|result| StepResult {
            result: json!({"key": key}),
            ..result
        });
        Line::Step(noted)
    }

    /// Takes a step; the place that it had when it was performed.
    fn come_by(replay: &mut Replay, key: &str, print: &str, content: &str) -> Option<String> {
        let asked = Asked {
            host: "a",
            key,
            print,
            content,
        };
        let found = replay.step(asked)?;
        let number = found.number;
        let result = found.noted.result.as_ref();
        let place = result.map(|r| r.result["key"].as_str().unwrap_or_default().to_owned());
        replay.take(number, key);
        place
    }

    fn fatal(host: &str, place: &str) -> Line {
        Line::Fatal {
            host: host.to_owned(),
            place: place.to_owned(),
        }
    }

    #[test]
    fn what_ended_a_host_is_not_done() {
        let replay = read(&[
            step("a", "1:4.0#-+0", false),
            // Rescued: the way led on.
            step("a", "1:4.1#-+0", true),
            step("a", "1:4.2#0+0", false),
            step("a", "1:4.2#1+0", true),
            // An `always` section after it.
            step("a", "1:4.3#-+0", false),
            fatal("a", "1:4.2"),
            step("b", "1:4.0#-+0", true),
        ]);
        let has = |host: &str, key: &str| {
            let (print, content) = ("p", "other");
            let asked = Asked {
                host,
                key,
                print,
                content,
            };
            replay.step(asked).is_some()
        };
        assert!(has("a", "1:4.0#-+0") && has("a", "1:4.1#-+0") && has("a", "1:4.2#0+0"));
        assert!(!has("a", "1:4.2#1+0"), "it failed");
        assert!(has("a", "1:4.3#-+0"));
        assert!(!has("b", "1:4.0#-+0"), "nothing is known behind it");
        let edited = Asked {
            host: "a",
            key: "1:4.0#-+0",
            print: "other",
            content: "c",
        };
        assert!(replay.step(edited).is_none());
        assert_eq!(replay.answered("s"), 7);
    }

    #[test]
    fn what_one_does_for_all_is_anybodys() {
        let replay = read(&[step("a", "*1:4.0#-+0", false)]);
        let asked = Asked {
            host: "b",
            key: "*1:4.0#-+0",
            print: "p",
            content: "c",
        };
        assert!(replay.step(asked).is_some());
        assert_eq!(at("*1:4.0#-+0"), "1:4.0");
    }

    #[test]
    fn a_step_that_an_edit_has_moved_is_found() {
        let lines = [
            written("a", "1:4.0#-+0", "one", "1"),
            written("a", "1:4.1#-+0", "two", "2"),
            written("a", "1:4.2#-+0", "dup", "d"),
            written("a", "1:4.3#-+0", "dup", "d"),
            written("a", "1:4.4#-+0", "secret", ""),
        ];
        let none = None::<String>;
        let at = |key: &str| Some(key.to_owned());
        let mut replay = read(&lines);
        assert_eq!(
            come_by(&mut replay, "1:4.0#-+0", "one", "1"),
            at("1:4.0#-+0")
        );
        // A new one before all others.
        assert_eq!(come_by(&mut replay, "1:4.1#-+0", "new", "n"), none);
        assert_eq!(
            come_by(&mut replay, "1:4.2#-+0", "two", "2"),
            at("1:4.1#-+0")
        );
        // As often as they ran.
        assert_eq!(
            come_by(&mut replay, "1:4.3#-+0", "dup", "d"),
            at("1:4.3#-+0")
        );
        assert_eq!(
            come_by(&mut replay, "1:4.4#-+0", "dup", "d"),
            at("1:4.2#-+0")
        );
        assert_eq!(come_by(&mut replay, "1:4.5#-+0", "dup", "d"), none);
        assert_eq!(
            come_by(&mut replay, "1:4.6#-+0", "secret", ""),
            at("1:4.4#-+0")
        );
        // Found once, and only if it comes to the same.
        assert_eq!(come_by(&mut replay, "1:4.7#-+0", "one", "1"), none);
        let mut replay = read(&lines);
        assert_eq!(come_by(&mut replay, "1:4.6#-+0", "one", "other"), none);
        assert_eq!(
            come_by(&mut replay, "1:4.6#-+1", "one", "1"),
            none,
            "another try"
        );
        assert_eq!(
            come_by(&mut replay, "2:4.6#-+0", "one", "1"),
            at("1:4.0#-+0")
        );
    }

    #[test]
    fn what_was_moved_stays_where_it_was_found() {
        let mut lines = vec![written("a", "1:4.0#-+0", "one", "1")];
        let moved = Line::Moved {
            host: "a".to_owned(),
            from: "1:4.0#-+0".to_owned(),
            to: "1:4.1#-+0".to_owned(),
            print: "one".to_owned(),
        };
        lines.extend([moved, written("a", "1:4.0#-+0", "new", "n")]);
        let at = |key: &str| Some(key.to_owned());
        for reversed in [false, true] {
            if reversed {
                // It was noted later than what took its place.
                lines.swap(1, 2);
            }
            let mut replay = read(&lines);
            assert_eq!(
                come_by(&mut replay, "1:4.0#-+0", "new", "n"),
                at("1:4.0#-+0")
            );
            assert_eq!(
                come_by(&mut replay, "1:4.1#-+0", "one", "1"),
                at("1:4.0#-+0")
            );
        }
        // One that was replaced where it stood, and is back there, is not done.
        lines.retain(|line| !matches!(line, Line::Moved { .. }));
        lines.sort_by_key(|line| matches!(line, Line::Step(noted) if noted.print == "new"));
        assert_eq!(come_by(&mut read(&lines), "1:4.0#-+0", "one", "1"), None);
    }

    #[test]
    fn what_hosts_know_is_found_by_its_prints() {
        let mut replay = Replay::default();
        replay.add("a", &on_host("1:4.0#-+0", "one", "1"), None);
        let asked = |print| Asked {
            host: "a",
            key: "1:4.0#-+0",
            print,
            content: "1",
        };
        assert!(replay.step(asked("one")).unwrap().unknown);
        assert!(replay.step(asked("two")).is_none(), "another task");
        assert_eq!(parts("1:4.0#-+0"), ("1:4.0#-+0", "", ""));
    }

    proptest! {
        /// A journal that is cut anywhere knows of no step that the whole one does not know of, and
        /// one that is read twice over knows the same.
        #[test]
        fn replay_is_a_prefix(
            steps in proptest::collection::vec((0u8..3, 0u8..20, any::<bool>()), 0..40),
            cut in 0usize..40,
        ) {
            let lines: Vec<Line> = steps
                .iter()
                .map(|(host, n, failed)| step(&format!("h{host}"), &format!("1:{n}#-+0"), *failed))
                .collect();
            let keys = |lines: &[Line]| {
                let mut keys: Vec<_> = read(lines)
                    .entries
                    .into_iter()
                    .filter(|entry| !entry.void && !entry.noted.flags.1)
                    .map(|entry| (entry.noted.host, entry.noted.key))
                    .collect();
                keys.sort_unstable();
                keys
            };
            let cut = cut.min(lines.len());
            let known: HashSet<_> = lines
                .iter()
                .filter_map(|line| match line {
                    Line::Step(noted) => Some((noted.host.clone(), noted.key.clone())),
                    _ => None,
                })
                .collect();
            prop_assert!(keys(&lines[..cut]).iter().all(|key| known.contains(key)));
            let twice: Vec<Line> = lines.iter().chain(&lines).cloned().collect();
            prop_assert_eq!(keys(&twice), keys(&lines));
        }
    }
}
