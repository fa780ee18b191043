//! `pip`: Python packages.

mod installed;
mod requirement;

use super::common::command;
use super::{Kind, Module};
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::sys::{Command, Effect, Known, Op, Outcome, View};
use crate::value::unknown_json;
use requirement::Requirement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Installs and removes Python packages, for the system or in a virtual environment.
///
/// What is installed is read from the packages' own directories, so that a step with nothing to do
/// starts neither pip nor Python, where the requirements can be understood without them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Packages, with versions (`x==1.0`, `x>=1,<2`) or URLs.
    #[serde(default)]
    name: Option<Vec<String>>,
    /// Version of the one package in `name`.
    #[serde(default)]
    version: Option<String>,
    /// A requirements file.
    #[serde(default)]
    requirements: Option<String>,
    /// What they shall be.
    #[serde(default)]
    state: State,
    /// Directory of a virtual environment; made where it is missing.
    #[serde(default)]
    virtualenv: Option<String>,
    /// The command that makes it.
    #[serde(default = "virtualenv")]
    virtualenv_command: String,
    /// The Python in it (not with `venv`).
    #[serde(default)]
    virtualenv_python: Option<String>,
    /// Let it see the system's packages.
    #[serde(default)]
    virtualenv_site_packages: bool,
    /// The pip program, by name or path.
    #[serde(default)]
    executable: Option<String>,
    /// Further arguments for pip.
    #[serde(default)]
    extra_args: Option<String>,
    /// Install in editable form.
    #[serde(default)]
    editable: bool,
    /// Directory to work in.
    #[serde(default)]
    chdir: Option<String>,
    /// File mode creation mask.
    #[serde(default)]
    umask: Option<Mode>,
    /// Allow to change what the distribution's packages manage.
    #[serde(default)]
    break_system_packages: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Installed.
    #[default]
    Present,
    /// Removed.
    Absent,
    /// Installed in the newest version.
    Latest,
    /// Installed once more.
    ForceReinstall,
}

fn virtualenv() -> String {
    "virtualenv".into()
}

/// The module.
pub struct Pip;

impl Module for Pip {
    const NAME: &'static str = "pip";
    const FQCN: &'static str = "ansible.builtin.pip";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        let plain = args
            .name
            .iter()
            .flatten()
            .all(|n| Requirement::parse(n).is_some());
        match args.state {
            State::Present if plain && args.requirements.is_none() => Kind::Resource,
            State::Absent => Kind::Resource,
            _ => Kind::Action,
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args)?;
        let mut ops = Vec::new();
        let env = environment(args, view)?;
        let fresh = match &env {
            Some(dir) => {
                is_missing(view, &dir.join("bin/activate"))?
                    && is_missing(view, &dir.join("bin/python"))?
            }
            None => false,
        };
        if let Some(dir) = env.as_ref().filter(|_| fresh) {
            ops.push(make(args, dir)?);
        }
        if needs(args, view, env.as_deref(), fresh)? {
            ops.push(install(args, view, env.as_deref())?);
        }
        Ok(ops)
    }

    fn plan_more(_: &Args, _: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        Ok(Vec::new())
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let planned = planned.last().cloned();
        let op = match planned {
            Some(op) => op,
            None => install(args, view, environment(args, view)?.as_deref())?,
        };
        let cmd = match op {
            Op::Run { command, .. } => command.argv.join(" "),
            op => op.to_string(),
        };
        Ok(json!({
            "cmd": cmd,
            "name": args.name,
            "version": args.version,
            "state": args.state,
            "requirements": args.requirements,
            "virtualenv": args.virtualenv,
        }))
    }

    fn result(_: &Args, _: &dyn View, done: &[Outcome]) -> Result<Json> {
        if done.is_empty() {
            return Ok(json!({"stdout": "", "stderr": ""}));
        }
        if done.contains(&Outcome::Unknown) {
            let text = unknown_json("what pip prints");
            return Ok(json!({"stdout": text, "stderr": text}));
        }
        let (stdout, stderr) = command::texts(done);
        // pip itself says whether it did anything; a new environment is a change too.
        let changed = done.len() > 1
            || stdout.contains("Successfully installed")
            || stdout.contains("Successfully uninstalled")
            || stdout.is_empty();
        Ok(json!({"changed": changed, "stdout": stdout, "stderr": stderr}))
    }
}

