//! Writing a database to a file and filling one from it, with PostgreSQL's own programs.

use super::{Args, State};
use crate::diag::Result;
use crate::modules::common::command;
use crate::sys::{Declared, Effect, Op, Outcome, Output, View};
use crate::value::unknown_json;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// What a shell is to run.
struct Line {
    /// The program that dumps or restores, with its words.
    cmd: String,
    /// The program that packs or unpacks between it and the file.
    packer: Option<String>,
    /// The whole text for the shell.
    shell: String,
}

/// The one operation.
///
/// # Errors
/// `no-such-program`.
pub fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    let line = line(args, view)?;
    let shell = command::c_locale(["/bin/sh", "-c", &line.shell]);
    let effects = match args.state {
        State::Dump => vec![Effect::File(PathBuf::from(target(args, view)))],
        _ => Vec::new(),
    };
    Ok(vec![Op::Run {
        command: args.shared.environment(shell, "", view),
        effect: Declared::Effects(effects),
        must_succeed: false,
    }])
}

/// What the programs said.
///
/// # Errors
/// As [`plan`].
pub fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
    if view.is_check() {
        return Ok(json!({"changed": false, "db": args.db, "executed_commands": []}));
    }
    let line = line(args, view)?;
    let restores = args.state == State::Restore;
    // Observed: of a restore from a packed file nothing is told.
    let silent = line.packer.is_some() && restores;
    let (cmd, told) = match silent {
        true => ("cmd: ****".to_owned(), Vec::new()),
        false => (line.cmd.clone(), vec![line.cmd]),
    };
    let output = command::answers(done).next();
    let (out, err, rc) = match output {
        Some(output) => {
            let out = if silent { String::new() } else { output.text() };
            (json!(out), json!(output.err_text()), json!(output.rc))
        }
        None => {
            let unknown = unknown_json(&format!("answer of `{cmd}`"));
            (unknown.clone(), unknown.clone(), unknown)
        }
    };
    let mut keys = json!({"rc": rc, "cmd": cmd});
    if output.is_none_or(Output::ok) {
        keys["msg"] = out;
        keys["stderr"] = err;
        keys["executed_commands"] = json!(told);
        return Ok(keys);
    }
    keys["failed"] = json!(true);
    keys["changed"] = json!(false);
    keys["msg"] = err;
    keys["stdout"] = out;
    Ok(keys)
}

fn target(args: &Args, view: &dyn View) -> String {
    match args.target.strip_prefix("~/") {
        Some(rest) => view.me().home.join(rest).display().to_string(),
        None if args.target.is_empty() => view
            .cwd()
            .join(format!("{}.sql", args.db))
            .display()
            .to_string(),
        None => args.target.clone(),
    }
}

fn line(args: &Args, view: &dyn View) -> Result<Line> {
    let target = target(args, view);
    let suffix = PathBuf::from(&target);
    let suffix = suffix
        .extension()
        .and_then(|text| text.to_str())
        .unwrap_or_default()
        .to_owned();
    let dumps = args.state == State::Dump;
    let packer = packer(&suffix, dumps, view)?;
    let cmd = words(args, &suffix, &target, view)?;
    let file = quoted(&target);
    let cmd = match (&packer, suffix.as_str()) {
        (Some(_), _) => cmd,
        (None, "dir") if dumps => format!("{cmd} -f {file}"),
        (None, _) if dumps => format!("{cmd} > {file}"),
        (None, "dir" | "pgc") => format!("{cmd} {file}"),
        (None, "sql") => cmd,
        (None, _) => format!("{cmd} < {file}"),
    };
    // A pipe would hide how the first program ended.
    let between = |program: &str| {
        let (reads, writes) = match dumps {
            true => (
                format!("{program} < \"$d/p\" > {file}"),
                format!("{cmd} > \"$d/p\""),
            ),
            false => (
                format!("{program} {file} > \"$d/p\""),
                format!("{cmd} < \"$d/p\""),
            ),
        };
        format!(
            "d=$(mktemp -d) && trap 'rm -r \"$d\"' EXIT && mkfifo \"$d/p\" || exit\n\
             {reads} & {writes}; a=$?; wait $!; b=$?\n[ $a = 0 ] || exit $a; exit $b"
        )
    };
    let shell = packer.as_deref().map_or_else(|| cmd.clone(), between);
    Ok(Line { cmd, packer, shell })
}

fn packer(suffix: &str, dumps: bool, view: &dyn View) -> Result<Option<String>> {
    let program = match (suffix, dumps) {
        ("gz", true) if view.which("pigz")?.known().flatten().is_some() => "pigz",
        ("gz", true) => "gzip",
        ("bz2", true) => "bzip2",
        ("xz", true) => "xz",
        ("gz", false) => "zcat",
        ("bz2", false) => "bzcat",
        ("xz", false) => "xzcat",
        _ => return Ok(None),
    };
    command::required(view, program).map(Some)
}

/// The program and its words, but for the file.
fn words(args: &Args, suffix: &str, target: &str, view: &dyn View) -> Result<String> {
    let dumps = args.state == State::Dump;
    let (program, format) = match (dumps, suffix) {
        (true, "tar") => ("pg_dump", Some("t")),
        (true, "pgc") => ("pg_dump", Some("c")),
        (true, "dir") => ("pg_dump", Some("d")),
        (true, _) => ("pg_dump", None),
        (false, "tar") => ("pg_restore", Some("Tar")),
        (false, "pgc") => ("pg_restore", Some("Custom")),
        (false, "dir") => ("pg_restore", Some("Directory")),
        (false, _) => ("psql", None),
    };
    let db = quoted(&args.db);
    let mut words = vec![
        command::required(view, program)?,
        if dumps { db } else { format!("--dbname={db}") },
    ];
    words.extend(args.shared.flags(view).iter().map(|word| quoted(word)));
    if let Some(format) = format {
        words.push(format!("--format={format}"));
    }
    if program == "psql" && suffix == "sql" {
        words.push(format!("--file={}", quoted(target)));
    }
    if let Some(role) = args.shared.session_role().filter(|_| program != "psql") {
        words.push(format!("--role={}", quoted(role)));
    }
    if dumps {
        words.extend(args.dump_extra_args.clone().filter(|text| !text.is_empty()));
    }
    if !args.target_opts.is_empty() {
        words.push(args.target_opts.clone());
    }
    Ok(words.join(" "))
}

fn quoted(word: &str) -> String {
    command::line(&[word.to_owned()])
}
