//! Archives that tar reads.

use super::{Archive, Args, Format, Own, Source, effects};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Known, Op, Output, View};
use std::path::Path;

/// The first bytes of a file of the host; `None` where only apply will tell.
pub(super) fn head(path: &Path, view: &dyn View) -> Result<Option<Vec<u8>>> {
    let command = Command::new(["head", "-c", "512", &path.display().to_string()]);
    Ok(view.query(&command)?.known().map(|output| output.stdout))
}

/// The words that all calls have in common.
fn words(verb: &str, flag: &str, dest: &Path, args: &Own) -> Vec<String> {
    let mut words: Vec<String> = ["tar", verb, "-C"].map(String::from).to_vec();
    words.push(dest.display().to_string());
    if !flag.is_empty() {
        words.push(flag.to_owned());
    }
    words.extend(args.extra_opts.iter().cloned());
    words.extend(args.exclude.iter().map(|name| format!("--exclude={name}")));
    words
}

/// Runs tar on the archive and only reads.
fn ask(
    archive: &Archive,
    mut words: Vec<String>,
    args: &Own,
    view: &dyn View,
) -> Result<Known<Output>> {
    let mut command = Command::default();
    words.push("-f".into());
    match &archive.source {
        Source::File(path) => words.push(path.display().to_string()),
        Source::Blob(blob) => {
            words.push("-".into());
            command.stdin = Some(view.blob(blob)?.to_vec());
        }
    }
    words.extend(args.include.iter().cloned());
    command.argv = words;
    view.query(&command.env("LC_ALL", "C"))
}

fn flag(archive: &Archive) -> &'static str {
    match archive.format {
        Format::Tar(flag) => flag,
        Format::Zip => "",
    }
}

/// Names in the archive as they will be in the directory.
pub(super) fn files(archive: &Archive, args: &Own, view: &dyn View) -> Result<Vec<String>> {
    let mut words = words("--list", flag(archive), Path::new("/"), args);
    words.push("--show-transformed-names".into());
    let Known::Known(output) = ask(archive, words, args, view)? else {
        return Ok(Vec::new());
    };
    if !output.ok() {
        return Err(unreadable(args, &output));
    }
    let names = output.text();
    let names = names.lines().map(|name| name.trim_start_matches('/'));
    Ok(names.filter(|name| !name.is_empty()).map(unquote).collect())
}

fn unreadable(args: &Own, output: &Output) -> Box<Diag> {
    Diag::error(
        "not-an-archive",
        format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file \
             is installed.\nUnable to list files in the archive: {}",
            args.src,
            output.err_text().trim_end()
        ),
    )
    .about("src")
}

/// tar writes bytes that it does not print as `\ooo`.
fn unquote(name: &str) -> String {
    let mut out = Vec::new();
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes
            .get(at + 1..at + 4)
            .filter(|d| bytes[at] == b'\\' && d.iter().all(|b| (b'0'..b'8').contains(b)));
        match octal.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// True if everything is there as in the archive, by `tar --diff`. What the options set otherwise
/// does not count, nor who owns a file that only root could give away.
pub(super) fn is_unpacked(
    archive: &Archive,
    args: &Args,
    dest: &Path,
    view: &dyn View,
) -> Result<bool> {
    let words = words("--diff", flag(archive), dest, args);
    let Known::Known(output) = ask(archive, words, args, view)? else {
        return Ok(false);
    };
    let root = view.me().uid == Some(0);
    let said = [output.text(), output.err_text()].concat();
    let differs = |line: &str| {
        (root && args.shared.owner.is_none() && line.contains("Uid differs"))
            || (root && args.shared.group.is_none() && line.contains("Gid differs"))
            || (args.shared.mode.is_none() && line.contains("Mode differs"))
            || [
                "Mod time differs",
                "Size differs",
                "Contents differ",
                "Symlink differs",
            ]
            .iter()
            .any(|text| line.contains(text))
            || (line.contains("Warning: Cannot ") && line.ends_with("No such file or directory"))
            || line.contains("Cannot open")
            || line.contains("Cannot chdir")
    };
    // `tar: : Warning` is about the empty names that --strip-components leaves.
    Ok(!said
        .lines()
        .any(|line| !line.contains(": : Warning") && differs(line)))
}

/// The operation that unpacks.
pub(super) fn unpack(flag: &str, path: &Path, args: &Args, dest: &Path, files: &[String]) -> Op {
    let mut words = words("--extract", flag, dest, args);
    if args.keep_newer {
        words.push("--keep-newer-files".into());
    }
    for (option, name) in [
        ("--owner", &args.shared.owner),
        ("--group", &args.shared.group),
    ] {
        if let Some(name) = name {
            words.push(format!("{option}={name}"));
        }
    }
    words.push("-f".into());
    words.push(path.display().to_string());
    words.extend(args.include.iter().cloned());
    Op::Run {
        command: Command::new(words).env("LC_ALL", "C"),
        effect: effects(dest, files),
        must_succeed: true,
    }
}
