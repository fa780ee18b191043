//! `alternatives`: which of several programs has the common name.

mod group;

use super::Module;
use super::common::command;
use super::common::place::{Place, is_missing};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Effect, Op, Outcome, View};
use group::{Choice, Follower, Group};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Chooses among alternatives, adds them and removes them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The common name.
    name: String,
    /// The program itself.
    path: Option<String>,
    /// Accepted for compatibility; families are only known on other systems than Debian.
    family: Option<String>,
    /// The link that programs call; needed for a new name.
    link: Option<String>,
    /// The higher, the sooner it is chosen without a choice.
    priority: Option<i64>,
    /// What the program shall be.
    #[serde(default)]
    state: State,
    /// Further links that follow the choice: `name`, `path` and `link` of each. Alias: slaves
    #[serde(alias = "slaves")]
    subcommands: Option<Vec<Follower>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// Chosen.
    #[default]
    Selected,
    /// An alternative.
    Present,
    /// An alternative; the priorities choose.
    Auto,
    /// No alternative.
    Absent,
}

/// The module.
pub struct Alternatives;

impl Module for Alternatives {
    const NAME: &'static str = "alternatives";
    const FQCN: &'static str = "community.general.alternatives";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let group = Group::load(&args.name, view)?;
        let steps = args.steps(&group, view)?;
        let mut after = group;
        let mut ops = Vec::new();
        for step in steps {
            let command = step.command(args, &after, view)?;
            step.apply(args, &mut after, view)?;
            let effect = Effect::Assume(group::key(&args.name), json!(after));
            ops.push(command::run(command, vec![effect]));
        }
        Ok(ops)
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], diff: bool) -> Result<Json> {
        let group = Group::load(&args.name, view)?;
        let steps = args.steps(&group, view)?;
        let path = args.target(view)?;
        let messages: Vec<String> = steps.iter().map(|step| step.message(args, &path)).collect();
        let mut keys = json!({"msg": messages.join(" "), "diff": {"before": {}, "after": {}}});
        if diff {
            keys["diff"]["before"] = args.before(&group, &path);
            let mut after = Map::new();
            for step in steps {
                step.show(args, &group, &path, &mut after);
            }
            keys["diff"]["after"] = Json::Object(after);
        }
        Ok(keys)
    }

    fn result(_: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({}))
    }
}

/// One call of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Install,
    Set,
    Auto,
    Remove,
}

impl Args {
    fn target(&self, view: &dyn View) -> Result<String> {
        match &self.path {
            Some(path) => Ok(Place::of(path, view)?.shown),
            None if self.family.is_none() => {
                let message = "one of the following is required: path, family";
                Err(Diag::error("missing-option", message))
            }
            None => {
                let message = "families of alternatives are not known to update-alternatives here";
                Err(Diag::error("wrong-value", message).about("family"))
            }
        }
    }

    fn steps(&self, group: &Group, view: &dyn View) -> Result<Vec<Step>> {
        let path = self.target(view)?;
        let choice = group.choices.get(&path);
        if self.state == State::Absent {
            let step = choice.map(|_| Step::Remove);
            return Ok(step.into_iter().collect());
        }
        let mut steps = Vec::new();
        if !choice.is_some_and(|choice| self.is_met(choice)) {
            self.check(group, &path, view)?;
            steps.push(Step::Install);
        }
        if self.state == State::Selected && group.current.as_deref() != Some(&path) {
            steps.push(Step::Set);
        }
        if self.state == State::Auto && group.mode.as_deref() == Some("manual") {
            steps.push(Step::Auto);
        }
        Ok(steps)
    }

    fn is_met(&self, choice: &Choice) -> bool {
        let priority = self.priority.is_none_or(|wanted| wanted == choice.priority);
        let followers = self.subcommands.as_ref().is_none_or(|wanted| {
            wanted.iter().all(|f| choice.followers.contains(f))
                && choice.followers.iter().all(|f| wanted.contains(f))
        });
        priority && followers
    }

    fn check(&self, group: &Group, path: &str, view: &dyn View) -> Result<()> {
        if is_missing(&Place::of(path, view)?.at, view)? {
            let message = format!("Specified path {path} does not exist");
            return Err(Diag::error("no-such-file", message).about("path"));
        }
        if self.link.is_none() && group.link.is_none() {
            let message = "Needed to install the alternative, but unable to do so as we are \
                           missing the link";
            return Err(Diag::error("missing-option", message).about("link"));
        }
        Ok(())
    }

