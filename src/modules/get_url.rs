//! `get_url`: downloads a file to the host.

mod checksum;
mod name;
mod told;

use super::common::file_attrs::FileAttrs;
use super::common::place::{Place, is_dir, is_missing, stat};
use super::common::web::{self, Web};
use super::common::write::backup_path;
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::path::{parent, temporary};
use crate::sys::{Algorithm, Declared, Known, Op, Outcome, Request, Response, View};
use checksum::Checksum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// Downloads a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Where to put it; inside of a directory it is named as the server or the address says.
    dest: String,
    /// `ALGORITHM:DIGEST` that the file must have, or `ALGORITHM:ADDRESS` of a list of digests. A
    /// file that has it is not fetched again.
    #[serde(default)]
    checksum: String,
    /// Keep the old file.
    #[serde(default)]
    backup: bool,
    /// Existing directory for the file while it is incomplete.
    tmp_dest: Option<String>,
}

type Args = With<Own, With<Web, FileAttrs>>;

/// Seconds, where the user gives none.
const TIMEOUT: u64 = 10;

/// The module.
pub struct GetUrl;

impl Module for GetUrl {
    const NAME: &'static str = "get_url";
    const FQCN: &'static str = "ansible.builtin.get_url";
    type Args = Args;

    /// Only the server can tell whether there is something new.
    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let place = Place::of(&args.dest, view)?;
        let wanted = args.wanted(view)?;
        let state = args.state(wanted.as_ref(), &place, view)?;
        if state == State::Right {
            return args.shared.shared.ops(&place.at, view);
        }
        args.check_directories(&place, view)?;
        Ok(vec![args.download(state, wanted.as_ref(), false, view)?])
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        let place = Place::of(&args.dest, view)?;
        let cleared = Op::Remove {
            path: args.temporary(view)?,
        };
        match done {
            [Outcome::Answered(first)] if args.shared.is_asked(first) => {
                let wanted = args.wanted(view)?;
                let state = args.state(wanted.as_ref(), &place, view)?;
                let again = args.download(state, wanted.as_ref(), true, view)?;
                Ok(vec![cleared, again])
            }
            [.., Outcome::Answered(answer)] if answer.is_silence() => Ok(Vec::new()),
            [.., Outcome::Answered(answer)] => args.store(answer, view),
            [Outcome::Unknown] => match args.foresee(false, view)? {
                Some(head) if head.status != 200 => Ok(vec![cleared]),
                Some(head) => args.replace(&args.target(&head, view)?, view),
                None => args.replace(&args.guess(view)?, view),
            },
            _ => args.settle(done, view),
        }
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        args.told_before(planned, view)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        args.told(done, view)
    }
}

/// What is at the destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A file with the right checksum.
    Right,
    /// A file with another checksum.
    Wrong,
    /// Something of which only the server can tell, or nothing.
    Open,
}

trait Download {
    fn wanted(&self, view: &dyn View) -> Result<Option<Checksum>>;
    fn state(&self, wanted: Option<&Checksum>, dest: &Place, view: &dyn View) -> Result<State>;
    fn check_directories(&self, dest: &Place, view: &dyn View) -> Result<()>;
    fn temporary(&self, view: &dyn View) -> Result<PathBuf>;
    fn download(
        &self,
        state: State,
        wanted: Option<&Checksum>,
        asked: bool,
        view: &dyn View,
    ) -> Result<Op>;
    fn only_newer(&self, request: &mut Request, state: State, view: &dyn View) -> Result<()>;
    fn foresee(&self, is_put: bool, view: &dyn View) -> Result<Option<Response>>;
    fn guess(&self, view: &dyn View) -> Result<PathBuf>;
    fn target(&self, answer: &Response, view: &dyn View) -> Result<PathBuf>;
    fn is_right(&self, answer: &Response, view: &dyn View) -> Result<bool>;
    fn store(&self, answer: &Response, view: &dyn View) -> Result<Vec<Op>>;
    fn replace(&self, target: &Path, view: &dyn View) -> Result<Vec<Op>>;
    fn settle(&self, done: &[Outcome], view: &dyn View) -> Result<Vec<Op>>;
}

impl Download for Args {
    fn wanted(&self, view: &dyn View) -> Result<Option<Checksum>> {
        match self.checksum.as_str() {
            "" => Ok(None),
            text => Checksum::read(text, &self.shared, view).map(Some),
        }
    }

    fn state(&self, wanted: Option<&Checksum>, dest: &Place, view: &dyn View) -> Result<State> {
        let Some(wanted) = wanted.filter(|_| !self.shared.force) else {
            return Ok(State::Open);
        };
        let current = view.digest(&dest.at, wanted.algorithm)?;
        Ok(match (current.known().flatten(), &wanted.digest) {
            (Some(current), Some(digest)) if current == *digest => State::Right,
            (Some(_), Some(_)) => State::Wrong,
            _ => State::Open,
        })
    }

    fn check_directories(&self, dest: &Place, view: &dyn View) -> Result<()> {
        if let Some(dir) = &self.tmp_dest {
            let dir = Place::of(dir, view)?;
            if let Known::Known(stat) = view.stat(&dir.at)?
                && !stat.as_ref().is_some_and(crate::sys::Stat::is_dir)
            {
                let what = match stat {
                    Some(_) => "is a file but should be a directory.",
                    None => "directory does not exist.",
                };
                let message = format!("{} {what}", dir.shown);
                return Err(Diag::error("no-such-directory", message).about("tmp_dest"));
            }
        }
        let dir = parent(&dest.at);
        if !is_dir(&dest.at, view)? && is_missing(dir, view)? {
            let message = format!("Destination {} does not exist", dir.display());
            return Err(Diag::error("no-such-directory", message)
                .about("dest")
                .with("dest", dest.shown.clone())
                .with("url", self.shared.shown()));
        }
        Ok(())
    }