fn check(args: &Args) -> Result<()> {
    let wrong = if args.name.is_none() && args.requirements.is_none() && args.virtualenv.is_none() {
        "one of the following is required: name, requirements, virtualenv"
    } else if args.name.is_some() && args.requirements.is_some() {
        "options `name` and `requirements` cannot be used together"
    } else if args.executable.is_some() && args.virtualenv.is_some() {
        "options `executable` and `virtualenv` cannot be used together"
    } else if args.version.is_some() && args.name.as_ref().is_none_or(|n| n.len() != 1) {
        "'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next to each package in 'name' argument."
    } else if args.version.is_some() && args.state == State::Latest {
        "version is incompatible with state=latest"
    } else {
        return Ok(());
    };
    Err(Diag::error("wrong-value", wrong))
}

fn path(args: &Args, view: &dyn View, text: &str) -> Result<PathBuf> {
    let path = crate::sys::path::expand(text, view)?;
    match &args.chdir {
        Some(dir) if !text.starts_with(['/', '~']) => {
            Ok(crate::sys::path::expand(dir, view)?.join(text))
        }
        _ => Ok(path),
    }
}

fn environment(args: &Args, view: &dyn View) -> Result<Option<PathBuf>> {
    args.virtualenv
        .as_deref()
        .map(|dir| path(args, view, dir))
        .transpose()
}

fn is_missing(view: &dyn View, path: &Path) -> Result<bool> {
    Ok(view.stat(path)? == Known::Known(None))
}

fn command(args: &Args, view: &dyn View, argv: Vec<String>) -> Result<Command> {
    let mut command = command::c_locale(argv);
    if let Some(dir) = &args.chdir {
        command = command.cwd(crate::sys::path::expand(dir, view)?);
    }
    command.umask = args.umask.as_ref().map(|mode| mode.apply(0, false, 0));
    Ok(command)
}

fn make(args: &Args, dir: &Path) -> Result<Op> {
    let mut argv = shell_words::split(&args.virtualenv_command)
        .map_err(|e| Diag::error("wrong-value", e.to_string()).about("virtualenv_command"))?;
    let is_venv = argv.iter().any(|w| w == "venv" || w.ends_with("pyvenv"));
    if args.virtualenv_site_packages {
        argv.push("--system-site-packages".into());
    }
    match &args.virtualenv_python {
        Some(_) if is_venv => {
            return Err(Diag::error(
                "wrong-value",
                "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
            )
            .about("virtualenv_python"));
        }
        Some(python) => argv.push(format!("-p{python}")),
        None => {}
    }
    argv.push(dir.display().to_string());
    let effects = vec![
        Effect::Dir(dir.to_path_buf()),
        Effect::File(dir.join("bin/activate")),
        Effect::File(dir.join("bin/python")),
        Effect::File(dir.join("bin/pip")),
        Effect::MayFill(dir.to_path_buf()),
    ];
    let mut command = command::c_locale(argv);
    command.umask = args.umask.as_ref().map(|mode| mode.apply(0, false, 0));
    Ok(command::run(command, effects))
}

fn key(env: Option<&Path>, what: &str) -> String {
    let place = env.map_or("system".to_owned(), |dir| dir.display().to_string());
    format!("pip:{place}:{what}")
}

fn names(args: &Args) -> Vec<String> {
    let names = args.name.clone().unwrap_or_default();
    match (&args.version, names.as_slice()) {
        (Some(version), [name]) => vec![match version.starts_with(['<', '>', '=', '!', '~']) {
            true => format!("{name}{version}"),
            false => format!("{name}=={version}"),
        }],
        _ => names,
    }
}

/// Everything that is asked for, one line each: names, or what the requirements file says.
fn wanted(args: &Args, view: &dyn View) -> Result<Known<Vec<String>>> {
    let Some(file) = &args.requirements else {
        return Ok(Known::Known(names(args)));
    };
    match view.read(&path(args, view, file)?)? {
        Known::Known(Some(bytes)) => Ok(Known::Known(requirement::lines(
            &String::from_utf8_lossy(&bytes),
        ))),
        Known::Known(None) => Err(Diag::error(
            "no-such-file",
            format!("Could not open requirements file: there is no file {file}"),
        )
        .about("requirements")),
        Known::Unknown => Ok(Known::Unknown),
    }
}

