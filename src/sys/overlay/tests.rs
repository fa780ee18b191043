//! The overlay against the real host: the same operations, read back, are the same.

use super::*;
use crate::sys::fake::{Entry, FakeHost};
use crate::sys::{Content, Declared, Effect, Owner, RealHost};
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Names that collide often.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "l/a", "m", "new", "new/a",
    ])
    .prop_map(str::to_owned)
}

fn some_mode() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0o600, 0o644, 0o755, 0o750, 0o2775])
}

/// Operations below a directory that is filled in later.
fn op() -> impl Strategy<Value = Op> {
    let at = || name().prop_map(PathBuf::from);
    prop_oneof![
        3 => (at(), "[xyz]{0,3}", prop::option::of(some_mode()), prop::option::of(prop::sample::select(vec!["b", "d/b", "new"]))).prop_map(
            |(path, text, mode, backup)| Op::Write {
                path,
                content: Content::Bytes(text.into_bytes().into()),
                mode,
                owner: Owner::default(),
                backup: backup.map(PathBuf::from),
                validate: None,
                secret: false,
            }
        ),
        1 => (at(), at(), prop::option::of(some_mode()))
            .prop_map(|(from, path, mode)| Op::CopyFile { from, path, mode }),
        3 => (at(), prop::option::of(some_mode())).prop_map(|(path, mode)| Op::Mkdir { path, mode }),
        2 => (at(), some_mode()).prop_map(|(path, mode)| Op::Mode { path, mode }),
        1 => (at(), 0..9u32).prop_map(|(path, n)| Op::Times {
            path,
            atime: None,
            mtime: Some(f64::from(n) * 1000.5),
        }),
        2 => (at(), prop::sample::select(vec!["a", "d", "../d", "nowhere", "l", "d/e"]))
            .prop_map(|(path, target)| Op::Symlink { path, target: target.into() }),
        1 => (at(), at()).prop_map(|(path, target)| Op::Hardlink { path, target }),
        2 => (at(), at()).prop_map(|(from, to)| Op::Rename { from, to }),
        3 => at().prop_map(|path| Op::Remove { path }),
    ]
}

/// The same operation with its paths below `root`.
fn below(root: &Path, op: &Op) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::Write { path, backup, .. } => {
            *path = root.join(&path);
            *backup = backup.as_ref().map(|b| root.join(b));
        }
        Op::CopyFile {
            from: a, path: b, ..
        }
        | Op::Rename { from: a, to: b }
        | Op::Hardlink { path: a, target: b } => {
            *a = root.join(&a);
            *b = root.join(&b);
        }
        Op::Mkdir { path, .. }
        | Op::Mode { path, .. }
        | Op::Times { path, .. }
        | Op::Symlink { path, .. }
        | Op::Remove { path } => *path = root.join(&path),
        other => panic!("{other:?}"),
    }
    op
}

/// All that can be read below a directory, without numbers that differ from run to run.
fn read_back(view: &dyn View, root: &Path) -> Vec<String> {
    let mut seen = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let shown = path.strip_prefix(root).unwrap().display().to_string();
        let stat = view.lstat(&path).unwrap().known().unwrap().unwrap();
        let end = view.stat(&path).unwrap().known().unwrap().map(|s| s.kind);
        let text = view.read(&path).unwrap().known().unwrap();
        let mode = if stat.is_link() { 0 } else { stat.mode };
        let links = if stat.is_file() { stat.nlink } else { 0 };
        // Entries that come and go change the time of a directory on disk only.
        let time = if stat.is_file() && stat.mtime < 1e5 {
            stat.mtime
        } else {
            0.0
        };
        let resolved = view
            .resolve(&path)
            .map(|p| p.strip_prefix(root).map(Path::to_owned));
        seen.push(format!(
            "{shown} {:?} {mode:o} {links} {time} {:?} {end:?} {text:?} {:?}",
            stat.kind,
            stat.target,
            resolved.map_err(|e| e.code),
        ));
        let names = view.list(&path).unwrap().known().unwrap();
        if stat.is_dir() {
            left.extend(names.unwrap().iter().map(|n| path.join(n)));
        }
    }
    seen.sort();
    seen
}

