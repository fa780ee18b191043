//! Everything before the first host is touched: settings, secrets, inventory, playbooks, and what is
//! wrong with them.

use super::collect::Collector;
use super::options::{AdHoc, Options};
use super::{extra_vars, secrets};
use crate::config::{self, Config};
use crate::diag::{Diag, Exit, Level, Result, SourceMap};
use crate::inventory::{self, Decryptor, Inventory};
use crate::jinja::Engine;
use crate::output::Event;
use crate::play::Loader;
use crate::play::ast::Playbook;
use crate::value::Map;
use crate::vault::Secrets;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a run begins with.
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

/// Reads all that the options name.
///
/// # Errors
/// Whatever is wrong before a host is touched; what was found before the last of it is told.
pub(super) fn prepare(
    mut options: Options,
    sources: &SourceMap,
    collector: &mut Collector,
) -> Result<Prepared> {
    let config = config::load()?;
    settle(&mut options, &config);
    let secrets = secrets::collect(&options, &config)?;
    let engine = engine(&options, sources, &secrets)
        .with_lenient_conditions(config.allow_broken_conditionals);
    let decrypt = decryptor(&secrets);
    let inventory = inventory(&options, &config, sources, &decrypt, collector)?;
    let extra_vars = extra_vars::read(&options.extra_vars, sources, &decrypt)?;
    if let Some((record, _)) = &options.record {
        record.must_have(&extra_vars)?;
    }
    let loader = Loader::new(
        sources.clone(),
        engine.clone(),
        config,
        secrets.clone(),
        Arc::new(extra_vars.clone()),
    );
    let playbooks = playbooks(&options, &loader)?;
    tell_warnings(&loader, collector)?;
    for (_, _, playbook) in &playbooks {
        for warning in crate::play::reserved::of_playbook(playbook) {
            collector.event(&Event::Message(warning));
        }
        check(&loader, playbook, options.late_faults, collector)?;
    }
    check_limit(&options, &inventory)?;
    if let Some(plan) = &options.saved {
        plan.begin(&extra_vars, &inventory, sources, &secrets)?;
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

/// Opens vaulted values of variables; what was in them is masked from then on.
fn engine(options: &Options, sources: &SourceMap, secrets: &Secrets) -> Engine {
    let masked = options.secrets.clone();
    let opener = secrets.clone();
    let open = move |envelope: &str| {
        let text = opener.decrypt_text(envelope)?;
        masked.add(&text);
        Ok(text)
    };
    Engine::new(sources.clone(), Arc::new(open))
}

/// Opens vaulted files.
fn decryptor(secrets: &Secrets) -> Decryptor {
    let opener = secrets.clone();
    Arc::new(move |path: &Path, bytes: &[u8]| {
        opener
            .decrypt(&String::from_utf8_lossy(bytes))
            .map_err(|mut diag| {
                diag.message = format!("{}: {}", path.display(), diag.message);
                diag
            })
    })
}

fn inventory(
    options: &Options,
    config: &Config,
    sources: &SourceMap,
    decrypt: &Decryptor,
    collector: &mut Collector,
) -> Result<Inventory> {
    let first = options.playbooks.first().map(|path| parent_of(path));
    let (inventory, warnings) = inventory::load(
        sources,
        &inventory::Options {
            sources: options.inventory.clone(),
            playbook_dir: first.or_else(|| std::env::current_dir().ok()),
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
    Ok(inventory)
}

/// The files' playbooks, and the one that an ad hoc command amounts to.
fn playbooks(options: &Options, loader: &Loader) -> Result<Playbooks> {
    let files = options.playbooks.iter().map(|path| {
        let playbook = loader.playbook(path)?;
        Ok((path.display().to_string(), parent_of(path), playbook))
    });
    let ad_hoc = options.ad_hoc.iter().map(ad_hoc);
    files.chain(ad_hoc).collect()
}

fn ad_hoc(command: &AdHoc) -> Result<(String, PathBuf, Playbook)> {
    let plays = vec![Arc::new(super::ad_hoc::play(command)?)];
    let here = std::env::current_dir().unwrap_or_default();
    Ok((String::new(), here, Playbook { plays }))
}

/// What was noticed while playbooks were read. A key that is there twice is what the settings make
/// of it.
fn tell_warnings(loader: &Loader, collector: &mut Collector) -> Result<()> {
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
    Ok(())
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
    // What the command line names comes to those of the configuration (observed: ansible-core 2.19.14).
    options.tags.only.extend_from_slice(&config.run_tags);
    options.tags.skip.extend_from_slice(&config.skip_tags);
    options.remote_port = config.remote_port;
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
