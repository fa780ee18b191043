//! supervisord: command line, sockets, signals, the loop.

use super::config::{self, Config, Server};
use super::flags::Flags;
use super::group::{Mood, Shared, Supervisor};
use super::keep;
use super::listen::{Listener, bind, listen};
use super::logs::LogFile;
use super::mainlog::{Level, MainLog};
use super::memory;
use super::orphans;
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The version whose surface this is.
pub const VERSION: &str = "4.3.0";

/// Runs supervisord with its arguments, its name first, and returns its exit code.
pub fn supervisord_main(args: &[OsString]) -> u8 {
    let prog = args
        .first()
        .map_or("supervisord".into(), |a| a.to_string_lossy().into_owned());
    match run(&prog, args.get(1..).unwrap_or_default()) {
        Ok(code) => code,
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "Error: {text}\nFor help, use {prog} -h");
            2
        }
    }
}

fn run(prog: &str, args: &[OsString]) -> Result<u8, String> {
    let flags = Flags::parse(args)?;
    if flags.help {
        let _ = std::io::stdout().write_all(super::flags::daemon_help(prog).as_bytes());
        return Ok(0);
    }
    if flags.version {
        let _ = writeln!(std::io::stdout(), "{VERSION}");
        return Ok(0);
    }
    let file = match &flags.configuration {
        Some(file) => PathBuf::from(file),
        None => super::flags::search(prog)?,
    };
    if flags.check {
        return Ok(check(&std::path::absolute(&file).unwrap_or(file)));
    }
    let mut file = file;
    let origin = (
        std::env::current_exe().unwrap_or_default(),
        std::env::args_os().collect(),
        std::env::current_dir().unwrap_or_default(),
    );
    memory::begin();
    let mut first = true;
    loop {
        // Errors name the file as the user did.
        let mut config = config::load(&file)?;
        flags.apply(&mut config.daemon)?;
        raise_limits(&config)?;
        become_user(&config)?;
        let log = open_log(&config)?;
        tell_of_configuration(&log, &config);
        let listeners: Vec<(Listener, Server)> = config
            .servers
            .iter()
            .map(|server| Ok((bind(server)?, server.clone())))
            .collect::<Result<_, String>>()?;
        let mut left = keep::left(&children_file(&config));
        // The first process of a container ends it when it goes into the background.
        let alone = std::process::id() == 1;
        let mut daemonized = false;
        if first && !config.daemon.nodaemon {
            // The working directory may be another from here on.
            file = std::path::absolute(&file).unwrap_or(file);
            if !left.resumed && !alone {
                daemonize(&config)?;
                daemonized = true;
            }
        }
        if !first {
            left = keep::Left::default();
        }
        first = false;
        let inherited = Inherited {
            left,
            origin: origin.clone(),
            daemonized,
        };
        let (mood, code) = live(&file, config, log, listeners, inherited)?;
        if mood != Mood::Restarting {
            return Ok(code);
        }
    }
}

/// Says what is wrong with a configuration; 2 where it does not load.
fn check(file: &Path) -> u8 {
    let report = config::check::check(file);
    let mut err = std::io::stderr();
    let colour = std::io::IsTerminal::is_terminal(&err);
    for diag in &report.diags {
        let text = crate::diag::render(diag, &report.sources, colour);
        let _ = writeln!(err, "{}", text.trim_end());
    }
    match report.loaded {
        Some((groups, processes)) => {
            let shown = file.display();
            let line = format!("{shown}: {groups} groups, {processes} processes");
            let _ = writeln!(std::io::stdout(), "{line}");
            0
        }
        None => 2,
    }
}

/// Raises the soft limits to what the configuration asks for.
fn raise_limits(config: &Config) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = [
        (
            Resource::RLIMIT_NOFILE,
            config.daemon.minfds,
            "minfds",
            "RLIMIT_NOFILE",
        ),
        (
            Resource::RLIMIT_NPROC,
            config.daemon.minprocs,
            "minprocs",
            "RLIMIT_NPROC",
        ),
    ];
    for (resource, least, option, name) in wanted {
        let (soft, hard) = getrlimit(resource).map_err(|e| e.to_string())?;
        if soft < least && setrlimit(resource, least, hard.max(least)).is_err() {
            return Err(format!(
                "The {option} setting asks for a limit of {least} ({name}) but only {hard} are allowed"
            ));
        }
    }
    Ok(())
}

