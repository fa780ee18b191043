//! `npm`: packages of Node.js.

use super::common::file_attrs::FileAttrs;
use super::common::place::{Place, is_missing};
use super::common::{command, dirs};
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Effect, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Installs and removes packages with npm.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The package; those of `package.json` where absent.
    name: Option<String>,
    /// Directory to install in; it is made if it is missing.
    path: Option<String>,
    /// Version to install.
    version: Option<String>,
    /// Install for the whole system.
    #[serde(default)]
    global: bool,
    /// The program, perhaps with words before it.
    executable: Option<String>,
    /// Do not run the packages' scripts.
    #[serde(default)]
    ignore_scripts: bool,
    /// Run the packages' scripts as root.
    #[serde(default)]
    unsafe_perm: bool,
    /// Install exactly what the lock file says.
    #[serde(default)]
    ci: bool,
    /// Leave out what is only needed for development.
    #[serde(default)]
    production: bool,
    /// Address of the registry.
    registry: Option<String>,
    /// What the package shall be.
    #[serde(default)]
    state: State,
    /// Leave out optional packages.
    #[serde(default)]
    no_optional: bool,
    /// Make no links to programs.
    #[serde(default)]
    no_bin_links: bool,
    /// Pass `--force`.
    #[serde(default)]
    force: bool,
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
    /// Installed in the newest version.
    Latest,
}

/// The module.
pub struct Npm;

impl Module for Npm {
    const NAME: &'static str = "npm";
    const FQCN: &'static str = "community.general.npm";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let words = args.words(view)?;
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let mut ops = Vec::new();
        if let Some(dir) = args.missing_dir(view)? {
            ops = dirs::make(&dir, &FileAttrs::default(), view)?;
        }
        for word in words {
            let effects = args.effects(view)?;
            ops.push(command::attempt(args.command(word, true, view)?, effects));
        }
        Ok(ops)
    }

    /// The second command (`update` after `install`) is of no use where the first has failed, and
    /// npm says the same again.
    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let failed = command::answers(done).find(|output| !output.ok());
        let word = if args.ci { "ci" } else { args.state.word() };
        match failed {
            Some(output) => {
                let argv = args.command(word, true, view)?.argv;
                let outcome = [Outcome::Ran(output.clone())];
                Ok(command::checked(&argv, &outcome).unwrap_or_default())
            }
            None => Ok(json!({})),
        }
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Present | State::Latest => "install",
            State::Absent => "uninstall",
        }
    }
}

/// What npm says is installed.
#[derive(Default)]
struct Listed {
    /// Names, and names with versions.
    installed: Vec<String>,
    /// Something that is needed is missing or wrong.
    is_missing: bool,
}

