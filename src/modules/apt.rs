//! `apt`: Debian packages.

use super::common::apt::install::{self, Want};
use super::common::apt::lists::{self, Patience};
use super::common::apt::{job, spec};
use super::common::command;
use super::{Kind, Module};
use crate::diag::Result;
use crate::sys::{Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Installs, upgrades and removes Debian packages.
///
/// What is installed is read from dpkg's database, so a step with nothing to do starts no process.
/// In a dry run a planned package counts as installed, its files may be anywhere in the system's
/// directories, and a service of the package's name runs and is enabled (Debian's policy).
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Packages: names, `name=version` (with wildcards), `name>=version`, wildcards, `name:arch`.
    /// Aliases: package, pkg
    #[serde(default, alias = "package", alias = "pkg")]
    pub name: Vec<String>,
    /// What they shall be.
    #[serde(default)]
    pub state: State,
    /// Update the lists first. Alias: update-cache
    #[serde(default, alias = "update-cache")]
    pub update_cache: bool,
    /// Seconds for which the lists count as up to date. Implies `update_cache`.
    #[serde(default)]
    pub cache_valid_time: u64,
    /// How often a failed update is tried again.
    #[serde(default = "five")]
    pub update_cache_retries: u32,
    /// Longest pause between these tries, in seconds.
    #[serde(default = "twelve")]
    pub update_cache_retry_max_delay: u64,
    /// A package file, by path or URL.
    #[serde(default)]
    pub deb: Option<String>,
    /// Upgrade everything.
    #[serde(default)]
    pub upgrade: Upgrade,
    /// Remove what was installed only for other packages and is not needed any more.
    #[serde(default)]
    pub autoremove: bool,
    /// Remove downloaded files of packages that are not available any more.
    #[serde(default)]
    pub autoclean: bool,
    /// Remove all downloaded files.
    #[serde(default)]
    pub clean: bool,
    /// Remove configuration files too.
    #[serde(default)]
    pub purge: bool,
    /// Release to prefer (`-t`). Alias: default-release
    #[serde(default, alias = "default-release")]
    pub default_release: Option<String>,
    /// Install recommended packages; the system's setting where absent. Alias: install-recommends
    #[serde(default, alias = "install-recommends")]
    pub install_recommends: Option<bool>,
    /// Corresponds to all `--allow-...` options together.
    #[serde(default)]
    pub force: bool,
    /// Install unsigned packages. Alias: allow-unauthenticated
    #[serde(default, alias = "allow-unauthenticated")]
    pub allow_unauthenticated: bool,
    /// Install older versions. Aliases: allow-downgrade, allow_downgrades, allow-downgrades
    #[serde(
        default,
        alias = "allow-downgrade",
        alias = "allow_downgrades",
        alias = "allow-downgrades"
    )]
    pub allow_downgrade: bool,
    /// Change packages on hold.
    #[serde(default)]
    pub allow_change_held_packages: bool,
    /// Options for dpkg, comma-separated.
    #[serde(default = "dpkg_options")]
    pub dpkg_options: String,
    /// Only upgrade packages that are installed.
    #[serde(default)]
    pub only_upgrade: bool,
    /// Fail where packages would be removed.
    #[serde(default)]
    pub fail_on_autoremove: bool,
    /// Accepted; apt-get is always used.
    #[serde(default)]
    pub force_apt_get: bool,
    /// Seconds to wait for another process's lock.
    #[serde(default = "sixty")]
    pub lock_timeout: i64,
    /// Exit status of a temporary `policy-rc.d`: 101 keeps services from being started.
    #[serde(default)]
    pub policy_rc_d: Option<i64>,
    /// Accepted; nothing has to be installed for this module.
    #[serde(default = "yes")]
    pub auto_install_module_deps: bool,
}

/// What packages shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Installed.
    #[default]
    Present,
    /// Removed.
    Absent,
    /// Installed, in the newest version.
    Latest,
    /// What is needed to build them is installed.
    BuildDep,
    /// Broken dependencies are put right.
    Fixed,
}

/// How everything is upgraded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Upgrade {
    /// Not at all.
    #[default]
    No,
    /// `apt-get upgrade --with-new-pkgs`.
    Yes,
    /// The same as `yes`.
    Safe,
    /// `apt-get dist-upgrade`.
    Full,
    /// The same as `full`.
    Dist,
}

fn five() -> u32 {
    5
}
fn twelve() -> u64 {
    12
}
fn sixty() -> i64 {
    60
}
fn yes() -> bool {
    true
}
fn dpkg_options() -> String {
    "force-confdef,force-confold".into()
}

/// The module.
pub struct Apt;

impl Module for Apt {
    const NAME: &'static str = "apt";
    const FQCN: &'static str = "ansible.builtin.apt";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        if args.clean || (args.update_cache && args.cache_valid_time == 0) {
            Kind::Action
        } else {
            Kind::Resource
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let wanted = args.update_cache || args.cache_valid_time > 0;
        if wanted && lists::is_stale(view, args.cache_valid_time)? {
            return Ok(vec![lists::update(Patience {
                retries: args.update_cache_retries,
                max_delay: args.update_cache_retry_max_delay,
                lock: args.lock_timeout,
            })]);
        }
        packages(args, view)
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        let failed = command::answers(done).any(|output| !output.ok());
        let once = args.clean || args.deb.is_some();
        let removed_download = args.deb.is_some() && command::answers(done).next().is_some();
        if failed || removed_download || (once && job::changed(done)) {
            return Ok(Vec::new());
        }
        packages(args, view)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        job::result(args, view, done)
    }
}

fn packages(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    if args.upgrade != Upgrade::No {
        return job::upgrade(args, view);
    }
    if let Some(deb) = &args.deb {
        return job::deb(args, view, deb);
    }
    let specs = spec::parse_all(&args.name)?;
    if specs.iter().any(|s| s.name == "*") && args.state == State::Latest {
        return job::upgrade(args, view);
    }
    match args.state {
        State::Absent if !specs.is_empty() => {
            let names = install::present(view, &specs, args.purge)?;
            job::remove(args, names)
        }
        State::Fixed => job::fix(args, view),
        State::BuildDep => job::build_dep(args, view, &specs),
        _ if specs.is_empty() => job::housekeeping(args, view),
        state => {
            let want = Want {
                latest: state == State::Latest,
                only_upgrade: args.only_upgrade,
                release: args.default_release.as_deref(),
            };
            let targets = install::missing(view, &specs, want)?;
            let auto = install::marked_auto(view, &specs)?;
            job::install(args, view, targets, auto)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_ansibles() -> Result<()> {
        let args: Args = crate::args::read(&json!({"name": ["x"]}))?;
        assert_eq!(args.dpkg_options, "force-confdef,force-confold");
        assert_eq!((args.lock_timeout, args.update_cache_retries), (60, 5));
        assert_eq!(args.state, State::Present);
        Ok(())
    }
}
