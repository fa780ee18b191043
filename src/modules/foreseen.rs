//! What a step is about to do, in short: a saved plan holds it, and apply is held to it.

use super::common::apt::lists;
use crate::diag::{Diag, Result};
use crate::sys::path::TEMPORARY;
use crate::sys::watched::Watched;
use crate::sys::{Algorithm, Content, FileKind, Known, Op, View};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;

/// The code of the error of a step that would do something else than was planned.
pub const DIFFERS: &str = "plan-differs";

/// Digests are cut to this length, in bytes.
const LENGTH: usize = 16;

/// What a step is to be held to; or, in a dry run, that what it does is to be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Foresight {
    /// Random, and in all digests: those of different plans cannot be compared.
    pub key: String,
    /// What was planned.
    pub planned: Option<Foreseen>,
}

/// What a step does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// Operations by round.
    pub rounds: Vec<Vec<Act>>,
    /// Something that it depends on is known only after apply: it may turn out to be less.
    pub presumed: bool,
    /// Names that it chooses depend on the time.
    pub timed: bool,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// For people; without contents.
    pub text: String,
    /// Digest of all of it, and of what it replaces.
    print: String,
    /// Digest of what it is about: a path, a command line.
    subject: String,
    /// Digest of its kind and the directory it works in, or the program.
    shape: String,
    /// Digests of the directories around its path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    around: Vec<String>,
    /// It makes a directory, or sets its attributes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    prepares: bool,
}

/// Looks at one step: tells what it does, or ends it before it does something else.
pub struct Watch<'a> {
    foresight: &'a Foresight,
    seen: Foreseen,
}

