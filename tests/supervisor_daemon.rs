//! A supervisord in a directory of its own, as the other files drive it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const HEAD: &str = "\
[supervisord]
logfile=%(here)s/s.log
pidfile=%(here)s/s.pid
childlogdir=%(here)s
nodaemon=true
silent=true
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
";

/// A daemon in a directory of its own, ended with the test.
pub struct Daemon {
    pub dir: tempfile::TempDir,
    pub child: Child,
}

impl Daemon {
    pub fn new(programs: &str) -> Daemon {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s.conf"), format!("{HEAD}{programs}")).unwrap();
        let child = start(dir.path());
        Daemon::of(dir, child)
    }

    /// A daemon that was started in another way.
    pub fn of(dir: tempfile::TempDir, child: Child) -> Daemon {
        let daemon = Daemon { dir, child };
        daemon.wait_for_server();
        daemon
    }

    /// What it says in its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("s.log")).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A line of supervisorctl with its text and exit code 0.
    pub fn says(&self, line: &str, text: &str) {
        assert_eq!(self.ctl(line), (text.into(), 0), "{line}");
    }

    pub fn wait_for_server(&self) {
        until(|| self.ctl("version").1 == 0);
    }

    pub fn configure(&self, programs: &str) {
        std::fs::write(self.path("s.conf"), format!("{HEAD}{programs}")).unwrap();
    }

    pub fn ctl(&self, line: &str) -> (String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
            .args(["ctl", "-c"])
            .arg(self.path("s.conf"))
            .args(line.split(' '))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (text, output.status.code().unwrap())
    }

    pub fn running(&self, count: usize) {
        until(|| self.ctl("status").0.matches(" RUNNING ").count() == count);
    }

    pub fn pid(&self, name: &str) -> String {
        self.ctl(&format!("pid {name}")).0.trim().to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.ctl("shutdown");
        let _ = self.child.wait();
    }
}

pub fn start(dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["supervisord", "-c"])
        .arg(dir.join("s.conf"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub fn until(done: impl Fn() -> bool) {
    while !done() {
        std::thread::sleep(Duration::from_millis(50));
    }
}
