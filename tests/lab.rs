//! Throw-away hosts over SSH, where `GXDEPLOY_LAB` names a program that starts them (tests/README.md).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Hosts of the lab that are taken down however the test ends, and a directory for the test.
pub struct Lab {
    program: PathBuf,
    pub hosts: Vec<String>,
    pub work: tempfile::TempDir,
}

impl Lab {
    /// Starts hosts; `None`, said in a line, where there is no lab.
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    pub fn up(name: &str, hosts: usize) -> Option<Lab> {
        let Some(program) = std::env::var_os("GXDEPLOY_LAB").map(PathBuf::from) else {
            let text = "skipped: GXDEPLOY_LAB does not name the lab's program";
            println!("{text}");
            return None;
        };
        let prefix = format!("{name}{}x", std::process::id());
        let count = hosts.to_string();
        let lab = Lab {
            program,
            hosts: (1..=hosts).map(|n| format!("{prefix}{n}")).collect(),
            work: tempfile::tempdir().unwrap(),
        };
        lab.must(&["up", &count, "--prefix", &prefix]);
        let all = lab.must(&["inventory"]);
        let ours = all.lines().filter(|line| line.starts_with(&prefix));
        let config = lab.must(&["path", "ssh_config"]);
        let mut inventory = ours.collect::<Vec<_>>().join("\n");
        inventory += &format!(
            "\n[all:vars]\nansible_user=admin\nansible_ssh_common_args='-F {} -o ServerAliveInterval=1 -o ServerAliveCountMax=2'\n",
            config.trim()
        );
        std::fs::write(lab.work.path().join("hosts"), inventory).unwrap();
        Some(lab)
    }

    /// Calls the lab's program.
    pub fn must(&self, words: &[&str]) -> String {
        let output = Command::new(&self.program).args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a shell line as root on a host; whatever comes of it, its output.
    pub fn exec(&self, host: &str, line: &str) -> String {
        let output = Command::new(&self.program)
            .args(["exec", host, line])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// gxdeploy with the hosts as inventory.
    pub fn gxdeploy(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gxdeploy"));
        command
            .arg(verb)
            .arg("-i")
            .arg(self.work.path().join("hosts"))
            .env("XDG_STATE_HOME", self.work.path().join("state"))
            .env("GXDEPLOY_RECONNECT", "30")
            .current_dir(self.work.path())
            .stdin(Stdio::null());
        command
    }

    /// Writes a playbook of the shell lines given for all hosts.
    pub fn playbook(&self, tasks: &str) -> PathBuf {
        let path = self.work.path().join("p.yml");
        let text = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Agents that run on a host.
    pub fn agents(&self, host: &str) -> String {
        self.exec(host, "pgrep -af '/agent-[0-9a-f]* agent'")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Words of a test that has failed come first.
        let _ = Command::new(&self.program)
            .arg("down")
            .args(&self.hosts)
            .output();
    }
}

/// Waits until something holds, for as long as it takes within two minutes.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("it did not come to pass: {what}");
}

/// What a program said on both streams, and its exit code.
pub fn said(output: &Output) -> (String, i32) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (text.into_owned(), output.status.code().unwrap_or(-1))
}

/// Starts a program with its output in a file.
pub fn start(command: &mut Command, log: &Path) -> Child {
    let log = std::fs::File::create(log).unwrap();
    command
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
