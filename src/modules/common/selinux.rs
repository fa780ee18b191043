//! Security contexts of files, where the host has SELinux.

use super::file_attrs::FileAttrs;
use crate::diag::Result;
use crate::sys::{Command, Declared, Known, Op, View};
use std::path::Path;

/// True on a host whose kernel enforces or reports SELinux rules.
fn enabled(view: &dyn View) -> Result<bool> {
    let marker = Path::new("/sys/fs/selinux/enforce");
    Ok(matches!(view.lstat(marker)?, Known::Known(Some(_))))
}

/// The context of a file (`user:role:type:level`); `None` without SELinux.
///
/// # Errors
/// Those of the view.
pub fn context(path: &Path, view: &dyn View) -> Result<Option<String>> {
    if !enabled(view)? {
        return Ok(None);
    }
    ask(["stat", "--printf=%C", &path.display().to_string()], view)
}

/// Operations that give a file the context that the options ask for. `_default` takes the part
/// that the host's policy names.
///
/// # Errors
/// Those of the view.
pub fn ops(attrs: &FileAttrs, path: &Path, view: &dyn View) -> Result<Vec<Op>> {
    let wanted = [&attrs.seuser, &attrs.serole, &attrs.setype, &attrs.selevel];
    if wanted.iter().all(|part| part.is_none()) {
        return Ok(Vec::new());
    }
    let Some(current) = context(path, view)? else {
        return Ok(Vec::new());
    };
    let text = path.display().to_string();
    let mut parts: Vec<String> = current.splitn(4, ':').map(str::to_owned).collect();
    let policy = ask(["matchpathcon", "-n", &text], view)?.unwrap_or_else(|| current.clone());
    for (i, part) in wanted.into_iter().enumerate() {
        let Some(part) = part else { continue };
        let value = match part.as_str() {
            "_default" => policy.splitn(4, ':').nth(i).unwrap_or_default(),
            part => part,
        };
        if let Some(slot) = parts.get_mut(i) {
            value.clone_into(slot);
        }
    }
    let next = parts.join(":");
    if next == current {
        return Ok(Vec::new());
    }
    Ok(vec![Op::Run {
        command: Command::new(["chcon", "-h", &next, &text]),
        effect: Declared::Effects(Vec::new()),
        must_succeed: true,
    }])
}

fn ask<const N: usize>(argv: [&str; N], view: &dyn View) -> Result<Option<String>> {
    let output = view.query(&Command::new(argv))?.known();
    Ok(output
        .filter(crate::sys::Output::ok)
        .map(|output| output.text().trim().to_owned()))
}
