//! The daemon as the first process of a container.

use crate::supervisor_daemon::{Daemon, HEAD, until};
use std::process::{Command, Stdio};

const NAMESPACES: [&str; 5] = [
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--mount-proc",
];

#[test]
fn the_first_process_reaps_orphans_and_ends_cleanly() {
    let tried = Command::new("unshare")
        .args(NAMESPACES)
        .arg("true")
        .output();
    if !tried.is_ok_and(|o| o.status.success()) {
        println!("skipped: no container to be the first process of (unshare is not allowed)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // It stays in the foreground, whatever the configuration says.
    let head = HEAD
        .replace("nodaemon=true\n", "")
        .replace("silent=true\n", "");
    let programs = "\
[program:parent]
command=/bin/sh -c 'setsid sh -c \"sleep 0.3\" & setsid sh -c \"trap \\\"echo told > %(here)s/told; exit\\\" TERM; while :; do sleep 0.05; done\" & exec sleep 1000'
startsecs=0
[program:last]
command=/bin/sh -c 'trap \"echo asked > %(here)s/asked; exit\" TERM; while :; do sleep 0.05; done'
startsecs=0
";
    std::fs::write(dir.path().join("s.conf"), format!("{head}{programs}")).unwrap();
    let child = Command::new("unshare")
        .args(NAMESPACES)
        .arg(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["supervisord", "-c"])
        .arg(dir.path().join("s.conf"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let outer = child.id();
    let mut daemon = Daemon::of(dir, child);
    daemon.running(2);
    assert_eq!(daemon.ctl("pid").0, "1\n");
    daemon.ctl("signal KILL parent");
    until(|| daemon.log().contains("reaped unknown pid"));
    daemon.running(2);
    let first = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap();
    let first = first.split_whitespace().next().unwrap().to_owned();
    assert!(Command::new("kill").arg(&first).status().unwrap().success());
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    let text = |name| std::fs::read_to_string(daemon.path(name)).unwrap_or_default();
    assert_eq!(text("asked"), "asked\n", "programs are stopped");
    assert_eq!(text("told"), "told\n", "what else is there is asked to end");
    assert!(
        daemon
            .log()
            .contains("received SIGTERM indicating exit request")
    );
    assert!(!daemon.path("s.pid").exists());
}
