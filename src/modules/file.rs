//! `file`: files, directories and links, and what belongs to them.

mod directory;
mod explain;
mod link;
mod times;

use super::common::file_attrs::{FileAttrs, describe, failure, state_of};
use super::common::place::{Place, is_dir};
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::path::file_name;
use crate::sys::{Content, Known, Op, Outcome, Stat, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use times::Times;

/// Creates, changes and removes files, directories and links.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The file. Aliases: dest, name
    #[serde(alias = "dest", alias = "name")]
    path: String,
    /// What it shall be; what it is now where absent, else a file (which is not created).
    state: Option<State>,
    /// Apply the attributes to all below a directory.
    #[serde(default)]
    recurse: bool,
    /// What a link points to.
    src: Option<String>,
    /// Link even to what does not exist, and in place of a file or empty directory.
    #[serde(default)]
    force: bool,
    /// Change what a link points to, not the link.
    #[serde(default = "yes")]
    follow: bool,
    /// `preserve`, `now` or a time.
    modification_time: Option<String>,
    /// How to read `modification_time`.
    #[serde(default = "time_format")]
    modification_time_format: String,
    /// `preserve`, `now` or a time.
    access_time: Option<String>,
    /// How to read `access_time`.
    #[serde(default = "time_format")]
    access_time_format: String,
    /// Name of the file inside, where `path` is a directory.
    #[serde(rename = "_original_basename")]
    original_basename: Option<String>,
    /// Accepted for compatibility.
    #[serde(rename = "_diff_peek")]
    diff_peek: Option<bool>,
}

fn yes() -> bool {
    true
}

fn time_format() -> String {
    "%Y%m%d%H%M.%S".into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    Absent,
    Directory,
    File,
    Hard,
    Link,
    Touch,
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct File;

impl Module for File {
    const NAME: &'static str = "file";
    const FQCN: &'static str = "ansible.builtin.file";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        match Times::of(args) {
            Ok(times) if times.moves() => Kind::Action,
            _ => Kind::Resource,
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let planned = Job::new(args, view).and_then(|job| job.plan());
        planned.map_err(|mut diag| {
            let warnings = explain::missing_accounts(args, view);
            if !warnings.is_empty() {
                diag.data.insert("warnings".into(), json!(warnings));
            }
            diag
        })
    }

    fn plan_more(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        match Self::kind(args) {
            Kind::Resource => Self::plan(args, view),
            // The times are set; what is left are attributes of a file that was not there.
            Kind::Action => args.shared.ops(&Job::new(args, view)?.followed()?.at, view),
        }
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        explain::explain(&Job::new(args, view)?, planned, diff)
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let job = Job::new(args, view)?;
        let mut place = job.place.clone();
        let mut result = match job.state {
            State::Absent => return Ok(json!({"path": place.shown, "state": "absent"})),
            State::File | State::Directory => {
                place = job.followed()?;
                json!({"path": place.shown})
            }
            State::Touch => {
                place = job.followed()?;
                json!({"dest": place.shown})
            }
            State::Link | State::Hard => json!({"dest": place.shown, "src": job.source()?}),
        };
        for (key, value) in describe(&place.at, view)? {
            result[key] = value;
        }
        Ok(result)
    }
}

/// One call, with what follows from its options and the host together.
struct Job<'a> {
    args: &'a Args,
    view: &'a dyn View,
    place: Place,
    state: State,
    /// What is at the path now; `Unknown` where only apply will tell.
    before: Known<Option<Stat>>,
    times: Times,
}

