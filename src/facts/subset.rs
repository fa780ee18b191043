//! Which families a `gather_subset` asks for.

use super::{FAMILIES, Family};
use crate::diag::{Diag, Result};

/// The families for a `gather_subset`, in the order of the list (rules observed: ansible-core
/// 2.19.14). Names without `!` add to the minimum; with only exclusions everything else is meant.
pub(super) fn choose(wanted: &[String]) -> Result<Vec<&'static Family>> {
    let mut added = vec![false; FAMILIES.len()];
    let mut removed = vec![false; FAMILIES.len()];
    let mut only_exclusions = true;
    for word in wanted.iter().flat_map(|w| w.split(',')).map(str::trim) {
        let (marks, name) = match word.strip_prefix('!') {
            Some(name) => (&mut removed, name),
            None => {
                only_exclusions = false;
                (&mut added, word)
            }
        };
        mark(marks, name, word.starts_with('!'))?;
    }
    // A family that comes along with one asked for by name is not taken out by `!min`.
    for index in 0..FAMILIES.len() {
        if added[index] {
            for need in FAMILIES[index].needs {
                mark(&mut added, need, false)?;
            }
        }
    }
    let everything = wanted
        .iter()
        .any(|w| w.split(',').any(|w| w.trim() == "all"));
    let chosen = FAMILIES.iter().enumerate().filter(|(index, family)| {
        let wanted_by_name = added[*index] && !everything;
        let wanted_anyway = family.minimal || only_exclusions || everything;
        wanted_by_name || (wanted_anyway && !removed[*index])
    });
    Ok(chosen.map(|(_, family)| family).collect())
}

fn mark(marks: &mut [bool], name: &str, exclude: bool) -> Result<()> {
    let mut found = false;
    for (index, family) in FAMILIES.iter().enumerate() {
        let hit = match name {
            // `!all` leaves the minimum.
            "all" => !(exclude && family.minimal),
            "min" => family.minimal,
            _ => family.name == name || family.facts.contains(&name),
        };
        marks[index] |= hit;
        found |= hit;
    }
    if found {
        return Ok(());
    }
    let known = FAMILIES
        .iter()
        .flat_map(|f| f.facts.iter().chain([&f.name]));
    let mut known: Vec<&str> = known.copied().chain(["all", "min"]).collect();
    known.sort_unstable();
    let message = format!(
        "Bad subset '{name}' given to Ansible. gather_subset options allowed: {}",
        known.join(", ")
    );
    Err(Diag::error("bad-subset", message).did_you_mean(name, known.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::choose;

    fn names(subset: &[&str]) -> Vec<&'static str> {
        let wanted: Vec<String> = subset.iter().map(|s| (*s).to_owned()).collect();
        choose(&wanted).unwrap().iter().map(|f| f.name).collect()
    }

    #[test]
    fn follows_ansible() {
        assert_eq!(names(&["all"]).len(), super::FAMILIES.len());
        assert_eq!(names(&["!all", "!min"]), [""; 0]);
        assert_eq!(names(&["!all", "!min", "chroot"]), ["chroot"]);
        assert_eq!(
            names(&["!all", "!min", "default_ipv4"]),
            ["platform", "distribution", "network"]
        );
        let minimum = names(&["!all"]);
        assert!(minimum.contains(&"platform") && !minimum.contains(&"hardware"));
        let most = names(&["!hardware"]);
        assert!(most.contains(&"virtual") && !most.contains(&"hardware"));
        assert!(!names(&["all", "!hardware"]).contains(&"hardware"));
        assert!(names(&["network"]).contains(&"user"));
        assert_eq!(names(&["!all,!min,user"]), ["user"]);
    }

    #[test]
    fn refuses_an_unknown_name() {
        let error = choose(&["netwrok".to_owned()]).err().unwrap();
        assert_eq!(error.help.as_deref(), Some("did you mean \"network\"?"));
    }
}
