//! Planned files over the files of a view.
//!
//! A path without a node is as the nearest node above says: a planned directory hides what the
//! view has there, one that was only changed or moved shows it. All paths here are free of links
//! up to their last part; [`Tree::resolve`] makes them so.

use crate::diag::Result;
use crate::sys::{Blob, FileKind, Known, Stat, View, path};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// When it was planned: what fills a directory later may bring back what was removed earlier.
    pub(super) seq: u64,
    pub(super) stat: Stat,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Nothing is there.
    Gone,
    /// A regular file.
    File(Text),
    Dir {
        /// Where the view has the entries that are not planned.
        origin: Option<PathBuf>,
        /// What is not there may be there.
        may: bool,
    },
    /// A link (its target is in the stat), pipe, socket or device.
    Other,
}

/// The content of a planned file.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Bytes(Arc<[u8]>),
    Blob(Blob),
    /// As the view has it at this path.
    Same(PathBuf),
    Unknown,
}

/// What is at a path.
pub(super) enum Found {
    Planned(Node),
    /// In the view, under this path.
    There(Stat, PathBuf),
    Absent,
    Unknown,
}

impl Found {
    pub(super) fn stat(self) -> Known<Option<Stat>> {
        match self {
            Found::Planned(node) => Known::Known(Some(node.stat)),
            Found::There(stat, _) => Known::Known(Some(stat)),
            Found::Absent => Known::Known(None),
            Found::Unknown => Known::Unknown,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    /// Directories that something may have filled, and when.
    fills: Vec<(PathBuf, u64)>,
    seq: u64,
}

impl Tree {
    /// True where nothing was ever planned.
    pub(super) fn is_untouched(&self) -> bool {
        self.seq == 0
    }

    pub(super) fn tick(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn filled_since(&self, path: &Path, seq: u64) -> bool {
        self.fills
            .iter()
            .any(|(dir, at)| *at > seq && path.starts_with(dir))
    }

    /// True where something may have been put here since the run began.
    pub(super) fn may_be_filled(&self, path: &Path) -> bool {
        self.filled_since(path, 0)
    }

    /// From now on, what is missing below a directory may be there.
    pub(super) fn fill(&mut self, dir: PathBuf) {
        let seq = self.tick();
        self.fills.push((dir, seq));
    }

    fn absent_unless(may: bool) -> Found {
        if may { Found::Unknown } else { Found::Absent }
    }

    /// What is at a path whose parents are no links. The last part is not followed.
    pub(super) fn at(&self, view: &dyn View, path: &Path) -> Result<Found> {
        if let Some(node) = self.nodes.get(path) {
            return Ok(match node.body {
                Body::Gone => Self::absent_unless(self.filled_since(path, node.seq)),
                _ => Found::Planned(node.clone()),
            });
        }
        let above = path
            .ancestors()
            .skip(1)
            .find_map(|dir| Some((dir, self.nodes.get(dir)?)));
        let Some((dir, node)) = above else {
            return self.below(view, path, path.to_owned(), false);
        };
        match &node.body {
            Body::Gone => Ok(Self::absent_unless(self.filled_since(path, node.seq))),
            Body::File(_) | Body::Other => Ok(Found::Absent),
            Body::Dir { origin: None, may } => Ok(Self::absent_unless(
                *may || self.filled_since(path, node.seq),
            )),
            Body::Dir {
                origin: Some(origin),
                may,
            } => {
                let rest = path.strip_prefix(dir).unwrap_or(path);
                self.below(view, path, origin.join(rest), *may)
            }
        }
    }

    /// What the view has at `there`, which is shown at `path`.
    fn below(&self, view: &dyn View, path: &Path, there: PathBuf, may: bool) -> Result<Found> {
        Ok(match view.lstat(&there)? {
            Known::Known(Some(stat)) => Found::There(stat, there),
            Known::Known(None) => Self::absent_unless(may || self.may_be_filled(path)),
            Known::Unknown => Found::Unknown,
        })
    }

    /// The end of a path after all links, planned ones too.
    pub(super) fn resolve(&self, view: &dyn View, path: &Path, follow: bool) -> Result<PathBuf> {
        path::walk(path, follow, &mut |p| {
            Ok(match self.at(view, p)? {
                Found::Planned(node) => node.stat.target,
                Found::There(stat, _) => stat.target,
                _ => None,
            })
        })
    }

    /// Like [`Tree::at`] for any path. Links in a circle lead nowhere.
    pub(super) fn look(&self, view: &dyn View, path: &Path, follow: bool) -> Result<Found> {
        match self.resolve(view, path, follow) {
            Ok(path) => self.at(view, &path),
            Err(diag) if diag.code == "too-many-links" => Ok(Found::Absent),
            Err(diag) => Err(diag),
        }
    }

    /// Names in a directory; `None` where it is no directory.
    pub(super) fn list(&self, view: &dyn View, dir: &Path) -> Result<Known<Option<Vec<String>>>> {
        let Ok(dir) = self.resolve(view, dir, true) else {
            return Ok(Known::Known(None));
        };
        let (origin, may) = match self.at(view, &dir)? {
            Found::Planned(node) => match node.body {
                Body::Dir { origin: None, may } => (None, may || self.filled_since(&dir, node.seq)),
                Body::Dir { origin, may } => (origin, may || self.may_be_filled(&dir)),
                _ => return Ok(Known::Known(None)),
            },
            Found::There(stat, there) if stat.is_dir() => (Some(there), self.may_be_filled(&dir)),
            Found::Unknown => return Ok(Known::Unknown),
            _ => return Ok(Known::Known(None)),
        };
        if may {
            return Ok(Known::Unknown);
        }
        let mut names = match origin {
            Some(origin) => match view.list(&origin)? {
                Known::Known(names) => names.unwrap_or_default(),
                Known::Unknown => return Ok(Known::Unknown),
            },
            None => Vec::new(),
        };
        for (path, node) in self.children(&dir) {
            let name = path::file_name(path);
            names.retain(|n| *n != name);
            if !matches!(node.body, Body::Gone) {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(Known::Known(Some(names)))
    }

    fn children<'a>(&'a self, dir: &'a Path) -> impl Iterator<Item = (&'a PathBuf, &'a Node)> {
        self.under(dir)
            .filter(move |(path, _)| path.parent() == Some(dir))
    }

    /// The node at a path and all below it.
    fn under<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a PathBuf, &'a Node)> {
        self.nodes
            .range(path.to_owned()..)
            .take_while(move |(p, _)| p.starts_with(path))
    }

    /// Puts a node at a path; what was planned at it or below it goes.
    pub(super) fn put(&mut self, path: PathBuf, stat: Stat, body: Body) {
        self.clear(&path);
        let seq = self.tick();
        self.nodes.insert(path, Node { seq, stat, body });
    }

    fn clear(&mut self, path: &Path) {
        for (_, node) in self.take(path) {
            if matches!(node.body, Body::File(_) | Body::Other) && node.stat.ino != 0 {
                self.each_name(&node.stat, |stat| stat.nlink -= 1);
            }
        }
    }

    fn take(&mut self, path: &Path) -> Vec<(PathBuf, Node)> {
        let below: Vec<PathBuf> = self.under(path).map(|(p, _)| p.clone()).collect();
        below
            .into_iter()
            .filter_map(|path| self.nodes.remove_entry(&path))
            .collect()
    }

    /// Changes what all planned names of one file say of it.
    pub(super) fn each_name(&mut self, of: &Stat, mut change: impl FnMut(&mut Stat)) {
        for node in self.nodes.values_mut() {
            let same = node.stat.ino == of.ino && node.stat.dev == of.dev;
            if same && matches!(node.body, Body::File(_) | Body::Other) {
                change(&mut node.stat);
            }
        }
    }

    /// The node at a path, made from what the view has there. `None` where nothing is known to be.
    pub(super) fn node(&mut self, view: &dyn View, path: &Path) -> Result<Option<&mut Node>> {
        if let Found::There(stat, there) = self.at(view, path)? {
            let body = match stat.kind {
                FileKind::File => Body::File(Text::Same(there)),
                FileKind::Dir => Body::Dir {
                    origin: Some(there),
                    may: false,
                },
                _ => Body::Other,
            };
            let seq = self.tick();
            self.nodes.insert(path.to_owned(), Node { seq, stat, body });
        }
        Ok(self
            .nodes
            .get_mut(path)
            .filter(|node| !matches!(node.body, Body::Gone)))
    }

    pub(super) fn remove(&mut self, path: PathBuf, stat: Stat) {
        self.put(path, stat, Body::Gone);
    }

    /// Moves the node at `from` and all below it. There is one: see [`Tree::node`].
    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        self.clear(to);
        let moved = self.take(from);
        let seq = self.tick();
        for (path, node) in moved {
            match path.strip_prefix(from) {
                Ok(rest) if !rest.as_os_str().is_empty() => {
                    self.nodes.insert(to.join(rest), node);
                }
                _ => {
                    let gone = Node {
                        seq,
                        body: Body::Gone,
                        stat: node.stat.clone(),
                    };
                    self.nodes.insert(from.to_owned(), gone);
                    self.nodes.insert(to.to_owned(), node);
                }
            }
        }
    }

    /// True where a path is not what the view has there: planned, changed, gone, or below such a
    /// one. A directory of which only the attributes were changed does not count.
    pub(super) fn differs(&self, path: &Path) -> bool {
        path.ancestors()
            .find_map(|p| Some((p, self.nodes.get(p)?)))
            .is_some_and(|(p, node)| match &node.body {
                Body::Dir {
                    origin: Some(origin),
                    ..
                } => origin != p,
                Body::File(Text::Same(same)) => same != p,
                _ => true,
            })
    }
}