impl<'a> Job<'a> {
    fn new(args: &'a Args, view: &'a dyn View) -> Result<Job<'a>> {
        let times = Times::of(args)?;
        let place = Place::of(&args.path, view)?;
        let place = inside_directory(args, place, view)?;
        let before = view.lstat(&place.at)?;
        let state = args.state.unwrap_or(match &before {
            Known::Known(Some(stat)) => match state_of(Some(stat)) {
                "link" => State::Link,
                "directory" => State::Directory,
                "hard" => State::Hard,
                _ => State::File,
            },
            _ if args.recurse => State::Directory,
            _ => State::File,
        });
        let job = Job {
            args,
            view,
            place,
            state,
            before,
            times,
        };
        if args.recurse && state != State::Directory {
            return Err(job.fail("recurse option requires state to be 'directory'"));
        }
        if args.src.is_some() && !matches!(state, State::Link | State::Hard) {
            return Err(job.fail("src option requires state to be 'link' or 'hard'"));
        }
        Ok(job)
    }

    fn fail(&self, message: &str) -> Box<Diag> {
        failure("bad-file", &self.place, message, self.view)
    }

    /// What the path is now, in Ansible's words.
    fn before_state(&self) -> &'static str {
        state_of(self.before.clone().known().flatten().as_ref())
    }

    /// The file itself where the path is a link and links are followed.
    fn followed(&self) -> Result<Place> {
        if self.args.follow {
            self.place.followed(self.view)
        } else {
            Ok(self.place.clone())
        }
    }

    /// `src` as results show it; that of the link which is there, where none is given.
    fn source(&self) -> Result<Option<String>> {
        if let Some(src) = &self.args.src {
            return Ok(Some(Place::of(src, self.view)?.shown));
        }
        let target = match (&self.before, self.state) {
            (Known::Known(Some(stat)), State::Link) if self.args.follow => stat.target.clone(),
            _ => None,
        };
        Ok(target.map(|t| t.display().to_string()))
    }

    fn plan(&self) -> Result<Vec<Op>> {
        match self.state {
            State::Absent => Ok(match self.before {
                Known::Known(None) => Vec::new(),
                _ => vec![Op::Remove {
                    path: self.place.at.clone(),
                }],
            }),
            State::File => self.plan_file(),
            State::Touch => self.plan_touch(),
            State::Directory => directory::plan(self),
            State::Link => link::plan_soft(self),
            State::Hard => link::plan_hard(self),
        }
    }

    /// Attributes and times of a file that is there.
    fn settle(&self, place: &Place) -> Result<Vec<Op>> {
        let mut ops = self.args.shared.ops(&place.at, self.view)?;
        ops.extend(self.times.ops(&place.at, self.view)?);
        Ok(ops)
    }

    fn plan_file(&self) -> Result<Vec<Op>> {
        let place = self.followed()?;
        let stat = self.view.lstat(&place.at)?;
        if let Known::Known(stat) = &stat {
            let state = state_of(stat.as_ref());
            if !matches!(state, "file" | "hard") {
                let message = format!("file ({}) is {state}, cannot continue", place.shown);
                return Err(failure("bad-file", &place, &message, self.view).with("state", state));
            }
        }
        self.settle(&place)
    }

    fn plan_touch(&self) -> Result<Vec<Op>> {
        let place = self.followed()?;
        if self.view.lstat(&place.at)? != Known::Known(None) {
            return self.settle(&place);
        }
        let parent = crate::sys::path::parent(&place.at);
        if self.view.stat(parent)? == Known::Known(None) {
            return Err(self.fail("Error, could not touch target."));
        }
        let attrs = &self.args.shared;
        let mut ops = vec![Op::Write {
            path: place.at.clone(),
            content: Content::Bytes(Vec::new().into()),
            mode: attrs.mode_for(None, false, self.view),
            owner: attrs.owner_for_new(&place.at, self.view)?,
            backup: None,
            validate: None,
            secret: false,
        }];
        ops.extend(self.times.of_new(&place.at));
        Ok(ops)
    }
}

/// A directory as the path of a file means the file of that name inside.
fn inside_directory(args: &Args, place: Place, view: &dyn View) -> Result<Place> {
    if matches!(args.state, Some(State::Link | State::Absent)) {
        return Ok(place);
    }
    let name = match (&args.original_basename, &args.src) {
        (Some(name), _) => name.clone(),
        (None, Some(src)) => file_name(src.as_ref()),
        (None, None) => return Ok(place),
    };
    if is_dir(&place.at, view)? && !name.is_empty() {
        return Ok(place.child(&name));
    }
    Ok(place)
}
