//! A run: what all plays and hosts share, and the way from options to an exit code.

use super::blobs::Blobs;
use super::collect::Collector;
use super::foresee::PlanFile;
use super::forks::Forks;
use super::magic;
use super::options::Options;
use super::play::PlayRun;
use super::queue::Effect;
use super::scope;
use super::state::HostVars;
use super::tags::Tags;
use crate::diag::{Diag, Exit, Result, SourceMap};
use crate::inventory::Inventory;
use crate::jinja::Engine;
use crate::output::Counts;
use crate::play::Loader;
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// What a run consists of.
pub struct Run {
    /// What it was asked to do.
    pub options: Options,
    /// All texts.
    pub sources: SourceMap,
    /// Templates.
    pub engine: Engine,
    /// Hosts and groups.
    pub inventory: Inventory,
    /// Playbooks, roles and task files.
    pub loader: Loader,
    /// `-e`.
    pub extra_vars: Arc<Map>,
    /// Selected tags.
    pub tags: Tags,
    /// Contents for the hosts.
    pub blobs: Arc<Blobs>,
    /// The directory of the playbook.
    pub playbook_dir: std::path::PathBuf,
    /// `set_stats`: those of hosts by name, those of the run under `None`.
    pub(super) stats: Mutex<BTreeMap<Option<String>, Map>>,
    /// Facts of earlier runs.
    pub(super) cache: Option<super::fact_cache::FactCache>,
    pub(super) costs: super::costs::Costs,
    /// What is written down of the run.
    pub(super) record: Option<super::record::Record>,
    /// By what it holds its hosts.
    pub(super) claim: Option<crate::wire::Claim>,
    /// What an earlier attempt at it has done.
    pub(super) replay: Option<RwLock<super::replay::Replay>>,
    /// Plays so far.
    pub(super) plays: std::sync::atomic::AtomicU32,
    /// Seats of the hosts that are worked on.
    pub(super) forks: Arc<Forks>,
    /// What tasks of one host have found out about another (`delegate_facts`).
    pub(super) given: Mutex<Vec<(String, Effect)>>,
    pub(super) collector: Mutex<Collector>,
    pub(super) hosts: RwLock<HashMap<String, HostVars>>,
    pub(super) failed: Mutex<HashSet<String>>,
    /// How often that was forgotten.
    pub(super) cleared: AtomicU32,
    pub(super) interrupted: Arc<AtomicBool>,
}

impl Run {
    /// The collector of events.
    pub fn collector(&self) -> MutexGuard<'_, Collector> {
        self.collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that a running command has just written; `open` unless nobody may see it.
    pub fn tell_live(&self, host: &str, open: bool, line: String) {
        if open {
            let host = host.to_owned();
            self.collector()
                .event(&crate::output::Event::Live { host, line });
        }
    }

    /// What a host has learned in this run.
    pub fn host_vars(&self, host: &str) -> HostVars {
        {
            let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(vars) = hosts.get(host) {
                return vars.clone();
            }
        }
        let mut vars = HostVars::default();
        if let Some(facts) = self.cache.as_ref().and_then(|cache| cache.load(host)) {
            vars.add_facts(&facts);
            self.set_host_vars(host, vars.clone());
        }
        vars
    }

