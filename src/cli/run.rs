//! `gxdeploy run`, and `ansible`: one module on many hosts.

use super::common::Common;
use super::show::{Form, Show};
use crate::diag::{Exit, Result};
use crate::exec;
use std::path::PathBuf;

/// Runs one module on many hosts
#[derive(Debug, clap::Parser)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy run -i hosts.ini all -m ping
  gxdeploy run -i hosts.ini web -a 'uptime'             `command` is the default module
  gxdeploy run -i hosts.ini db -b -m apt -a 'name=postgresql state=present'
  gxdeploy run -i hosts.ini all -m setup -a 'filter=ansible_mounts'"
)]
pub(super) struct Args {
    /// Which hosts
    pattern: String,
    #[command(flatten)]
    common: Common,
    /// The module
    #[arg(short, long, default_value = "command", value_name = "MODULE")]
    module_name: String,
    /// Its options: `key=value` words, JSON, or a command
    #[arg(
        short,
        long,
        default_value = "",
        value_name = "ARGS",
        hide_default_value = true
    )]
    args: String,
    /// One line for each host
    #[arg(short, long)]
    one_line: bool,
    #[command(flatten)]
    show: Show,
    /// The directory whose roles, files and group_vars count
    #[arg(long, value_name = "DIR")]
    playbook_dir: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Result<Exit> {
    let mut options = args.common.options()?;
    options.ad_hoc = Some(exec::AdHoc {
        hosts: args.pattern.clone(),
        module: args.module_name.clone(),
        args: args.args.clone(),
    });
    if let Some(dir) = &args.playbook_dir {
        std::env::set_current_dir(dir).map_err(|e| crate::diag::Diag::io("enter", dir, &e))?;
    }
    let form = match args.one_line {
        true => Form::OneLine,
        false => Form::AdHoc,
    };
    if args.common.hosts.list_hosts {
        let what = exec::Listing {
            hosts: true,
            ..exec::Listing::default()
        };
        return args.show.list(options, form, what);
    }
    args.show.run(options, form)
}