impl<'a> Watch<'a> {
    /// Nothing was seen yet.
    pub fn new(foresight: &'a Foresight) -> Watch<'a> {
        Watch {
            foresight,
            seen: Foreseen::default(),
        }
    }

    /// Has a round planned, and notes on what that depends where it is only planned.
    ///
    /// # Errors
    /// Those of the plan.
    pub fn plan(
        &mut self,
        view: &dyn View,
        plan: &dyn Fn(&dyn View) -> Result<Vec<Op>>,
    ) -> Result<Vec<Op>> {
        if self.foresight.planned.is_some() {
            return plan(view);
        }
        let watched = Watched::new(view);
        let ops = plan(&watched)?;
        self.seen.presumed |= watched.unsure.get();
        if watched.timed.get() && !ops.is_empty() {
            let mut later = Watched::new(view);
            later.later = 1.0;
            let other = plan(&later)?;
            self.seen.timed |= self.acts(&ops, view)? != self.acts(&other, view)?;
        }
        Ok(ops)
    }

    /// A round is about to be performed.
    ///
    /// # Errors
    /// [`DIFFERS`]: it is not what was planned.
    pub fn round(&mut self, ops: &[Op], view: &dyn View) -> Result<()> {
        let acts = self.acts(ops, view)?;
        let number = self.seen.rounds.len();
        let differs = match &self.foresight.planned {
            Some(planned) => !planned.allows(number, &acts),
            None => false,
        };
        if !acts.is_empty() {
            self.seen.rounds.push(acts);
        }
        match differs {
            true => Err(Diag::error(
                DIFFERS,
                "the host is not as it was when the plan was made",
            )),
            false => Ok(()),
        }
    }

    /// What was seen: always in a dry run, else only where it is not what was planned.
    pub fn told(self, diag: Option<&Diag>) -> Option<Foreseen> {
        let differs = diag.is_some_and(|diag| diag.code == DIFFERS);
        (differs || self.foresight.planned.is_none()).then_some(self.seen)
    }

    /// Operations that change something. Whether lists of packages are old enough to be fetched
    /// depends on the time, and they are no part of what the host is to be.
    fn acts(&mut self, ops: &[Op], view: &dyn View) -> Result<Vec<Act>> {
        let ops = ops.iter().filter(|op| !lists::is_update(op));
        ops.map(|op| self.act(op, view)).collect()
    }

    fn act(&mut self, op: &Op, view: &dyn View) -> Result<Act> {
        let text = text(op);
        let path = path(op).map(|path| steady(&path.display().to_string()));
        let (subject, shape) = subject(op, path.as_deref(), &text);
        let dirs = path
            .iter()
            .flat_map(|path| Path::new(path).ancestors().skip(1));
        let dirs = dirs.filter(|dir| dir.parent().is_some());
        let before = match replaced(op) {
            Some(path) => self.before(path, view)?,
            None => String::new(),
        };
        let hidden = hidden(op);
        Ok(Act {
            print: self.digest(&[text.as_bytes(), before.as_bytes(), &hidden]),
            subject: self.digest(&[subject.as_bytes()]),
            shape: self.digest(&[shape.as_bytes()]),
            around: dirs
                .map(|dir| self.digest(&[dir.as_os_str().as_encoded_bytes()]))
                .collect(),
            prepares: matches!(op, Op::Mkdir { .. } | Op::Mode { .. } | Op::Chown { .. }),
            text,
        })
    }

    /// What is at a path now.
    fn before(&mut self, path: &Path, view: &dyn View) -> Result<String> {
        let Known::Known(found) = view.lstat(path)? else {
            self.seen.presumed = true;
            return Ok(String::new());
        };
        Ok(match found {
            None => "nothing".to_owned(),
            Some(stat) if stat.kind == FileKind::File => {
                match view.digest(path, Algorithm::Name)? {
                    Known::Known(sum) => sum.unwrap_or_default(),
                    Known::Unknown => {
                        self.seen.presumed = true;
                        String::new()
                    }
                }
            }
            Some(stat) if stat.kind == FileKind::Dir => "directory".to_owned(),
            Some(stat) => stat.target.unwrap_or_default().display().to_string(),
        })
    }

    fn digest(&self, parts: &[&[u8]]) -> String {
        digest(&self.foresight.key, parts)
    }
}

/// A digest with a key, in hexadecimal.
pub fn digest(key: &str, parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in [key.as_bytes()].iter().chain(parts) {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let mut text = String::new();
    for byte in digest.finalize().iter().take(LENGTH) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Foreseen {
    /// True where a step does something.
    pub fn is_something(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// All its operations.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.rounds.iter().flatten()
    }

    /// All its operations, to change their words.
    pub fn acts_mut(&mut self) -> impl Iterator<Item = &mut Act> {
        self.rounds.iter_mut().flatten()
    }

    /// Whether operations of a round are what was planned: the same ones; or some of them where
    /// that was not certain. What was not announced at all is never allowed.
    fn allows(&self, round: usize, acts: &[Act]) -> bool {
        let planned = self.rounds.get(round).map_or(&[][..], Vec::as_slice);
        let same = |(a, b): (&Act, &Act)| a.print == b.print;
        let all_the_same = planned.len() == acts.len() && planned.iter().zip(acts).all(same);
        // A file that was announced brings its directory along.
        let about = |act: &Act| {
            self.acts().any(|planned| {
                planned.subject == act.subject
                    || (act.prepares && planned.around.contains(&act.subject))
            })
        };
        let like = |act: &Act| self.acts().any(|planned| planned.shape == act.shape);
        // A round that is no more comes to rest by itself.
        all_the_same
            || (round > 0 && acts.is_empty())
            || (self.presumed && acts.iter().all(about))
            || (self.timed && acts.iter().all(like))
    }
}

/// An operation in words, without what differs from process to process.
fn text(op: &Op) -> String {
    let text = match op {
        Op::Write {
            backup: Some(_), ..
        } => {
            let mut op = op.clone();
            if let Op::Write { backup, .. } = &mut op {
                *backup = None;
            }
            format!("{op}, with a backup")
        }
        Op::Times { path, .. } => format!("times {}", path.display()),
        _ => op.to_string(),
    };
    steady(&text)
}

/// A text without the parts of names that a process chooses.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(TEMPORARY) {
        let end = at + TEMPORARY.len();
        steady += &rest[..end];
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-');
    }
    steady + rest
}

/// What no text tells: contents and variables.
fn hidden(op: &Op) -> Vec<u8> {
    match op {
        Op::Write { content, .. } => match content {
            Content::Bytes(bytes) => Algorithm::Name.of(bytes).into_bytes(),
            Content::Blob(blob) => blob.name.clone().into_bytes(),
            Content::Unknown => Vec::new(),
        },
        Op::Run { command, .. } => {
            let mut hidden = command.stdin.clone().unwrap_or_default();
            for (name, value) in &command.env {
                hidden.extend_from_slice(format!("\0{name}={value}").as_bytes());
            }
            hidden
        }
        Op::Http { request, .. } => {
            let mut hidden = request.body.clone();
            for (name, value) in &request.headers {
                hidden.extend_from_slice(format!("\0{name}={value}").as_bytes());
            }
            hidden
        }
        _ => Vec::new(),
    }
}

/// The path whose content an operation replaces.
fn replaced(op: &Op) -> Option<&Path> {
    match op {
        Op::Write { path, .. }
        | Op::CopyFile { path, .. }
        | Op::Remove { path }
        | Op::Symlink { path, .. }
        | Op::Hardlink { path, .. }
        | Op::Rename { to: path, .. } => Some(path),
        _ => None,
    }
}

/// The path that an operation is about.
fn path(op: &Op) -> Option<&Path> {
    match op {
        Op::Mkdir { path, .. }
        | Op::Mode { path, .. }
        | Op::Chown { path, .. }
        | Op::Times { path, .. }
        | Op::Touch { path } => Some(path.as_path()),
        other => replaced(other),
    }
}

/// What an operation is about, and what it is like.
fn subject(op: &Op, path: Option<&str>, text: &str) -> (String, String) {
    let kind = text.split(' ').next().unwrap_or_default();
    match (op, path) {
        (_, Some(path)) => {
            let dir = Path::new(path).parent().unwrap_or(Path::new(path));
            (path.to_owned(), format!("{kind} {}", dir.display()))
        }
        (Op::Run { command, .. }, None) => {
            let program = command.argv.first().map_or("", String::as_str);
            (text.to_owned(), format!("{kind} {program}"))
        }
        (_, None) => (text.to_owned(), kind.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Command, Declared, Owner};
    use std::path::PathBuf;

    fn write(path: &str, content: &str, backup: Option<&str>) -> Op {
        Op::Write {
            path: path.into(),
            content: Content::Bytes(content.as_bytes().into()),
            mode: None,
            owner: Owner::default(),
            backup: backup.map(PathBuf::from),
            validate: None,
            secret: false,
        }
    }

    fn run(words: &[&str]) -> Op {
        Op::Run {
            command: Command::new(words.iter().copied()),
            effect: Declared::Opaque,
            must_succeed: true,
        }
    }

    fn seen(ops: &[Op], key: &str) -> Foreseen {
        let foresight = Foresight {
            key: key.to_owned(),
            planned: None,
        };
        let mut watch = Watch::new(&foresight);
        watch
            .round(ops, &crate::sys::fake::FakeHost::new())
            .unwrap();
        watch.told(None).unwrap()
    }

    #[test]
    fn the_same_or_less_of_it_where_that_was_not_certain() {
        let both = [write("/a", "1", None), run(&["make", "x"])];
        let exact = seen(&both, "k");
        let presumed = Foreseen {
            presumed: true,
            ..exact.clone()
        };
        let timed = Foreseen {
            timed: true,
            ..exact.clone()
        };
        let acts = |ops: &[Op]| seen(ops, "k").rounds.concat();
        let allowed = |ops: &[Op]| [&exact, &presumed, &timed].map(|p| p.allows(0, &acts(ops)));
        assert_eq!(allowed(&both), [true, true, true]);
        assert_eq!(allowed(&[]), [false, true, true]);
        assert_eq!(allowed(&both[1..]), [false, true, true]);
        assert_eq!(allowed(&[write("/a", "2", None)]), [false, true, true]);
        assert_eq!(allowed(&[write("/b", "1", None)]), [false, false, true]);
        assert_eq!(allowed(&[write("/etc/a", "1", None)]), [false; 3]);
        let mkdir = |path: &str| Op::Mkdir {
            path: path.into(),
            mode: None,
        };
        let presumed = Foreseen {
            presumed: true,
            ..seen(&[write("/home/a/.ssh/keys", "1", None)], "k")
        };
        for (path, allowed) in [("/home/a/.ssh", true), ("/home/a/x", false), ("/", false)] {
            assert_eq!(presumed.allows(0, &acts(&[mkdir(path)])), allowed, "{path}");
        }
        assert_eq!(allowed(&[run(&["make", "y"])]), [false, false, true]);
        assert_eq!(allowed(&[run(&["rm", "x"])]), [false; 3]);
        let nothing = Foreseen::default();
        assert!(nothing.allows(0, &[]) && !nothing.allows(0, &acts(&both)));
        assert!(exact.allows(1, &[]) && !exact.allows(1, &acts(&both[..1])));
    }

    #[test]
    fn what_a_process_chooses_is_left_out() {
        let print = |op: Op, key: &str| seen(&[op], key).rounds;
        let backup = |name: &str| print(write("/a", "1", Some(name)), "k");
        assert_eq!(backup("/a.1.2026~"), backup("/a.2.2027~"));
        assert_ne!(backup("/a.1.2026~"), print(write("/a", "1", None), "k"));
        let temporary = |pid: u32| print(write(&format!("/{TEMPORARY}{pid}-0f3a"), "1", None), "k");
        assert_eq!(temporary(7), temporary(12345));
        let plain = || write("/a", "hunter2", None);
        assert_ne!(print(plain(), "k"), print(plain(), "other key"));
        let text = format!("{:?}", print(plain(), "k"));
        assert!(!text.contains("hunter2"), "{text}");
    }
}
