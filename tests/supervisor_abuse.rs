//! What the world does to a daemon: it keeps serving, says what happened, and loses no program.

use crate::supervisor_daemon::{Daemon, HEAD, until};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

const STEADY: &str = "\
[program:steady]
command=/bin/sleep 1000
startsecs=0
";

/// Sends bytes and gives the first line of the answer; empty where the daemon hangs up.
fn say(daemon: &Daemon, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(daemon.path("s.sock")).unwrap();
    // A daemon that has heard enough may hang up before all is said.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn clients_that_mean_ill() {
    let daemon = Daemon::new(STEADY);
    daemon.running(1);
    let pid = daemon.pid("steady");
    let head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let post = |body: &str| {
        let length = body.len();
        say(
            &daemon,
            format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes(),
        )
    };
    for body in [
        "",
        "<",
        "<methodCall>",
        "<methodCall><methodName>&x;</methodName></methodCall>",
        "\0\0",
    ] {
        assert_eq!(post(body), "HTTP/1.1 400 Bad Request", "{body}");
    }
    let deep = "<value><array><data>".repeat(100_000);
    let deep = format!("<methodCall><methodName>x</methodName><params><param>{deep}");
    assert_eq!(post(&deep), "HTTP/1.1 400 Bad Request");
    let large = format!("{head}Content-Length: 99999999999\r\n\r\n");
    assert_eq!(
        say(&daemon, large.as_bytes()),
        "HTTP/1.1 413 Payload Too Large"
    );
    let long = format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(say(&daemon, long.as_bytes()).starts_with("HTTP/1.1 4"));
    let many = format!("{head}{}\r\n", "X: y\r\n".repeat(1000));
    assert!(say(&daemon, many.as_bytes()).starts_with("HTTP/1.1 4"));
    assert!(say(&daemon, &[0xff; 100]).starts_with("HTTP/1.1 4"));
    assert_eq!(daemon.pid("steady"), pid);
}

