//! `yarn`: packages of Node.js, by Yarn Classic.

use super::common::command;
use super::common::place::{Place, is_missing};
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Effect, Known, Op, Outcome, Output, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Installs and removes packages with Yarn.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The package; those of `package.json` where absent.
    name: Option<String>,
    /// Directory with the `package.json`.
    path: Option<String>,
    /// Version to install.
    version: Option<String>,
    /// Install for the user.
    #[serde(default)]
    global: bool,
    /// The program, perhaps with words behind it.
    executable: Option<String>,
    /// Do not run the packages' scripts.
    #[serde(default)]
    ignore_scripts: bool,
    /// Leave out what is only needed for development.
    #[serde(default)]
    production: bool,
    /// Address of the registry.
    registry: Option<String>,
    /// What the package shall be.
    #[serde(default)]
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// Installed.
    #[default]
    Present,
    /// Removed.
    Absent,
    /// Installed in the newest version, as all others are then.
    Latest,
}

/// The module.
pub struct Yarn;

impl Module for Yarn {
    const NAME: &'static str = "yarn";
    const FQCN: &'static str = "community.general.yarn";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        args.check()?;
        let job = Job::new(args, view)?;
        let mut ops = Vec::new();
        for words in job.wanted()? {
            job.check_directory()?;
            ops.push(command::attempt(job.command(&words, true), job.effects()));
        }
        Ok(ops)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let failed = command::answers(done).find(|output| !output.ok());
        if let Some(output) = failed {
            let outcome = [Outcome::Ran(output.clone())];
            let words = args.program(view)?;
            return Ok(command::checked(&words, &outcome).unwrap_or_default());
        }
        let last = command::answers(done).next_back();
        Ok(match (done.is_empty(), last) {
            (true, _) => json!({"out": "", "err": ""}),
            (false, Some(output)) => json!({"out": output.text(), "err": output.err_text()}),
            // A dry run.
            (false, None) => json!({"out": null, "err": null}),
        })
    }
}

impl Args {
    fn check(&self) -> Result<()> {
        let (code, message, option) = match (&self.path, self.global) {
            (None, false) => (
                "missing-option",
                "Path must be specified when not using global arg",
                "path",
            ),
            (Some(path), true) if !path.is_empty() => (
                "conflicting-options",
                "Cannot specify path if doing global installation",
                "path",
            ),
            _ if self.state == State::Absent && self.name.is_none() => (
                "missing-option",
                "Package must be explicitly named when uninstalling.",
                "name",
            ),
            _ => return Ok(()),
        };
        Err(Diag::error(code, message).about(option))
    }

    fn program(&self, view: &dyn View) -> Result<Vec<String>> {
        Ok(match &self.executable {
            Some(words) => {
                let words = Place::of(words, view)?.shown;
                words.split(' ').map(str::to_owned).collect()
            }
            None => vec![command::required(view, "yarn")?],
        })
    }
}

/// One call, with what follows from its options and the host together.
struct Job<'a> {
    args: &'a Args,
    view: &'a dyn View,
    program: Vec<String>,
    /// Where `node_modules` is; `None` where only apply will tell.
    dir: Option<PathBuf>,
}

