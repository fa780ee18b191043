//! Templates that templates name: `include`, `import`, `extends`.

use super::env::Env;
use super::eval::Run;
use super::obj::Obj;
use super::stop::{Res, Stop};
use crate::diag::Diag;
use std::path::PathBuf;

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
