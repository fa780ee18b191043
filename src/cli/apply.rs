//! `gxdeploy plan` and `gxdeploy apply`, and `ansible-playbook`.

use super::common::{Common, Selection, must_exist};
use super::planned::{self, Writing};
use super::resume::without_values;
use super::show::{Form, Show, complain};
use crate::diag::{Diag, Exit, Level, Result};
use crate::exec::record::{Head, Record};
use crate::exec::{self, Listing, Lock, Once};
use crate::output::Screen;
use std::path::PathBuf;

/// Brings hosts to the state that playbooks describe
///
/// In place of playbooks it takes a plan that `gxdeploy plan -o FILE` has written, and does exactly
/// that, with the options of the plan. It begins nothing where a file that the plan was made of, a
/// value of `-e` or the hosts of the inventory are not as they were; and a host on which a step would
/// do something else than was planned is left before that step, which counts as a failure.
#[derive(Debug, clap::Parser)]
#[command(
    args_override_self = true,
    after_help = "Examples:
  gxdeploy apply -i hosts.ini site.yml                  All of it
  gxdeploy apply -i hosts.ini -l web -t config site.yml Some hosts, some tasks
  gxdeploy apply -i localhost, -c local site.yml        This machine
  gxdeploy apply site.plan                              What `gxdeploy plan -o site.plan` said
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
  gxdeploy plan --detailed-exitcode -i hosts.ini site.yml   Exit code 2 if anything would
  gxdeploy plan -i hosts.ini site.yml -o site.plan      To be looked at (`gxdeploy show`) and applied"
)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub playbooks: Playbooks,
    /// Write the plan to a file, for `gxdeploy apply FILE` and `gxdeploy show FILE`; without secrets
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave the differences out
    #[arg(long)]
    no_diff: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Playbooks {
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
    /// What to do where another run changes a host: `wait`, `refuse` (the host fails), or `none`
    #[arg(long, value_name = "HOW", default_value = "wait", value_parser = ["wait", "refuse", "none"], hide_possible_values = true)]
    lock: String,
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
    if form != Form::Default {
        return args.playbooks.run(form, |_| Ok(()));
    }
    let dir = std::env::current_dir().unwrap_or_default();
    let begin = |options: &mut exec::Options| {
        let playbooks = options.playbooks.iter();
        let head = Head {
            dir,
            words: without_values(words()),
            playbooks: playbooks.map(|p| p.display().to_string()).collect(),
            ..Head::default()
        };
        if options.check {
            return Ok(());
        }
        match Record::begin(head, &options.secrets) {
            Ok(record) => options.record = Some((record, Once::default())),
            Err(mut diag) => {
                diag.level = Level::Warning;
                complain(&diag.note("this run cannot be gone on with by `gxdeploy resume`"));
            }
        }
        Ok(())
    };
    args.playbooks.carry_out(false, begin)
}

/// The words of the command line behind the verb.
fn words() -> Vec<String> {
    let words = std::env::args_os().skip(2);
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Goes on with a run.
pub(super) fn again(args: &Args, id: &str) -> Result<Exit> {
    args.playbooks.carry_out(true, |options| {
        let (record, replay) = Record::again(id, &options.secrets)?;
        let (steps, hosts) = replay.size();
        Screen::stderr().line(&format!(
            "Going on with run {id}: {} on {}, done and not run again",
            counted(steps, "step"),
            counted(hosts, "host")
        ));
        options.record = Some((record, Once::of(replay)));
        Ok(())
    })
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// `gxdeploy plan`.
pub(super) fn plan(args: &PlanArgs) -> Result<Exit> {
    let mut writing = None;
    let exit = args.playbooks.run(Form::Default, |options| {
        options.plan = true;
        options.check = true;
        options.diff = !args.no_diff;
        if let Some(file) = &args.out {
            writing = Some(Writing::begin(file, words(), options)?);
        }
        Ok(())
    })?;
    match writing {
        Some(writing) => writing.end(exit),
        None => Ok(exit),
    }
}

impl Playbooks {
    /// Carries out the playbooks, or a plan. `again`: it was begun before.
    fn carry_out(
        &self,
        again: bool,
        begin: impl FnOnce(&mut exec::Options) -> Result<()>,
    ) -> Result<Exit> {
        match planned::among(&self.playbooks)? {
            Some(file) => planned::apply(self, file, again, begin),
            None => self.run(Form::Default, begin),
        }
    }

    /// For a plan: takes over how it is to be carried out. What is carried out is settled.
    ///
    /// # Errors
    /// `plan-fixed`: an option would change that.
    pub fn take(&mut self, given: &Playbooks, extra_vars: &[String]) -> Result<()> {
        let lists = given.syntax_check || given.list_tasks || given.list_tags;
        let settled = match lists {
            true => Some("a list"),
            false => given.selection.given().or(given.common.settled()),
        };
        if let Some(option) = settled {
            let message = format!("{option} cannot be had with a plan, which has its own options");
            return Err(Diag::error("plan-fixed", message)
                .exit(Exit::Usage)
                .help("`gxdeploy show` shows a plan; make another one with other options"));
        }
        self.common.take(&given.common, extra_vars);
        self.show.clone_from(&given.show);
        self.detailed_exitcode = given.detailed_exitcode;
        self.lock.clone_from(&given.lock);
        Ok(())
    }

    /// Runs them, or lists what they consist of.
    ///
    /// # Errors
    /// Those of the options; `change` has the last word on them.
    pub fn run(
        &self,
        form: Form,
        change: impl FnOnce(&mut exec::Options) -> Result<()>,
    ) -> Result<Exit> {
        must_exist(&self.playbooks)?;
        let mut options = self.common.options()?;
        options.playbooks.clone_from(&self.playbooks);
        options.detailed_exitcode = self.detailed_exitcode;
        self.selection.add_to(&mut options);
        options.lock = match (form, self.lock.as_str()) {
            (Form::Default, "wait") => Lock::Wait,
            (Form::Default, "refuse") => Lock::Refuse,
            _ => Lock::None,
        };
        let what = Listing {
            hosts: self.common.hosts.list_hosts,
            tasks: self.list_tasks,
            tags: self.list_tags,
        };
        if self.syntax_check || what.hosts || what.tasks || what.tags {
            return self.show.list(options, form, what);
        }
        change(&mut options)?;
        self.show.run(options, form)
    }
}