/// Sets the daemon's own user.
fn become_user(config: &Config) -> Result<(), String> {
    use nix::unistd::{Uid, User, getuid, setgid, setgroups, setuid};
    let Some(uid) = config.daemon.user.map(Uid::from_raw) else {
        return Ok(());
    };
    if uid == getuid() {
        return Ok(());
    }
    if !getuid().is_root() {
        return Err("Can't drop privilege as nonroot user".into());
    }
    let user = User::from_uid(uid).ok().flatten();
    let user = user.ok_or(format!("Invalid user id {uid}"))?;
    let name = std::ffi::CString::new(user.name).map_err(|e| e.to_string())?;
    nix::unistd::getgrouplist(&name, user.gid)
        .and_then(|groups| setgroups(&groups))
        .and_then(|()| setgid(user.gid))
        .and_then(|()| setuid(uid))
        .map_err(|e| format!("Can't drop privilege: {e}"))
}

/// Goes into the background; the parent ends with code 0. No thread runs yet.
fn daemonize(config: &Config) -> Result<(), String> {
    use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
    let text = |e: nix::errno::Errno| format!("cannot daemonize: {e}");
    // SAFETY: the process has one thread, and the parent only ends.
    if let ForkResult::Parent { .. } = unsafe { fork() }.map_err(text)? {
        // SAFETY: ends the parent without running what the child will run.
        unsafe { nix::libc::_exit(0) }
    }
    setsid().map_err(text)?;
    if let Some(dir) = &config.daemon.directory {
        nix::unistd::chdir(dir.as_str()).map_err(text)?;
    }
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(|e| e.to_string())?;
    dup2_stdin(&null).map_err(text)?;
    dup2_stdout(&null).map_err(text)?;
    dup2_stderr(&null).map_err(text)?;
    let mask = nix::sys::stat::Mode::from_bits_truncate(config.daemon.umask);
    nix::sys::stat::umask(mask);
    Ok(())
}

/// Where the daemon notes its children.
fn children_file(config: &Config) -> PathBuf {
    PathBuf::from(format!("{}.children", config.daemon.pidfile))
}

/// What a life begins with.
struct Inherited {
    /// What an earlier daemon left.
    left: keep::Left,
    /// What an upgrade runs: program, arguments, directory.
    origin: (PathBuf, Vec<OsString>, PathBuf),
    /// Whether the process went into the background just now.
    daemonized: bool,
}

/// One life: from reading the configuration to the last process's end.
fn live(
    file: &Path,
    config: Config,
    log: MainLog,
    listeners: Vec<(Listener, Server)>,
    inherited: Inherited,
) -> Result<(Mood, u8), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let pidfile = PathBuf::from(&config.daemon.pidfile);
    let sockets: Vec<PathBuf> = listeners
        .iter()
        .filter_map(|(l, _)| match l {
            Listener::Unix(_, path) => Some(path.clone()),
            Listener::Inet(_) => None,
        })
        .collect();
    let local = tokio::task::LocalSet::new();
    let ended = local.block_on(&runtime, main_loop(file, config, log, listeners, inherited))?;
    for path in sockets.iter().chain([&pidfile]) {
        let _ = std::fs::remove_file(path);
    }
    if std::process::id() == 1 && ended.0 == Mood::Shutdown {
        orphans::end();
    }
    Ok(ended)
}

fn open_log(config: &Config) -> Result<MainLog, String> {
    let daemon = &config.daemon;
    let copy = daemon.nodaemon && !daemon.silent;
    let level = Level::named(&daemon.loglevel);
    if daemon.logfile == "syslog" {
        return Ok(MainLog::new(None, level, copy).to_syslog());
    }
    let file = LogFile::open(
        Path::new(&daemon.logfile),
        daemon.logfile_maxbytes,
        daemon.logfile_backups,
    )
    .map_err(|e| format!("cannot open logfile {}: {e}", daemon.logfile))?;
    Ok(MainLog::new(Some(file), level, copy))
}

