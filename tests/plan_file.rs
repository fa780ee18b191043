//! `gxdeploy plan -o FILE`, `gxdeploy show FILE` and `gxdeploy apply FILE`: what was planned is done,
//! and nothing else.

use crate::lab::{self, Lab};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory with a playbook for hosts that are this machine, and a directory `host` that stands
/// for what they are.
struct Site(tempfile::TempDir);

impl Site {
    fn new(tasks: &str) -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        fs::create_dir(site.path().join("host")).unwrap();
        site.write("hosts", "a ansible_connection=local\n");
        let tasks = tasks.replace("HOST", &site.host("").display().to_string());
        let head = "- hosts: all\n  gather_facts: false\n  tasks:\n";
        site.write("p.yml", &format!("{head}{tasks}"));
        site
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn host(&self, file: &str) -> PathBuf {
        self.path().join("host").join(file)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.host(file)).unwrap_or_default()
    }

    /// Runs a verb; what it said, and its exit code.
    fn run(&self, words: &[&str]) -> (String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
            .args(words)
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("HOME", self.path())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        lab::said(&output)
    }

    /// Plans with further options; what it said.
    fn plan(&self, words: &[&str]) -> String {
        let all = [&["plan", "-i", "hosts", "p.yml", "-o", "plan"], words].concat();
        let (said, exit) = self.run(&all);
        assert_eq!(exit, 0, "{said}");
        assert!(said.contains("Plan written to plan"), "{said}");
        said
    }

    fn applied(&self) -> String {
        let (said, exit) = self.run(&["apply", "plan"]);
        assert_eq!(exit, 0, "{said}");
        said
    }

    /// Applies, which must be refused; what it said.
    fn refused(&self, exit: i32, what: &[&str]) -> String {
        let (said, code) = self.run(&["apply", "plan"]);
        assert_eq!(code, exit, "{said}");
        for text in what {
            assert!(said.contains(text), "{text:?} is not in:\n{said}");
        }
        said
    }
}

const TASKS: &str = "
    - name: directory
      file: {path: HOST/etc, state: directory}
    - name: settings
      template: {src: settings.j2, dest: HOST/etc/settings}
      notify: restart
    - name: line
      lineinfile: {path: HOST/etc/settings, line: 'last = 1'}
    - name: quiet
      command: 'true'
      changed_when: false
    - name: old
      file: {path: HOST/old, state: absent}
  handlers:
    - name: restart
      shell: echo restarted >> HOST/log
";

fn site() -> Site {
    let site = Site::new(TASKS);
    site.write("templates/settings.j2", "port = {{ port }}\n");
    site.write("group_vars/all.yml", "port: 80\n");
    site.write("host/old", "x");
    site
}

#[test]
fn what_was_planned_is_done_once() {
    let site = site();
    let said = site.plan(&["-e", "port=81"]);
    assert!(!site.host("etc").exists(), "a plan changes nothing");
    let mode = site
        .path()
        .join("plan")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let (shown, exit) = site.run(&["show", "plan"]);
    assert_eq!(exit, 0, "{shown}");
    for text in ["+port = 81", "Plan: ", "-i hosts p.yml", "settings"] {
        assert!(shown.contains(text), "{shown}");
    }
    let summary = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("Plan: "));
        line.map(str::to_owned)
    };
    assert_eq!(summary(&shown), summary(&said));
    let (shown, _) = site.run(&["show", "plan", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["hosts"][0], "a");
    let files = shown["files"].to_string();
    for file in [
        "p.yml",
        "hosts",
        "group_vars/all.yml",
        "templates/settings.j2",
    ] {
        assert!(files.contains(&format!("{file}\"")), "{file}: {files}");
    }
    let operations = shown["steps"].to_string();
    assert!(
        operations.contains("write ") && operations.contains("remove "),
        "{operations}"
    );

    site.applied();
    assert_eq!(site.read("etc/settings"), "port = 81\nlast = 1\n");
    assert_eq!(site.read("log"), "restarted\n");
    assert!(!site.host("old").exists());
    site.refused(1, &["was applied by run"]);
    // Where nobody knows of that any more, the host tells.
    fs::remove_dir_all(site.path().join("state")).unwrap();
    site.refused(2, &["planned: mkdir ", "now: nothing"]);
    assert_eq!(site.read("log"), "restarted\n");
    let (shown, _) = site.run(&["show", "plan"]);
    assert!(shown.contains("+port = 81"), "{shown}");
}

