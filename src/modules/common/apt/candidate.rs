//! Which versions apt could install, asked of `apt-cache policy`, several names at once.

use super::super::command;
use crate::diag::Result;
use crate::sys::{Known, View};
use std::collections::HashMap;

/// What apt's lists say of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The version `apt-get install` would take; `None` for a virtual package.
    pub candidate: Option<String>,
    /// All versions, newest first.
    pub versions: Vec<String>,
}

/// Asks for names; those that apt does not know are missing in the answer.
pub fn policies(
    view: &dyn View,
    names: &[&str],
    release: Option<&str>,
) -> Result<Known<HashMap<String, Policy>>> {
    if names.is_empty() {
        return Ok(Known::Known(HashMap::new()));
    }
    let mut argv = vec!["apt-cache"];
    argv.extend(NO_CACHE);
    if let Some(release) = release {
        argv.extend(["-t", release]);
    }
    argv.push("policy");
    argv.extend(names);
    Ok(command::query(view, argv)?.map(|output| parse(&output.text())))
}

/// Else root's questions leave files in /var/cache/apt, and a dry run shall leave nothing.
const NO_CACHE: [&str; 4] = [
    "-o",
    "Dir::Cache::pkgcache=",
    "-o",
    "Dir::Cache::srcpkgcache=",
];

/// All package names that apt knows, for shell patterns.
pub fn names(view: &dyn View) -> Result<Known<Vec<String>>> {
    let argv = ["apt-cache"].into_iter().chain(NO_CACHE);
    let output = command::query(view, argv.chain(["pkgnames"]))?;
    Ok(output.map(|o| o.text().lines().map(str::to_owned).collect()))
}

fn parse(text: &str) -> HashMap<String, Policy> {
    let mut found: HashMap<String, Policy> = HashMap::new();
    let mut current: Option<(String, Policy)> = None;
    for line in text.lines() {
        if !line.starts_with(' ') {
            found.extend(current.take());
            let name = line.trim_end().trim_end_matches(':');
            current = Some((name.to_owned(), Policy::default()));
            continue;
        }
        let Some((_, policy)) = &mut current else {
            continue;
        };
        let trimmed = line.trim();
        if let Some(candidate) = trimmed.strip_prefix("Candidate: ") {
            policy.candidate = (candidate != "(none)").then(|| candidate.to_owned());
        } else if (line.starts_with("     ") || line.starts_with(" *** "))
            && !line.starts_with("        ")
        {
            // ` *** 1.2-3 500` or `     1.2-3 500`: a version and its priority.
            let version = trimmed.trim_start_matches("*** ").split(' ').next();
            policy.versions.extend(version.map(str::to_owned));
        }
    }
    found.extend(current);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_table() {
        let text = "git:\n  Installed: 1:2.30\n  Candidate: 1:2.39\n  Version table:\n     1:2.39 500\n        500 file:/repo bookworm/main amd64 Packages\n *** 1:2.30 100\n        100 /var/lib/dpkg/status\nawk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        let found = parse(text);
        assert_eq!(found["git"].candidate.as_deref(), Some("1:2.39"));
        assert_eq!(found["git"].versions, ["1:2.39", "1:2.30"]);
        assert_eq!(found["awk"], Policy::default());
        assert_eq!(found.len(), 2);
    }
}
