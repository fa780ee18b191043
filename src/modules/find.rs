//! `find`: files below directories, by name, age, size and content.

mod filter;

use super::Module;
use super::common::file_facts::facts;
use super::common::place::Place;
use crate::diag::Result;
use crate::sys::{Algorithm, Known, Outcome, Stat, View};
use crate::value::unknown_json;
use filter::Filter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

/// Lists files below directories.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Directories to look in. Aliases: name, path
    #[serde(alias = "name", alias = "path")]
    paths: Vec<String>,
    /// Names to take, shell patterns or (with `use_regex`) regular expressions. Alias: pattern
    #[serde(default, alias = "pattern")]
    patterns: Vec<String>,
    /// Names to leave out. Alias: exclude
    #[serde(default, alias = "exclude")]
    excludes: Vec<String>,
    /// Take only files that have a line matching this pattern from its start.
    contains: Option<String>,
    /// Let `contains` match anywhere in the whole file.
    #[serde(default)]
    read_whole_file: bool,
    /// Kind of files to take.
    #[serde(default)]
    file_type: FileType,
    /// At least this old (`2d`), or with a minus at most.
    age: Option<String>,
    /// Which time counts as age.
    #[serde(default)]
    age_stamp: Stamp,
    /// At least this large (`1m`), or with a minus at most.
    size: Option<String>,
    /// Take only files with this mode.
    mode: Option<crate::args::Mode>,
    /// With exactly this mode, not with at least its bits.
    #[serde(default = "yes")]
    exact_mode: bool,
    /// Go down into directories.
    #[serde(default)]
    recurse: bool,
    /// How far down.
    depth: Option<usize>,
    /// Take names that begin with a dot too.
    #[serde(default)]
    hidden: bool,
    /// Go down into directories that are links.
    #[serde(default)]
    follow: bool,
    /// Compute checksums.
    #[serde(default)]
    get_checksum: bool,
    /// How. Aliases: checksum, checksum_algo
    #[serde(default = "sha1", alias = "checksum", alias = "checksum_algo")]
    checksum_algorithm: Algorithm,
    /// The patterns are regular expressions.
    #[serde(default)]
    use_regex: bool,
    /// Stop after so many.
    limit: Option<usize>,
    /// Encoding of the files `contains` looks into; UTF-8 where none is given.
    encoding: Option<String>,
}

fn yes() -> bool {
    true
}

fn sha1() -> Algorithm {
    Algorithm::Sha1
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum FileType {
    Any,
    Directory,
    #[default]
    File,
    Link,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Stamp {
    Atime,
    Ctime,
    #[default]
    Mtime,
}

/// The module.
pub struct Find;

impl Module for Find {
    const NAME: &'static str = "find";
    const FQCN: &'static str = "ansible.builtin.find";
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let mut search = Search {
            args,
            view,
            filter: Filter::new(args, view.now())?,
            files: Vec::new(),
            examined: 0,
            skipped: Map::new(),
            unknown: None,
        };
        for path in &args.paths {
            let place = Place::of(path.trim(), view)?;
            match view.stat(&place.at)? {
                Known::Known(Some(stat)) if stat.is_dir() => {
                    if let Some(reason) = search.walk(&place)? {
                        search.skipped.insert(place.shown, json!(reason));
                    }
                }
                Known::Unknown => search.unknown = Some(place.shown),
                Known::Known(_) => {
                    let reason = format!("'{}' is not a directory", place.shown);
                    search.skipped.insert(place.shown, json!(reason));
                }
            }
        }
        search.tell()
    }
}

struct Search<'a> {
    args: &'a Args,
    view: &'a dyn View,
    filter: Filter,
    files: Vec<Json>,
    examined: usize,
    skipped: Map<String, Json>,
    /// A directory of which only apply will tell what is in it.
    unknown: Option<String>,
}

impl Search<'_> {
    /// Goes through a directory. The answer is why it went no further, if it did not.
    fn walk(&mut self, top: &Place) -> Result<Option<String>> {
        let mut left: Vec<(PathBuf, usize)> = vec![(top.at.clone(), 1)];
        let mut seen = Vec::new();
        while let Some((dir, depth)) = left.pop() {
            let end = self.view.resolve(&dir)?;
            if seen.contains(&end) {
                continue;
            }
            seen.push(end);
            let Known::Known(names) = self.view.list(&dir)? else {
                self.unknown = Some(dir.display().to_string());
                continue;
            };
            let names = names.unwrap_or_default();
            self.examined += names.len();
            for name in names {
                let path = dir.join(&name);
                let Some(stat) = self.view.lstat(&path)?.known().flatten() else {
                    self.examined -= 1;
                    continue;
                };
                // Those one level too deep are only counted.
                if self.args.depth.is_some_and(|max| depth > max) {
                    continue;
                }
                let enough = self
                    .args
                    .limit
                    .is_some_and(|limit| self.files.len() >= limit);
                if !enough && let Some(reason) = self.look_at(&path, &name, &stat)? {
                    return Ok(Some(reason));
                }
                let followed = self.args.follow
                    && stat.is_link()
                    && super::common::place::is_dir(&path, self.view)?;
                if self.args.recurse && (stat.is_dir() || followed) {
                    left.push((path, depth + 1));
                }
            }
        }
        Ok(None)
    }

    fn look_at(&mut self, path: &Path, name: &str, stat: &Stat) -> Result<Option<String>> {
        let wanted = match self.args.file_type {
            FileType::Any => true,
            FileType::Directory => stat.is_dir(),
            FileType::File => stat.is_file(),
            FileType::Link => stat.is_link(),
        };
        if !wanted || (name.starts_with('.') && !self.args.hidden) || !self.filter.takes(name, stat)
        {
            return Ok(None);
        }
        if stat.is_file() {
            match self.filter.takes_content(path, self.view)? {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(reason) => return Ok(Some(reason)),
            }
        }
        let mut entry = facts(&path.display().to_string(), stat, self.view)?;
        if self.args.get_checksum && stat.is_file() {
            let sum = self.view.digest(path, self.args.checksum_algorithm)?;
            entry.insert("checksum".into(), json!(sum.known().flatten()));
        }
        if stat.is_link() && self.args.file_type == FileType::Any {
            entry.insert("lnk_source".into(), json!(self.view.resolve(path)?));
        }
        self.files.push(Json::Object(entry));
        Ok(None)
    }

    fn tell(self) -> Result<Json> {
        if let Some(dir) = &self.unknown {
            let unknown = unknown_json(&format!("what is in {dir}"));
            return Ok(json!({"files": unknown, "matched": unknown, "examined": unknown}));
        }
        let mut result = json!({
            "matched": self.files.len(),
            "files": self.files,
            "examined": self.examined,
            "msg": "All paths examined",
        });
        if !self.skipped.is_empty() {
            result["msg"] = json!("Not all paths examined, check warnings for details");
            let warn = |(path, reason): (&String, &Json)| {
                let reason = reason.as_str().unwrap_or_default();
                format!("Skipped '{path}' path due to this access issue: {reason}\n")
            };
            result["warnings"] = json!(self.skipped.iter().map(warn).collect::<Vec<_>>());
        }
        result["skipped_paths"] = Json::Object(self.skipped);
        Ok(result)
    }
}