#[test]
fn files_and_hosts_are_those_of_the_plan() {
    let site = site();
    site.plan(&[]);
    let plan = fs::read(site.path().join("plan")).unwrap();
    for (file, text) in [
        ("templates/settings.j2", "port: {{ port }}\n"),
        ("group_vars/all.yml", "port: 82\n"),
        ("p.yml", "- hosts: all\n"),
    ] {
        let before = fs::read_to_string(site.path().join(file)).unwrap();
        site.write(file, text);
        site.refused(1, &[&format!("changed: {file}")]);
        site.write(file, &before);
    }
    fs::rename(site.path().join("templates"), site.path().join("t")).unwrap();
    site.refused(1, &["cannot be read any more: templates/settings.j2"]);
    fs::rename(site.path().join("t"), site.path().join("templates")).unwrap();
    site.write("host_vars/a.yml", "port: 83\n");
    site.refused(1, &["new: ", "host_vars/a.yml"]);
    fs::remove_dir_all(site.path().join("host_vars")).unwrap();

    for words in [["-l", "a"], ["-t", "x"], ["-i", "hosts"], ["-e", "port=84"]] {
        let (said, exit) = site.run(&[&["apply", "plan"], &words[..]].concat());
        assert!(exit != 0 && !site.host("etc").exists(), "{said}");
    }
    let (said, exit) = site.run(&["apply", "plan", "p.yml"]);
    assert!(exit != 0 && said.contains("applied alone"), "{said}");
    let (said, exit) = site.run(&["plan", "-i", "hosts", "p.yml", "-o", "p.yml"]);
    assert!(exit != 0 && said.contains("is no plan"), "{said}");
    let (said, exit) = site.run(&["show", "p.yml"]);
    assert!(exit != 0 && said.contains("not a saved plan"), "{said}");

    // An inventory that is a program has other hosts without having changed.
    site.write(
        "hosts.sh",
        "#!/bin/sh\necho '{\"all\": {\"hosts\": ['$(cat names)']}}'\n",
    );
    let program = site.path().join("hosts.sh");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    site.write("names", "\"a\"");
    let words = [
        "plan", "-i", "hosts.sh", "-c", "local", "p.yml", "-o", "plan",
    ];
    let (said, exit) = site.run(&words);
    assert_eq!(exit, 0, "{said}");
    site.write("names", "\"a\", \"b\"");
    site.refused(1, &["hosts of the inventory", "new: b"]);

    // All of it is as it was.
    fs::write(site.path().join("plan"), plan).unwrap();
    site.applied();
    assert_eq!(site.read("etc/settings"), "port = 80\nlast = 1\n");
}

