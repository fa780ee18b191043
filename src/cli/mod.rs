//! The command line: one file per verb.

mod agent;
mod apply;
mod common;
mod doc;
mod facts;
mod flags;
mod hosts;
mod inventory;
mod planned;
mod resume;
mod run;
mod runs;
mod show;
mod status;
mod usage;
mod vault;
mod version;

use crate::diag::{Diag, Exit, SourceMap, render};
use crate::output::Screen;
use crate::supervisor::{supervisorctl_main, supervisord_main};
use clap::{Parser, Subcommand};
use show::Form;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs the program with its arguments, its name first.
///
/// Under the name of one of Ansible's or Supervisor's programs it is that program; under any other
/// name it is `gxdeploy` with its verbs.
pub fn main(args: Vec<OsString>) -> ExitCode {
    usage::tell_bugs_apart();
    if let Some(code) = askpass(&args) {
        return code;
    }
    if let Some(code) = supervisor(&args) {
        return ExitCode::from(code);
    }
    let name = args.first().map(Path::new).and_then(Path::file_name);
    let name = name.map_or_else(|| "gxdeploy".into(), |n| n.to_string_lossy().into_owned());
    let words = args.into_iter().skip(1).collect();
    let ended = match name.as_str() {
        "ansible-playbook" => {
            usage::parse::<apply::Args>(&name, words).map(|args| apply::run(&args, Form::Ansible))
        }
        "ansible" => usage::parse::<run::Args>(&name, words).map(|args| run::run(&args)),
        "ansible-inventory" => {
            usage::parse::<inventory::Args>(&name, words).map(|args| inventory::run(&args))
        }
        "ansible-vault" => usage::parse::<vault::Args>(&name, words).map(|args| vault::run(&args)),
        "ansible-doc" => usage::parse::<doc::Args>(&name, words).map(doc::run),
        _ => usage::parse::<Gxdeploy>("gxdeploy", words).map(|g| g.verb.run()),
    };
    match ended {
        Ok(Ok(exit)) => ExitCode::from(exit.code()),
        Ok(Err(diag)) => fail(&diag, &SourceMap::default()),
        Err(code) => code,
    }
}

/// ssh asks for a password that this program gave it to ask for.
fn askpass(args: &[OsString]) -> Option<ExitCode> {
    let [_, question] = args else { return None };
    match crate::transport::answer_askpass(&question.to_string_lossy())? {
        Ok(password) => {
            Screen::stdout().line(&password);
            Some(ExitCode::SUCCESS)
        }
        Err(()) => Some(ExitCode::FAILURE),
    }
}

/// supervisord and supervisorctl have their own command lines: under their names, and as the verbs
/// `supervisord` and `ctl`.
fn supervisor(args: &[OsString]) -> Option<u8> {
    let name = args.first().map(Path::new)?.file_name()?.to_str()?;
    let verb = args.get(1).and_then(|a| a.to_str());
    match (name, verb) {
        ("supervisord", _) => Some(supervisord_main(args)),
        ("supervisorctl", _) => Some(supervisorctl_main(args)),
        (_, Some("supervisord")) => Some(supervisord_main(&args[1..])),
        (_, Some("ctl")) => Some(supervisorctl_main(&args[1..])),
        _ => None,
    }
}

/// Says on standard error why nothing ran.
fn fail(diag: &Diag, sources: &SourceMap) -> ExitCode {
    let mut screen = Screen::stderr();
    let text = render(diag, sources, screen.colour);
    screen.line(&text);
    ExitCode::from(diag.exit.code())
}

/// Brings machines to the state a playbook describes, and keeps processes alive.
#[derive(Debug, Parser)]
#[command(name = "gxdeploy", version, after_help = EXAMPLES)]
struct Gxdeploy {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  gxdeploy plan -i hosts.ini site.yml        Show what would change, change nothing
  gxdeploy apply -i hosts.ini site.yml       Make it so
  gxdeploy plan -i hosts.ini site.yml -o p   Keep the plan; `gxdeploy apply p` does exactly that
  gxdeploy resume                            Go on with a run that did not come to its end
  gxdeploy run -i hosts.ini all -m ping      One module on many hosts
  gxdeploy doc copy                          The options of a module

Under the names ansible-playbook, ansible, ansible-inventory, ansible-vault,
ansible-doc, supervisord and supervisorctl (a link is enough) it takes the
options of those programs and prints what they print.";

#[derive(Debug, Subcommand)]
enum Verb {
    Plan(apply::PlanArgs),
    Apply(apply::Args),
    Resume(resume::Args),
    Runs(runs::RunsArgs),
    Show(runs::ShowArgs),
    Run(run::Args),
    Inventory(inventory::Args),
    Vault(vault::Args),
    Doc(doc::Args),
    Facts(facts::Args),
    Hosts(hosts::Args),
    Status(status::Args),
    Version(version::Args),
    #[command(hide = true)]
    Agent(agent::Args),
}

impl Verb {
    fn run(self) -> crate::diag::Result<Exit> {
        match self {
            Verb::Plan(args) => apply::plan(&args),
            Verb::Apply(args) => apply::run(&args, Form::Default),
            Verb::Resume(args) => resume::run(&args),
            Verb::Runs(args) => runs::list(&args),
            Verb::Show(args) => runs::show(&args),
            Verb::Run(args) => run::run(&args),
            Verb::Inventory(args) => inventory::run(&args),
            Verb::Vault(args) => vault::run(&args),
            Verb::Doc(args) => doc::run(args),
            Verb::Facts(args) => facts::run(args),
            Verb::Hosts(args) => hosts::run(&args),
            Verb::Status(args) => status::run(&args),
            Verb::Version(args) => version::run(args),
            Verb::Agent(args) => agent::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_lines_are_consistent() {
        Gxdeploy::command().debug_assert();
        apply::Args::command().debug_assert();
        run::Args::command().debug_assert();
        inventory::Args::command().debug_assert();
    }

    #[test]
    fn takes_what_ansible_takes() {
        let playbook = "ansible-playbook -i a -i b, -e x=1 -e @v.yml -l web -t a,b --skip-tags c -C -D -b \
            --become-user u --become-method su -K -k -u me --private-key k -c ssh -T 5 -f 9 -vvv -M m \
            --start-at-task t --step --flush-cache --force-handlers --vault-id x@prompt \
            --vault-password-file f --ssh-common-args=-oX=y --syntax-check --list-tasks --list-hosts \
            --list-tags --diff -l db site.yml other.yml";
        let args = apply::Args::try_parse_from(playbook.split_whitespace()).unwrap();
        let shown = format!("{args:?}");
        assert!(
            shown.contains(r#"inventory: ["a", "b,"]"#) && shown.contains(r#"limit: Some("db")"#),
            "{shown}"
        );
        let ad_hoc = "ansible all -i a -m copy -a dest=/x -b -o -vv --playbook-dir d -J";
        run::Args::try_parse_from(ad_hoc.split_whitespace()).unwrap();
        assert!(run::Args::try_parse_from(["ansible"]).is_err());
    }
}
