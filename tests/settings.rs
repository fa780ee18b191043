//! What settings make of a run's output. `compat/settings/NAME.txt` is what ansible-playbook (ansible-core
//! 2.19.14) printed for `s.yml` with these settings, `DIR` in the place of the directory and `FILES` in
//! that of the one it writes to.

use std::path::Path;
use std::process::{Command, Output};

/// Variables and their values.
type Settings = &'static [(&'static str, &'static str)];

/// Name, settings, arguments.
const CASES: [(&str, Settings, &[&str]); 9] = [
    ("skipped", &[("ANSIBLE_DISPLAY_SKIPPED_HOSTS", "0")], &[]),
    ("ok", &[("ANSIBLE_DISPLAY_OK_HOSTS", "0")], &[]),
    ("yaml", &[("ANSIBLE_CALLBACK_RESULT_FORMAT", "yaml")], &[]),
    (
        "marker",
        &[("ANSIBLE_CHECK_MODE_MARKERS", "1")],
        &["--check"],
    ),
    ("path", &[("ANSIBLE_SHOW_TASK_PATH_ON_FAILURE", "1")], &[]),
    ("stderr", &[("ANSIBLE_DISPLAY_FAILED_STDERR", "1")], &[]),
    ("diff", &[("ANSIBLE_DIFF_ALWAYS", "1")], &[]),
    ("tagsab", &[("ANSIBLE_RUN_TAGS", "a")], &["-t", "b"]),
    (
        "skipb",
        &[("ANSIBLE_SKIP_TAGS", "a")],
        &["--skip-tags", "b"],
    ),
];

fn run(playbook: &Path, home: &Path, settings: &[(&str, &str)], args: &[&str]) -> Output {
    let files = home.join("files");
    let _ = std::fs::remove_dir_all(&files);
    std::fs::create_dir(&files).unwrap();
    Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["apply", "-i", "localhost,", "-c", "local"])
        .args(["-e", &format!("d={}", files.display())])
        .args(args)
        .arg(playbook.file_name().unwrap())
        .current_dir(playbook.parent().unwrap())
        .env("HOME", home)
        .env_remove("XDG_STATE_HOME")
        .env("ANSIBLE_NOCOLOR", "1")
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

/// Without what is another each time: directories, the times of a command.
fn steady(text: &str, dir: &Path, home: &Path) -> String {
    let text = text
        .replace(&*home.join("files").to_string_lossy(), "FILES")
        .replace(&*dir.to_string_lossy(), "DIR");
    let times = fancy_regex::Regex::new("(\\b(?:delta|end|start)\\b\"?: ).*").unwrap();
    times.replace_all(&text, "$1T").trim().to_owned()
}

#[test]
fn what_is_shown_follows_the_settings() {
    let home = tempfile::tempdir().unwrap();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/settings");
    for (name, settings, args) in CASES {
        let expected = std::fs::read_to_string(dir.join(format!("{name}.txt"))).unwrap();
        let args = [args, &["-O", "ansible"]].concat();
        let output = run(&dir.join("s.yml"), home.path(), settings, &args);
        assert_eq!(
            steady(&text(&output.stdout), &dir, home.path()),
            steady(&expected, &dir, home.path()),
            "{name}: {}",
            text(&output.stderr)
        );
        let told = text(&output.stderr).contains("fatal: [localhost]: FAILED!");
        assert_eq!(told, name == "stderr", "{name}");
    }
}

#[test]
fn a_log_has_what_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let playbook = home.path().join("p.yml");
    let tasks = "[{debug: {msg: hello}}, {debug: {msg: hidden}, no_log: true}]";
    let play = format!("[{{hosts: all, gather_facts: false, tasks: {tasks}}}]");
    std::fs::write(&playbook, play).unwrap();
    let settings = "[defaults]\nlog_path = log\n";
    std::fs::write(home.path().join("ansible.cfg"), settings).unwrap();
    assert!(run(&playbook, home.path(), &[], &[]).status.success());
    let log = std::fs::read_to_string(home.path().join("log")).unwrap();
    assert!(log.contains("n=ansible INFO| TASK [debug] ***"), "{log}");
    assert!(log.contains("\"msg\": \"hello\""), "{log}");
    assert!(!log.contains("hidden"), "{log}");
    let output = run(&playbook, home.path(), &[], &["-v", "-O", "ansible"]);
    let file = home.path().join("ansible.cfg");
    let first = format!(
        "Using {} as config file\n",
        file.canonicalize().unwrap().display()
    );
    assert!(text(&output.stdout).starts_with(&first));
}

/// Items of loops are secrets too.
const SECRET: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: echo {{ item }}
      loop: [the-secret]
      no_log: true
    - command: echo {{ item.p }}
      loop: [{u: a, p: the-secret}]
      loop_control: {label: "{{ item.p }}"}
      no_log: true
    - command: sh -c 'echo {{ item }}; exit 1'
      loop: [the-secret]
      no_log: true
      register: r
      until: r is success
      retries: 1
      delay: 0
      ignore_errors: true
    - include_tasks: "{{ item[1] }}"
      loop: [[the-secret, empty.yml]]
      no_log: true
    - copy: {content: "{{ item }}", dest: "{{ d }}/f"}
      loop: [the-secret]
      no_log: true
    - fail: {msg: the-secret}
      no_log: true
"#;

#[test]
fn nothing_shows_what_nobody_may_see() {
    let home = tempfile::tempdir().unwrap();
    let playbook = home.path().join("p.yml");
    std::fs::write(home.path().join("empty.yml"), "[]\n").unwrap();
    std::fs::write(&playbook, SECRET).unwrap();
    let open = SECRET.replace("      no_log: true\n", "");
    let (settings, args) = ([("ANSIBLE_LOG_PATH", "log")], ["-D"]);
    let runs: [&[&str]; 5] = [
        &[],
        &["-vvv"],
        &["-vvv", "-O", "ansible"],
        &["-O", "json"],
        &["--check"],
    ];
    for more in runs {
        let args = [&args, more].concat();
        let output = run(&playbook, home.path(), &settings, &args);
        let shown = text(&output.stdout) + &text(&output.stderr);
        // The source of a task that fails is shown.
        let places = [
            "    - fail: {msg: the-secret}",
            "      loop: [the-secret]",
            "echo {{",
        ];
        let lines = shown.lines().filter(|line| {
            line.contains("the-secret") && !places.iter().any(|place| line.contains(place))
        });
        assert_eq!(lines.collect::<Vec<_>>(), [""; 0], "{more:?}");
        assert!(shown.contains("censored due to no_log"), "{more:?} {shown}");
        let log = std::fs::read_to_string(home.path().join("log")).unwrap();
        let lines = log.lines().filter(|line| line.contains("the-secret"));
        let told = lines.filter(|line| line.contains("=> ") || line.contains("item="));
        assert_eq!(told.collect::<Vec<_>>(), [""; 0], "{more:?}");
    }
    // It would be seen otherwise, and for a setting it is not.
    std::fs::write(&playbook, open).unwrap();
    let shown = |settings: &[(&str, &str)]| {
        let output = run(&playbook, home.path(), settings, &["-v"]);
        let text = text(&output.stdout);
        text.lines().any(|line| line.contains("[the-secret]"))
    };
    assert!(shown(&[]));
    assert!(!shown(&[("ANSIBLE_NO_LOG", "1")]));
}
