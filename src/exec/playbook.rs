//! From options to an exit code: inventory, playbooks, plays, batches of hosts.

use super::blobs::Blobs;
use super::collect::Collector;
use super::forks::Forks;
use super::host::{HostRun, Stop};
use super::options::Options;
use super::play::PlayRun;
use super::run::Run;
use super::{ask_first::AskFirst, barrier::Barrier, extra_vars, secrets};
use crate::config::{self, Config};
use crate::diag::{Diag, Exit, Level, Result, SourceMap};
use crate::inventory;
use crate::jinja::{Context, Engine};
use crate::output::{Event, Output};
use crate::play::Loader;
use crate::play::ast::{Common, Item, Play, Playbook};
use crate::value::{Kind, Map, Value};
use crate::vars::SharedScope;
use std::path::{Path, PathBuf};
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
            forks: Arc::new(Forks::new(forks)),
            given: Mutex::default(),
            collector: Mutex::new(collector),
            hosts: std::sync::RwLock::default(),
            cache,
            stats: Mutex::default(),
            failed: Mutex::default(),
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
            end = plays(&run, playbook);
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

/// Runs the plays of a playbook; stops where no host is left.
fn plays(run: &Arc<Run>, playbook: &Playbook) -> Exit {
    for play in &playbook.plays {
        if let Err(diag) = one_play(run, play) {
            let exit = diag.exit;
            run.collector().event(&Event::Message(diag));
            return exit;
        }
        if run.interrupted() {
            return Exit::Interrupted;
        }
        if run.nobody_left() {
            break;
        }
    }
    run.exit()
}

fn one_play(run: &Arc<Run>, play: &Arc<Play>) -> Result<()> {
    let scope: SharedScope = Arc::new(PlayScope::of(run, play));
    let context = Context::default();
    let render = |value: &Value| run.engine.render(value, &scope, &context);
    let pattern = pattern(&render(&play.hosts)?);
    let name = match &play.name {
        Some(name) => render(name).unwrap_or_else(|_| name.clone()).to_text(),
        None => pattern.clone(),
    };
    let selection = run.inventory.select(&pattern)?;
    for part in &selection.unmatched {
        run.collector()
            .event(&Event::Message(super::run::no_hosts(part)));
    }
    let mut hosts = selection.hosts;
    if let Some(limit) = &run.options.limit {
        let limited = run.inventory.select(limit)?.hosts;
        hosts.retain(|host| limited.contains(host));
    }
    if let Some(order) = &play.order
        && let Some(order) = run.engine.render_unless_omitted(order, &scope, &context)?
    {
        sort(&mut hosts, &order.to_text());
    }
    if hosts.is_empty() {
        let mut collector = run.collector();
        collector.play_started(name, &[], false);
        collector.event(&Event::NoHosts);
        return Ok(());
    }
    let prompted = prompts(run, play, &render)?;
    let all_hosts = hosts.clone();
    hosts.retain(|host| !run.has_failed(host));
    // A keyword that is `omit` is one that is not there.
    let keyword = |value: &Option<Value>| -> Result<Option<Value>> {
        match value {
            Some(value) => run.engine.render_unless_omitted(value, &scope, &context),
            None => Ok(None),
        }
    };
    let serial = match keyword(&play.serial)? {
        Some(serial) => super::serial::batches(&serial, hosts.len())?,
        None => vec![hosts.len()],
    };
    let number = |value: &Option<Value>| -> Result<Option<f64>> {
        let value = keyword(value)?;
        Ok(value.and_then(|v| v.to_text().trim().trim_end_matches('%').parse().ok()))
    };
    let flag = |value: &Option<Value>| -> Result<Option<bool>> {
        Ok(keyword(value)?.map(|value| super::task::to_bool(&value)))
    };
    let max_fail = number(&play.max_fail_percentage)?;
    let fatal = flag(&play.common.any_errors_fatal)?.unwrap_or(run.loader.config.any_errors_fatal);
    let force_handlers = flag(&play.force_handlers)?.unwrap_or(run.options.force_handlers);
    let strategy = match keyword(&play.strategy)? {
        Some(strategy) => strategy.to_text(),
        None => run.loader.config.strategy.clone(),
    };
    let free = is_free(&strategy).map_err(|diag| diag.at_if_none(play.span))?;
    // The strategies in which hosts do not wait for each other do not look at it (observed:
    // ansible-core 2.19.14).
    let max_fail = max_fail.filter(|_| !free);
    let mut rest = &hosts[..];
    for size in serial {
        let (batch, more) = rest.split_at(size.min(rest.len()));
        rest = more;
        if batch.is_empty() {
            break;
        }
        let shared = Arc::new(PlayRun {
            play: play.clone(),
            name: name.clone(),
            hosts: batch.to_vec(),
            all_hosts: all_hosts.clone(),
            vars: Arc::new(play.common.vars.clone()),
            prompted: prompted.clone(),
            free,
            lockstep: batch.len() > 1
                && !free
                && (fatal || max_fail.is_some() || run.options.step || touches_others(play)),
            max_fail,
            force_handlers,
            ask_first: AskFirst::default(),
            barrier: Barrier::new(batch.len()),
        });
        let ended = one_batch(run, &shared, free);
        let failed = batch.iter().filter(|host| run.has_failed(host)).count();
        if ended == Some(Stop::EndPlay) || failed == batch.len() {
            break;
        }
        if (fatal && failed > 0) || shared.barrier.stopped() {
            break;
        }
    }
    Ok(())
}