/// What is there before: on disk and in the fake host.
fn set_up(root: &Path, fake: &mut FakeHost) {
    fs::create_dir_all(root.join("d/e")).unwrap();
    fs::set_permissions(root, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(root.join("a"), "a").unwrap();
    fs::write(root.join("d/a"), "da").unwrap();
    std::os::unix::fs::symlink("d", root.join("l")).unwrap();
    std::os::unix::fs::symlink("m", root.join("m")).unwrap();
    fake.put(root.join("d/e"), Entry::dir())
        .put(root.join("a"), Entry::file("a"))
        .put(root.join("d/a"), Entry::file("da"))
        .put(root.join("l"), Entry::link("d"))
        .put(root.join("m"), Entry::link("m"));
}

/// The kernel says the same of a loop as of everything else.
fn code(diag: Box<Diag>) -> String {
    diag.code.replace("too-many-links", "io")
}

fn real() -> RealHost {
    let mut host = RealHost::new().unwrap();
    host.set_umask(0o022);
    host
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn overlay_real_and_fake_agree(ops in prop::collection::vec(op(), 1..14)) {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = one.path().canonicalize().unwrap();
        let two = two.path().canonicalize().unwrap();
        let mut fake = FakeHost::new();
        set_up(&one, &mut fake);
        set_up(&two, &mut FakeHost::new());
        fake.put(&one, Entry::dir().mode(0o700));
        let untouched = read_back(&real(), &one);
        let mut overlay = Overlay::new(real());
        let mut host = real();
        for op in &ops {
            let planned = overlay.perform(&below(&one, op)).map_err(code);
            let faked = fake.perform(&below(&one, op)).map_err(code);
            let done = host.perform(&below(&two, op)).map_err(code);
            prop_assert_eq!(&planned, &done, "overlay, real: {}", op);
            prop_assert_eq!(&faked, &done, "fake, real: {}", op);
            let expected = read_back(&host, &two);
            prop_assert_eq!(&read_back(&overlay, &one), &expected, "overlay, real: {}", op);
            prop_assert_eq!(&read_back(&fake, &one), &expected, "fake, real: {}", op);
        }
        prop_assert_eq!(read_back(&real(), &one), untouched);
    }
}

fn run(argv: &[&str], effects: Vec<Effect>) -> Op {
    Op::Run {
        command: Command::new(argv.iter().copied()),
        effect: Declared::Effects(effects),
        must_succeed: true,
    }
}

fn overlay() -> Overlay<FakeHost> {
    let mut fake = FakeHost::new();
    fake.put("/etc/motd", Entry::file("hi"))
        .program("ls")
        .answer(&["ls"], 0, "x")
        .answer(&["ls", "/etc/motd"], 0, "x");
    Overlay::new(fake)
}

fn exists(view: &dyn View, path: &str) -> Known<bool> {
    view.lstat(Path::new(path)).unwrap().map(|s| s.is_some())
}

#[test]
fn what_a_package_may_bring_is_unknown_until_it_is_removed() {
    let mut host = overlay();
    assert_eq!(host.user("postgres").unwrap(), Known::Known(None));
    host.perform(&run(
        &["apt-get", "install", "x"],
        vec![
            Effect::Assume("package:x".into(), "1".into()),
            Effect::MayFill("/".into()),
        ],
    ))
    .unwrap();
    assert_eq!(host.assumed("package:x"), Some("1".into()));
    assert_eq!(host.assumptions("package:"), [("x".into(), "1".into())]);
    assert_eq!(exists(&host, "/etc/motd"), Known::Known(true));
    assert_eq!(exists(&host, "/etc/x/conf.d"), Known::Unknown);
    assert_eq!(host.list(Path::new("/etc")).unwrap(), Known::Unknown);
    assert_eq!(host.user("postgres").unwrap(), Known::Unknown);
    assert_eq!(host.which("x").unwrap(), Known::Unknown);
    assert_eq!(host.query(&Command::new(["x"])).unwrap(), Known::Unknown);
    // A file below a directory that may be there: it is there then.
    let write = Op::Write {
        path: "/etc/x/conf.d/mine".into(),
        content: Content::Unknown,
        mode: None,
        owner: Owner {
            user: Some("postgres".into()),
            group: None,
        },
        backup: None,
        validate: None,
        secret: false,
    };
    host.perform(&write).unwrap();
    assert_eq!(exists(&host, "/etc/x"), Known::Known(true));
    assert_eq!(exists(&host, "/etc/x/conf.d/other"), Known::Unknown);
    assert_eq!(
        host.read(Path::new("/etc/x/conf.d/mine")).unwrap(),
        Known::Unknown
    );
    // Removed for good, until the next package.
    host.perform(&Op::Remove {
        path: "/etc/x".into(),
    })
    .unwrap();
    assert_eq!(exists(&host, "/etc/x/conf.d/mine"), Known::Known(false));
    host.perform(&run(&["apt-get"], vec![Effect::MayFill("/".into())]))
        .unwrap();
    assert_eq!(exists(&host, "/etc/x/conf.d"), Known::Unknown);
}

#[test]
fn declared_files_directories_and_programs_are_there() {
    let mut host = overlay();
    host.perform(&run(
        &["virtualenv", "/opt/v"],
        vec![
            Effect::Dir("/opt/v".into()),
            Effect::File("/opt/v/bin/pip".into()),
        ],
    ))
    .unwrap();
    assert_eq!(exists(&host, "/opt/v/bin"), Known::Known(true));
    assert_eq!(exists(&host, "/opt/v/lib/x"), Known::Unknown);
    assert_eq!(exists(&host, "/opt/w"), Known::Known(false));
    let pip = "/opt/v/bin/pip";
    assert_eq!(host.which(pip).unwrap(), Known::Known(Some(pip.into())));
    assert_eq!(
        host.query(&Command::new([pip, "freeze"])).unwrap(),
        Known::Unknown
    );
    host.perform(&run(&["rm"], vec![Effect::Gone("/opt/v/bin".into())]))
        .unwrap();
    assert_eq!(host.which(pip).unwrap(), Known::Known(None));
    let output = host.query(&Command::new([pip])).unwrap().known().unwrap();
    assert_eq!(output.rc, 127);
}

#[test]
fn queries_about_planned_paths_are_unknown_and_others_are_asked() {
    let mut host = overlay();
    let motd = Command::new(["ls", "/etc/motd"]);
    assert!(!host.query(&motd).unwrap().is_unknown());
    host.perform(&Op::Mode {
        path: "/etc".into(),
        mode: 0o700,
    })
    .unwrap();
    assert!(!host.query(&motd).unwrap().is_unknown());
    host.perform(&Op::Remove {
        path: "/etc/motd".into(),
    })
    .unwrap();
    assert!(host.query(&motd).unwrap().is_unknown());
    assert!(!host.query(&Command::new(["ls"])).unwrap().is_unknown());
    assert!(
        host.query(&Command::new(["ls"]).cwd("/etc/motd"))
            .unwrap()
            .is_unknown()
    );
}

#[test]
fn planned_accounts_own_files_and_run_steps() {
    let mut host = overlay();
    let bob = User {
        name: "bob".into(),
        home: "/home/bob".into(),
        shell: "/bin/sh".into(),
        ..User::default()
    };
    assert_eq!(
        host.become_user("bob", BTreeMap::new()).unwrap_err().code,
        "no-such-user"
    );
    host.perform(&run(&["useradd", "bob"], vec![Effect::User(bob)]))
        .unwrap();
    assert_eq!(
        host.user("bob").unwrap().known().unwrap().unwrap().uid,
        None
    );
    assert!(host.group("bob").unwrap().known().unwrap().is_some());
    let owner = Owner {
        user: Some("bob".into()),
        group: Some("bob".into()),
    };
    host.perform(&Op::Chown {
        path: "/etc/motd".into(),
        owner,
    })
    .unwrap();
    let stat = host
        .stat(Path::new("/etc/motd"))
        .unwrap()
        .known()
        .unwrap()
        .unwrap();
    assert_eq!((stat.uid, stat.gid), (None, None));
    host.become_user("bob", [("X".to_owned(), "1".to_owned())].into())
        .unwrap();
    assert_eq!(host.env("HOME").as_deref(), Some("/home/bob"));
    assert_eq!(host.env("X").as_deref(), Some("1"));
    assert_eq!(host.me().name, "bob");
    assert!(host.query(&Command::new(["ls"])).unwrap().is_unknown());
    host.become_self();
    assert_eq!(host.me().name, "root");
    host.perform(&run(
        &["userdel", "bob"],
        vec![Effect::NoUser("bob".into())],
    ))
    .unwrap();
    assert_eq!(host.user("bob").unwrap(), Known::Known(None));
}
