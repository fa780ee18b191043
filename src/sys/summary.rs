//! An operation in one line, for plans, logs and test cases. Shows no contents and no variables.

use super::op::Condition;
use super::{Content, Declared, Effect, Endpoint, Op, Owner};
use std::fmt::{Display, Formatter, Result};

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Op::Write {
                path,
                content,
                mode,
                owner,
                backup,
                validate,
                ..
            } => {
                write!(f, "write {} {content}", path.display())?;
                write_mode(f, *mode)?;
                if !owner.is_empty() {
                    write!(f, " owner={owner}")?;
                }
                if let Some(backup) = backup {
                    write!(f, " backup={}", backup.display())?;
                }
                if let Some(validate) = validate {
                    write!(f, " validate={validate:?}")?;
                }
                Ok(())
            }
            Op::CopyFile { from, path, mode } => {
                write!(f, "copy {} -> {}", from.display(), path.display())?;
                write_mode(f, *mode)
            }
            Op::Mkdir { path, mode } => {
                write!(f, "mkdir {}", path.display())?;
                write_mode(f, *mode)
            }
            Op::Mode { path, mode } => write!(f, "mode {} {mode:04o}", path.display()),
            Op::Chown { path, owner } => write!(f, "chown {} {owner}", path.display()),
            Op::Times { path, atime, mtime } => {
                write!(f, "times {}", path.display())?;
                for (name, time) in [("atime", atime), ("mtime", mtime)] {
                    if let Some(time) = time {
                        write!(f, " {name}={time}")?;
                    }
                }
                Ok(())
            }
            Op::Touch { path } => write!(f, "touch {}", path.display()),
            Op::Symlink { path, target } => {
                write!(f, "symlink {} -> {}", path.display(), target.display())
            }
            Op::Hardlink { path, target } => {
                write!(f, "hardlink {} -> {}", path.display(), target.display())
            }
            Op::Rename { from, to } => {
                write!(f, "rename {} -> {}", from.display(), to.display())
            }
            Op::Remove { path } => write!(f, "remove {}", path.display()),
            Op::Run {
                command, effect, ..
            } => {
                write!(f, "run {}", shell_words::join(&command.argv))?;
                if let Some(dir) = &command.cwd {
                    write!(f, " cwd={}", dir.display())?;
                }
                if let Some(user) = &command.user {
                    write!(f, " user={user}")?;
                }
                if let Some(stdin) = &command.stdin {
                    write!(f, " stdin={} bytes", stdin.len())?;
                }
                write!(f, "{effect}")
            }
            Op::Http {
                request,
                into,
                effect,
            } => {
                write!(f, "http {} {}", request.method, request.endpoint)?;
                if let Some(into) = into {
                    write!(f, " into={}", into.display())?;
                }
                write!(f, "{effect}")
            }
            Op::Wait { until, .. } => write!(f, "wait until {until}"),
            Op::Declare(effects) => write!(f, "declare {}", Effects(effects)),
        }
    }
}

fn write_mode(f: &mut Formatter<'_>, mode: Option<u32>) -> Result {
    match mode {
        Some(mode) => write!(f, " mode={mode:04o}"),
        None => Ok(()),
    }
}

impl Display for Content {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Content::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Content::Blob(blob) => write!(f, "{} bytes", blob.size),
            Content::Unknown => f.write_str("(known after apply)"),
        }
    }
}

impl Display for Owner {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.user.as_deref().unwrap_or_default())?;
        match &self.group {
            Some(group) => write!(f, ":{group}"),
            None => Ok(()),
        }
    }
}

/// Without its password.
impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Endpoint::Unix(socket, target) => write!(f, "unix:{}:{target}", socket.display()),
            Endpoint::Url(url) => {
                let Some((scheme, rest)) = url.split_once("://") else {
                    return f.write_str(url);
                };
                let end = rest.find('/').unwrap_or(rest.len());
                match rest[..end].rfind('@') {
                    Some(at) => write!(f, "{scheme}://{}", &rest[at + 1..]),
                    None => f.write_str(url),
                }
            }
        }
    }
}

/// What comes after the command: ` => package:nginx`, or nothing for an opaque one.
impl Display for Declared {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Declared::Opaque => Ok(()),
            Declared::Effects(effects) if effects.is_empty() => Ok(()),
            Declared::Effects(effects) => write!(f, " => {}", Effects(effects)),
        }
    }
}

struct Effects<'a>(&'a [Effect]);

impl Display for Effects<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (i, effect) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{effect}")?;
        }
        Ok(())
    }
}

impl Display for Effect {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Effect::Assume(key, value) => write!(f, "{key}={value}"),
            Effect::File(path) => write!(f, "file {}", path.display()),
            Effect::Dir(path) => write!(f, "dir {}", path.display()),
            Effect::Gone(path) => write!(f, "gone {}", path.display()),
            Effect::MayFill(path) => write!(f, "may fill {}", path.display()),
            Effect::User(user) => write!(f, "user {}", user.name),
            Effect::NoUser(name) => write!(f, "no user {name}"),
            Effect::Group(group) => write!(f, "group {}", group.name),
            Effect::NoGroup(name) => write!(f, "no group {name}"),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Condition::Elapsed => f.write_str("the time is over"),
            Condition::PortOpen { host, port, .. } => write!(f, "{host}:{port} is open"),
            Condition::PortClosed { host, port, .. } => write!(f, "{host}:{port} is closed"),
            Condition::PortDrained { host, port, .. } => write!(f, "{host}:{port} is drained"),
            Condition::PathPresent { path, .. } => write!(f, "{} is present", path.display()),
            Condition::PathAbsent { path } => write!(f, "{} is absent", path.display()),
        }
    }
}
