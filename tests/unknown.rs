//! What a plan makes of results that only apply will tell.

use std::process::Command;

/// Whether the second task runs is not known, so nothing is of its result.
const PLAYBOOK: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: echo a
      register: first
    - command: echo z
      register: second
      when: first.stdout != 'x'
      changed_when: "'z' not in second.stdout"
      failed_when: second.rc != 0
    - debug: {msg: "{{ second.stdout_lines | first }}"}
    - command: echo {{ second.stdout }}
      when: second is succeeded and second.rc == 0
    - debug: {msg: reached}
"#;

#[test]
fn what_depends_on_an_unknown_result_is_unknown_too() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("p.yml"), PLAYBOOK).unwrap();
    let run = |verb: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
            .args([verb, "-i", "localhost,", "-c", "local", "p.yml"])
            .current_dir(home.path())
            .env("HOME", home.path())
            .env_remove("XDG_STATE_HOME")
            .env("ANSIBLE_NOCOLOR", "1")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{verb}: {text}");
        text
    };
    let plan = run("plan");
    let sum = plan.lines().find(|line| line.starts_with("Plan: "));
    let sum = sum.unwrap_or_default();
    assert!(
        sum.contains("2 unknown") && !sum.contains("failed"),
        "{plan}"
    );
    let told = ["      (known after apply)\n", "      reached\n"];
    assert!(told.iter().all(|line| plan.contains(line)), "{plan}");
    run("apply");
}
