//! The exercise's session, daemon and ctl as the user runs them. The lines and exit codes were
//! recorded with supervisor 4.3.0.

use crate::supervisor_daemon::Daemon;

const PROGRAMS: &str = "\
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

#[test]
fn the_session_of_the_exercise() {
    let mut daemon = Daemon::new(PROGRAMS);
    daemon.running(3);
    for (line, text, code) in SESSION {
        assert_eq!(daemon.ctl(line), (text.into(), code), "{line}");
    }
    daemon.configure(&format!("{PROGRAMS}[group:gx]\nprograms=galaxy,handler\n"));
    daemon.says(
        "update",
        "galaxy: stopped\ngalaxy: removed process group\nhandler: stopped\nhandler: removed process group\ngx: added process group\n",
    );
    daemon.says("shutdown", "Shut down\n");
    assert!(daemon.child.wait().unwrap().success());
    let left = |name: &str| daemon.path(name).exists();
    assert!(left("s.log") && !left("s.pid") && !left("s.sock"));
}

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

#[test]
fn galaxy_conf_grows_as_in_the_exercise() {
    let mut daemon = Daemon::new("[include]\nfiles=%(here)s/conf.d/*.conf\n");
    std::fs::create_dir(daemon.path("conf.d")).unwrap();
    let file = daemon.path("conf.d/galaxy.conf");
    let write = |parts: &[&str]| std::fs::write(&file, parts.concat()).unwrap();
    daemon.says("status", "");

    write(&[GALAXY]);
    daemon.says("update", "galaxy: added process group\n");
    daemon.says("update", "");
    daemon.running(1);
    write(&[GALAXY, HANDLER]);
    daemon.says("update", "handler: added process group\n");
    daemon.running(3);
    write(&[GALAXY, HANDLER, GROUP]);
    daemon.says(
        "update",
        "galaxy: stopped\ngalaxy: removed process group\nhandler: stopped\n\
         handler: removed process group\ngx: added process group\n",
    );
    daemon.running(3);
    let status = daemon.ctl("status").0;
    let names: Vec<_> = status
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert_eq!(names, ["gx:galaxy", "gx:handler0", "gx:handler1"]);

    let pid = daemon.pid("gx:galaxy");
    daemon.says("signal HUP gx:galaxy", "gx:galaxy: signalled\n");
    daemon.says(
        "restart gx:handler0 gx:handler1",
        "gx:handler0: stopped\ngx:handler1: stopped\n\
         gx:handler0: started\ngx:handler1: started\n",
    );
    daemon.running(3);
    assert_eq!(daemon.pid("gx:galaxy"), pid);
    daemon.says("shutdown", "Shut down\n");
    assert!(daemon.child.wait().unwrap().success());
}
