//! From options to an exit code: inventory, playbooks, plays, batches of hosts.

use super::blobs::Blobs;
use super::collect::Collector;
use super::foresee::PlanFile;
use super::forks::Forks;
use super::options::Options;
use super::run::Run;
use super::{extra_vars, secrets};
use crate::config::{self, Config};
use crate::diag::{Diag, Exit, Level, Result, SourceMap};
use crate::inventory;
use crate::jinja::Engine;
use crate::output::{Event, Output};
use crate::play::Loader;
use crate::play::ast::Playbook;
use crate::value::{Kind, Map, Value};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

/// Carries out a run and returns how the process ends.
pub fn run(options: Options, output: Box<dyn Output>) -> Exit {
    let sources = options.sources.clone();
    let mut collector = Collector::new(output);
    match prepare(options, &sources, &mut collector) {
        Ok(prepared) => prepared.run(collector),
        Err(diag) => {
            let exit = diag.exit;
            collector.event(&Event::Message(diag));
            exit
        }
    }
}

/// Everything before the first host is touched.
pub(super) struct Prepared {
    pub(super) run: RunParts,
    /// Name as given, directory, content.
    pub(super) playbooks: Playbooks,
}

/// Name as given, directory, content.
pub(super) type Playbooks = Vec<(String, PathBuf, Playbook)>;

pub(super) struct RunParts {
    pub(super) options: Options,
    pub(super) sources: SourceMap,
    pub(super) engine: Engine,
    pub(super) inventory: inventory::Inventory,
    pub(super) loader: Loader,
    pub(super) extra_vars: Arc<Map>,
}

pub(super) fn prepare(
    mut options: Options,
    sources: &SourceMap,
    collector: &mut Collector,
) -> Result<Prepared> {
    let config = config::load()?;
    settle(&mut options, &config);
    let secrets = secrets::collect(&options, &config)?;
    let vault = secrets.clone();
    let opener = secrets.clone();
    let masked = options.secrets.clone();
    let engine = Engine::new(
        sources.clone(),
        Arc::new(move |envelope: &str| {
            let text = opener.decrypt_text(envelope)?;
            masked.add(&text);
            Ok(text)
        }),
    );
    let playbook_dir = options
        .playbooks
        .first()
        .map(|path| parent_of(path))
        .or_else(|| std::env::current_dir().ok());
    let opener = secrets.clone();
    let decrypt = move |path: &Path, bytes: &[u8]| -> Result<Vec<u8>> {
        opener
            .decrypt(&String::from_utf8_lossy(bytes))
            .map_err(|mut diag| {
                diag.message = format!("{}: {}", path.display(), diag.message);
                diag
            })
    };
    let decrypt: inventory::Decryptor = Arc::new(decrypt);
    let (inventory, warnings) = inventory::load(
        sources,
        &inventory::Options {
            sources: options.inventory.clone(),
            playbook_dir,
            decrypt: decrypt.clone(),
            merge: config.hash_behaviour == "merge",
        },
    )?;
    for warning in warnings {
        let wanted = config.inventory_unparsed_warning || warning.code != "empty-inventory";
        if wanted {
            collector.event(&Event::Message(warning));
        }
    }
    if inventory.host_names().is_empty() && config.localhost_warning {
        let text = "provided hosts list is empty, only localhost is available. Note that the \
                    implicit localhost does not match 'all'";
        collector.event(&Event::Message(Diag::warning("no-hosts-listed", text)));
    }
    let extra_vars = extra_vars::read(&options.extra_vars, sources, &decrypt)?;
    if let Some((record, _)) = &options.record {
        record.must_have(&extra_vars)?;
    }
    let loader = Loader::new(
        sources.clone(),
        engine.clone(),
        config,
        secrets,
        Arc::new(extra_vars.clone()),
    );
    let mut playbooks = Vec::new();
    for path in &options.playbooks {
        let playbook = loader.playbook(path)?;
        playbooks.push((path.display().to_string(), parent_of(path), playbook));
    }
    if let Some(ad_hoc) = &options.ad_hoc {
        let play = super::ad_hoc::play(ad_hoc)?;
        let playbook = Playbook {
            plays: vec![Arc::new(play)],
        };
        let here = std::env::current_dir().unwrap_or_default();
        playbooks.push((String::new(), here, playbook));
    }
    for mut warning in loader.take_warnings() {
        if warning.code == "duplicate-key" {
            match loader.config.duplicate_dict_key.as_str() {
                "ignore" => continue,
                "error" => {
                    warning.level = Level::Error;
                    return Err(Box::new(warning).exit(Exit::Parser));
                }
                _ => {}
            }
        }
        collector.event(&Event::Message(Box::new(warning)));
    }
    for (_, _, playbook) in &playbooks {
        for warning in crate::play::reserved::of_playbook(playbook) {
            collector.event(&Event::Message(warning));
        }
        check(&loader, playbook, options.late_faults, collector)?;
    }
    check_limit(&options, &inventory)?;
    if let Some(plan) = &options.saved {
        plan.begin(&extra_vars, &inventory, sources, &vault)?;
    }
    Ok(Prepared {
        run: RunParts {
            options,
            sources: sources.clone(),
            engine,
            inventory,
            loader,
            extra_vars: Arc::new(extra_vars),
        },
        playbooks,
    })
}

