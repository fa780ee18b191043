//! Kill -9 of the control side or of the agent, at any moment: no half-written file, nothing left
//! beside the files, nothing left running, and the next run puts everything right.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const FILES: usize = 40;
const ROUNDS: u64 = 24;
/// The environment variable by which a round's processes are known.
const MARK: &str = "GXDEPLOY_TEST_KILL";

/// One of the two contents: long, so that writing it takes more than one call.
fn content(version: u64) -> String {
    (0..4000).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{n} of version {version}");
        text
    })
}

fn playbook(dir: &Path) -> String {
    let mut text =
        String::from("- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n");
    let dir = dir.display();
    for n in 0..FILES {
        let task = match n % 3 {
            0 => format!("copy: {{src: \"v{{{{ version }}}}\", dest: {dir}/f{n}}}"),
            1 => format!("template: {{src: v.j2, dest: {dir}/f{n}, validate: test -s %s}}"),
            _ => format!(
                "copy: {{content: \"{{{{ lookup('file', 'v' ~ version) }}}}\\n\", dest: {dir}/f{n}}}"
            ),
        };
        let _ = writeln!(text, "    - {task}");
    }
    text
}

fn start(work: &Path, version: u64, mark: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["apply", "-i", "localhost,", "-e"])
        .arg(format!("version={version}"))
        .arg(work.join("p.yml"))
        .env(MARK, mark)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The processes that carry the mark, the one with `pid` left out.
fn marked(mark: &str, but: u32) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != but)
        .filter(|pid| {
            // A process that ends meanwhile has no environment.
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|all| all.split(|b| *b == 0).any(|var| var == wanted.as_bytes()))
        })
        .collect()
}

fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    // It may have ended by itself.
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
}

/// Every file is whole, and there is nothing else; but for what was about to take the place of an old
/// file when its process was killed (`amid`), which goes when that file is replaced the next time.
fn check(dir: &Path, versions: &[String], amid: bool) {
    let expected: BTreeSet<String> = (0..FILES).map(|n| format!("f{n}")).collect();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let about_to = amid && name.starts_with(".gxdeploy-");
        assert!(
            expected.contains(&name) || about_to,
            "{name} was left behind"
        );
        let text = fs::read_to_string(entry.path()).unwrap();
        assert!(
            versions.contains(&text),
            "{name} is half-written: {} bytes",
            text.len()
        );
    }
}

/// How many files have this content.
fn written(dir: &Path, content: &str) -> usize {
    (0..FILES)
        .filter(|n| fs::read_to_string(dir.join(format!("f{n}"))).is_ok_and(|t| t == content))
        .count()
}

#[test]
fn kill_at_any_moment_leaves_whole_files_and_no_process() {
    let work = tempfile::tempdir().unwrap();
    let dir = work.path().join("out");
    fs::create_dir(&dir).unwrap();
    let versions = [content(0), content(1)];
    for (n, text) in versions.iter().enumerate() {
        fs::write(work.path().join(format!("v{n}")), text).unwrap();
    }
    fs::write(
        work.path().join("v.j2"),
        "{% for n in range(4000) %}{{ n }} of version {{ version }}\n{% endfor %}",
    )
    .unwrap();
    fs::write(work.path().join("p.yml"), playbook(&dir)).unwrap();

    let mut cut = 0;
    for round in 0..ROUNDS {
        let mark = format!("{}-{round}", std::process::id());
        let new = &versions[usize::try_from(round % 2).unwrap()];
        let mut control = start(work.path(), round % 2, &mark);
        // From before the first file is written until most are.
        let enough = usize::try_from(round).unwrap() * 7 % FILES;
        while written(&dir, new) < enough && control.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        match round % 3 {
            0 => kill(control.id()),
            _ => marked(&mark, control.id()).into_iter().for_each(kill),
        }
        control.wait().unwrap();
        // An agent whose control side is gone ends by itself; it may be writing its last file.
        for _ in 0..600 {
            if marked(&mark, 0).is_empty() {
                break;
            }
            sleep(Duration::from_millis(50));
        }
        assert_eq!(marked(&mark, 0), [0; 0], "an agent is left");
        check(&dir, &versions, true);
        cut += u64::from((1..FILES).contains(&written(&dir, new)));
    }
    assert!(
        cut > 0,
        "no run was killed between its first and its last file"
    );

    for version in [0, 1] {
        let done = start(work.path(), version, "last").wait().unwrap();
        assert!(done.success());
    }
    check(&dir, &versions[1..], false);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), FILES);
}

#[test]
fn a_command_ends_with_its_control_side() {
    let work = tempfile::tempdir().unwrap();
    let began = work.path().join("began");
    let text = format!(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    - shell: touch {}; sleep 1000\n",
        began.display()
    );
    fs::write(work.path().join("p.yml"), text).unwrap();
    let mark = format!("{}-command", std::process::id());
    let mut control = start(work.path(), 0, &mark);
    while !began.exists() {
        sleep(Duration::from_millis(5));
    }
    kill(control.id());
    control.wait().unwrap();
    for _ in 0..600 {
        if marked(&mark, 0).is_empty() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("left running: {:?}", marked(&mark, 0));
}