#[test]
fn a_host_that_has_drifted_is_left_before_the_step() {
    let site = site();
    site.write("host/etc/settings", "port = 1\n");
    site.write("host/log", "");
    site.plan(&[]);
    // What is replaced is not what the plan showed, though the same is written.
    site.write("host/etc/settings", "port = 2\n");
    let said = site.refused(
        2,
        &[
            "x settings",
            "planned: write ",
            "now: write ",
            "contents differ",
        ],
    );
    assert!(!said.contains("Rescued"), "{said}");
    assert_eq!(site.read("etc/settings"), "port = 2\n");
    assert!(site.host("old").exists(), "nothing behind it is done");
    assert_eq!(site.read("log"), "", "no handler");
    // As it was: the run goes on.
    site.write("host/etc/settings", "port = 1\n");
    let (said, exit) = site.run(&["resume"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(site.read("etc/settings"), "port = 80\nlast = 1\n");
}

#[test]
fn nothing_rescues_or_ignores_a_drift() {
    let site = Site::new(
        "
    - block:
        - copy: {content: one, dest: HOST/one}
          ignore_errors: true
        - shell: echo two >> HOST/log
      rescue:
        - shell: echo rescue >> HOST/log
      always:
        - shell: echo always >> HOST/log
",
    );
    site.plan(&[]);
    site.write("host/one", "other");
    site.refused(2, &["planned: write "]);
    assert_eq!(site.read("log"), "");
}

#[test]
fn the_other_hosts_go_on() {
    let site = Site::new(
        "    - copy: {content: '{{ inventory_hostname }}', dest: 'HOST/{{ inventory_hostname }}'}\n",
    );
    site.write(
        "hosts",
        "[all]\na\nb\nc\n[all:vars]\nansible_connection=local\n",
    );
    site.plan(&[]);
    site.write("host/b", "other");
    // Three names of one machine: what is there already may have been another one's doing.
    let said = site.refused(0, &[]);
    assert_eq!(site.read("b"), "b", "{said}");

    let site = Site::new("    - file: {path: 'HOST/{{ inventory_hostname }}', state: absent}\n");
    site.write(
        "hosts",
        "[all]\na\nb\nc\n[all:vars]\nansible_connection=local\n",
    );
    site.write("host/a", "");
    site.plan(&[]);
    site.write("host/b", "");
    let said = site.refused(2, &["planned: nothing", "now: remove "]);
    assert!(
        !site.host("a").exists() && site.host("b").exists(),
        "{said}"
    );
}

#[test]
fn the_unknown_becomes_known() {
    let site = Site::new(
        "
    - shell: echo one two
      register: said
    - copy: {content: '{{ item }}', dest: 'HOST/{{ item }}'}
      loop: '{{ said.stdout.split() }}'
    - include_tasks: more.yml
      when: said.rc == 0
    - copy: {content: 'said {{ said.stdout }}', dest: HOST/said}
      notify: told
    - copy: {content: x, dest: HOST/made}
    - copy: {content: w, dest: HOST/wet}
      when: not ansible_check_mode
  handlers:
    - name: told
      shell: echo told >> HOST/log
",
    );
    site.write(
        "more.yml",
        &format!(
            "- copy: {{content: m, dest: {}}}\n",
            site.host("more").display()
        ),
    );
    let said = site.plan(&[]);
    assert!(said.contains("known after apply"), "{said}");
    // Behind a command: it may have been what made it.
    site.write("host/made", "x");
    site.applied();
    for (file, text) in [
        ("one", "one"),
        ("two", "two"),
        ("more", "m"),
        ("wet", "w"),
        ("said", "said one two"),
        ("log", "told\n"),
    ] {
        assert_eq!(site.read(file), text, "{file}");
    }
}

#[test]
fn behind_a_command_nothing_is_done_that_was_not_announced() {
    let site = Site::new(
        "
    - shell: rm -f HOST/x
    - copy: {content: x, dest: HOST/kept}
",
    );
    site.write("host/kept", "x");
    site.plan(&[]);
    site.write("host/kept", "y");
    site.refused(2, &["planned: nothing", "now: write "]);
    assert_eq!(site.read("kept"), "y");
}

#[test]
fn conditions_that_have_changed_lead_to_nothing_new() {
    let site = Site::new(
        "
    - stat: {path: HOST/flag}
      register: flag
    - shell: echo flagged >> HOST/log
      when: flag.stat.exists
    - shell: echo try >> HOST/log; test $(wc -l < HOST/log) -ge 3
      register: tried
      until: tried is success
      retries: 5
      delay: 0
",
    );
    site.plan(&[]);
    site.write("host/flag", "");
    site.refused(2, &["planned: nothing", "now: run "]);
    fs::remove_file(site.host("flag")).unwrap();
    site.plan(&[]);
    site.applied();
    assert_eq!(site.read("log"), "try\ntry\ntry\n");
}

#[test]
fn a_rescue_may_do_what_no_plan_says() {
    let site = Site::new(
        "
    - block:
        - command: test -e HOST/flag
      rescue:
        - copy: {content: r, dest: HOST/rescued}
    - copy: {content: x, dest: HOST/after}
",
    );
    site.plan(&[]);
    site.applied();
    assert_eq!(
        (site.read("rescued"), site.read("after")),
        ("r".into(), "x".into())
    );
}

#[test]
fn names_that_depend_on_the_time_are_no_drift() {
    let site = Site::new(
        "
    - copy: {content: new, dest: HOST/x, backup: true}
    - tempfile: {path: HOST, prefix: t}
    - file: {path: HOST/touched, state: touch}
    - shell: sleep 0.1
      async: 10
      poll: 1
",
    );
    site.write("host/x", "old");
    site.plan(&[]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    site.applied();
    let names = fs::read_dir(site.host("")).unwrap();
    assert_eq!(
        names.count(),
        4,
        "x, its backup, the temporary file, the touched one"
    );
}

#[test]
fn no_secret_is_in_the_file() {
    let site = Site::new(
        "
    - template: {src: s.j2, dest: HOST/s}
    - command: echo {{ vaulted }} {{ db_password }}
    - copy: {content: 'silent-{{ port }}-value', dest: HOST/n}
      no_log: true
",
    );
    site.write(
        "templates/s.j2",
        "{{ vaulted }}\n{{ db_password }}\n{{ app.token }}\n{{ port }}\n",
    );
    site.write("vault-pass", "open-sesame");
    site.write("group_vars/all.yml", "vaulted: vaulted-secret\n");
    let (said, exit) = site.run(&[
        "vault",
        "encrypt",
        "--vault-password-file",
        "vault-pass",
        "group_vars/all.yml",
    ]);
    assert_eq!(exit, 0, "{said}");
    site.plan(&[
        "--vault-password-file",
        "vault-pass",
        "-e",
        "port=8080 db_password=given-secret",
        "-e",
        r#"{"app": {"token": "nested-secret"}}"#,
    ]);
    let file = fs::read_to_string(site.path().join("plan")).unwrap();
    for secret in [
        "vaulted-secret",
        "given-secret",
        "nested-secret",
        "silent-8080",
        "open-sesame",
    ] {
        assert!(!file.contains(secret), "{secret}");
    }
    assert!(file.contains("8080"), "what is no secret is shown");
    let (said, exit) = site.run(&["show", "plan"]);
    assert!(
        exit == 0 && said.contains("+8080") && said.contains("********"),
        "{said}"
    );
    site.refused(1, &["have to be given again: db_password, app"]);
    let apply = |password: &str| {
        let password = format!("db_password={password}");
        let app = r#"{"app": {"token": "nested-secret"}}"#;
        site.run(&["apply", "plan", "-e", &password, "-e", app])
    };
    let (said, exit) = apply("another");
    assert!(
        exit == 1 && said.contains("another value: db_password"),
        "{said}"
    );
    let (said, exit) = apply("given-secret");
    assert_eq!(exit, 0, "{said}");
    assert_eq!(
        site.read("s"),
        "vaulted-secret\ngiven-secret\nnested-secret\n8080\n"
    );
    assert_eq!(site.read("n"), "silent-8080-value");
}

#[test]
fn a_plan_that_failed_is_not_written() {
    let site = Site::new("    - fail: {msg: no}\n");
    let (said, exit) = site.run(&["plan", "-i", "hosts", "p.yml", "-o", "plan"]);
    assert!(exit == 2 && said.contains("no plan was written"), "{said}");
    assert!(!site.path().join("plan").exists());
}

#[test]
fn a_broken_file_is_told() {
    let site = site();
    site.plan(&[]);
    let plan = fs::read(site.path().join("plan")).unwrap();
    for cut in [20, 40, plan.len() / 2, plan.len() - 1] {
        fs::write(site.path().join("plan"), &plan[..cut]).unwrap();
        site.refused(1, &["is broken"]);
        let (said, exit) = site.run(&["show", "plan"]);
        assert!(exit == 1 && said.contains("is broken"), "{said}");
    }
    let text = String::from_utf8(plan).unwrap();
    let other = text.replacen("gxdeploy-plan 1 ", "gxdeploy-plan 7 ", 1);
    site.write("plan", &other);
    site.refused(1, &["format 7", "format 1"]);
    assert!(!site.host("etc").exists());
}

#[test]
fn over_ssh() {
    let Some(lab) = Lab::up("planfile", 2) else {
        return;
    };
    let work = lab.work.path();
    let play = "- hosts: all
  gather_facts: true
  become: true
  tasks:
    - group: {name: planners}
    - user: {name: planned, group: planners}
    - authorized_key: {user: planned, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000 x'}
    - file: {path: /srv/planned, state: directory, owner: planned}
    - copy: {content: '{{ ansible_hostname }}', dest: /srv/planned/name, owner: planned}
    - command: id -un
      become_user: planned
      register: who
    - copy: {content: '{{ who.stdout }}', dest: /srv/planned/who}
";
    fs::write(work.join("p.yml"), play).unwrap();
    let planned = lab.gxdeploy("plan").args(["p.yml", "-o", "plan"]).output();
    let (said, exit) = lab::said(&planned.unwrap());
    assert_eq!(exit, 0, "{said}");
    lab.exec(
        &lab.hosts[1],
        "mkdir -p /srv/planned; echo other > /srv/planned/name",
    );
    let applied = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["apply", "plan"])
        .env("XDG_STATE_HOME", work.join("state"))
        .current_dir(work)
        .stdin(Stdio::null())
        .output();
    let (said, exit) = lab::said(&applied.unwrap());
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("planned: mkdir /srv/planned"), "{said}");
    let there = |host: &str| lab.exec(host, "cat /srv/planned/name /srv/planned/who 2>&1");
    assert_eq!(
        there(&lab.hosts[0]),
        format!("{}planned", lab.exec(&lab.hosts[0], "hostname").trim())
    );
    assert!(
        there(&lab.hosts[1]).starts_with("other\n"),
        "left before the step"
    );
}
