//! `gxdeploy resume`: steps that are done are not run again, whatever ended the run, and what came of
//! them is as it was.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

fn gxdeploy(work: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gxdeploy"));
    command
        .args(words)
        .env("XDG_STATE_HOME", work.join("state"))
        .env("HOME", work)
        .current_dir(work)
        .stdin(Stdio::null());
    command
}

fn run(work: &Path, words: &[&str]) -> (String, i32) {
    let output = gxdeploy(work, words).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (text.into_owned(), output.status.code().unwrap_or(-1))
}

fn log(work: &Path) -> Vec<String> {
    let text = fs::read_to_string(work.join("log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

const APPLY: [&str; 6] = ["apply", "-i", "a,b", "-c", "local", "p.yml"];

/// Everything that a walk through a play consists of; `ready` is what it waits for.
const PLAYBOOK: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - shell: "echo {{ inventory_hostname }}-first >> log; echo x{{ inventory_hostname }}"
      register: first
      notify: restart
    - include_tasks: more.yml
      loop: [1, 2]
      loop_control: {loop_var: round}
    - block:
        - shell: "echo {{ inventory_hostname }}-bad >> log; false"
      rescue:
        - shell: echo {{ inventory_hostname }}-rescue >> log
    - shell: "echo {{ inventory_hostname }}-tries >> log; test $(grep -c {{ inventory_hostname }}-tries log) -ge 2"
      until: tried is success
      register: tried
      delay: 0
    - shell: echo once >> log
      run_once: true
      register: once
    - shell: "test -e ready && echo {{ inventory_hostname }}-ready >> log"
      when: once is changed and inventory_hostname == 'a'
    - shell: "echo {{ inventory_hostname }}-{{ first.stdout }}-{{ sum }} >> log"
  handlers:
    - name: restart
      shell: echo {{ inventory_hostname }}-restart >> log
"#;

const MORE: &str = r#"
- shell: "echo {{ inventory_hostname }}-{{ round }}{{ item }} >> log; echo {{ item }}"
  loop: [a, b]
  register: parts
- set_fact:
    sum: "{{ (sum | default('')) ~ parts.results | map(attribute='stdout') | join }}"
"#;

fn project() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("p.yml"), PLAYBOOK).unwrap();
    fs::write(work.path().join("more.yml"), MORE).unwrap();
    work
}

#[test]
fn a_run_that_failed_goes_on() {
    let whole = project();
    fs::write(whole.path().join("ready"), "").unwrap();
    let (said, exit) = run(whole.path(), &APPLY);
    assert_eq!(exit, 0, "{said}");
    let mut expected = log(whole.path());
    expected.sort();
    let recap = |said: &str| -> Vec<String> {
        let lines = said.lines().filter(|line| line.contains(" rescued"));
        lines.map(str::to_owned).collect()
    };
    let counts = recap(&said);
    assert_eq!(counts.len(), 2, "{said}");

    let work = project();
    let (said, exit) = run(work.path(), &APPLY);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("gxdeploy resume"), "{said}");
    let before = log(work.path());
    // Nothing has changed: the step fails again, nothing else is run.
    let (said, exit) = run(work.path(), &["resume"]);
    assert_eq!(exit, 2, "{said}");
    assert_eq!(log(work.path()), before, "{said}");

    fs::write(work.path().join("ready"), "").unwrap();
    let (said, exit) = run(work.path(), &["resume"]);
    assert_eq!(exit, 0, "{said}");
    let mut after = log(work.path());
    after.sort();
    assert_eq!(after, expected, "{said}");
    assert_eq!(recap(&said), counts, "{said}");

    let (said, _) = run(work.path(), &["runs"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains(" ok ") && said.contains("p.yml"), "{said}");
    let (said, _) = run(work.path(), &["show"]);
    assert!(
        said.contains("3 attempts") && said.contains("~ shell"),
        "{said}"
    );
    let (said, exit) = run(work.path(), &["resume"]);
    assert!(
        exit == 1 && said.contains("nothing is left to do"),
        "{said}"
    );
}

#[test]
fn a_run_that_was_killed_goes_on() {
    const STEPS: usize = 12;
    for kill_after in [1, 4, 7, 11] {
        let work = tempfile::tempdir().unwrap();
        let mut text = "- hosts: all\n  gather_facts: false\n  tasks:\n".to_owned();
        for n in 0..STEPS {
            text += &format!("    - shell: sleep 0.02; echo {n} >> log\n");
        }
        fs::write(work.path().join("p.yml"), text).unwrap();
        let mut control = gxdeploy(work.path(), &["apply", "-i", "a,", "-c", "local", "p.yml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while log(work.path()).len() < kill_after {
            sleep(Duration::from_millis(2));
        }
        control.kill().unwrap();
        control.wait().unwrap();
        let mut unknown = 0;
        loop {
            let (said, exit) = run(work.path(), &["resume"]);
            if exit == 0 {
                break;
            }
            // The step that ran: nobody knows how far it came. That is said, once.
            assert!(said.contains("unknown-outcome"), "{said}");
            unknown += 1;
        }
        assert!(unknown <= 1);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for line in log(work.path()) {
            *times.entry(line).or_default() += 1;
        }
        let twice = times.values().filter(|n| **n > 1).count();
        assert_eq!(times.len(), STEPS, "killed after {kill_after}");
        assert!(twice <= unknown, "killed after {kill_after}: {times:?}");
    }
}

#[test]
fn the_record_holds_no_secret() {
    let work = tempfile::tempdir().unwrap();
    let text = "
- hosts: all
  gather_facts: false
  tasks:
    - shell: echo token-4711
      no_log: true
      register: token
      changed_when: false
    - shell: echo {{ password }}
      no_log: true
    - shell: test -e ready && echo {{ token.stdout }} > out
      no_log: true
";
    fs::write(work.path().join("p.yml"), text).unwrap();
    let words = [
        "apply",
        "-i",
        "a,",
        "-c",
        "local",
        "-e",
        "password=hunter2",
        "p.yml",
    ];
    let (said, exit) = run(work.path(), &words);
    assert_eq!(exit, 2, "{said}");
    let runs = work.path().join("state/gxdeploy/runs");
    assert_eq!(runs.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let dir = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    for file in fs::read_dir(&dir).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(
            !text.contains("hunter2") && !text.contains("token-4711"),
            "{text}"
        );
    }
    let (said, exit) = run(work.path(), &["resume"]);
    assert!(exit == 1 && said.contains("again: password"), "{said}");
    fs::write(work.path().join("ready"), "").unwrap();
    let (said, exit) = run(work.path(), &["resume", "-e", "password=hunter2"]);
    assert_eq!(exit, 0, "{said}");
    // What was not written down was asked for again.
    assert_eq!(
        fs::read_to_string(work.path().join("out")).unwrap(),
        "token-4711\n"
    );
}

/// A task that writes its word to the log, and a play of such tasks.
fn tasks(words: &[&str]) -> String {
    let task = |word: &&str| match *word {
        "stop" => "    - command: test -e ready\n".to_owned(),
        "more" => "    - include_tasks: more.yml\n      loop: [1, 2]\n".to_owned(),
        word => format!("    - shell: echo {word} >> log\n"),
    };
    let tasks: String = words.iter().map(task).collect();
    format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
}

#[test]
fn an_edit_that_shifts_tasks_runs_none_again() {
    let work = tempfile::tempdir().unwrap();
    let w = work.path();
    let write = |name: &str, text: &str| fs::write(w.join(name), text).unwrap();
    let words = ["apply", "-i", "a,", "-c", "local", "p.yml"];
    write(
        "p.yml",
        &tasks(&["one", "dup", "{{ word }}", "more", "dup", "stop", "end"]),
    );
    write("more.yml", "- shell: echo in-{{ item }} >> log\n");
    fs::create_dir(w.join("group_vars")).unwrap();
    write("group_vars/all.yml", "word: variable\n");
    let (said, exit) = run(w, &words);
    assert_eq!(exit, 2, "{said}");
    let before = ["one", "dup", "variable", "in-1", "in-2", "dup"];
    assert_eq!(log(w), before, "{said}");

    // Something new before all others, in the included file too; another order.
    write(
        "p.yml",
        &tasks(&[
            "new",
            "dup",
            "one",
            "{{ word }}",
            "more",
            "dup",
            "stop",
            "end",
        ]),
    );
    write(
        "more.yml",
        "- shell: echo new-{{ item }} >> log\n- shell: echo in-{{ item }} >> log\n",
    );
    let (said, exit) = run(w, &["resume"]);
    assert_eq!(exit, 2, "{said}");
    let mut after = before.to_vec();
    after.extend(["new", "new-1", "new-2"]);
    assert_eq!(log(w), after, "{said}");

    // Again, with a play before it; and a task that is written as before but comes to something else.
    let play = tasks(&[
        "new",
        "newer",
        "dup",
        "one",
        "{{ word }}",
        "more",
        "dup",
        "dup",
        "stop",
        "end",
    ]);
    write("p.yml", &(tasks(&["first"]) + "\n" + &play));
    write("group_vars/all.yml", "word: other\n");
    write("ready", "");
    let (said, exit) = run(w, &["resume"]);
    assert_eq!(exit, 0, "{said}");
    after.extend(["first", "newer", "other", "dup", "end"]);
    assert_eq!(log(w), after, "{said}");
}

/// Waits for a text in the output of a run that goes on.
fn wait_for(log: &Path, text: &str) {
    for _ in 0..1200 {
        if fs::read_to_string(log).unwrap_or_default().contains(text) {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("{text} did not come: {:?}", fs::read_to_string(log));
}

#[test]
fn ctrl_c_ends_what_runs() {
    let work = tempfile::tempdir().unwrap();
    let text = "
- hosts: all
  gather_facts: false
  tasks:
    - shell: echo one >> log
    - name: long
      shell: echo $$ > pid; test -e ready || sleep 1000; echo two >> log
    - shell: echo three >> log
";
    fs::write(work.path().join("p.yml"), text).unwrap();
    let out = work.path().join("out");
    let file = fs::File::create(&out).unwrap();
    let mut control = gxdeploy(work.path(), &["apply", "-i", "a,", "-c", "local", "p.yml"]);
    // As a shell does it: the signal goes to the whole group.
    std::os::unix::process::CommandExt::process_group(&mut control, 0);
    let mut control = control
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    wait_for(&work.path().join("pid"), "\n");
    let group = nix::unistd::Pid::from_raw(i32::try_from(control.id()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(control.wait().unwrap().code(), Some(99));
    let said = fs::read_to_string(&out).unwrap();
    assert!(
        said.contains("host a: interrupted at or before task `long`"),
        "{said}"
    );
    let pid = fs::read_to_string(work.path().join("pid")).unwrap();
    assert!(
        !Path::new("/proc").join(pid.trim()).exists(),
        "it still runs"
    );
    assert_eq!(log(work.path()), ["one"]);
    let (said, _) = run(work.path(), &["runs"]);
    assert!(said.contains("interrupted"), "{said}");
    fs::write(work.path().join("ready"), "").unwrap();
    let (said, exit) = run(work.path(), &["resume"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(log(work.path()), ["one", "two", "three"], "{said}");
}

#[test]
fn two_runs_do_not_change_a_host_at_once() {
    let work = tempfile::tempdir().unwrap();
    let w = work.path();
    let play = |name: &str, tasks: &str| {
        let text = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
        fs::write(w.join(name), text).unwrap();
    };
    play(
        "slow.yml",
        "    - shell: echo began >> log; while test ! -e go; do sleep 0.05; done; echo ended >> log\n",
    );
    play("p.yml", "    - shell: echo other >> log\n");
    let words = |name: &'static str| ["apply", "-i", "a,", "-c", "local", name];
    let start = |name: &'static str, out: &str| {
        let file = fs::File::create(w.join(out)).unwrap();
        let mut command = gxdeploy(w, &words(name));
        command.stdout(file.try_clone().unwrap()).stderr(file);
        command.spawn().unwrap()
    };
    let mut first = start("slow.yml", "first");
    wait_for(&w.join("log"), "began");
    let (said, exit) = run(
        w,
        &[
            "apply", "--lock", "refuse", "-i", "a,", "-c", "local", "p.yml",
        ],
    );
    assert!(
        exit == 2 && said.contains("another run has the host: run "),
        "{said}"
    );
    let mut second = start("p.yml", "second");
    wait_for(&w.join("second"), "host a: waiting for run ");
    assert_eq!(log(w), ["began"]);
    fs::write(w.join("go"), "").unwrap();
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_eq!(log(w), ["began", "ended", "other"]);
    assert_eq!(
        fs::read_dir(w.join("state/gxdeploy/holders"))
            .unwrap()
            .count(),
        1,
        "the lock of locks"
    );

    // A run whose processes are dead holds nothing.
    fs::remove_file(w.join("go")).unwrap();
    let mut first = start("slow.yml", "first");
    while log(w).len() < 4 {
        sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let (said, exit) = run(w, &words("p.yml"));
    assert_eq!(exit, 0, "{said}");

    // A run within a step of another does not wait for that.
    let me = env!("CARGO_BIN_EXE_gxdeploy");
    play(
        "outer.yml",
        &format!("    - shell: {me} apply -i a, -c local p.yml\n"),
    );
    let (said, exit) = run(w, &words("outer.yml"));
    assert_eq!(exit, 0, "{said}");
}