impl Args {
    /// What npm has to do.
    fn words(&self, view: &dyn View) -> Result<Vec<&'static str>> {
        if self.path.is_none() && !self.global {
            let message = "path must be specified when not using global";
            return Err(Diag::error("missing-option", message).about("path"));
        }
        if self.state == State::Absent && self.name.is_none() {
            let message = "state is absent but all of the following are missing: name";
            return Err(Diag::error("missing-option", message).about("name"));
        }
        if self.ci {
            return Ok(vec!["ci"]);
        }
        if let Some(planned) = view.assumed(&self.key(view)?) {
            let is_there = planned == json!(true);
            return Ok(match is_there == (self.state != State::Absent) {
                true => Vec::new(),
                false => vec![self.state.word()],
            });
        }
        let listed = self.list(view)?;
        let mut words = Vec::new();
        match self.state {
            State::Absent => {
                let name = self.name.clone().unwrap_or_default();
                if listed.installed.contains(&name) {
                    words.push("uninstall");
                }
            }
            state => {
                if listed.is_missing {
                    words.push("install");
                }
                if state == State::Latest && self.is_outdated(view)? {
                    words.push("update");
                }
            }
        }
        Ok(words)
    }

    fn list(&self, view: &dyn View) -> Result<Listed> {
        let mut listed = Listed::default();
        // Nothing is there yet where npm cannot be asked.
        let text = self.ask("list", false, view)?.unwrap_or_default();
        let text = if text.trim().is_empty() { "{}" } else { &text };
        let list: Json = serde_json::from_str(text).map_err(|e| {
            let message = format!("Failed to parse NPM output with error {e}");
            Diag::error("npm", message)
        })?;
        let Some(packages) = list["dependencies"].as_object() else {
            listed.is_missing = true;
            return Ok(listed);
        };
        for (name, about) in packages {
            if about["missing"] == json!(true) || is_true(&about["invalid"]) {
                listed.is_missing = true;
                continue;
            }
            listed.installed.push(name.clone());
            if let Some(version) = about["version"].as_str() {
                listed.installed.push(format!("{name}@{version}"));
            }
        }
        if let Some(name) = self.full_name()
            && !listed.installed.contains(&name)
        {
            listed.is_missing = true;
        }
        Ok(listed)
    }

    fn is_outdated(&self, view: &dyn View) -> Result<bool> {
        let text = self.ask("outdated", true, view)?.unwrap_or_default();
        Ok(text.lines().any(|line| !line.is_empty()))
    }

    /// What npm answers; nothing where it cannot be asked yet.
    fn ask(&self, word: &str, named: bool, view: &dyn View) -> Result<Option<String>> {
        if self.missing_dir(view)?.is_some() {
            return Ok(None);
        }
        let answer = view.query(&self.command(word, named, view)?)?;
        Ok(answer.known().map(|output| output.text()))
    }

    fn full_name(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        Some(match &self.version {
            Some(version) if self.state != State::Absent => format!("{name}@{version}"),
            _ => name.clone(),
        })
    }

    fn dir(&self, view: &dyn View) -> Result<Option<PathBuf>> {
        match &self.path {
            Some(path) => Ok(Some(Place::of(path, view)?.at)),
            None => Ok(None),
        }
    }

    fn missing_dir(&self, view: &dyn View) -> Result<Option<PathBuf>> {
        match self.dir(view)? {
            Some(dir) if is_missing(&dir, view)? => Ok(Some(dir)),
            _ => Ok(None),
        }
    }

    fn command(&self, word: &str, named: bool, view: &dyn View) -> Result<Command> {
        let mut argv: Vec<String> = match &self.executable {
            Some(words) => Place::of(words, view)?
                .shown
                .split(' ')
                .map(str::to_owned)
                .collect(),
            None => vec![command::required(view, "npm")?],
        };
        argv.push(word.to_owned());
        if word == "list" {
            argv.extend(["--json".to_owned(), "--long".to_owned()]);
        }
        let mut flag = |wanted: bool, flag: &str| {
            if wanted {
                argv.push(flag.to_owned());
            }
        };
        flag(self.global, "--global");
        let installs = matches!(word, "install" | "update" | "ci");
        flag(self.production && installs, "--production");
        flag(self.ignore_scripts, "--ignore-scripts");
        flag(self.unsafe_perm, "--unsafe-perm");
        if named && let Some(name) = self.full_name() {
            flag(true, &name);
        }
        if let Some(registry) = &self.registry {
            flag(true, "--registry");
            flag(true, registry);
        }
        flag(self.no_optional, "--no-optional");
        flag(self.no_bin_links, "--no-bin-links");
        flag(self.force, "--force");
        let mut command = Command::new(argv);
        command.cwd = self.dir(view)?;
        Ok(command)
    }

    fn key(&self, view: &dyn View) -> Result<String> {
        let place = match self.dir(view)? {
            Some(dir) if !self.global => dir.display().to_string(),
            _ => "system".to_owned(),
        };
        let what = self
            .full_name()
            .unwrap_or_else(|| "package.json".to_owned());
        Ok(format!("npm:{place}:{what}"))
    }

    fn effects(&self, view: &dyn View) -> Result<Vec<Effect>> {
        let is_there = json!(self.state != State::Absent);
        let mut effects = vec![Effect::Assume(self.key(view)?, is_there)];
        match self.dir(view)? {
            Some(dir) if !self.global => effects.push(Effect::MayFill(dir.join("node_modules"))),
            _ => effects.extend(["/usr/local", "/usr/lib"].map(|d| Effect::MayFill(d.into()))),
        }
        Ok(effects)
    }
}

/// True as Python takes it: npm gives a reason as text.
fn is_true(value: &Json) -> bool {
    !matches!(value, Json::Null | Json::Bool(false)) && value != ""
}
