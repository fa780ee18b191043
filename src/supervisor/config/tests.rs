//! Configurations, good and bad; the texts were observed with supervisor 4.3.0.

use super::*;

fn load_text(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.conf");
    std::fs::write(&file, text).unwrap();
    load(&file).map_err(|e| e.replace(&file.display().to_string(), "FILE"))
}

fn refused(section: &str) -> String {
    load_text(&format!("[supervisord]\n{section}\n")).unwrap_err()
}

#[test]
fn errors_as_supervisord_words_them() {
    let table = [
        (
            "[program:a]",
            "program section program:a does not specify a command in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nnumprocs=2",
            "%(process_num) must be present within process_name when numprocs > 1 in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nnumprocs=x",
            "invalid literal for int() with base 10: 'x' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nautostart=x",
            "not a valid boolean value: 'x' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nautorestart=x",
            "invalid 'autorestart' value 'x' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nexitcodes=x",
            "not a valid list of exit codes: 'x' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nstopsignal=x",
            "value 'x' is not a valid signal name in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nuser=nobody-here",
            "Invalid user name nobody-here in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nenvironment=x",
            "Unexpected end of key/value pairs in value 'x' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nstdout_logfile=/nonexist/x",
            "The directory named as part of the path /nonexist/x does not exist in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nstdout_logfile_maxbytes=1x",
            "invalid literal for int() with base 10: '1x' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nstopasgroup=true\nkillasgroup=false",
            "Cannot set stopasgroup=true and killasgroup=false in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\numask=9",
            "9 can not be converted to an octal type in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nprocess_name=a b",
            "Invalid name: 'a b' because of character: ' ' in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\nprocess_name=%(foo",
            "Format string '%(foo' for 'process_name' is badly formatted: incomplete format key in section 'program:a' (file: 'FILE')",
        ),
        (
            "[program:a]\ncommand=x\npriority=x",
            "invalid literal for int() with base 10: 'x'",
        ),
        (
            "[program:a b]\ncommand=x",
            "Invalid name: 'a b' because of character: ' '",
        ),
        (
            "[group:g]\nprograms=x",
            "[group:g] names unknown program or fcgi-program x",
        ),
        (
            "[eventlistener:g]\ncommand=x",
            "[eventlistener:g] section requires an \"events\" line",
        ),
        (
            "[eventlistener:g]\ncommand=x\nevents=FOO",
            "Unknown event type FOO in [eventlistener:g] events",
        ),
        (
            "[eventlistener:g]\ncommand=x\nevents=EVENT\nbuffer_size=0",
            "[eventlistener:g] section sets invalid buffer_size (0)",
        ),
        (
            "[eventlistener:g]\ncommand=x\nevents=EVENT\nresult_handler=foo",
            "foo cannot be resolved within [eventlistener:g]",
        ),
        (
            "[fcgi-program:g]\ncommand=x",
            "[fcgi-program:g] section requires a \"socket\" line",
        ),
        (
            "[fcgi-program:g]\ncommand=x\nsocket=foo",
            "('Bad socket format %s', 'foo') in [fcgi-program:g] socket",
        ),
        (
            "[fcgi-program:g]\ncommand=x\nsocket=unix://a",
            "('Unix socket path %s is not an absolute path', 'a') in [fcgi-program:g] socket",
        ),
        (
            "[unix_http_server]",
            "section [unix_http_server] has no file value",
        ),
        (
            "[unix_http_server]\nfile=/tmp/q\nchmod=9",
            "Invalid chmod value 9",
        ),
        (
            "[unix_http_server]\nfile=/tmp/q\nchown=nobody-here",
            "Invalid sockchown value nobody-here",
        ),
        (
            "[inet_http_server]",
            "section [inet_http_server] has no port value",
        ),
        (
            "[inet_http_server]\nport=x",
            "not a valid port number: 'x' ",
        ),
        (
            "[rpcinterface:x]",
            "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory",
        ),
        (
            "[include]",
            ".ini file has [include] section, but no files setting",
        ),
        ("loglevel=x", "bad logging level name 'x'"),
        (
            "childlogdir=/nonexist",
            "/nonexist is not an existing directory",
        ),
    ];
    for (section, expected) in table {
        assert_eq!(refused(section), expected, "{section}");
    }
    let none = load_text("[foo]\nx=1\n").unwrap_err();
    assert_eq!(none, ".ini file does not include supervisord section");
}

const EXERCISE: &str = "[supervisord]\n[program:galaxy]\ncommand=/bin/cat\n[program:handler]\ncommand=/bin/cat %(process_num)s\nprocess_name = handler%(process_num)s\nnumprocs = 2\n";

#[test]
fn the_exercise_and_what_an_edit_changes() {
    let old = load_text(EXERCISE).unwrap().groups;
    let names = |groups: &[Group]| -> Vec<String> {
        let of = |g: &Group| {
            g.programs
                .iter()
                .map(|p| format!("{}:{}", g.name, p.name))
                .collect::<Vec<_>>()
        };
        groups.iter().flat_map(of).collect()
    };
    assert_eq!(
        names(&old),
        ["galaxy:galaxy", "handler:handler0", "handler:handler1"]
    );
    let grouped = format!("{EXERCISE}[group:gx]\nprograms=galaxy,handler\n");
    let new = load_text(&grouped).unwrap().groups;
    assert_eq!(names(&new), ["gx:galaxy", "gx:handler0", "gx:handler1"]);
    let changes = diff(&old, &new);
    assert_eq!(changes.added, ["gx"]);
    assert_eq!(changes.removed, ["galaxy", "handler"]);
    let more = load_text(&EXERCISE.replace("= 2", "= 3")).unwrap().groups;
    assert_eq!(diff(&old, &more).changed, ["handler"]);
    assert_eq!(diff(&old, &old), Changes::default());
}

#[test]
fn included_files_override_and_know_their_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("conf.d")).unwrap();
    let main = dir.path().join("s.conf");
    std::fs::write(
        &main,
        "[supervisord]\n[include]\nfiles = conf.d/*.conf none/*\n[program:a]\ncommand=x\n",
    )
    .unwrap();
    std::fs::write(
        dir.path().join("conf.d/a.conf"),
        "[program:a]\ncommand=%(here)s/y\n",
    )
    .unwrap();
    let config = load(&main).unwrap();
    let command = &config.groups[0].programs[0].command;
    assert_eq!(*command, format!("{}/conf.d/y", dir.path().display()));
    assert_eq!(config.notes.len(), 2);
}

#[test]
fn the_old_spelling_of_syslog_is_told_for_each_process() {
    let text = "[supervisord]\n[program:a]\ncommand=x\nprocess_name=%(process_num)d\nnumprocs=2\nstdout_logfile=SYSLOG\n\
        [eventlistener:l]\ncommand=x\nevents=TICK_5\nstderr_logfile=syslog\n[program:b]\ncommand=x\nstdout_syslog=true\n";
    let notes = load_text(text).unwrap().notes;
    let begins = |note: &String| note.split(" but").next().unwrap().to_owned();
    let begins: Vec<String> = notes.iter().map(begins).collect();
    let a = "For [program:a], stdout_logfile=syslog";
    let l = "For [eventlistener:l], stderr_logfile=syslog";
    assert_eq!(begins, [a, a, l]);
}
