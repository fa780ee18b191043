//! A plan that is applied: what each step must do, and for what the plan was made.

use super::saved::{Saved, owner, place};
use crate::diag::{Diag, Result, SourceMap};
use crate::inventory::Inventory;
use crate::modules::Foreseen;
use crate::value::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// A plan that is applied.
pub struct Held {
    /// The plan.
    pub saved: Saved,
    steps: HashMap<String, Foreseen>,
    unknown: HashSet<String>,
}

impl Held {
    /// A plan that was read.
    pub fn new(mut saved: Saved) -> Held {
        let steps = std::mem::take(&mut saved.steps);
        let name = |host: &str, key: &str| format!("{host}\0{key}");
        Held {
            steps: steps
                .into_iter()
                .map(|step| (name(&step.host, &step.key), step.does))
                .collect(),
            unknown: saved
                .unknown
                .iter()
                .map(|(host, place)| name(host, place))
                .collect(),
            saved,
        }
    }

    /// What a step was said to do; nothing where the plan does not have it, and `None` where it was
    /// said to be known after apply.
    pub(super) fn expected(&self, host: &str, key: &str) -> Option<Foreseen> {
        let host = owner(key, host);
        let (step, number) = key.rsplit_once('+').unwrap_or((key, "0"));
        // A step that is tried again is what it was.
        for number in (0..=number.parse().unwrap_or(0u32)).rev() {
            if let Some(does) = self.steps.get(&format!("{host}\0{step}+{number}")) {
                return Some(does.clone());
            }
        }
        (!self.is_unknown(host, place(key))).then(Foreseen::default)
    }

    /// True for a place that the plan calls unknown, or that lies within such a one.
    pub(super) fn is_unknown(&self, host: &str, place: &str) -> bool {
        let has = |place: &str| self.unknown.contains(&format!("{host}\0{place}"));
        let (task, _) = place.split_once('#').unwrap_or((place, ""));
        if has(place) || has(&format!("{task}#-")) {
            return true;
        }
        let ends = task.match_indices('.').map(|(at, _)| &task[..at]);
        ends.map(|around| format!("{host}\0{around}#"))
            .any(|around| self.unknown.iter().any(|place| place.starts_with(&around)))
    }

    pub(super) fn check_vars(&self, vars: &Map) -> Result<()> {
        let saved = &self.saved;
        let missing = saved.withheld.iter().filter(|name| !vars.contains(name));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if let [first, ..] = missing[..] {
            let message = format!(
                "variables that the plan had by -e are not in its file, since they may be secret, \
                 and have to be given again: {}",
                missing.join(", ")
            );
            return Err(Diag::error("missing-variable", message)
                .help(format!("gxdeploy apply PLAN -e {first}=...")));
        }
        let print = |value: &Value| saved.digest(&value.to_json().to_string());
        let mut what = Vec::new();
        for (name, value) in vars {
            let name = name.to_value().to_text();
            match saved.vars.get(&name) {
                Some(known) if *known == print(value) => {}
                Some(_) => what.push(format!("another value: {name}")),
                None => what.push(format!("not in the plan: {name}")),
            }
        }
        saved.refuse(
            "variables of -e are not as they were when the plan was made",
            what,
        )
    }

    pub(super) fn check_hosts(&self, inventory: &Inventory) -> Result<()> {
        let (then, now) = (&self.saved.hosts, inventory.host_names());
        let new = now.iter().filter(|host| !then.contains(host));
        let gone = then.iter().filter(|host| !now.contains(host));
        let what = new
            .map(|host| format!("new: {host}"))
            .chain(gone.map(|host| format!("gone: {host}")));
        let message = "the hosts of the inventory are not those that the plan was made for";
        self.saved.refuse(message, what.collect())
    }

    pub(super) fn check_new_files(&self, sources: &SourceMap) -> Result<()> {
        let known = |file: &PathBuf| {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            self.saved.files.contains_key(&*file.to_string_lossy())
        };
        let new = sources.files().into_keys().filter(|file| !known(file));
        let what = new.map(|file| format!("new: {}", file.display()));
        self.saved
            .refuse("files are read that the plan did not know", what.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::saved::Planned;

    #[test]
    fn what_lies_within_the_unknown_is_not_expected() {
        let unknown = |place: &str| ("a".to_owned(), place.to_owned());
        let held = Held::new(Saved {
            unknown: vec![unknown("1:4.2#-"), unknown("1:4.5#1")],
            steps: vec![Planned {
                host: "a".to_owned(),
                key: "1:4.7#-+0".to_owned(),
                does: Foreseen {
                    presumed: true,
                    ..Foreseen::default()
                },
            }],
            ..Saved::default()
        });
        let nothing = Some(Foreseen::default());
        for within in [
            "1:4.2#-+0",
            "1:4.2#3+0",
            "1:4.2.0#-+1",
            "1:4.5#1+0",
            "1:4.5.0#-+0",
        ] {
            assert_eq!(held.expected("a", within), None, "{within}");
        }
        for beside in [
            "1:4.20#-+0",
            "1:4.5#2+0",
            "1:4.3#-+0",
            "2:4.2#-+0",
            "*1:4.2#-+0",
        ] {
            assert_eq!(held.expected("a", beside), nothing, "{beside}");
        }
        assert_eq!(held.expected("b", "1:4.2#-+0"), nothing);
        assert!(
            held.expected("a", "1:4.7#-+3").unwrap().presumed,
            "tried again"
        );
    }
}
