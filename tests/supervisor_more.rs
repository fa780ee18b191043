//! What supervisord does not have: the daemon and ctl as the user runs them.

use crate::supervisor_daemon::{Daemon, HEAD, start, until};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const TWO: &str = "\
[program:galaxy]
command=/bin/sleep 1000
[program:handler]
command=/bin/sleep 1000
process_name=handler%(process_num)s
numprocs=2
[group:gx]
programs=galaxy,handler
";

#[test]
fn only_what_changed_is_restarted() {
    let daemon = Daemon::new(TWO);
    daemon.running(3);
    let before = ["galaxy", "handler0", "handler1"].map(|n| daemon.pid(&format!("gx:{n}")));
    daemon.configure(&TWO.replace("numprocs=2", "numprocs=4"));
    let plan = daemon.ctl("update --dry-run --changed-only");
    let text = "gx:handler2: would start\ngx:handler3: would start\n";
    assert_eq!(plan, (text.into(), 0));
    let whole = daemon.ctl("update --dry-run").0;
    assert_eq!(whole.matches("would restart").count(), 3);
    let done = daemon.ctl("update --changed-only");
    assert_eq!(
        done,
        ("gx:handler2: started\ngx:handler3: started\n".into(), 0)
    );
    daemon.running(5);
    let after = ["galaxy", "handler0", "handler1"].map(|n| daemon.pid(&format!("gx:{n}")));
    assert_eq!(before, after);
    let nothing = daemon.ctl("update --changed-only").0;
    assert_eq!(nothing, "No config updates to processes\n");
    let edited = TWO.replacen("sleep 1000", "sleep 2000", 1);
    daemon.configure(&edited);
    let text = "gx:handler2: stopped\ngx:handler3: stopped\ngx:galaxy: restarted\n";
    assert_eq!(daemon.ctl("update --changed-only"), (text.into(), 0));
    daemon.running(3);
    assert_ne!(daemon.pid("gx:galaxy"), before[0]);
    assert_eq!(daemon.pid("gx:handler0"), before[1]);
    daemon.configure(&edited.replacen("sleep 2000\n", "sleep 2000\nstopwaitsecs=3\n", 1));
    let galaxy = daemon.pid("gx:galaxy");
    let text = "gx:galaxy: runs on with new options\n";
    assert_eq!(daemon.ctl("update --changed-only"), (text.into(), 0));
    assert_eq!(daemon.pid("gx:galaxy"), galaxy);
}

#[test]
fn rolling_stops_at_the_first_that_does_not_come_up() {
    let programs = "\
[program:a]
command=/bin/sleep 1000
startsecs=0
[program:b]
command=/bin/sh -c 'test ! -e %(here)s/bad && exec sleep 1000'
startretries=0
[program:c]
command=/bin/sleep 1000
[group:g]
programs=a,b,c
";
    let daemon = Daemon::new(programs);
    daemon.running(3);
    let c = daemon.pid("g:c");
    let text = "g:a: restarted\ng:b: restarted\ng:c: restarted\n";
    assert_eq!(daemon.ctl("restart --rolling g:*"), (text.into(), 0));
    assert_ne!(daemon.pid("g:c"), c);
    let c = daemon.pid("g:c");
    std::fs::write(daemon.path("bad"), "").unwrap();
    let text = "g:a: restarted\ng:b: ERROR (spawn error)\ng:c: left alone (g:b did not come up)\n";
    assert_eq!(daemon.ctl("restart --rolling g:*"), (text.into(), 7));
    assert_eq!(daemon.pid("g:c"), c);
    let (text, code) = daemon.ctl("restart --parallel g:a g:c");
    assert_eq!((text.as_str(), code), ("g:a: started\ng:c: started\n", 0));
    assert_ne!(daemon.pid("g:c"), c);
    assert_eq!(daemon.ctl("restart --rolling zz").1, 2);
}

