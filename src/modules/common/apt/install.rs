//! From names to the packages that have to be installed, upgraded or removed.

use super::candidate::{self, Policy};
use super::dpkg::{self, Database};
use super::lists;
use super::spec::{Relation, Spec, matches};
use crate::diag::{Diag, Result};
use crate::sys::{Effect, View};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What is wanted of the names.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// Upgrade what is installed to the candidate.
    pub latest: bool,
    /// Leave alone what is not installed.
    pub only_upgrade: bool,
    /// `-t`.
    pub release: Option<&'a str>,
}

/// What is to be handed to `apt-get install`: names, with `=version` where one is asked for.
///
/// # Errors
/// `no-such-package` and `no-such-version`, in Ansible's words.
pub fn missing(view: &dyn View, specs: &[Spec], want: Want<'_>) -> Result<Vec<String>> {
    let database = dpkg::load(view)?;
    let mut open: Vec<Spec> = Vec::new();
    for spec in expand(view, specs, &database)? {
        if !is_satisfied(view, &database, &spec, want) {
            open.push(spec);
        }
    }
    let names: Vec<&str> = open.iter().map(|s| s.name.as_str()).collect();
    let policies = candidate::policies(view, &names, want.release)?.presume(HashMap::new());
    let mut found = Vec::new();
    for spec in &open {
        found.extend(target(
            view,
            &database,
            spec,
            policies.get(&spec.name),
            want,
        )?);
    }
    Ok(found)
}

/// Names with wildcards stand for all packages that apt knows by them.
fn expand(view: &dyn View, specs: &[Spec], database: &Database) -> Result<Vec<Spec>> {
    if !specs.iter().any(Spec::is_pattern) {
        return Ok(specs.to_vec());
    }
    let mut known = candidate::names(view)?.presume(Vec::new());
    known.extend(database.packages().iter().map(|p| p.name.clone()));
    known.sort_unstable();
    known.dedup();
    let mut out = Vec::new();
    for spec in specs {
        if !spec.is_pattern() {
            out.push(spec.clone());
            continue;
        }
        let before = out.len();
        for name in known.iter().filter(|name| matches(&spec.name, name)) {
            out.push(Spec {
                name: name.clone(),
                ..spec.clone()
            });
        }
        if out.len() == before && !lists::is_updated(view) {
            return Err(no_package(&spec.name));
        }
    }
    Ok(out)
}

/// True where nothing has to be asked of apt's lists.
fn is_satisfied(view: &dyn View, database: &Database, spec: &Spec, want: Want<'_>) -> bool {
    match (
        dpkg::assumed(view, &spec.name),
        database.installed(&spec.name),
    ) {
        (Some(true), _) => true,
        (Some(false), _) | (None, None) => want.only_upgrade,
        (None, Some(package)) => {
            spec.accepts(&package.version) && (!want.latest || spec.relation == Relation::Equal)
        }
    }
}

/// What to install for one name, if anything.
fn target(
    view: &dyn View,
    database: &Database,
    spec: &Spec,
    policy: Option<&Policy>,
    want: Want<'_>,
) -> Result<Option<String>> {
    let installed = database.installed(&spec.name);
    let Some(policy) = policy else {
        // What the lists will hold after a planned update is not known: taken to be there.
        if lists::is_updated(view) {
            return Ok(Some(spec.text.clone()));
        }
        return match installed {
            Some(_) if spec.relation == Relation::Any => Ok(None),
            _ => Err(no_package(&spec.name)),
        };
    };
    if spec.relation != Relation::Any {
        let fits = |v: &&String| spec.accepts(v);
        let version = match &policy.candidate {
            Some(candidate) if spec.accepts(candidate) => Some(candidate),
            _ => policy.versions.iter().find(fits),
        };
        return match version {
            Some(v) if installed.is_some_and(|p| p.version == *v) => Ok(None),
            Some(v) => Ok(Some(format!("{}={v}", spec.name))),
            None if lists::is_updated(view) => Ok(Some(spec.text.clone())),
            None => Err(Diag::error(
                "no-such-version",
                format!("no available installation candidate for {}", spec.text),
            )
            .about("name")
            .note(format!("available: {}", policy.versions.join(", ")))),
        };
    }
    Ok(match (&policy.candidate, installed) {
        (None, None) => {
            let provided = database.provider(&spec.name).is_some();
            (!provided).then(|| spec.name.clone())
        }
        (None, Some(_)) => None,
        (Some(_), None) => Some(spec.name.clone()),
        (Some(candidate), Some(package)) => {
            let newer = super::version::compare(candidate, &package.version).is_gt();
            (want.latest && newer).then(|| spec.name.clone())
        }
    })
}