fn needs(args: &Args, view: &dyn View, env: Option<&Path>, fresh: bool) -> Result<bool> {
    let file = args.requirements.iter().map(|f| (f, ()));
    let assumed = |what: &str| view.assumed(&key(env, what)).and_then(|v| v.as_bool());
    if file
        .clone()
        .any(|(f, ())| assumed(f) == Some(args.state != State::Absent))
    {
        return Ok(false);
    }
    let Known::Known(wanted) = wanted(args, view)? else {
        return Ok(true);
    };
    let open: Vec<&String> = wanted
        .iter()
        .filter(|line| assumed(line) != Some(args.state != State::Absent))
        .collect();
    if open.is_empty() || fresh {
        return Ok(!open.is_empty() && args.state != State::Absent);
    }
    if !matches!(args.state, State::Present | State::Absent) || args.editable {
        return Ok(true);
    }
    let have = match env {
        Some(dir) if !args.virtualenv_site_packages => installed::of_environment(view, dir)?,
        _ => installed::asked(view, &program(args, view, env)?)?,
    };
    let Known::Known(have) = have else {
        return Ok(true);
    };
    Ok(open.into_iter().any(|line| match Requirement::parse(line) {
        None => args.state == State::Present,
        Some(requirement) => {
            let version = have.get(&requirement.name);
            match args.state {
                State::Absent => version.is_some(),
                _ => version.is_none_or(|v| requirement.accepts(v) != Some(true)),
            }
        }
    }))
}

/// The words that start pip.
fn program(args: &Args, view: &dyn View, env: Option<&Path>) -> Result<Vec<String>> {
    if let Some(dir) = env {
        return Ok(vec![dir.join("bin/pip").display().to_string()]);
    }
    if let Some(program) = &args.executable {
        return Ok(vec![program.clone()]);
    }
    for name in ["pip3", "pip"] {
        if view.which(name)? != Known::Known(None) {
            return Ok(vec![name.to_owned()]);
        }
    }
    if let Known::Known(None) = view.which("python3")? {
        return Err(Diag::error(
            "no-such-program",
            "Unable to find any of pip3 to use.  pip needs to be installed.",
        ));
    }
    Ok(["python3", "-m", "pip"].map(str::to_owned).to_vec())
}

fn install(args: &Args, view: &dyn View, env: Option<&Path>) -> Result<Op> {
    let mut argv = program(args, view, env)?;
    let words: &[&str] = match args.state {
        State::Present => &["install"],
        State::Latest => &["install", "-U"],
        State::ForceReinstall => &["install", "-U", "--force-reinstall"],
        State::Absent => &["uninstall", "-y"],
    };
    argv.extend(words.iter().map(|w| (*w).to_owned()));
    if args.break_system_packages && args.state != State::Absent {
        argv.push("--break-system-packages".into());
    }
    let extra = shell_words::split(args.extra_args.as_deref().unwrap_or_default())
        .map_err(|e| Diag::error("wrong-value", e.to_string()).about("extra_args"))?;
    argv.extend(extra);
    if let Some(file) = &args.requirements {
        argv.extend(["-r".to_owned(), file.clone()]);
    }
    let names = names(args);
    for name in &names {
        if args.editable {
            argv.push("-e".into());
        }
        argv.push(name.clone());
    }
    let installed = args.state != State::Absent;
    let whats = names.iter().chain(args.requirements.iter());
    let mut effects: Vec<Effect> = whats
        .map(|what| Effect::Assume(key(env, what), json!(installed)))
        .collect();
    let places = match env {
        Some(dir) => vec![dir.to_path_buf()],
        None => vec![PathBuf::from("/usr/local"), PathBuf::from("/usr/bin")],
    };
    effects.extend(places.into_iter().map(Effect::MayFill));
    Ok(command::run(command(args, view, argv)?, effects))
}
