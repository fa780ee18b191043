//! `make`: brings targets of a makefile up to date.

use super::common::command;
use super::common::place::Place;
use super::common::{ran, web};
use super::{Kind, Module};
use crate::args::Raw;
use crate::diag::{Diag, Result};
use crate::sys::{Command, Effect, Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Runs make where it finds something to do.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The target; that of the makefile where absent.
    target: Option<String>,
    /// Several targets.
    targets: Option<Vec<String>>,
    /// Variables, as a dict.
    params: Option<Raw>,
    /// Directory to run in.
    chdir: String,
    /// The makefile.
    file: Option<String>,
    /// The program.
    make: Option<String>,
    /// How many commands run at the same time.
    jobs: Option<i64>,
}

/// The module.
pub struct Make;

impl Module for Make {
    const NAME: &'static str = "make";
    const FQCN: &'static str = "community.general.make";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let command = args.command(view)?;
        let mut question = command.clone();
        question.argv.push("-q".to_owned());
        match view.query(&question)? {
            Known::Known(output) if output.ok() => Ok(Vec::new()),
            _ => {
                // What it builds lies beside the makefile; what it installs, as a rule, here.
                let dir = Place::of(&args.chdir, view)?.at;
                let effects = [dir, "/usr/local".into()].map(Effect::MayFill);
                Ok(vec![command::attempt(command, effects.into())])
            }
        }
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let command = args.command(view)?;
        if let Some(failed) = command::checked(&command.argv, done) {
            return Ok(failed);
        }
        let mut keys = json!({
            "target": args.target,
            "targets": args.targets,
            "params": args.params,
            "chdir": Place::of(&args.chdir, view)?.shown,
            "file": args.file,
            "jobs": args.jobs,
            "command": command::line(&command.argv),
        });
        let texts = if done.contains(&Outcome::Unknown) {
            ran::unknown("make")
        } else {
            // What `make -q` says is of no interest; it says nothing as a rule.
            let (out, err) = command::texts(done);
            let mut texts = Map::new();
            ran::set_text(&mut texts, "stdout", out.trim_end_matches(['\r', '\n']));
            ran::set_text(&mut texts, "stderr", err.trim_end_matches(['\r', '\n']));
            texts
        };
        for (key, value) in texts.into_iter().filter(|(key, _)| key != "rc") {
            keys[key] = value;
        }
        Ok(keys)
    }
}

impl Args {
    fn command(&self, view: &dyn View) -> Result<Command> {
        if self.target.is_some() && self.targets.is_some() {
            let message = "parameters are mutually exclusive: target|targets";
            return Err(Diag::error("conflicting-options", message));
        }
        let mut argv = vec![self.program(view)?];
        if let Some(jobs) = self.jobs {
            argv.extend(["-j".to_owned(), jobs.to_string()]);
        }
        if let Some(file) = &self.file {
            argv.extend(["-f".to_owned(), Place::of(file, view)?.shown]);
        }
        argv.extend(self.target.clone());
        argv.extend(self.targets.iter().flatten().cloned());
        argv.extend(self.variables()?);
        Ok(Command::new(argv).cwd(Place::of(&self.chdir, view)?.at))
    }

    fn program(&self, view: &dyn View) -> Result<String> {
        if let Some(make) = &self.make {
            return Ok(Place::of(make, view)?.shown);
        }
        match view.which("gmake")? {
            Known::Known(Some(path)) => Ok(path.display().to_string()),
            _ => command::required(view, "make"),
        }
    }

    fn variables(&self) -> Result<Vec<String>> {
        let variable = |(name, value): (&String, &Json)| match value {
            Json::Null => name.clone(),
            value => format!("{name}={}", web::text(value)),
        };
        match &self.params {
            None | Some(Raw(Json::Null)) => Ok(Vec::new()),
            Some(Raw(Json::Object(params))) => Ok(params.iter().map(variable).collect()),
            Some(_) => Err(Diag::error("wrong-value", "params must be a dict").about("params")),
        }
    }
}