/// Whether hosts do not wait for each other under a strategy.
fn is_free(strategy: &str) -> Result<bool> {
    let name = strategy.trim_start_matches("ansible.builtin.");
    // Mitogen's strategies differ in how hosts are reached, not in what they do.
    match name
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .trim_start_matches("mitogen_")
    {
        "linear" | "debug" => Ok(false),
        "free" | "host_pinned" => Ok(true),
        _ => Err(Diag::error(
            "unknown-strategy",
            format!("Invalid play strategy specified: {strategy}"),
        )
        .did_you_mean(name, ["linear", "free", "host_pinned", "debug"])),
    }
}

/// True if what some task does on one host changes others: a failure that fails all, facts that are
/// given to another host.
fn touches_others(play: &Play) -> bool {
    fn keywords(common: &Common) -> bool {
        common.any_errors_fatal.is_some() || common.delegate_facts.is_some()
    }
    fn any(items: &[Item]) -> bool {
        items.iter().any(|item| match item {
            Item::Task(task) => keywords(&task.common),
            Item::Block(block) => {
                keywords(&block.common)
                    || [&block.block, &block.rescue, &block.always]
                        .into_iter()
                        .any(|items| any(items))
            }
        })
    }
    [
        &play.pre_tasks,
        &play.role_blocks,
        &play.tasks,
        &play.post_tasks,
    ]
    .into_iter()
    .any(|items| any(items))
}

/// Runs a play on a batch of hosts, as many at a time as there are forks.
fn one_batch(run: &Arc<Run>, play: &Arc<PlayRun>, free: bool) -> Option<Stop> {
    {
        let mut collector = run.collector();
        collector.play_started(play.name.clone(), &play.hosts, free);
    }
    let mut ends = Vec::new();
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..play.hosts.len())
            .map(|index| {
                std::thread::Builder::new()
                    .name(play.hosts[index].clone())
                    .stack_size(16 << 20)
                    .spawn_scoped(threads, move || HostRun::new(run, play, index).walk())
            })
            .collect();
        for (index, worker) in workers.into_iter().enumerate() {
            match worker.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(end)) => ends.push(end),
                // A panic is a bug; the hook has said so. The host counts as failed.
                _ => run.host_failed(&play.hosts[index]),
            }
        }
    });
    let failed = play
        .hosts
        .iter()
        .filter(|host| run.has_failed(host))
        .count();
    if failed == play.hosts.len() && play.max_fail.is_some() {
        run.collector().event(&Event::NoHostsLeft);
    }
    ends.into_iter()
        .find_map(|end| end.err().filter(|stop| *stop == Stop::EndPlay))
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

fn sort(hosts: &mut [String], order: &str) {
    match order {
        "sorted" => hosts.sort(),
        "reverse_sorted" => {
            hosts.sort();
            hosts.reverse();
        }
        "reverse_inventory" => hosts.reverse(),
        "shuffle" => {
            for i in (1..hosts.len()).rev() {
                hosts.swap(i, (rand::random::<u64>() % (i as u64 + 1)) as usize);
            }
        }
        _ => {}
    }
}

/// Asks for the variables of `vars_prompt`; without a terminal their defaults count.
fn prompts(
    run: &Arc<Run>,
    play: &Play,
    render: &dyn Fn(&Value) -> Result<Value>,
) -> Result<Arc<Map>> {
    let mut answers = Map::new();
    for entry in &play.vars_prompt {
        let Some(name) = entry.get("name").map(Value::to_text) else {
            continue;
        };
        if run.extra_vars.contains(&name) {
            continue;
        }
        let text = match entry.get("prompt") {
            Some(prompt) => render(prompt)?.to_text(),
            None => name.clone(),
        };
        let default = match entry.get("default") {
            Some(default) => Some(render(default)?),
            None => None,
        };
        let private = entry.get("private").is_none_or(super::task::to_bool);
        let shown = match &default {
            Some(default) => format!("{text} [{}]:", default.to_text()),
            None => format!("{text}:"),
        };
        let answer = run.prompt(&shown, !private);
        let value = match (answer.is_empty(), default) {
            (true, Some(default)) => default,
            _ => Value::str(answer),
        };
        answers.insert(name, value);
    }
    Ok(Arc::new(answers))
}

/// The variables that a play's own keywords see: no host's.
struct PlayScope {
    layers: [Arc<Map>; 3],
    run: Arc<Run>,
}

impl PlayScope {
    fn of(run: &Arc<Run>, play: &Play) -> PlayScope {
        let mut magic = Map::new();
        magic.insert("groups", run.inventory.groups_value());
        magic.insert(
            "playbook_dir",
            run.playbook_dir.to_string_lossy().into_owned(),
        );
        PlayScope {
            layers: [
                run.extra_vars.clone(),
                Arc::new(magic),
                Arc::new(play.common.vars.clone()),
            ],
            run: run.clone(),
        }
    }
}

impl crate::vars::Scope for PlayScope {
    fn get(&self, name: &str) -> Option<Value> {
        self.layers
            .iter()
            .find_map(|layer| layer.get(name).cloned())
    }

    fn names(&self) -> Vec<String> {
        self.layers
            .iter()
            .flat_map(|layer| crate::vars::Scope::names(layer.as_ref()))
            .collect()
    }

    fn host(&self, host: &str) -> Option<SharedScope> {
        self.run.host_scope(host)
    }

    fn hosts(&self) -> Vec<String> {
        self.run.inventory.host_names()
    }
}
