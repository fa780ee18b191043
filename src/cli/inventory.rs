//! `gxdeploy inventory`, and `ansible-inventory`: hosts, groups and variables as they are understood.

use super::flags::{Hosts, Vault};
use crate::config;
use crate::diag::{Diag, Exit, Result, SourceMap, render};
use crate::exec;
use crate::inventory::{self, Inventory, show};
use crate::output::Screen;
use std::path::PathBuf;
use std::sync::Arc;

/// Shows hosts, groups and variables
#[derive(Debug, clap::Parser)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy inventory -i hosts.ini --graph               Groups and hosts as a tree
  gxdeploy inventory -i hosts.ini --graph web --vars    One group, with variables
  gxdeploy inventory -i hosts.ini --host web1           A host's variables
  gxdeploy inventory -i hosts.ini --list                Everything, as JSON"
)]
#[command(group = clap::ArgGroup::new("action").args(["list", "host", "graph"]).required(true))]
pub(super) struct Args {
    /// A group to begin with, for --graph
    group: Option<String>,
    #[command(flatten)]
    hosts: Hosts,
    #[command(flatten)]
    vault: Vault,
    /// All groups and hosts, as JSON
    #[arg(long)]
    list: bool,
    /// The variables of one host, as JSON
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Groups and hosts as a tree
    #[arg(long)]
    graph: bool,
    /// YAML in place of JSON
    #[arg(short, long)]
    yaml: bool,
    /// Variables too, for --graph
    #[arg(long, requires = "graph")]
    vars: bool,
    /// Variables at the hosts and groups where they were written, for --list
    #[arg(long, requires = "list")]
    export: bool,
    /// A file to write to in place of the screen, for --list
    #[arg(long, value_name = "FILE", requires = "list")]
    output: Option<PathBuf>,
    /// The directory whose group_vars and host_vars count too
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
    /// Tell more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Prints what was asked for.
pub(super) fn run(args: &Args) -> Result<Exit> {
    let inventory = args.load()?;
    let mut options = show::Options {
        yaml: args.yaml,
        export: args.export,
        playbook_files: args.playbook_dir.is_some(),
        limit: None,
    };
    let text = if let Some(host) = &args.host {
        show::host(&inventory, host, &options)?
    } else if args.graph {
        let group = args.group.as_deref().unwrap_or("all");
        show::graph(&inventory, group, args.vars, &options)?
    } else {
        options.limit = limit(&inventory, args.hosts.limit.as_deref())?;
        show::list(&inventory, &options)
    };
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).map_err(|e| Diag::io("write", path, &e))?;
        }
        None => Screen::stdout().text(&text),
    }
    Ok(Exit::Ok)
}

fn limit(inventory: &Inventory, pattern: Option<&str>) -> Result<Option<Vec<String>>> {
    let Some(pattern) = pattern else {
        return Ok(None);
    };
    let selection = inventory.select(pattern)?;
    let mut screen = Screen::stderr();
    for part in &selection.unmatched {
        screen.line(&format!(
            "[WARNING]: Could not match supplied host pattern, ignoring: {part}"
        ));
    }
    Ok(Some(selection.hosts))
}

impl Args {
    fn load(&self) -> Result<Inventory> {
        let config = config::load()?;
        let vault = exec::Options {
            vault_ids: self.vault.ids.clone(),
            vault_password_files: self.vault.password_files.clone(),
            ask_vault_password: self.vault.ask,
            ..exec::Options::default()
        };
        let secrets = exec::vault_secrets(&vault, &config)?;
        let sources = SourceMap::default();
        let mut wanted = self.hosts.inventory.clone();
        if wanted.is_empty() {
            wanted = config.inventory;
        }
        let decrypt = move |_: &std::path::Path, bytes: &[u8]| {
            secrets.decrypt(&String::from_utf8_lossy(bytes))
        };
        let options = inventory::Options {
            sources: wanted,
            // Without a playbook the working directory counts as its place.
            playbook_dir: Some(self.playbook_dir.clone().unwrap_or_else(|| ".".into())),
            decrypt: Arc::new(decrypt),
            merge: config.hash_behaviour == "merge",
        };
        let (inventory, warnings) = inventory::load(&sources, &options)?;
        let mut screen = Screen::stderr();
        for warning in warnings {
            let text = render(&warning, &sources, screen.colour);
            screen.line(&text);
        }
        Ok(inventory)
    }
}