#[test]
fn clients_that_wait_make_room() {
    let daemon = Daemon::new(STEADY);
    daemon.running(1);
    // More than are served at once; each has begun a request and goes no further.
    let slow: Vec<UnixStream> = (0..400)
        .map(|n| {
            let mut stream = UnixStream::connect(daemon.path("s.sock")).unwrap();
            let part = [
                "POST /RP",
                "POST /RPC2 HTTP/1.1\r\nContent-Length: 100\r\n\r\n<me",
            ][n % 2];
            stream.write_all(part.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert!(daemon.ctl("status steady").0.contains("RUNNING"));
    assert!(
        daemon
            .log()
            .contains("clients: the oldest that wait make room")
    );
    let mut first = &slow[0];
    assert!(
        !matches!(first.read(&mut [0; 1]), Ok(1..)),
        "the oldest was sent away"
    );
}

#[test]
fn logs_that_cannot_be_written() {
    let programs = "\
[program:full]
command=/bin/sh -c 'while :; do echo line; sleep 0.05; done'
startsecs=0
stdout_logfile=/dev/full
[program:nowhere]
command=/bin/sh -c 'while :; do echo line; sleep 0.05; done'
startsecs=0
stdout_logfile=/proc/no.log
";
    let daemon = Daemon::new(&format!("{STEADY}{programs}"));
    daemon.running(2);
    until(|| {
        daemon
            .log()
            .contains("cannot write /dev/full: No space left on device")
    });
    // As with supervisor 4.3.0 a program whose log cannot be opened is not started.
    let why = "unknown error making dispatchers for 'nowhere': ENOENT";
    assert!(daemon.log().contains(&format!("spawnerr: {why}")));
    assert!(daemon.ctl("status nowhere").0.contains(why));
    let told = daemon.log().matches("cannot write").count();
    assert_eq!(told, 1, "it is told once: {}", daemon.log());
    daemon.running(2);
}

#[test]
fn a_full_disk_and_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let programs = "\
[program:writer]
command=/bin/sh -c 'head -c 500000 /dev/zero; while ! test -e %(here)s/go; do sleep 0.05; done; echo after; exec sleep 1000'
startsecs=0
stdout_logfile=%(here)s/disk/w.log
";
    std::fs::write(
        dir.path().join("s.conf"),
        format!("{HEAD}{STEADY}{programs}"),
    )
    .unwrap();
    let script =
        "mount -t tmpfs -o size=128k tmpfs \"$1/disk\" && exec \"$0\" supervisord -c \"$1/s.conf\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    let tried = command.args(["mount -t tmpfs tmpfs \"$0\""]).arg(&disk);
    if !tried.output().is_ok_and(|o| o.status.success()) {
        println!("skipped: no disk of its own to fill (unshare and mount are not allowed)");
        return;
    }
    let child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_gxdeploy"))
        .arg(dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon::of(dir, child);
    daemon.running(2);
    until(|| daemon.log().contains("w.log: No space left on device"));
    assert_eq!(daemon.ctl("clear writer").0, "writer: cleared\n");
    std::fs::write(daemon.path("go"), "").unwrap();
    until(|| daemon.log().contains("bytes were lost"));
    assert_eq!(daemon.ctl("tail writer").0, "after\n\n");
    let log = daemon.log();
    let line = log.lines().find(|l| l.contains("bytes were lost")).unwrap();
    let lost = line
        .split("again, ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let lost: usize = lost.parse().unwrap();
    assert!((500_000 - 128 * 1024..500_000).contains(&lost), "{line}");
    daemon.running(2);
}

#[test]
fn programs_that_do_not_end_and_that_slip_away() {
    let programs = "\
[program:deaf]
command=/bin/sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'
startsecs=0
stopwaitsecs=1
[program:slips]
command=/bin/sh -c 'setsid sh -c \"echo \\$\\$ > %(here)s/far; echo still here; exec sleep 1000\" & exit 0'
startsecs=0
autorestart=false
stdout_logfile=%(here)s/slips.log
";
    let daemon = Daemon::new(&format!("{STEADY}{programs}"));
    daemon.running(2);
    until(|| daemon.ctl("status slips").0.contains("EXITED"));
    let pid = daemon.pid("steady");
    assert_eq!(daemon.ctl("stop deaf").0, "deaf: stopped\n");
    assert!(
        daemon.log().contains("killing 'deaf' ("),
        "{}",
        daemon.log()
    );
    until(|| std::fs::read_to_string(daemon.path("far")).is_ok_and(|t| t.ends_with('\n')));
    until(|| std::fs::read_to_string(daemon.path("slips.log")).is_ok_and(|t| t == "still here\n"));
    assert_eq!(daemon.pid("steady"), pid);
    let far = std::fs::read_to_string(daemon.path("far")).unwrap();
    let far = far.trim().to_owned();
    assert!(Path::new("/proc").join(&far).exists());
    assert!(Command::new("kill").arg(&far).status().unwrap().success());
}

#[test]
fn no_descriptor_left() {
    let dir = tempfile::tempdir().unwrap();
    let head = HEAD.replace("nodaemon=true", "nodaemon=true\nminfds=64");
    let many = "\
[program:many]
command=/bin/sleep 1000
process_name=many%(process_num)02d
numprocs=40
startsecs=0
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE
";
    std::fs::write(dir.path().join("s.conf"), format!("{head}{many}")).unwrap();
    let child = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 64; exec \"$0\" supervisord -c \"$1/s.conf\"",
        ])
        .arg(env!("CARGO_BIN_EXE_gxdeploy"))
        .arg(dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon::of(dir, child);
    let counts = || {
        let status = daemon.ctl("status").0;
        let count = |state: &str| status.matches(state).count();
        (count(" RUNNING "), count(" FATAL "))
    };
    until(|| counts().0 + counts().1 == 40);
    let (running, fatal) = counts();
    assert!(running > 5 && fatal > 5, "{running} {fatal}");
    let log = daemon.log();
    assert!(
        log.contains("spawnerr: too many open files to spawn 'many"),
        "{log}"
    );
    // Where a descriptor has come free, what was refused starts.
    let status = daemon.ctl("status").0;
    let name = |state: &str| {
        let line = status.lines().find(|l| l.contains(state)).unwrap();
        line.split(' ').next().unwrap().to_owned()
    };
    let (up, down) = (name(" RUNNING "), name(" FATAL "));
    assert!(daemon.ctl(&format!("stop {up}")).0.ends_with("stopped\n"));
    assert!(
        daemon
            .ctl(&format!("start {down}"))
            .0
            .ends_with("started\n")
    );
    assert_eq!(counts().0, running);
}

#[test]
fn a_memory_limit_holds_or_its_lack_is_told() {
    let programs = "\
[program:eats]
command=/usr/bin/tail /dev/zero
startsecs=0
startretries=0
autorestart=false
limit_memory=20MB
limit_as=500MB
";
    let daemon = Daemon::new(&format!("{STEADY}{programs}"));
    until(|| daemon.ctl("status eats").0.contains("EXITED") || daemon.log().contains("no effect"));
    if daemon
        .log()
        .contains("limit_memory of eats has no effect: ")
    {
        println!("skipped: the daemon has no control group of its own here");
        daemon.ctl("stop eats");
        return;
    }
    let why = daemon.ctl("why eats").0;
    assert!(why.contains("out of memory"), "{why}");
    daemon.running(1);
}