#[test]
fn why_and_json() {
    let programs = "\
[program:a]
command=/bin/sh -c 'echo the reason; exit 3'
startretries=0
[program:b]
command=/bin/sleep 1000
startsecs=0
autorestart=false
";
    let daemon = Daemon::new(programs);
    until(|| daemon.ctl("status a").0.contains("FATAL"));
    let why = daemon.ctl("why a").0;
    assert!(why.contains("last end: exit code 3 after 0."), "{why}");
    assert!(why.contains("    the reason\n"), "{why}");
    daemon.ctl("signal KILL b");
    until(|| daemon.ctl("status b").0.contains("EXITED"));
    let why = daemon.ctl("why b").0;
    assert!(why.contains("killed by SIGKILL"), "{why}");
    let (text, code) = daemon.ctl("status --json");
    assert_eq!(code, 3);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["processes"][0]["exit_code"], 3);
    assert_eq!(json["processes"][1]["signal"], "SIGKILL");
    assert_eq!(daemon.ctl("status --json zz").1, 4);
}

#[test]
fn a_configuration_is_tested() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.conf");
    let check = |programs: &str| {
        std::fs::write(&file, format!("{HEAD}{programs}")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
            .args(["supervisord", "--check", "-c"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (text, output.status.code().unwrap())
    };
    assert_eq!(check(TWO), (String::new(), 0));
    let (text, code) = check("[program:x]\ncommand=/bin/x\nautostrat=no\n");
    assert_eq!(code, 0);
    assert!(text.contains("did you mean \"autostart\"?"), "{text}");
    let (text, code) = check("[program:x]\ncommand=/bin/x\nstartsecs=soon\n");
    assert_eq!(code, 2);
    assert!(text.contains("s.conf:15:1"), "{text}");
}

#[test]
fn one_waits_for_the_other_to_be_ready() {
    let programs = "\
[program:web]
command=/bin/sleep 1000
startsecs=0
depends_on=db, migrate
[program:db]
command=/bin/sh -c 'echo listening; exec sleep 1000'
startsecs=0
ready_command=/bin/sh -c 'test -e %(here)s/ready'
log_format=json
[program:migrate]
command=/bin/true
startsecs=0
autorestart=false
";
    let daemon = Daemon::new(programs);
    daemon.running(1);
    until(|| daemon.ctl("status migrate").0.contains("EXITED"));
    until(|| daemon.ctl("why db").0.contains("failed check"));
    let why = daemon.ctl("why web").0;
    assert!(why.contains("waits for: db:db\n"), "{why}");
    std::fs::write(daemon.path("ready"), "").unwrap();
    daemon.running(2);
    let json: serde_json::Value =
        serde_json::from_str(daemon.ctl("tail db").0.lines().next().unwrap()).unwrap();
    assert_eq!(json["line"], "listening");
}

#[test]
fn ready_by_a_line_and_by_notification() {
    let notify = "import os,socket,time; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); a=os.environ['NOTIFY_SOCKET']; s.sendto(b'STATUS=x\\nREADY=1', chr(0)+a[1:]); time.sleep(1000)";
    let programs = format!(
        "\
[program:line]
command=/bin/sh -c 'echo starting; echo server up; exec sleep 1000'
startsecs=0
ready_log=server (up|ready)
[program:never]
command=/bin/sleep 1000
startsecs=0
ready_tcp=127.0.0.1:1
ready_timeout=1
[program:notify]
command=python3 -c \"{notify}\"
startsecs=0
ready_notify=true
"
    );
    let daemon = Daemon::new(&programs);
    let text = "line: restarted\n";
    assert_eq!(daemon.ctl("restart --rolling line"), (text.into(), 0));
    let (text, code) = daemon.ctl("restart --rolling never line");
    assert!(
        text.starts_with("never: ERROR (failed)\nline: left alone"),
        "{text}"
    );
    assert_eq!(code, 7);
    if Command::new("python3").arg("-V").output().is_err() {
        println!("skipped: no python3 to notify with");
        return;
    }
    let text = "notify: restarted\n";
    assert_eq!(daemon.ctl("restart --rolling notify"), (text.into(), 0));
}

#[test]
fn an_ailing_process_is_restarted_and_its_tree_ends_with_it() {
    let programs = "\
[program:a]
command=/bin/sh -c 'setsid sleep 4711 & echo $! > %(here)s/far; exec sleep 1000'
startsecs=0
live_command=/bin/sh -c 'test ! -e %(here)s/ill'
live_interval=1
live_failures=1
stop_tree=true
";
    let daemon = Daemon::new(programs);
    daemon.running(1);
    until(|| std::fs::read_to_string(daemon.path("far")).is_ok_and(|t| t.ends_with('\n')));
    let far = std::fs::read_to_string(daemon.path("far")).unwrap();
    let far = Path::new("/proc").join(far.trim());
    assert!(far.exists());
    let pid = daemon.pid("a");
    std::fs::write(daemon.path("ill"), "").unwrap();
    until(|| daemon.pid("a") != pid);
    std::fs::remove_file(daemon.path("ill")).unwrap();
    until(|| !far.exists());
    daemon.running(1);
    assert!(daemon.ctl("why a").0.contains(", as asked"));
}

#[test]
fn the_daemon_ends_with_a_fatal_process() {
    let programs = "\
[program:a]
command=/bin/false
startretries=0
exit_on_fatal=true
[program:b]
command=/bin/sleep 1000
";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("s.conf"), format!("{HEAD}{programs}")).unwrap();
    assert_eq!(start(dir.path()).wait().unwrap().code(), Some(1));
}

#[test]
fn metrics_and_limits() {
    let programs = "\
[program:a]
command=/bin/sh -c 'ulimit -n; exec sleep 1000'
startsecs=0
limit_nofile=77
";
    let daemon = Daemon::new(programs);
    daemon.running(1);
    until(|| daemon.ctl("tail a").0.contains("77"));
    let mut stream = std::os::unix::net::UnixStream::connect(daemon.path("s.sock")).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
    for line in [
        "supervisor_process_up{group=\"a\",name=\"a\"} 1\n",
        "supervisor_process_starts_total{group=\"a\",name=\"a\"} 1\n",
        "supervisor_processes{state=\"RUNNING\"} 1\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

const TALKERS: &str = "\
[program:count]
command=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'
startsecs=0
stdout_logfile=%(here)s/count.log
[program:auto]
command=/bin/sh -c 'echo first; exec sleep 1000'
startsecs=0
[program:rests]
command=/bin/sleep 1000
startsecs=0
";

/// The numbers in the log are 1, 2, 3 ... without a gap.
fn nothing_lost(daemon: &Daemon) -> usize {
    let text = std::fs::read_to_string(daemon.path("count.log")).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let numbers: Vec<usize> = whole.lines().map(|l| l.parse().unwrap()).collect();
    let expected: Vec<usize> = (1..=numbers.len()).collect();
    assert_eq!(numbers, expected);
    numbers.len()
}

#[test]
fn an_upgrade_keeps_processes_and_their_logs() {
    let daemon = Daemon::new(TALKERS);
    daemon.running(3);
    daemon.ctl("stop rests");
    let before = ["count", "auto"].map(|n| daemon.pid(n));
    let of_daemon = daemon.ctl("pid").0;
    for _ in 0..3 {
        assert_eq!(daemon.ctl("upgrade"), ("Upgraded\n".into(), 0));
    }
    assert_eq!(daemon.ctl("pid").0, of_daemon);
    assert_eq!(["count", "auto"].map(|n| daemon.pid(n)), before);
    assert!(daemon.ctl("status rests").0.contains("STOPPED"));
    assert_eq!(daemon.ctl("tail auto").0, "first\n\n");
    let lines = nothing_lost(&daemon);
    until(|| nothing_lost(&daemon) > lines);
    assert_eq!(daemon.ctl("stop count").0, "count: stopped\n");
}

#[test]
fn a_daemon_that_was_killed_finds_its_processes_again() {
    let mut daemon = Daemon::new(TALKERS);
    daemon.running(3);
    let before = ["count", "auto", "rests"].map(|n| daemon.pid(n));
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    daemon.child = start(daemon.dir.path());
    daemon.wait_for_server();
    daemon.running(3);
    assert_eq!(["count", "auto", "rests"].map(|n| daemon.pid(n)), before);
    assert!(daemon.ctl("why count").0.contains("adopted"));
    let lines = nothing_lost(&daemon);
    until(|| nothing_lost(&daemon) > lines);
    daemon.ctl("signal KILL auto");
    until(|| !["", "0", before[1].as_str()].contains(&daemon.pid("auto").as_str()));
    assert_eq!(daemon.ctl("stop rests").0, "rests: stopped\n");
    assert!(!Path::new("/proc").join(&before[2]).join("cwd").exists());
}
