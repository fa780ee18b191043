//! No end of a run loses a restart: after a kill at any boundary between steps, of either side, the
//! next run fires each pending handler exactly once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Steps of the playbook that come before its handlers, and the handlers.
const STEPS: usize = 5;

/// A playbook in which the step with number `cut` kills a side; it is taken out for the next run.
fn playbook(dir: &Path, cut: Option<(usize, &str)>) -> String {
    let kill = |at: usize| match cut {
        Some((n, who)) if n == at => format!("    - shell: kill -9 {who}\n"),
        _ => String::new(),
    };
    let d = dir.display();
    let mut text =
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n".to_owned();
    text += &kill(0);
    text += &format!("    - copy: {{content: one, dest: {d}/one}}\n      notify: first\n");
    text += &kill(1);
    text += &format!("    - copy: {{content: two, dest: {d}/two}}\n      notify: both\n");
    text += &kill(2);
    text += &format!(
        "    - shell: test -e {d}/three || {{ touch {d}/three; echo new; }}\n      register: r\n      changed_when: \"'new' in r.stdout\"\n      notify: second\n"
    );
    text += &kill(3);
    text += "  handlers:\n";
    text += &format!("    - name: first\n      listen: both\n      shell: echo first >> {d}/log\n");
    let between = match cut {
        Some((4, who)) => format!("kill -9 {who}"),
        _ => "\"true\"".to_owned(),
    };
    text += &format!("    - name: cut\n      listen: both\n      shell: {between}\n");
    text +=
        &format!("    - name: second\n      listen: both\n      shell: echo second >> {d}/log\n");
    text
}

fn run(work: &Path, verb: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args([verb, "-i", "localhost,"])
        .arg(work.join("p.yml"))
        .env("XDG_STATE_HOME", work.join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn log(work: &Path) -> String {
    let text = fs::read_to_string(work.join("log")).unwrap_or_default();
    text.lines().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_kill_at_any_boundary_loses_no_restart() {
    // A step's shell is a child of the agent, the agent one of the control side.
    let agent = "$PPID";
    let control = "$(awk '/^PPid/{print $2}' /proc/$PPID/status)";
    for who in [agent, control] {
        for cut in 0..STEPS {
            let work = tempfile::tempdir().unwrap();
            let file = work.path().join("p.yml");
            fs::write(&file, playbook(work.path(), Some((cut, who)))).unwrap();
            let said = run(work.path(), "apply");
            let before = if cut == 4 { "first" } else { "" };
            assert_eq!(log(work.path()), before, "{who} at {cut}: {said}");
            fs::write(&file, playbook(work.path(), None)).unwrap();
            let planned = run(work.path(), "plan");
            let told = planned.contains("handlers are pending");
            assert_eq!(told, cut > 0, "{who} at {cut}: {planned}");
            let said = run(work.path(), "apply");
            assert_eq!(log(work.path()), "first second", "{who} at {cut}: {said}");
            let said = run(work.path(), "apply");
            assert_eq!(log(work.path()), "first second", "{who} at {cut}: {said}");
            assert!(!work.path().join("state/gxdeploy/pending.json").exists());
        }
    }
}

#[test]
fn a_handler_that_failed_is_pending() {
    let work = tempfile::tempdir().unwrap();
    let d = work.path().display();
    let text = format!(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    - copy: {{content: x, dest: {d}/x}}\n      notify: restart\n  handlers:\n    - name: restart\n      shell: test -e {d}/ready && echo restart >> {d}/log\n"
    );
    fs::write(work.path().join("p.yml"), text).unwrap();
    run(work.path(), "apply");
    assert_eq!(log(work.path()), "");
    fs::write(work.path().join("ready"), "").unwrap();
    for _ in 0..2 {
        let said = run(work.path(), "apply");
        assert_eq!(log(work.path()), "restart", "{said}");
    }
}

#[test]
fn a_task_that_failed_notifies_nobody() {
    let work = tempfile::tempdir().unwrap();
    let d = work.path().display();
    let text = format!(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    - shell: touch {d}/x\n      notify: restart\n      failed_when: true\n  handlers:\n    - name: restart\n      shell: echo restart >> {d}/log\n"
    );
    fs::write(work.path().join("p.yml"), text).unwrap();
    let said = run(work.path(), "apply");
    assert!(work.path().join("x").exists(), "{said}");
    assert!(!work.path().join("state/gxdeploy/pending.json").exists());
    let planned = run(work.path(), "plan");
    assert!(!planned.contains("handlers are pending"), "{planned}");
}

#[test]
fn names_of_one_machine_have_handlers_of_their_own() {
    let work = tempfile::tempdir().unwrap();
    let d = work.path().display();
    let text = format!(
        "- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n    - copy: {{content: x, dest: '{d}/x-{{{{ inventory_hostname }}}}'}}\n      notify: restart\n  handlers:\n    - name: restart\n      shell: \"test -e {d}/ready && echo {{{{ inventory_hostname }}}} >> {d}/log\"\n"
    );
    fs::write(work.path().join("p.yml"), text).unwrap();
    let with = |verb: &str, hosts: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
            .args([verb, "-i", hosts])
            .args(more)
            .env("XDG_STATE_HOME", work.path().join("state"))
            .current_dir(work.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    with("apply", "one,", &["p.yml"]);
    fs::write(work.path().join("ready"), "").unwrap();
    // The other name has changed nothing yet, and nothing waits for it.
    let planned = with("plan", "two,", &["p.yml"]);
    assert!(!planned.contains("handlers are pending"), "{planned}");
    let planned = with("plan", "one,", &["p.yml"]);
    assert!(
        planned.contains("host one: handlers are pending"),
        "{planned}"
    );
    // `status` and `show` tell of it too.
    let status = with("status", "one,", &["-c", "local"]);
    assert!(
        status.contains("host one: handlers are pending"),
        "{status}"
    );
    with("apply", "two,", &["p.yml"]);
    assert_eq!(log(work.path()), "two");
    with("apply", "one,two", &["p.yml"]);
    assert_eq!(log(work.path()), "two one");
    with("apply", "one,two", &["p.yml"]);
    assert_eq!(log(work.path()), "two one");
}