    /// Sets figures of a host or of the run.
    pub fn set_stats(&self, whose: Option<String>, data: &Map, aggregate: bool) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let own = stats.entry(whose).or_default();
        for (key, value) in data {
            let value = match own.get_key(key).filter(|_| aggregate) {
                Some(old) => super::actions::set_stats::added(old, value),
                None => value.clone(),
            };
            own.insert(key.clone(), value);
        }
    }

    /// The figures, those of the run last.
    pub fn stats(&self) -> Vec<(Option<String>, serde_json::Value)> {
        let stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = stats
            .iter()
            .map(|(whose, map)| (whose.clone(), Value::map(map.clone()).to_json()));
        let (run, hosts): (Vec<_>, Vec<_>) = shown.partition(|(whose, _)| whose.is_none());
        hosts.into_iter().chain(run).collect()
    }

    /// Keeps what is known of a host for later runs.
    pub fn cache_facts(&self, host: &str, facts: &Map) {
        if let Some(cache) = &self.cache {
            cache.store(host, facts);
        }
    }

    /// Publishes what a host has learned.
    pub fn set_host_vars(&self, host: &str, vars: HostVars) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.insert(host.to_owned(), vars);
    }

    /// Gives a host variables that a task of another host has found out (`delegate_facts`).
    pub fn give(&self, host: &str, effect: Effect) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let mut vars = self.host_vars(host);
        vars.apply(&effect);
        self.set_host_vars(host, vars);
        given.push((host.to_owned(), effect));
    }

    /// What a host was given since it last asked; `at` counts along.
    pub fn given(&self, host: &str, at: &mut usize) -> Vec<Effect> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let new = given.iter().skip(std::mem::replace(at, given.len()));
        new.filter(|(name, _)| name == host)
            .map(|(_, effect)| effect.clone())
            .collect()
    }

    /// The variables of the inventory for a host, `host_vars` and `group_vars` among them.
    pub fn inventory_vars(&self, host: &str) -> Arc<Map> {
        self.inventory.vars_of(host)
    }

    /// Magic variables of a host.
    pub fn magic(&self, host: &str, play: Option<&PlayRun>) -> Arc<Map> {
        Arc::new(magic::of_host(self, host, play))
    }

    /// The variables of a host outside of tasks: what `hostvars` shows.
    pub fn host_scope(self: &Arc<Self>, host: &str) -> Option<SharedScope> {
        if !self.inventory.has_host(host) {
            return None;
        }
        Some(scope::outside(
            self,
            self.magic(host, None),
            self.inventory_vars(host),
            &self.host_vars(host),
        ))
    }

    /// A host takes no further part in the run.
    pub fn host_failed(&self, host: &str) {
        self.lock_failed().insert(host.to_owned());
    }

    /// `meta: clear_host_errors`.
    pub fn clear_failures(&self) {
        self.lock_failed().clear();
        self.cleared.fetch_add(1, Ordering::Relaxed);
    }

    /// How often failures were forgotten.
    pub fn clearings(&self) -> u32 {
        self.cleared.load(Ordering::Relaxed)
    }

    /// True if a host has failed in an earlier play.
    pub fn has_failed(&self, host: &str) -> bool {
        self.lock_failed().contains(host)
    }

    fn lock_failed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if every host that took part has failed.
    pub fn nobody_left(&self) -> bool {
        let failed = self.lock_failed();
        let collector = self.collector();
        let mut seen = collector.recap().keys().peekable();
        seen.peek().is_some() && seen.all(|host| failed.contains(host))
    }

    /// The exit code that the results so far lead to (ansible-playbook's).
    pub fn exit(&self) -> Exit {
        let collector = self.collector();
        let failed = self.lock_failed();
        let unreachable = |host: &String| {
            let counts: Option<&Counts> = collector.recap().get(host);
            counts.is_some_and(|counts| counts.unreachable > 0)
        };
        if failed.iter().any(unreachable) {
            Exit::Unreachable
        } else if !failed.is_empty() {
            Exit::HostsFailed
        } else {
            Exit::Ok
        }
    }

    /// True after Ctrl-C.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether plays gather facts when they do not say: the `gathering` setting.
    pub fn gathers_by_default(&self, _host: &str, vars: &HostVars) -> bool {
        match self.loader.config.gathering.as_str() {
            "explicit" => false,
            "smart" => vars.facts.is_empty(),
            _ => true,
        }
    }

    /// `add_host`; false if nothing changed.
    pub fn add_host(&self, name: &str, groups: &[String], vars: Map) -> bool {
        self.inventory.add_host(name, groups, vars)
    }

    /// `group_by`; false if nothing changed.
    pub fn group_host(&self, host: &str, group: &str, parents: &[String]) -> bool {
        self.inventory.group_host(host, group, parents)
    }

    /// `meta: refresh_inventory`.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn refresh_inventory(&self) -> Result<()> {
        self.inventory.refresh(&self.sources)
    }

    /// Decrypts a vaulted file.
    ///
    /// # Errors
    /// `vault`: no secret opens it.
    pub fn decrypt_file(&self, path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
        self.loader.decrypt(path, bytes)
    }

    /// Asks the user.
    pub fn prompt(&self, text: &str, echo: bool) -> String {
        let answer = super::prompt::ask(text, echo).unwrap_or_default();
        if let (false, Some(PlanFile::Made(drawn))) = (echo, &self.options.saved) {
            drawn.hide(&answer);
        }
        answer
    }
}

/// The error of a playbook that matched nothing usable.
pub fn no_hosts(pattern: &str) -> Box<Diag> {
    Diag::warning(
        "no-hosts",
        format!("Could not match supplied host pattern, ignoring: {pattern}"),
    )
}
