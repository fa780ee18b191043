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
#[derive(Default)]
pub struct Replay {
    steps: HashMap<(String, String), Noted>,
    /// Steps of which nobody knows what came of them.
    unknown: HashSet<String>,
    /// Sessions that did not end in peace, the newest last.
    pub sessions: Vec<Open>,
    /// The last step of each session whose answer has come.
    answered: HashMap<String, u64>,
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
    let mut last: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut open: Vec<Open> = Vec::new();
    for line in lines {
        match line {
            Line::Step(noted) => {
                if let Some((session, id)) = &noted.sent {
                    replay.answered.insert(session.clone(), *id);
                }
                let key = (owner(&noted.key, &noted.host), noted.key.clone());
                last.insert(noted.host.clone(), key.clone());
                replay.steps.insert(key, Noted::clone(noted));
            }
            Line::Fatal { host, place } => {
                replay.steps.retain(|(owner, key), noted| {
                    let here = (owner == host || owner == ANY) && at(key) == place;
                    !(here && noted.flags.1)
                });
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
    for key in last.into_values() {
        if replay.steps.get(&key).is_some_and(|noted| noted.flags.1) {
            replay.steps.remove(&key);
        }
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

impl Replay {
    /// What is known of a step. One that consists of something else now is another step.
    pub fn step(&self, host: &str, key: &str, print: &str) -> Option<&Noted> {
        let noted = self.steps.get(&(owner(key, host), key.to_owned()))?;
        (noted.print.is_empty() || noted.print == print).then_some(noted)
    }

    /// True if nobody knows what came of a step.
    pub fn is_unknown(&self, host: &str, key: &str) -> bool {
        self.unknown.contains(&format!("{host}\0{key}"))
    }

    /// The last step of a session whose answer has come.
    pub fn answered(&self, session: &str) -> u64 {
        self.answered.get(session).copied().unwrap_or_default()
    }

    /// How many steps are done, and on how many hosts.
    pub fn size(&self) -> (usize, usize) {
        let hosts: HashSet<&String> = self.steps.values().map(|noted| &noted.host).collect();
        (self.steps.len(), hosts.len())
    }

    /// What the host's journal knows of a step: its result, or that nobody knows it.
    pub fn add(&mut self, host: &str, key: &str, result: Option<StepResult>) {
        let Some(result) = result else {
            self.unknown.insert(format!("{host}\0{key}"));
            return;
        };
        // A failure may have been the end of the host's way; what comes of it now decides.
        if result.is_failed() {
            return;
        }
        let flags = (result.result["changed"] == true, false);
        let noted = Noted {
            host: host.to_owned(),
            key: key.to_owned(),
            print: String::new(),
            sent: None,
            result: Some(result),
            flags,
        };
        self.steps.insert((owner(key, host), key.to_owned()), noted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn step(host: &str, key: &str, failed: bool) -> Line {
        let result = StepResult {
            result: json!({"changed": true, "failed": failed}),
            diag: None,
            opaque: 0,
        };
        Line::Step(Box::new(Noted {
            host: host.to_owned(),
            key: key.to_owned(),
            print: "p".to_owned(),
            sent: Some(("s".to_owned(), 7)),
            result: Some(result),
            flags: (true, failed),
        }))
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
        let has = |host: &str, key: &str| replay.step(host, key, "p").is_some();
        assert!(has("a", "1:4.0#-+0") && has("a", "1:4.1#-+0") && has("a", "1:4.2#0+0"));
        assert!(!has("a", "1:4.2#1+0"), "it failed");
        assert!(has("a", "1:4.3#-+0"));
        assert!(!has("b", "1:4.0#-+0"), "nothing is known behind it");
        assert!(replay.step("a", "1:4.0#-+0", "other").is_none(), "edited");
        assert_eq!(replay.answered("s"), 7);
    }

    #[test]
    fn what_one_does_for_all_is_anybodys() {
        let replay = read(&[step("a", "*1:4.0#-+0", false)]);
        assert!(replay.step("b", "*1:4.0#-+0", "p").is_some());
        assert_eq!(at("*1:4.0#-+0"), "1:4.0");
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
                    .steps
                    .into_iter()
                    .filter(|(_, noted)| !noted.flags.1)
                    .map(|(key, _)| key)
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