/// Removes AUTO logs that an earlier life of the same identifier left.
fn clean_up(config: &Config, keep: &keep::Left) {
    let daemon = &config.daemon;
    let marks = ["stdout", "stderr"].map(|c| format!("-{c}---{}-", daemon.identifier));
    let Ok(entries) = std::fs::read_dir(&daemon.childlogdir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = Some(entry.path());
        if keep.processes.iter().any(|k| k.logs.contains(&path)) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let unique = marks.iter().find_map(|mark| Some(name.split_once(mark)?.1));
        let ours = unique.and_then(|rest| rest.split_once(".log"));
        if ours.is_some_and(|(unique, _)| unique.len() == 8) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

async fn main_loop(
    file: &Path,
    config: Config,
    log: MainLog,
    listeners: Vec<(Listener, Server)>,
    inherited: Inherited,
) -> Result<(Mood, u8), String> {
    let io = |e: std::io::Error| e.to_string();
    let mut child = signal(SignalKind::child()).map_err(io)?;
    let mut term = signal(SignalKind::terminate()).map_err(io)?;
    let mut int = signal(SignalKind::interrupt()).map_err(io)?;
    let mut quit = signal(SignalKind::quit()).map_err(io)?;
    let mut hup = signal(SignalKind::hangup()).map_err(io)?;
    let mut usr2 = signal(SignalKind::user_defined2()).map_err(io)?;
    if !config.daemon.nocleanup {
        clean_up(&config, &inherited.left);
    }
    let (reports, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let sup = Supervisor::new(file.to_path_buf(), config, log, reports).map_err(io)?;
    tokio::task::spawn_local(sup.streams.clone().run());
    let shared: Shared = Rc::new(RefCell::new(sup));
    let daemonized = inherited.daemonized;
    inherit(&mut shared.borrow_mut(), inherited);
    begin(&shared, listeners, daemonized)?;
    shared.borrow_mut().dismiss_left();
    let mut changes = shared.borrow().changes.subscribe();
    let notes = shared.borrow().notes.clone();
    let mut report = None;
    let mut moving = true;
    loop {
        let (deadline, now, mood) = {
            let mut sup = shared.borrow_mut();
            sup.take_notes();
            sup.reap();
            sup.tick();
            sup.clock_events();
            sup.start_waiting();
            let kept = sup.groups.iter().map(|g| g.procs.len()).sum();
            if sup.keeper.is_full(kept) {
                sup.keep_all();
            }
            if sup.upgrade_at.is_some_and(|at| at <= sup.now()) {
                sup.upgrade_at = None;
                let why = sup.exec_again();
                sup.log
                    .write(Level::Error, &format!("upgrade failed: {why}"));
            }
            if sup.mood != Mood::Running && sup.wind_down() {
                sup.keeper.end();
                return Ok((sup.mood, sup.exit_code));
            }
            if std::mem::replace(&mut moving, sup.moves()) && !moving {
                sup.settle();
            }
            if sup.settle_at.is_some_and(|at| at <= sup.now()) {
                sup.settle_at = None;
                memory::give_back();
            }
            let deadlines = [sup.deadline(), sup.upgrade_at, sup.settle_at];
            let deadline = deadlines.into_iter().flatten().min();
            (deadline, sup.now(), sup.mood)
        };
        if mood != Mood::Running && report.is_none_or(|at| at <= now) {
            let left = shared.borrow().unstopped().join(", ");
            let line = format!("waiting for {left} to die");
            shared.borrow().log.write(Level::Info, &line);
            report = Some(now + 3000);
        }
        changes.mark_unchanged();
        let due = [deadline, report].into_iter().flatten().min();
        let wait = due.map(|at| Duration::from_millis((at - now).max(0).unsigned_abs()));
        let timer = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What a child that ended wrote last is read before its end is told.
            _ = child.recv() => {}
            () = notes.wake.notified() => {}
            _ = term.recv() => shut_down(&shared, "SIGTERM"),
            _ = int.recv() => shut_down(&shared, "SIGINT"),
            _ = quit.recv() => shut_down(&shared, "SIGQUIT"),
            _ = hup.recv() => restart(&shared),
            _ = usr2.recv() => {
                let line = "received SIGUSR2 indicating log reopen request";
                shared.borrow().log.write(Level::Info, line);
                shared.borrow_mut().reopen_logs();
            }
            _ = changes.changed() => {}
            Some(report) = seen.recv() => shared.borrow_mut().report(report),
            () = timer => {}
        }
    }
}

/// Takes up what an earlier daemon left.
fn inherit(sup: &mut Supervisor, Inherited { left, origin, .. }: Inherited) {
    sup.keeper = keep::Keeper::begin(&children_file(&sup.config), left.upgrades);
    let running: Vec<_> = left
        .processes
        .iter()
        .filter(|k| k.pid.is_some())
        .cloned()
        .collect();
    let written = sup.keeper.rewrite(&running, false);
    sup.tell_kept(written);
    if left.resumed {
        let line = format!("upgraded, {} processes are kept", running.len());
        sup.log.write(Level::Info, &line);
    } else if !running.is_empty() {
        let line = format!("an earlier daemon left {} processes", running.len());
        sup.log.write(Level::Warn, &line);
    }
    sup.left = left.processes.into_iter().map(|k| (k.full(), k)).collect();
    sup.left_stopping = left.stopping;
    sup.origin = origin;
}

fn shut_down(shared: &Shared, name: &str) {
    let mut sup = shared.borrow_mut();
    let line = format!("received {name} indicating exit request");
    sup.log.write(Level::Warn, &line);
    sup.mood = Mood::Shutdown;
}

fn restart(shared: &Shared) {
    let mut sup = shared.borrow_mut();
    if sup.mood == Mood::Shutdown {
        let line = "ignored SIGHUP indicating restart request (shutdown in progress)";
        sup.log.write(Level::Warn, line);
        return;
    }
    let line = "received SIGHUP indicating restart request";
    sup.log.write(Level::Warn, line);
    sup.mood = Mood::Restarting;
}

/// Log lines, pid file, servers, groups.
fn begin(
    shared: &Shared,
    listeners: Vec<(Listener, Server)>,
    daemonized: bool,
) -> Result<(), String> {
    let mut sup = shared.borrow_mut();
    for (listener, server) in listeners {
        let section = server.section.clone();
        let open = server.login.is_none();
        listen(listener, server, shared, &mut sup)?;
        if open {
            let line =
                format!("Server '{section}' running without any HTTP authentication checking");
            sup.log.write(Level::Critical, &line);
        }
    }
    if daemonized {
        let line = "daemonizing the supervisord process";
        sup.log.write(Level::Info, line);
    }
    let pid = std::process::id();
    let pidfile = sup.config.daemon.pidfile.clone();
    if let Err(e) = std::fs::write(&pidfile, format!("{pid}\n")) {
        let line = format!("could not write pidfile {pidfile}: {e}");
        sup.log.write(Level::Critical, &line);
    }
    sup.log
        .write(Level::Info, &format!("supervisord started with pid {pid}"));
    for group in sup.config.groups.clone() {
        sup.insert_group(&group);
    }
    sup.notify("SUPERVISOR_STATE_CHANGE_RUNNING", b"");
    for at in 0..sup.groups.len() {
        sup.start_group(at);
    }
    Ok(())
}

/// What the log says before the servers are opened: the user, the files included.
fn tell_of_configuration(log: &MainLog, config: &Config) {
    if nix::unistd::getuid().is_root() && config.daemon.user.is_none() {
        log.write(Level::Critical, "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  If you intend to run as root, you can set user=root in the config file to avoid this message.");
    }
    let (included, warnings): (Vec<&String>, Vec<&String>) =
        (config.notes.iter()).partition(|note| note.starts_with("Included"));
    warnings
        .iter()
        .for_each(|note| log.write(Level::Warn, note));
    included
        .iter()
        .for_each(|note| log.write(Level::Info, note));
}
