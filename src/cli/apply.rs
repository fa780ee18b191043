//! `gxdeploy plan` and `gxdeploy apply`, and `ansible-playbook`.

use super::common::{Common, Selection, must_exist};
use super::show::{Form, Show};
use crate::diag::{Exit, Result};
use crate::exec::{self, Listing};
use std::path::PathBuf;

/// Brings hosts to the state that playbooks describe
#[derive(Debug, clap::Parser)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy apply -i hosts.ini site.yml                  All of it
  gxdeploy apply -i hosts.ini -l web -t config site.yml Some hosts, some tasks
  gxdeploy apply -i localhost, -c local site.yml        This machine
  gxdeploy apply -i hosts.ini -O default,junit=r.xml site.yml"
)]
pub(super) struct Args {
    #[command(flatten)]
    playbooks: Playbooks,
}

/// Shows what `apply` would do, and changes nothing
///
/// Later steps see what earlier ones would have done, so that a blank host can be planned too. What
/// cannot be known before is marked and counted.
#[derive(Debug, clap::Parser)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy plan -i hosts.ini site.yml                   What would change
  gxdeploy plan --no-diff -i hosts.ini site.yml         Without the contents of files
  gxdeploy plan --detailed-exitcode -i hosts.ini site.yml   Exit code 2 if anything would"
)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    playbooks: Playbooks,
    /// Leave the differences out
    #[arg(long)]
    no_diff: bool,
}

#[derive(Debug, clap::Args)]
struct Playbooks {
    /// Playbooks, in order
    #[arg(required = true)]
    playbooks: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    show: Show,
    /// Exit code 2 if something changed (or would)
    #[arg(long)]
    detailed_exitcode: bool,
    /// Check the playbooks, run nothing
    #[arg(long, help_heading = "Tasks")]
    syntax_check: bool,
    /// List the tasks, run nothing
    #[arg(long, help_heading = "Tasks")]
    list_tasks: bool,
    /// List the tags, run nothing
    #[arg(long, help_heading = "Tasks")]
    list_tags: bool,
}

/// `gxdeploy apply`; under the name of ansible-playbook it prints as that does.
pub(super) fn run(args: &Args, form: Form) -> Result<Exit> {
    args.playbooks.run(form, |_| {})
}

/// `gxdeploy plan`.
pub(super) fn plan(args: &PlanArgs) -> Result<Exit> {
    args.playbooks.run(Form::Default, |options| {
        options.plan = true;
        options.check = true;
        options.diff = !args.no_diff;
    })
}

impl Playbooks {
    fn run(&self, form: Form, change: impl FnOnce(&mut exec::Options)) -> Result<Exit> {
        must_exist(&self.playbooks)?;
        let mut options = self.common.options()?;
        options.playbooks.clone_from(&self.playbooks);
        options.detailed_exitcode = self.detailed_exitcode;
        self.selection.add_to(&mut options);
        change(&mut options);
        let what = Listing {
            hosts: self.common.hosts.list_hosts,
            tasks: self.list_tasks,
            tags: self.list_tags,
        };
        if self.syntax_check || what.hosts || what.tasks || what.tags {
            return self.show.list(options, form, what);
        }
        self.show.run(options, form)
    }
}