fn no_package(name: &str) -> Box<Diag> {
    Diag::error(
        "no-such-package",
        format!("No package matching '{name}' is available"),
    )
    .about("name")
    .help("check the name, or update the package lists first (update_cache: true)")
}

/// What is to be removed; with `purge` also what has left only its configuration.
pub fn present(view: &dyn View, specs: &[Spec], purge: bool) -> Result<Vec<String>> {
    let database = dpkg::load(view)?;
    let mut found: Vec<String> = Vec::new();
    for spec in specs {
        if spec.is_pattern() {
            let there = database.packages().iter().filter(|p| {
                matches(&spec.name, &p.name) && (p.is_installed() || purge && p.has_files())
            });
            found.extend(there.map(|p| p.name.clone()));
            continue;
        }
        let is_there = match dpkg::assumed(view, &spec.name) {
            Some(installed) => installed,
            None => database.get(&spec.name).is_some_and(|p| {
                (p.is_installed() && spec.accepts(&p.version)) || purge && p.has_files()
            }),
        };
        if is_there {
            found.push(spec.name.clone());
        }
    }
    Ok(found)
}

/// Packages of these names that apt holds for automatically installed, and might remove one day.
pub fn marked_auto(view: &dyn View, specs: &[Spec]) -> Result<Vec<String>> {
    let path = Path::new("/var/lib/apt/extended_states");
    let Some(bytes) = view.read(path)?.presume(None) else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut auto: Vec<&str> = Vec::new();
    for paragraph in text.split("\n\n") {
        if paragraph.lines().any(|line| line == "Auto-Installed: 1") {
            let name = paragraph.lines().find_map(|l| l.strip_prefix("Package: "));
            auto.extend(name);
        }
    }
    Ok(specs
        .iter()
        .map(|spec| spec.name.as_str())
        .filter(|name| auto.contains(&name.split(':').next().unwrap_or(name)))
        .filter(|name| view.assumed(&manual_key(name)).is_none())
        .map(str::to_owned)
        .collect())
}

/// The key under which a planned `apt-mark manual` is known.
pub fn manual_key(name: &str) -> String {
    format!("apt:manual:{name}")
}

/// What installing makes known: the packages are there.
pub fn installed_effects(targets: &[String]) -> Vec<Effect> {
    targets
        .iter()
        .map(|target| {
            let (name, version) = target.split_once('=').unwrap_or((target, ""));
            let version = match version {
                "" => Json::Null,
                version => json!(version),
            };
            Effect::Assume(
                format!("package:{}", bare(name)),
                json!({"version": version, "installed": true}),
            )
        })
        .collect()
}

/// What comes with a package: files in the system's directories and, by Debian's policy, a service
/// of the package's name that is enabled and running after the installation, unless a `policy-rc.d`
/// forbids it.
pub fn brought_by(view: &dyn View, targets: &[String]) -> Result<Vec<Effect>> {
    let forbidden = view
        .lstat(Path::new("/usr/sbin/policy-rc.d"))?
        .presume(None)
        .is_some();
    let mut effects: Vec<Effect> = [
        "/etc", "/usr", "/var", "/lib", "/opt", "/run", "/bin", "/sbin",
    ]
    .iter()
    .map(|dir| Effect::MayFill(PathBuf::from(dir)))
    .collect();
    for target in targets {
        let name = bare(target.split('=').next().unwrap_or(target));
        effects.push(Effect::Assume(
            format!("service:{name}"),
            json!({"active": !forbidden, "enabled": true, "exists": true}),
        ));
    }
    Ok(effects)
}

/// What removing makes known.
pub fn removed_effects(names: &[String]) -> Vec<Effect> {
    names
        .iter()
        .flat_map(|name| {
            let name = bare(name);
            [
                Effect::Assume(
                    format!("package:{name}"),
                    json!({"version": null, "installed": false}),
                ),
                Effect::Assume(
                    format!("service:{name}"),
                    json!({"active": false, "enabled": false, "exists": false}),
                ),
            ]
        })
        .collect()
}

fn bare(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}
