//! From options to an exit code: one playbook after the other.

use super::blobs::Blobs;
use super::collect::Collector;
use super::foresee::PlanFile;
use super::forks::Forks;
use super::options::Options;
use super::prepare::{Playbooks, Prepared, prepare};
use super::run::Run;
use crate::diag::Exit;
use crate::output::{Event, Output};
use crate::value::{Kind, Value};
use std::path::PathBuf;
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