impl<'a> Job<'a> {
    fn new(args: &'a Args, view: &'a dyn View) -> Result<Job<'a>> {
        let program = args.program(view)?;
        let dir = match &args.path {
            Some(path) if !args.global => Some(Place::of(path, view)?.at),
            _ => {
                let mut words = program.clone();
                words.extend(["global".to_owned(), "dir".to_owned()]);
                let answer = view.query(&Command::new(words))?.known();
                let answer = answer.filter(Output::ok).map(|output| output.text());
                answer.map(|text| PathBuf::from(text.trim()))
            }
        };
        Ok(Job {
            args,
            view,
            program,
            dir,
        })
    }

    /// What Yarn has to do: the words of its commands.
    fn wanted(&self) -> Result<Vec<Vec<String>>> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let Some(name) = &self.args.name else {
            return Ok(vec![words(&["install", "--non-interactive"])]);
        };
        let version = match self.args.state {
            State::Latest => Some("latest"),
            _ => self.args.version.as_deref(),
        };
        let full = match version.filter(|version| !version.is_empty()) {
            Some(version) => format!("{name}@{version}"),
            None => name.clone(),
        };
        let is_there = match self.view.assumed(&self.key()) {
            Some(planned) => planned == json!(true),
            None => self.installed()?.contains(name),
        };
        let mut wanted = Vec::new();
        match self.args.state {
            State::Absent if is_there => wanted.push(words(&["remove", name])),
            State::Absent => {}
            State::Present | State::Latest if !is_there => wanted.push(words(&["add", &full])),
            State::Present | State::Latest => {}
        }
        if self.args.state == State::Latest && self.is_outdated()? {
            wanted.push(words(&["upgrade", "--latest"]));
        }
        Ok(wanted)
    }

    /// Names of the packages that are there.
    fn installed(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for line in self.ask(&["list", "--depth=0", "--json"])?.lines() {
            let about: Json = serde_json::from_str(line).map_err(|e| unreadable(&e))?;
            if about["type"] != "tree" {
                continue;
            }
            let trees = about["data"]["trees"].as_array();
            for tree in trees.into_iter().flatten() {
                let full = tree["name"].as_str().unwrap_or_default();
                names.push(
                    full.rsplit_once('@')
                        .map_or(full, |(name, _)| name)
                        .to_owned(),
                );
            }
        }
        Ok(names)
    }

    fn is_outdated(&self) -> Result<bool> {
        let text = self.ask(&["outdated", "--json"])?;
        let Some(line) = text.lines().nth(1) else {
            return Ok(false);
        };
        let about: Json = serde_json::from_str(line).map_err(|e| unreadable(&e))?;
        Ok(about["data"]["body"]
            .as_array()
            .is_some_and(|body| !body.is_empty()))
    }

    /// What Yarn answers; nothing where it has locked no packages yet.
    fn ask(&self, words: &[&str]) -> Result<String> {
        let lock = self.dir.as_ref().map(|dir| dir.join("yarn.lock"));
        let has_lock = match lock {
            Some(lock) => matches!(self.view.stat(&lock)?, Known::Known(Some(_))),
            None => false,
        };
        if !has_lock {
            return Ok(String::new());
        }
        self.check_directory()?;
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let Known::Known(output) = self.view.query(&self.command(&words, false))? else {
            return Ok(String::new());
        };
        let said = output.err_text();
        for line in said.lines() {
            let message = match serde_json::from_str::<Json>(line) {
                Ok(about) if about["type"] == "error" => said.clone(),
                Ok(_) => continue,
                Err(_) => format!("Unexpected stderr output from Yarn: {said}"),
            };
            return Err(Diag::error("yarn", message).with("stderr", said.clone()));
        }
        Ok(output.text().trim().to_owned())
    }

    fn check_directory(&self) -> Result<()> {
        let Some(dir) = self.dir.as_ref().filter(|_| !self.args.global) else {
            return Ok(());
        };
        let stat = self.view.stat(dir)?.known().flatten();
        if stat.is_some_and(|stat| !stat.is_dir()) {
            let message = format!("Path provided {} is not a directory", dir.display());
            return Err(Diag::error("bad-file", message).about("path"));
        }
        if is_missing(&dir.join("package.json"), self.view)? {
            let message = "Package.json does not exist in provided path.";
            return Err(Diag::error("no-such-file", message).about("path"));
        }
        Ok(())
    }

    /// A command with the flags that all have; `global` where it changes something.
    fn command(&self, words: &[String], changes: bool) -> Command {
        let args = self.args;
        let is_global = args.global && changes;
        let mut argv = self.program.clone();
        argv.extend(is_global.then(|| "global".to_owned()));
        argv.extend(words.iter().cloned());
        argv.extend(args.production.then(|| "--production".to_owned()));
        argv.extend(args.ignore_scripts.then(|| "--ignore-scripts".to_owned()));
        if let Some(registry) = &args.registry {
            argv.extend(["--registry".to_owned(), registry.clone()]);
        }
        let mut command = Command::new(argv);
        command.cwd = self.dir.clone().filter(|_| !is_global);
        command
    }

    fn key(&self) -> String {
        let place = match &self.dir {
            Some(dir) => dir.display().to_string(),
            None => "global".to_owned(),
        };
        let what = self.args.name.as_deref().unwrap_or("package.json");
        format!("yarn:{place}:{what}")
    }

    fn effects(&self) -> Vec<Effect> {
        let is_there = json!(self.args.state != State::Absent);
        let mut effects = vec![Effect::Assume(self.key(), is_there)];
        if let Some(dir) = &self.dir {
            effects.push(Effect::MayFill(dir.join("node_modules")));
        }
        effects
    }
}

fn unreadable(error: &serde_json::Error) -> Box<Diag> {
    Diag::error(
        "yarn",
        format!("Failed to parse Yarn output with error {error}"),
    )
}