    fn link<'a>(&'a self, group: &'a Group) -> &'a str {
        let link = self.link.as_deref().or(group.link.as_deref());
        link.unwrap_or_default()
    }

    fn priority(&self, group: &Group, path: &str) -> i64 {
        let current = group.choices.get(path).map(|choice| choice.priority);
        self.priority.or(current).unwrap_or(50)
    }

    fn followers(&self, group: &Group, path: &str) -> Vec<Follower> {
        match (&self.subcommands, group.choices.get(path)) {
            (Some(wanted), _) => wanted.clone(),
            (None, Some(choice)) => choice.followers.clone(),
            (None, None) => Vec::new(),
        }
    }

    fn before(&self, group: &Group, path: &str) -> Json {
        let Some(choice) = group.choices.get(path) else {
            return match group.mode {
                Some(_) => json!({"state": "absent"}),
                None => json!({}),
            };
        };
        let mut before = json!({
            "state": "present",
            "path": path,
            "priority": choice.priority,
            "link": group.link,
        });
        if !choice.followers.is_empty() {
            before["subcommands"] = json!(choice.followers);
        }
        if group.mode.as_deref() == Some("manual") && group.current.as_deref() != Some(path) {
            before["state"] = json!("selected");
        }
        before
    }
}

impl Step {
    fn command(self, args: &Args, group: &Group, view: &dyn View) -> Result<Command> {
        let path = args.target(view)?;
        let mut argv = vec![command::required(view, "update-alternatives")?];
        let words: Vec<&str> = match self {
            Step::Install => vec!["--install", args.link(group), &args.name, &path],
            Step::Set => vec!["--set", &args.name, &path],
            Step::Auto => vec!["--auto", &args.name],
            Step::Remove => vec!["--remove", &args.name, &path],
        };
        argv.extend(words.into_iter().map(str::to_owned));
        if self == Step::Install {
            argv.push(args.priority(group, &path).to_string());
            for follower in args.subcommands.iter().flatten() {
                argv.push("--slave".to_owned());
                argv.extend([&follower.link, &follower.name, &follower.path].map(Clone::clone));
            }
        }
        Ok(command::c_locale(argv))
    }

    /// What the group is afterwards.
    fn apply(self, args: &Args, group: &mut Group, view: &dyn View) -> Result<()> {
        let path = args.target(view)?;
        match self {
            Step::Install => {
                let choice = Choice {
                    priority: args.priority(group, &path),
                    followers: args.followers(group, &path),
                };
                group.link = Some(args.link(group).to_owned());
                group.choices.insert(path, choice);
                group.mode.get_or_insert_with(|| "auto".to_owned());
                group.choose();
            }
            Step::Set => {
                group.mode = Some("manual".to_owned());
                group.current = Some(path);
            }
            Step::Auto => {
                group.mode = Some("auto".to_owned());
                group.choose();
            }
            Step::Remove => {
                group.choices.remove(&path);
                if group.current.as_deref() == Some(&path) {
                    group.mode = Some("auto".to_owned());
                }
                group.choose();
            }
        }
        Ok(())
    }

    fn message(self, args: &Args, path: &str) -> String {
        let name = &args.name;
        match self {
            Step::Install => format!("Install alternative '{path}' for '{name}'."),
            Step::Set => format!("Set alternative '{path}' for '{name}'."),
            Step::Auto => format!("Set alternative to auto for '{name}'."),
            Step::Remove => format!("Remove alternative '{path}' from '{name}'."),
        }
    }

    fn show(self, args: &Args, group: &Group, path: &str, after: &mut Map<String, Json>) {
        let state = match self {
            Step::Install | Step::Auto => "present",
            Step::Set => "selected",
            Step::Remove => "absent",
        };
        after.insert("state".into(), json!(state));
        if self == Step::Install {
            after.insert("path".into(), json!(path));
            after.insert("family".into(), json!(args.family));
            after.insert("priority".into(), json!(args.priority(group, path)));
            after.insert("link".into(), json!(args.link(group)));
            let followers = args.followers(group, path);
            if !followers.is_empty() {
                after.insert("subcommands".into(), json!(followers));
            }
        }
    }
}
