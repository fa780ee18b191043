//! Templates that templates name: `include`, `import`, `extends`.

use super::env::Env;
use super::eval::Run;
use super::obj::Obj;
use super::stop::{Res, Stop};
use crate::diag::Diag;
use crate::value::Map;
use crate::vars::SharedScope;
use std::path::{Path, PathBuf};

/// Loads the first of the named templates that exists: in `templates/` of each directory of the
/// search path, then in the directory itself.
pub fn load(run: &Run, names: &[Obj]) -> Res<Run> {
    let mut wanted = Vec::new();
    for name in names {
        let name = name.str()?;
        if let Some(path) = find(&run.env, &name, "templates") {
            let text = run.env.engine.read(&path)?.replace("\r\n", "\n");
            let options = run.env.options.borrow().clone();
            let (template, span) = run
                .env
                .engine
                .compiled_file(&path, &text.into(), &options)?;
            return Ok(Run {
                env: run.env.clone(),
                template,
                span,
                marks: None,
            });
        }
        wanted.push(name.to_string());
    }
    Err(Stop::Fail(
        Diag::error(
            "template-not-found",
            format!("template not found: {}", wanted.join(", ")),
        )
        .note(format!("searched in: {}", searched(&run.env))),
    ))
}

fn searched(env: &Env) -> String {
    let dirs: Vec<String> = env
        .at
        .search
        .iter()
        .map(|d| d.display().to_string())
        .collect();
    dirs.join(", ")
}

/// A file of the control side: `subdir` of each directory of the search path, then the directory
/// itself; absolute paths as they are.
pub fn find(env: &Env, name: &str, subdir: &str) -> Option<PathBuf> {
    let name = match name.strip_prefix("~/") {
        Some(rest) => PathBuf::from(std::env::var_os("HOME")?).join(rest),
        None => PathBuf::from(name),
    };
    if name.is_absolute() {
        return name.exists().then_some(name);
    }
    env.at
        .search
        .iter()
        .flat_map(|dir| [dir.join(subdir).join(&name), dir.join(&name)])
        .find(|path| path.exists())
}

/// The variables that only the templates of a file see (ansible-core's list of special variables).
pub fn template_vars(path: &Path, scope: &SharedScope) -> Map {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(path).ok();
    let mut vars = Map::new();
    let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let host = nix::unistd::gethostname().unwrap_or_default();
    vars.insert("template_host", host.to_string_lossy().into_owned());
    vars.insert("template_path", path.to_string_lossy().into_owned());
    vars.insert("template_fullpath", full.to_string_lossy().into_owned());
    let uid = meta.as_ref().map_or(0, |m| m.uid());
    let owner = nix::unistd::User::from_uid(uid.into()).ok().flatten();
    vars.insert(
        "template_uid",
        owner.map_or_else(|| uid.to_string(), |user| user.name),
    );
    let mtime = meta.as_ref().map_or(0.0, |m| m.mtime() as f64);
    vars.insert("template_mtime", seconds(mtime));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64());
    vars.insert("template_run_date", seconds(now));
    if scope.get("ansible_managed").is_none() {
        vars.insert("ansible_managed", "Ansible managed");
    }
    vars
}

fn seconds(since_1970: f64) -> String {
    time::OffsetDateTime::from_unix_timestamp(since_1970 as i64).map_or_else(
        |_| String::new(),
        |t| {
            let (h, m, s) = t.to_hms();
            format!("{} {h:02}:{m:02}:{s:02}", t.date())
        },
    )
}
