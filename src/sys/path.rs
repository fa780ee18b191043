//! Paths as text: nothing here looks at a file system.

use super::{Algorithm, Known, View};
use crate::diag::{Diag, Result};
use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows in one path.
const MAX_LINKS: usize = 40;

/// The same path without `.`, doubled slashes and, as far as it goes without links, `..`.
pub fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() {
        out.push(".");
    }
    out
}

/// `path` seen from `base`: absolute paths stay as they are; the result is normalised.
pub fn join(base: &Path, path: &Path) -> PathBuf {
    normalise(&base.join(path))
}

/// The directory a path lies in; `/` for the root itself.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// The last part of a path as text; empty for the root.
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What names of files begin with that are gone when a step is through.
pub const TEMPORARY: &str = ".gxdeploy-";

/// A name in a directory for a file that a step writes, uses and removes; the same each time for
/// the same `seed` in one process.
pub fn temporary(dir: &Path, seed: &str) -> PathBuf {
    let sum = Algorithm::Sha1.of(seed.as_bytes());
    dir.join(format!("{TEMPORARY}{}-{}", std::process::id(), &sum[..16]))
}

/// A name beside a file under which a step keeps the old one for as long as it may have to go back.
pub fn kept(path: &Path) -> PathBuf {
    let start = format!("{TEMPORARY}{}-", std::process::id());
    parent(path).join(format!("{start}{}", file_name(path)))
}

/// The file that such a name stands for.
pub fn kept_from(path: &Path) -> Option<PathBuf> {
    let start = format!("{TEMPORARY}{}-", std::process::id());
    let name = file_name(path);
    Some(parent(path).join(name.strip_prefix(&start)?))
}

/// True for a name from [`temporary`] or [`kept`].
pub fn is_temporary(path: &Path) -> bool {
    file_name(path).starts_with(TEMPORARY)
}

/// Adds text to the last part: `/etc/x` and `.bak` make `/etc/x.bak`.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    PathBuf::from(text)
}

/// Expands `~`, `~name`, `$VAR` and `${VAR}` as Ansible does with options of type `path`
/// (observed: ansible-core 2.19.14) and makes the path absolute. What is not defined stays.
///
/// # Errors
/// Those of the view.
pub fn expand(path: &str, view: &dyn View) -> Result<PathBuf> {
    let path = expand_variables(path, &|name| view.env(name));
    let path = expand_home(&path, view)?;
    Ok(join(&view.cwd(), Path::new(&path)))
}

/// Expands a leading `~` or `~name` by the account's home directory; unknown names stay.
///
/// # Errors
/// Those of the view.
pub fn expand_home(path: &str, view: &dyn View) -> Result<String> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(path.to_owned());
    };
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if name.is_empty() {
        match view.env("HOME") {
            Some(home) if !home.is_empty() => Some(home),
            _ => Some(view.me().home.display().to_string()),
        }
    } else {
        match view.user(name)? {
            Known::Known(Some(user)) => Some(user.home.display().to_string()),
            _ => None,
        }
    };
    Ok(match home {
        Some(home) => {
            let whole = format!("{}{rest}", home.trim_end_matches('/'));
            if whole.is_empty() { "/".into() } else { whole }
        }
        None => path.to_owned(),
    })
}

/// Replaces `$NAME` and `${NAME}` where `lookup` knows the name, as Python's `expandvars` does.
pub fn expand_variables(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, length) = variable_name(&rest[1..]);
        match lookup(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[..=length]),
        }
        rest = &rest[1 + length..];
    }
    out + rest
}

/// Programs of the system administration live here even where `PATH` does not say so.
const SBIN: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// `PATH` where nobody set one.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where a program may lie: on `PATH` and in the sbin directories, in this order. A name with a
/// slash is a path already, seen from the current directory.
pub fn candidates(program: &str, view: &dyn View) -> Vec<PathBuf> {
    if program.contains('/') {
        return vec![join(&view.cwd(), Path::new(program))];
    }
    let path = view.env("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
    let mut dirs: Vec<&str> = path.split(':').filter(|d| !d.is_empty()).collect();
    for dir in SBIN {
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    dirs.into_iter()
        .map(|dir| view.cwd().join(dir).join(program))
        .collect()
}

/// The name at the start of what follows a `$`, and how many bytes it takes there.
fn variable_name(text: &str) -> (&str, usize) {
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.find('}') {
            Some(end) => (&inner[..end], end + 2),
            None => ("", 0),
        };
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (&text[..end], end)
}

/// The end of an absolute path after all links. `link` says where the link at a path points, or
/// `None` where there is no link; parts that do not exist stay as they are. `follow_last` false
/// leaves a link at the very end alone.
///
/// # Errors
/// `too-many-links` for a loop, and those of `link`.
pub fn walk(
    path: &Path,
    follow_last: bool,
    link: &mut dyn FnMut(&Path) -> Result<Option<PathBuf>>,
) -> Result<PathBuf> {
    let mut left: VecDeque<std::ffi::OsString> = parts(path).collect();
    let mut done = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            done.pop();
            continue;
        }
        done.push(&part);
        if left.is_empty() && !follow_last {
            break;
        }
        let Some(target) = link(&done)? else {
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(Diag::error(
                "too-many-links",
                format!("too many levels of symbolic links: {}", path.display()),
            ));
        }
        if target.is_absolute() {
            done = PathBuf::from("/");
        } else {
            done.pop();
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            left.push_front(part);
        }
    }
    Ok(done)
}

fn parts(path: &Path) -> impl Iterator<Item = std::ffi::OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn normalises_without_looking() {
        let n = |p: &str| normalise(Path::new(p)).display().to_string();
        assert_eq!(n("/a/./b//c/../d/"), "/a/b/d");
        assert_eq!(n("/.."), "/");
        assert_eq!(n("a/.."), ".");
        assert_eq!(n("../../a"), "../../a");
        assert_eq!(join(Path::new("/x"), Path::new("../y")), Path::new("/y"));
        assert_eq!(parent(Path::new("/")), Path::new("/"));
        assert_eq!(parent(Path::new("a")), Path::new("."));
        assert_eq!(with_suffix(Path::new("/a/b"), "~"), Path::new("/a/b~"));
    }

    #[test]
    fn variables_are_replaced_where_known() {
        let lookup = |name: &str| (name == "HOME").then(|| "/root".to_owned());
        let x = |t: &str| expand_variables(t, &lookup);
        assert_eq!(x("$HOME/x"), "/root/x");
        assert_eq!(x("${HOME}x$NO$"), "/rootx$NO$");
        assert_eq!(x("${HOME"), "${HOME");
        assert_eq!(x("a$é"), "a$é");
    }

    #[test]
    fn walks_through_links() {
        let links: HashMap<&str, &str> = [
            ("/lib", "usr/lib"),
            ("/usr/lib/x", "../../etc/x"),
            ("/loop", "/loop"),
        ]
        .into();
        let mut link = |p: &Path| {
            Ok(links
                .get(p.display().to_string().as_str())
                .map(PathBuf::from))
        };
        let mut w = |p: &str, follow| {
            walk(Path::new(p), follow, &mut link)
                .map(|p| p.display().to_string())
                .map_err(|e| e.code)
        };
        assert_eq!(w("/lib/x/y", true).as_deref(), Ok("/etc/x/y"));
        assert_eq!(w("/lib/x", false).as_deref(), Ok("/usr/lib/x"));
        assert_eq!(w("/lib/../a", true).as_deref(), Ok("/usr/a"));
        assert_eq!(w("/loop/a", true), Err("too-many-links".to_owned()));
    }
}