    fn temporary(&self, view: &dyn View) -> Result<PathBuf> {
        let dir = match &self.tmp_dest {
            Some(dir) => Place::of(dir, view)?.at,
            None => view.env("TMPDIR").unwrap_or_else(|| "/tmp".into()).into(),
        };
        Ok(temporary(
            &dir,
            &format!("{} {}", self.shared.url, self.dest),
        ))
    }

    fn download(
        &self,
        state: State,
        wanted: Option<&Checksum>,
        asked: bool,
        view: &dyn View,
    ) -> Result<Op> {
        let mut request = self.shared.request("GET", TIMEOUT, asked, view)?;
        request.redirects = web::REDIRECTS;
        request.may_fail = true;
        request.sums = vec![Algorithm::Sha1, Algorithm::Md5];
        if let Some(wanted) = wanted.filter(|w| !request.sums.contains(&w.algorithm)) {
            request.sums.push(wanted.algorithm);
        }
        self.only_newer(&mut request, state, view)?;
        Ok(Op::Http {
            request,
            into: Some(self.temporary(view)?),
            effect: Declared::Effects(Vec::new()),
        })
    }

    fn only_newer(&self, request: &mut Request, state: State, view: &dyn View) -> Result<()> {
        let dest = Place::of(&self.dest, view)?;
        if !self.shared.force
            && state != State::Wrong
            && let Some(old) = stat(&dest.at, view)?.filter(|s| !s.is_dir())
        {
            web::only_newer(request, &old);
        }
        Ok(())
    }

    /// What the server says of the file without sending it, for a dry run. The file's own time says
    /// nothing once it `is_put` there by the plan itself.
    fn foresee(&self, is_put: bool, view: &dyn View) -> Result<Option<Response>> {
        let dest = Place::of(&self.dest, view)?;
        let wanted = self.wanted(view)?;
        let mut newer = Request::new("HEAD", crate::sys::Endpoint::Url(String::new()));
        let state = self.state(wanted.as_ref(), &dest, view)?;
        if !is_put {
            self.only_newer(&mut newer, state, view)?;
        }
        let url = &self.shared.url;
        let answer = self
            .shared
            .read(url, "HEAD", TIMEOUT, newer.headers.pop(), view);
        let answer = match answer {
            // The step before may be what it needs (certificates, a proxy, a name).
            Err(error) if error.code == "http" && !view.is_check() => Known::Unknown,
            Err(error) if error.code == "http" => Known::Known(Response::silence(&error)),
            answer => answer?,
        };
        // Some servers answer nothing but GET.
        Ok(answer.known().filter(|a| !matches!(a.status, 405 | 501)))
    }

    /// The file as it will be called unless the server has another name for it.
    fn guess(&self, view: &dyn View) -> Result<PathBuf> {
        let answer = Response {
            url: self.shared.url.clone(),
            ..Response::default()
        };
        self.target(&answer, view)
    }

    fn target(&self, answer: &Response, view: &dyn View) -> Result<PathBuf> {
        let dest = Place::of(&self.dest, view)?;
        if is_dir(&dest.at, view)? {
            return Ok(dest.at.join(name::of_answer(answer)));
        }
        Ok(dest.at)
    }

    fn is_right(&self, answer: &Response, view: &dyn View) -> Result<bool> {
        Ok(match self.wanted(view)? {
            Some(wanted) => wanted.may_be(answer.sum(wanted.algorithm)),
            None => true,
        })
    }

    /// Puts a downloaded file in its place, if it is what was wanted.
    fn store(&self, answer: &Response, view: &dyn View) -> Result<Vec<Op>> {
        if answer.status == 200 && self.is_right(answer, view)? {
            let target = self.target(answer, view)?;
            let current = view.digest(&target, Algorithm::Sha1)?.known().flatten();
            if current.as_deref() != answer.sum(Algorithm::Sha1) {
                return self.replace(&target, view);
            }
        }
        Ok(vec![Op::Remove {
            path: self.temporary(view)?,
        }])
    }

    fn replace(&self, target: &Path, view: &dyn View) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        let old = stat(target, view)?;
        if self.backup && old.is_some() {
            ops.push(Op::CopyFile {
                from: target.to_owned(),
                path: backup_path(target, view),
                mode: None,
            });
        }
        let attrs = &self.shared.shared;
        let fresh = old.is_none().then(|| 0o666 & !view.umask());
        let from = self.temporary(view)?;
        ops.push(Op::CopyFile {
            from: from.clone(),
            path: target.to_owned(),
            mode: attrs.mode_for(old.as_ref(), false, view).or(fresh),
        });
        ops.push(Op::Remove { path: from });
        Ok(ops)
    }

    /// What the file still lacks.
    fn settle(&self, done: &[Outcome], view: &dyn View) -> Result<Vec<Op>> {
        let target = match told::answer(done) {
            Some(answer) if answer.status == 200 && self.is_right(answer, view)? => {
                self.target(answer, view)?
            }
            None if done.contains(&Outcome::Unknown) => self.guess(view)?,
            _ => return Ok(Vec::new()),
        };
        self.shared.shared.ops(&target, view)
    }
}
