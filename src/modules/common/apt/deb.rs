//! Package files, by path or URL.

use super::super::command;
use super::dpkg;
use super::install;
use crate::diag::{Diag, Result};
use crate::sys::{Command, Declared, Effect, Endpoint, Known, Op, Request, View};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name, version and architecture of a package file.
struct Identity {
    name: String,
    version: String,
    arch: String,
}

/// Plans the installation of a file unless that very version is installed. A URL is downloaded
/// unless its file name (`name_version_arch.deb`) says that it is.
pub fn plan(view: &dyn View, deb: &str, install: impl Fn(&str) -> Command) -> Result<Vec<Op>> {
    if !deb.contains("://") {
        return local(view, deb, install);
    }
    let file = deb.rsplit('/').next().unwrap_or(deb);
    if by_file_name(file).is_some_and(|id| is_installed(view, &id).unwrap_or(false)) {
        return Ok(Vec::new());
    }
    // A directory that only root writes to: nobody else can put a package there.
    let path = PathBuf::from(format!(
        "/var/cache/apt/archives/{}.{:08x}.deb",
        safe(file),
        checksum(deb)
    ));
    match view.lstat(&path)? {
        Known::Known(None) => Ok(vec![Op::Http {
            request: Request {
                timeout: Duration::from_secs(600),
                redirects: 10,
                ..Request::new("GET", Endpoint::Url(deb.to_owned()))
            },
            into: Some(path.clone()),
            effect: Declared::Effects(vec![Effect::File(path)]),
        }]),
        _ => {
            let text = path.display().to_string();
            let mut ops = local(view, &text, install)?;
            ops.push(Op::Run {
                command: Command::new(["rm", "-f", text.as_str()]),
                effect: Declared::Effects(vec![
                    Effect::Gone(path),
                    Effect::Assume(key(deb), true.into()),
                ]),
                must_succeed: true,
            });
            Ok(ops)
        }
    }
}

fn key(deb: &str) -> String {
    format!("apt:deb:{deb}")
}

fn safe(file: &str) -> String {
    file.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .take(60)
        .collect()
}

/// FNV-1a: two URLs must not share a temporary file.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |h, b| {
        (h ^ u32::from(b)).wrapping_mul(0x0100_0193)
    })
}

fn local(view: &dyn View, deb: &str, install: impl Fn(&str) -> Command) -> Result<Vec<Op>> {
    let path = Path::new(deb);
    if view.assumed(&key(deb)).is_some() {
        return Ok(Vec::new());
    }
    let identity = match view.stat(path)? {
        Known::Known(None) => {
            return Err(Diag::error(
                "no-such-file",
                format!("Unable to install package: there is no file {deb}"),
            )
            .about("deb"));
        }
        Known::Known(Some(stat)) if stat.ino != 0 => inspect(view, deb)?,
        // Only planned: what is in it is told by its name, if at all.
        _ => by_file_name(deb.rsplit('/').next().unwrap_or(deb)),
    };
    if let Some(identity) = &identity
        && is_installed(view, identity)?
    {
        return Ok(Vec::new());
    }
    let targets: Vec<String> = identity.into_iter().map(|id| id.name).collect();
    let mut effects = install::installed_effects(&targets);
    effects.push(Effect::Assume(key(deb), true.into()));
    Ok(vec![
        command::attempt(install(deb), effects),
        Op::Declare(install::brought_by(view, &targets)?),
    ])
}

fn inspect(view: &dyn View, deb: &str) -> Result<Option<Identity>> {
    let argv = ["dpkg-deb", "-f", deb, "Package", "Version", "Architecture"];
    let Known::Known(output) = command::query(view, argv)? else {
        return Ok(None);
    };
    if !output.ok() {
        return Err(Diag::error(
            "bad-package",
            format!("Unable to install package: {}", output.err_text().trim()),
        )
        .about("deb"));
    }
    let text = output.text();
    let field = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    Ok(Some(Identity {
        name: field("Package:"),
        version: field("Version:"),
        arch: field("Architecture:"),
    }))
}

fn by_file_name(file: &str) -> Option<Identity> {
    let mut parts = file.strip_suffix(".deb")?.split('_');
    let identity = Identity {
        name: parts.next()?.to_owned(),
        version: parts.next()?.replace("%3a", ":").replace("%3A", ":"),
        arch: parts.next()?.to_owned(),
    };
    parts.next().is_none().then_some(identity)
}

fn is_installed(view: &dyn View, identity: &Identity) -> Result<bool> {
    let database = dpkg::load(view)?;
    let package = database
        .installed(&format!("{}:{}", identity.name, identity.arch))
        .or_else(|| database.installed(&identity.name));
    let without_epoch = |version: &str| match version.split_once(':') {
        Some((_, rest)) => rest.to_owned(),
        None => version.to_owned(),
    };
    // File names leave the epoch out.
    Ok(package.is_some_and(|p| without_epoch(&p.version) == without_epoch(&identity.version)))
}
