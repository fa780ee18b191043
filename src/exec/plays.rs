//! The plays of a playbook: their hosts, their batches, and the threads these run on.

use super::ask_first::AskFirst;
use super::barrier::Barrier;
use super::host::{HostRun, Stop};
use super::play::PlayRun;
use super::play_scope::PlayScope;
use super::playbook::pattern;
use super::prompt;
use super::run::Run;
use crate::diag::{Diag, Exit, Result};
use crate::jinja::Context;
use crate::output::Event;
use crate::play::ast::{Common, Item, Play, Playbook};
use crate::value::Value;
use crate::vars::SharedScope;
use std::sync::Arc;

/// Runs the plays of a playbook; stops where no host is left.
pub fn plays(run: &Arc<Run>, playbook: &Playbook) -> Exit {
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
    let number = run.plays.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let scope: SharedScope = Arc::new(PlayScope::of(run, play));
    let context = Context::default();
    let render = |value: &Value| run.engine.render(value, &scope, &context);
    let pattern = pattern(&render(&play.hosts)?);
    let name = match &play.name {
        Some(name) => render(name).unwrap_or_else(|_| name.clone()).to_text(),
        None => pattern.clone(),
    };
    let keywords = Keywords {
        run,
        scope: &scope,
        context: &context,
    };
    let all_hosts = hosts(run, &pattern, keywords.text(&play.order)?)?;
    if all_hosts.is_empty() {
        let mut collector = run.collector();
        collector.play_started(name, &[], false);
        collector.event(&Event::NoHosts);
        return Ok(());
    }
    let prompted = prompt::answers(run, play, &render)?;
    let mut left = all_hosts.clone();
    left.retain(|host| !run.has_failed(host));
    let terms = keywords.terms(play, left.len())?;
    let mut rest = &left[..];
    for size in &terms.batches {
        let (batch, more) = rest.split_at((*size).min(rest.len()));
        rest = more;
        if batch.is_empty() {
            break;
        }
        let shared = Arc::new(PlayRun {
            play: play.clone(),
            number,
            name: name.clone(),
            hosts: batch.to_vec(),
            all_hosts: all_hosts.clone(),
            vars: Arc::new(play.common.vars.clone()),
            prompted: prompted.clone(),
            free: terms.free,
            lockstep: terms.lockstep(run, play, batch.len()),
            max_fail: terms.max_fail,
            force_handlers: terms.force_handlers,
            ask_first: AskFirst::default(),
            barrier: Barrier::new(batch.len()),
        });
        let ended = one_batch(run, &shared, terms.free);
        let failed = batch.iter().filter(|host| run.has_failed(host)).count();
        if ended == Some(Stop::EndPlay) || failed == batch.len() {
            break;
        }
        if (terms.fatal && failed > 0) || shared.barrier.stopped() {
            break;
        }
    }
    Ok(())
}

/// The hosts of a play, as far as the run is limited to them, in the play's order.
fn hosts(run: &Run, pattern: &str, order: Option<String>) -> Result<Vec<String>> {
    let selection = run.inventory.select(pattern)?;
    for part in &selection.unmatched {
        run.collector()
            .event(&Event::Message(super::run::no_hosts(part)));
    }
    let mut hosts = selection.hosts;
    if let Some(limit) = &run.options.limit {
        let limited = run.inventory.select(limit)?.hosts;
        hosts.retain(|host| limited.contains(host));
    }
    if let Some(order) = order {
        sort(&mut hosts, &order);
    }
    Ok(hosts)
}

/// How a play goes through its hosts.
struct Terms {
    /// Hosts of each batch (`serial`).
    batches: Vec<usize>,
    /// `max_fail_percentage`.
    max_fail: Option<f64>,
    /// `any_errors_fatal`.
    fatal: bool,
    /// `force_handlers`.
    force_handlers: bool,
    /// Hosts do not wait for each other (`strategy`).
    free: bool,
}

impl Terms {
    /// Whether hosts wait for each other before each task: where one of them could notice.
    fn lockstep(&self, run: &Run, play: &Play, hosts: usize) -> bool {
        let noticed = self.fatal
            || self.max_fail.is_some()
            || run.options.step
            || run.options.forks <= 1
            || touches_others(play);
        hosts > 1 && !self.free && noticed
    }
}

/// The values of a play's keywords. One that is `omit` is one that is not there.
struct Keywords<'a> {
    run: &'a Run,
    scope: &'a SharedScope,
    context: &'a Context,
}

impl Keywords<'_> {
    fn terms(&self, play: &Play, hosts: usize) -> Result<Terms> {
        let (config, options) = (&self.run.loader.config, &self.run.options);
        let strategy = self.text(&play.strategy)?;
        let strategy = strategy.unwrap_or_else(|| config.strategy.clone());
        let free = is_free(&strategy).map_err(|diag| diag.at_if_none(play.span))?;
        let max_fail = self.text(&play.max_fail_percentage)?;
        let max_fail = max_fail.and_then(|text| text.trim().trim_end_matches('%').parse().ok());
        let fatal = self.flag(&play.common.any_errors_fatal)?;
        let force_handlers = self.flag(&play.force_handlers)?;
        Ok(Terms {
            batches: match self.value(&play.serial)? {
                Some(serial) => super::serial::batches(&serial, hosts)?,
                None => vec![hosts],
            },
            // The strategies in which hosts do not wait for each other do not look at it (observed:
            // ansible-core 2.19.14).
            max_fail: max_fail.filter(|_| !free),
            fatal: fatal.unwrap_or(config.any_errors_fatal),
            force_handlers: force_handlers.unwrap_or(options.force_handlers),
            free,
        })
    }

    fn value(&self, keyword: &Option<Value>) -> Result<Option<Value>> {
        let engine = &self.run.engine;
        match keyword {
            Some(value) => engine.render_unless_omitted(value, self.scope, self.context),
            None => Ok(None),
        }
    }

    fn text(&self, keyword: &Option<Value>) -> Result<Option<String>> {
        Ok(self.value(keyword)?.map(|value| value.to_text()))
    }

    fn flag(&self, keyword: &Option<Value>) -> Result<Option<bool>> {
        Ok(self
            .value(keyword)?
            .map(|value| super::unit::to_bool(&value)))
    }
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
        common.any_errors_fatal.is_some()
            || common.delegate_facts.is_some()
            || common.throttle.is_some()
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

fn sort(hosts: &mut [String], order: &str) {
    match order {
        "sorted" => hosts.sort_unstable(),
        "reverse_sorted" => {
            hosts.sort_unstable();
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
