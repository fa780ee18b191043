//! The real host against a real temporary directory.

use super::*;
use crate::sys::{Content, Declared};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn content(text: &str) -> Content {
    Content::Bytes(text.as_bytes().into())
}

fn write(path: &Path, text: &str) -> Op {
    Op::Write {
        path: path.to_owned(),
        content: content(text),
        mode: None,
        owner: Owner::default(),
        backup: None,
        validate: None,
        secret: false,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_new_file_gets_the_umask_and_an_old_one_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    let mut host = RealHost::new().unwrap();
    host.set_umask(0o027);
    host.perform(&write(&file, "one")).unwrap();
    assert_eq!(mode(&file), 0o640);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4711)).unwrap();
    let old = fs::metadata(&file).unwrap().ino();
    host.perform(&write(&file, "two")).unwrap();
    assert_eq!(mode(&file), 0o4711);
    assert_ne!(fs::metadata(&file).unwrap().ino(), old);
    assert_eq!(fs::read_to_string(&file).unwrap(), "two");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_link_is_replaced_and_a_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("f"), dir.path().join("l"));
    let mut host = RealHost::new().unwrap();
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    host.perform(&write(&link, "new")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    let error = host.perform(&write(dir.path(), "x")).unwrap_err();
    assert_eq!(error.code, "is-directory");
    let error = host
        .perform(&write(&dir.path().join("no/f"), "x"))
        .unwrap_err();
    assert_eq!(error.code, "io");
}

#[test]
fn a_file_that_does_not_validate_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (file, backup) = (dir.path().join("f"), dir.path().join("b"));
    let mut host = RealHost::new().unwrap();
    fs::write(&file, "old").unwrap();
    let op = |words: &str, text: &str| {
        let Op::Write {
            path,
            content,
            mode,
            owner,
            secret,
            ..
        } = write(&file, text)
        else {
            unreachable!();
        };
        Op::Write {
            path,
            content,
            mode,
            owner,
            backup: Some(backup.clone()),
            validate: Some(words.into()),
            secret,
        }
    };
    let error = host.perform(&op("grep -q good %s", "bad")).unwrap_err();
    assert_eq!(error.code, "validation-failed");
    assert_eq!(error.data["exit_status"], 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert!(!backup.exists());
    assert_eq!(
        host.perform(&op("true", "x")).unwrap_err().code,
        "bad-validate"
    );
    host.perform(&op("grep -q good %s", "good")).unwrap();
    assert_eq!(fs::read_to_string(&backup).unwrap(), "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn owners_are_looked_up_by_name_or_number() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    let mut host = RealHost::new().unwrap();
    host.perform(&write(&file, "")).unwrap();
    let mut chown = |user: &str, group: &str| {
        host.perform(&Op::Chown {
            path: file.clone(),
            owner: Owner {
                user: Some(user.into()),
                group: Some(group.into()),
            },
        })
    };
    chown("daemon", "12345").unwrap();
    assert_eq!(fs::metadata(&file).unwrap().gid(), 12345);
    assert_eq!(chown("nobody-here", "0").unwrap_err().code, "no-such-user");
    assert_eq!(
        chown("0", "nothing-here").unwrap_err().code,
        "no-such-group"
    );
    // Someone else's file stays theirs when it is replaced.
    host.perform(&write(&file, "new")).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().gid(), 12345);
}

#[test]
fn links_directories_and_removal() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mut host = RealHost::new().unwrap();
    let mut perform = |op: Op| host.perform(&op).unwrap();
    perform(Op::Mkdir {
        path: at("d"),
        mode: Some(0o2775),
    });
    assert_eq!(mode(&at("d")), 0o2775);
    perform(write(&at("d/f"), "x"));
    perform(Op::Symlink {
        path: at("l"),
        target: "d".into(),
    });
    perform(Op::Symlink {
        path: at("l"),
        target: "d/f".into(),
    });
    perform(Op::Hardlink {
        path: at("h"),
        target: at("d/f"),
    });
    perform(Op::Hardlink {
        path: at("h"),
        target: at("d/f"),
    });
    perform(Op::Times {
        path: at("h"),
        atime: None,
        mtime: Some(5.5),
    });
    perform(Op::CopyFile {
        from: at("h"),
        path: at("c"),
        mode: Some(0o600),
    });
    perform(Op::Rename {
        from: at("d"),
        to: at("e"),
    });
    perform(Op::Remove { path: at("d") });
    let host = RealHost::new().unwrap();
    let stat = |name: &str| host.lstat(&at(name)).unwrap().known().unwrap();
    assert_eq!(stat("e/f").unwrap().nlink, 2);
    assert_eq!(stat("e/f").unwrap().mtime, 5.5);
    assert_eq!(stat("l").unwrap().target, Some("d/f".into()));
    assert_eq!(host.stat(&at("l")).unwrap(), Known::Known(None));
    assert_eq!(
        host.resolve(&at("l/x")).unwrap(),
        dir.path().canonicalize().unwrap().join("d/f/x")
    );
    assert_eq!(stat("c").unwrap().mode, 0o600);
    assert_eq!(stat("h/under"), None);
    let mut host = host;
    host.perform(&Op::Touch { path: at("h") }).unwrap();
    assert!(fs::metadata(at("e/f")).unwrap().mtime() > 1_000_000_000);
    let names = host.list(dir.path()).unwrap().known().flatten();
    assert_eq!(names.unwrap(), ["c", "e", "h", "l"]);
    assert_eq!(host.read(&at("e")).unwrap(), Known::Known(None));
    host.perform(&Op::Remove { path: at("e") }).unwrap();
    assert!(!at("e").exists());
}

#[test]
fn programs_are_found_in_sbin_too() {
    let mut host = RealHost::new().unwrap();
    host.set_step([("PATH".into(), "/nowhere".into())].into(), None);
    assert!(host.which("sh").unwrap().known().unwrap().is_none());
    assert!(host.which("useradd").unwrap().known().unwrap().is_some());
    assert!(host.which("/bin/sh").unwrap().known().unwrap().is_some());
    let op = Op::Run {
        command: Command::new(["useradd", "--help"]),
        effect: Declared::Opaque,
        must_succeed: true,
    };
    assert!(matches!(host.perform(&op).unwrap(), Outcome::Ran(output) if output.rc == 0));
}