/// What the command line leaves open follows the configuration.
fn settle(options: &mut Options, config: &Config) {
    if options.inventory.is_empty() {
        options.inventory.clone_from(&config.inventory);
    }
    if options.inventory.is_empty() && Path::new("/etc/ansible/hosts").exists() {
        options.inventory.push("/etc/ansible/hosts".to_owned());
    }
    if options.forks == 0 {
        options.forks = config.forks.max(1);
    }
    options.force_handlers |= config.force_handlers;
    options.r#become.enabled |= config.r#become;
    let defaults = super::options::BecomeOptions::default();
    if options.r#become.method == defaults.method {
        options.r#become.method.clone_from(&config.become_method);
    }
    if options.r#become.user == defaults.user {
        options.r#become.user.clone_from(&config.become_user);
    }
    if options.remote_user.is_none() {
        options.remote_user.clone_from(&config.remote_user);
    }
    if options.private_key.is_none() {
        options.private_key.clone_from(&config.private_key_file);
    }
    options.timeout.get_or_insert(config.timeout);
    options.ssh_args.clone_from(&config.ssh_args);
    options.ssh_retries = config.ssh_retries;
    options.skip_host_key_check |= !config.host_key_checking;
}

fn parent_of(path: &Path) -> PathBuf {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    full.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Says everything that is wrong with a playbook before any host is touched; the last error ends
/// the run.
fn check(
    loader: &Loader,
    playbook: &Playbook,
    late: bool,
    collector: &mut Collector,
) -> Result<()> {
    let (errors, warnings): (Vec<Diag>, Vec<Diag>) =
        crate::play::check::check(loader, playbook, late)
            .into_iter()
            .partition(|diag| diag.level == Level::Error);
    let mut errors: Vec<Box<Diag>> = errors.into_iter().map(Box::new).collect();
    let last = errors.pop();
    for diag in warnings.into_iter().map(Box::new).chain(errors) {
        collector.event(&Event::Message(diag));
    }
    last.map_or(Ok(()), Err)
}

fn check_limit(options: &Options, inventory: &inventory::Inventory) -> Result<()> {
    let Some(limit) = &options.limit else {
        return Ok(());
    };
    let selection = inventory.select(limit)?;
    if selection.hosts.is_empty() {
        let diag = Diag::error(
            "no-hosts",
            "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
        );
        return Err(diag.note(format!("--limit {limit}")));
    }
    Ok(())
}

impl Prepared {
    /// What all plays and hosts share, and the playbooks.
    pub(super) fn into_run(self, collector: Collector) -> (Run, Playbooks) {
        let parts = self.run;
        let cache = super::fact_cache::FactCache::of(&parts.loader.config);
        if let Some(cache) = cache.as_ref().filter(|_| parts.options.flush_cache) {
            cache.flush();
        }
        let forks = parts.options.forks;
        let claim = super::lock::claim(&parts.options);
        let (record, replay) = match parts.options.record.clone() {
            Some((record, replay)) => (Some(record), replay.take()),
            None => (None, None),
        };
        if let Some(record) = &record {
            let names = parts.extra_vars.keys();
            let names = names.filter_map(|name| name.as_str().map(str::to_owned));
            record.set_extra_vars(names.collect());
            if let Some(PlanFile::Applied(held)) = &parts.options.saved {
                record.set_plan(&held.saved.id);
            }
        }
        let shared = Run {
            tags: parts.options.tags.clone(),
            playbook_dir: PathBuf::new(),
            options: parts.options,
            sources: parts.sources,
            engine: parts.engine,
            inventory: parts.inventory,
            loader: parts.loader,
            extra_vars: parts.extra_vars,
            blobs: Arc::new(Blobs::default()),
            costs: super::costs::Costs::default(),
            record,
            claim,
            replay: replay.map(std::sync::RwLock::new),
            plays: std::sync::atomic::AtomicU32::new(0),
            forks: Arc::new(Forks::new(forks)),
            given: Mutex::default(),
            collector: Mutex::new(collector),
            hosts: std::sync::RwLock::default(),
            cache,
            stats: Mutex::default(),
            failed: Mutex::default(),
            cleared: AtomicU32::new(0),
            interrupted: Arc::default(),
        };
        (shared, self.playbooks)
    }

    fn run(self, collector: Collector) -> Exit {
        let (mut shared, playbooks) = self.into_run(collector);
        super::interrupt::watch(&shared.interrupted);
        let mut end = Exit::Ok;
        for (name, dir, playbook) in &playbooks {
            shared.playbook_dir.clone_from(dir);
            let run = Arc::new(shared);
            run.collector().event(&Event::RunStarted {
                playbook: name.clone(),
                plays: playbook.plays.len(),
                check: run.options.check,
            });
            end = super::plays::plays(&run, playbook);
            shared = match Arc::try_unwrap(run) {
                Ok(run) => run,
                // A thread of the last playbook still holds it: cannot happen, all were joined.
                Err(run) => {
                    return finish(&run, end);
                }
            };
            if end != Exit::Ok {
                break;
            }
        }
        let run = Arc::new(shared);
        finish(&run, end)
    }
}

fn finish(run: &Arc<Run>, end: Exit) -> Exit {
    let mut collector = run.collector();
    let recap = collector.recap().clone();
    let plan = collector.plan();
    let changes = plan.change + plan.unknown + plan.opaque;
    let end = match end {
        Exit::Ok if run.options.detailed_exitcode && changes > 0 => Exit::HostsFailed,
        end => end,
    };
    if run.options.stats {
        let hosts = run.costs.by_host();
        collector.event(&Event::Stats { hosts });
    }
    let stats = match run.loader.config.show_custom_stats {
        true => run.stats(),
        false => Vec::new(),
    };
    collector.event(&Event::RunEnded {
        stats,
        recap,
        plan,
        exit: end.code(),
    });
    end
}

pub(super) fn pattern(hosts: &Value) -> String {
    match &hosts.kind {
        Kind::List(items) => items
            .iter()
            .map(Value::to_text)
            .collect::<Vec<_>>()
            .join(","),
        _ => hosts.to_text(),
    }
}
