//! The exercise's session, daemon and ctl as the user runs them. The lines and exit codes were
//! recorded with supervisor 4.3.0.

use std::path::Path;
use std::process::Command;

const CONFIG: &str = "\
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
[program:galaxy]
command=/bin/sh -c 'echo hi; exec sleep 1000'
[program:handler]
command=/bin/sleep 1000
process_name = handler%(process_num)s
numprocs = 2
";

const SESSION: [(&str, &str, i32); 14] = [
    ("reread", "No config updates to processes\n", 0),
    ("start galaxy", "galaxy: ERROR (already started)\n", 0),
    ("stop galaxy", "galaxy: stopped\n", 0),
    ("stop galaxy", "galaxy: ERROR (not running)\n", 0),
    ("start galaxy", "galaxy: started\n", 0),
    ("signal HUP zz", "zz: ERROR (no such process)\n", 1),
    ("signal XX galaxy", "galaxy: ERROR (bad signal name)\n", 1),
    ("start zz:*", "zz: ERROR (no such group)\n", 2),
    ("status zz", "zz: ERROR (no such process)\n", 4),
    ("pid zz", "No such process zz\n", 1),
    (
        "remove galaxy",
        "ERROR: process/group still running: galaxy\n",
        1,
    ),
    ("add galaxy", "ERROR: process group already active\n", 0),
    (
        "restart handler:handler0 handler:handler1",
        "handler:handler0: stopped\nhandler:handler1: stopped\nhandler:handler0: started\nhandler:handler1: started\n",
        0,
    ),
    ("foo bar", "*** Unknown syntax: foo bar\n", 1),
];

fn ctl(dir: &Path, line: &str) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["ctl", "-c"])
        .arg(dir.join("s.conf"))
        .args(line.split(' '))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

#[test]
fn the_session_of_the_exercise() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("s.conf"), CONFIG).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["supervisord", "-c"])
        .arg(dir.join("s.conf"))
        .spawn()
        .unwrap();
    while ctl(dir, "status").0.matches(" RUNNING ").count() < 3 {
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon ended");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for (line, text, code) in SESSION {
        assert_eq!(ctl(dir, line), (text.into(), code), "{line}");
    }
    let grouped = format!("{CONFIG}[group:gx]\nprograms=galaxy,handler\n");
    std::fs::write(dir.join("s.conf"), grouped).unwrap();
    let (text, code) = ctl(dir, "update");
    assert_eq!(
        (text.as_str(), code),
        (
            "galaxy: stopped\ngalaxy: removed process group\nhandler: stopped\nhandler: removed process group\ngx: added process group\n",
            0
        )
    );
    assert_eq!(ctl(dir, "shutdown"), ("Shut down\n".into(), 0));
    assert!(daemon.wait().unwrap().success());
    let left = |name: &str| dir.join(name).exists();
    assert!(left("s.log") && !left("s.pid") && !left("s.sock"));
}

const MAIN: &str = "\
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
[include]
files=%(here)s/conf.d/*.conf
";
const GALAXY: &str = "\
[program:galaxy]
command=/bin/sh -c 'trap : HUP; while :; do sleep 1; done'
";
const HANDLER: &str = "\
[program:handler]
command=/bin/sleep 1000
process_name=handler%(process_num)s
numprocs=2
";
const GROUP: &str = "\
[group:gx]
programs=galaxy,handler
";

/// Waits until so many processes run; their status.
fn running(dir: &Path, count: usize) -> String {
    loop {
        let (text, _) = ctl(dir, "status");
        if text.matches(" RUNNING ").count() == count {
            return text;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn galaxy_conf_grows_as_in_the_exercise() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("conf.d")).unwrap();
    std::fs::write(dir.join("s.conf"), MAIN).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .args(["supervisord", "-c"])
        .arg(dir.join("s.conf"))
        .spawn()
        .unwrap();
    while ctl(dir, "status") != (String::new(), 0) {
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon ended");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let write = |parts: &[&str]| {
        std::fs::write(dir.join("conf.d/galaxy.conf"), parts.concat()).unwrap();
    };
    let says = |line: &str, text: &str| assert_eq!(ctl(dir, line), (text.into(), 0), "{line}");

    write(&[GALAXY]);
    says("update", "galaxy: added process group\n");
    says("update", "");
    running(dir, 1);
    write(&[GALAXY, HANDLER]);
    says("update", "handler: added process group\n");
    running(dir, 3);
    write(&[GALAXY, HANDLER, GROUP]);
    says(
        "update",
        "galaxy: stopped\ngalaxy: removed process group\nhandler: stopped\n\
         handler: removed process group\ngx: added process group\n",
    );
    let before = running(dir, 3);
    let names: Vec<_> = before
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert_eq!(names, ["gx:galaxy", "gx:handler0", "gx:handler1"]);

    let pid = ctl(dir, "pid gx:galaxy");
    says("signal HUP gx:galaxy", "gx:galaxy: signalled\n");
    says(
        "restart gx:handler0 gx:handler1",
        "gx:handler0: stopped\ngx:handler1: stopped\n\
         gx:handler0: started\ngx:handler1: started\n",
    );
    running(dir, 3);
    assert_eq!(ctl(dir, "pid gx:galaxy"), pid);
    says("shutdown", "Shut down\n");
    assert!(daemon.wait().unwrap().success());
}
