//! Archives that unzip reads. Their directory is read here, since unzip wants a file and a plan
//! must not write one.

use super::{Archive, Args, Own, Source, effects};
use crate::diag::{Diag, Result};
use crate::modules::common::place::{Place, is_dir};
use crate::sys::{Command, Op, View};
use std::path::Path;
use std::sync::Arc;

/// One file in the archive.
struct Member {
    name: String,
    size: u64,
    crc: u32,
}

fn members(archive: &Archive, args: &Own, view: &dyn View) -> Result<Vec<Member>> {
    let bytes: Arc<[u8]> = match &archive.source {
        Source::Blob(blob) => view.blob(blob)?,
        Source::File(path) => view.read(path)?.known().flatten().unwrap_or_default(),
    };
    let all = directory(&bytes).ok_or_else(|| {
        Diag::error(
            "not-an-archive",
            format!("the directory of the archive {} cannot be read", args.src),
        )
        .about("src")
    })?;
    let listed = |names: &[String], name: &str| names.iter().any(|n| fits(n, name));
    Ok(all
        .into_iter()
        .filter(|m| !listed(&args.exclude, &m.name))
        .filter(|m| args.include.is_empty() || listed(&args.include, &m.name))
        .collect())
}

/// unzip's patterns: `*` also stands for slashes.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|left| {
            (0..=left.len())
                .filter(|at| left.is_char_boundary(*at))
                .any(|at| fits(rest, &left[at..]))
        }),
    }
}

pub(super) fn files(archive: &Archive, args: &Own, view: &dyn View) -> Result<Vec<String>> {
    let members = members(archive, args, view)?;
    Ok(members.into_iter().map(|m| m.name).collect())
}

/// True if every file is there with the size and checksum it has in the archive.
pub(super) fn is_unpacked(
    archive: &Archive,
    args: &Args,
    dest: &Path,
    view: &dyn View,
) -> Result<bool> {
    for member in members(archive, args, view)? {
        let path = dest.join(&member.name);
        let there = if member.name.ends_with('/') {
            is_dir(&path, view)?
        } else {
            match crate::modules::common::place::stat(&path, view)? {
                Some(stat) if stat.is_file() && stat.size == member.size => {
                    let bytes = view.read(&path)?.known().flatten().unwrap_or_default();
                    let mut crc = flate2::Crc::new();
                    crc.update(&bytes);
                    crc.sum() == member.crc
                }
                Some(stat) if args.keep_newer => stat.is_file(),
                _ => false,
            }
        };
        if !there {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The operation that unpacks.
pub(super) fn unpack(path: &Path, args: &Args, dest: &Path, files: &[String]) -> Op {
    let update = if args.keep_newer { "-uo" } else { "-o" };
    let mut words = vec!["unzip".to_owned(), update.to_owned()];
    words.extend(args.extra_opts.iter().cloned());
    words.push(Place::at(path).shown);
    words.extend(args.include.iter().cloned());
    if !args.exclude.is_empty() {
        words.push("-x".into());
        words.extend(args.exclude.iter().cloned());
    }
    words.extend(["-d".into(), dest.display().to_string()]);
    Op::Run {
        command: Command::new(words),
        effect: effects(dest, files),
        must_succeed: true,
    }
}

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
/// Length of the end record without its comment.
const END_LENGTH: usize = 22;
/// Length of an entry without name, extra field and comment.
const ENTRY_LENGTH: usize = 46;

/// Reads the central directory (APPNOTE.TXT, 4.3.12 and 4.3.16); `None` where it is broken.
fn directory(bytes: &[u8]) -> Option<Vec<Member>> {
    let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let last = bytes.len().checked_sub(END_LENGTH)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let end = (first..=last)
        .rev()
        .find(|at| bytes[*at..].starts_with(END))?;
    let count = short(end + 10)?;
    let mut at = long(end + 16)? as usize;
    let mut members = Vec::new();
    for _ in 0..count {
        if !bytes.get(at..)?.starts_with(ENTRY) {
            return None;
        }
        let lengths = [short(at + 28)?, short(at + 30)?, short(at + 32)?].map(usize::from);
        let name = bytes.get(at + ENTRY_LENGTH..at + ENTRY_LENGTH + lengths[0])?;
        members.push(Member {
            name: String::from_utf8_lossy(name).into_owned(),
            crc: long(at + 16)?,
            size: u64::from(long(at + 24)?),
        });
        at += ENTRY_LENGTH + lengths.iter().sum::<usize>();
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_directory() {
        // One empty file "a", as Info-ZIP writes it.
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend([0; 26]);
        bytes.push(b'a');
        let start = bytes.len() as u32;
        bytes.extend(ENTRY);
        bytes.extend([0; 24]);
        bytes.extend([1, 0]);
        bytes.extend([0; 16]);
        bytes.push(b'a');
        bytes.extend(END);
        bytes.extend([0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0]);
        bytes.extend(start.to_le_bytes());
        bytes.extend([0, 0]);
        let members = directory(&bytes).unwrap();
        assert_eq!((members.len(), members[0].name.as_str()), (1, "a"));
        assert!(directory(&bytes[..bytes.len() - 30]).is_none());
    }

    #[test]
    fn patterns() {
        assert!(fits("*.txt", "a/b.txt"));
        assert!(fits("d/*", "d/x/y"));
        assert!(!fits("d", "d/x"));
    }
}
