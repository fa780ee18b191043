//! Shell patterns over the files of a host.

use crate::diag::Result;
use crate::sys::{Known, View};
use std::path::{Path, PathBuf};

/// True if a path, or anything a pattern (`*`, `?`, `[...]`) stands for, is there; a link counts
/// whatever it points to. Names that begin with a dot need a pattern that does, as in Python.
///
/// # Errors
/// Those of the view.
pub fn exists(pattern: &Path, view: &dyn View) -> Result<Known<bool>> {
    if !is_pattern(&pattern.to_string_lossy()) {
        return Ok(view.lstat(pattern)?.map(|stat| stat.is_some()));
    }
    let mut found = vec![PathBuf::from("/")];
    let mut unknown = false;
    for part in pattern.components().skip(1) {
        let part = part.as_os_str().to_string_lossy();
        let mut next = Vec::new();
        for dir in found {
            if !is_pattern(&part) {
                next.push(dir.join(&*part));
                continue;
            }
            match view.list(&dir)? {
                Known::Known(names) => next.extend(
                    names
                        .unwrap_or_default()
                        .iter()
                        .filter(|name| matches(&part, name))
                        .map(|name| dir.join(name)),
                ),
                Known::Unknown => unknown = true,
            }
        }
        found = next;
    }
    for path in found {
        match view.lstat(&path)? {
            Known::Known(Some(_)) => return Ok(Known::Known(true)),
            Known::Known(None) => {}
            Known::Unknown => unknown = true,
        }
    }
    Ok(if unknown {
        Known::Unknown
    } else {
        Known::Known(false)
    })
}

/// True if a text holds a character that a pattern gives a meaning.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn matches(pattern: &str, name: &str) -> bool {
    let options = glob::MatchOptions {
        require_literal_leading_dot: true,
        ..glob::MatchOptions::new()
    };
    glob::Pattern::new(pattern).is_ok_and(|p| p.matches_with(name, options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fake::{Entry, FakeHost};

    #[test]
    fn patterns_find_what_python_finds() {
        let mut host = FakeHost::new();
        host.put("/d/a.txt", Entry::file(""))
            .put("/d/.hidden", Entry::file(""))
            .put("/d/l", Entry::link("/nowhere"));
        let found = |pattern: &str| exists(Path::new(pattern), &host).unwrap().presume(false);
        assert!(found("/d/a.*") && found("/*/a.txt") && found("/d/[a-c].txt"));
        assert!(found("/d/l") && found("/?/l"));
        assert!(!found("/d/b*") && !found("/d/*hidden") && found("/d/.h*"));
        assert!(!found("/d/a.txt/*"));
    }
}
