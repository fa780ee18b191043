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
use super::proc::Millis;
use super::setup;
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The version whose surface this is.
pub const VERSION: &str = "4.3.0";
/// While it ends, the daemon says so often what it waits for, in milliseconds.
const REPORT_EVERY: Millis = 3000;

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
        setup::raise_limits(&config)?;
        let user = setup::become_user(&config)?;
        let log = open_log(&config)?;
        tell_of_configuration(&log, &config);
        if let Some(line) = user {
            log.write(Level::Info, &line);
        }
        let listeners: Vec<(Listener, Server)> = config
            .servers
            .iter()
            .map(|server| Ok((bind(server)?, server.clone())))
            .collect::<Result<_, String>>()?;
        if let (Some(option), false) = (config.rpc_unknown.first(), listeners.is_empty()) {
            let line = format!("[rpcinterface:supervisor] does not take the option {option}");
            log.write(Level::Warn, &line);
            return Err("Could not make supervisor rpc interface".into());
        }
        let mut left = keep::left(&children_file(&config));
        // The first process of a container ends it when it goes into the background.
        let alone = std::process::id() == 1;
        let mut daemonized = false;
        if first && !config.daemon.nodaemon {
            // The working directory may be another from here on.
            file = std::path::absolute(&file).unwrap_or(file);
            if !left.resumed && !alone {
                setup::daemonize(&config)?;
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
    let mut signals = Signals::new().map_err(io)?;
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
    let mut turns = Turns::default();
    loop {
        let wait = match turns.turn(&mut shared.borrow_mut()) {
            ControlFlow::Break(end) => return Ok(end),
            ControlFlow::Continue(wait) => wait,
        };
        changes.mark_unchanged();
        let timer = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = signals.next(&shared) => {}
            () = notes.wake.notified() => {}
            _ = changes.changed() => {}
            Some(report) = seen.recv() => shared.borrow_mut().report(report),
            () = timer => {}
        }
    }
}

/// The signals that a daemon goes by.
struct Signals {
    child: Signal,
    term: Signal,
    int: Signal,
    quit: Signal,
    hup: Signal,
    usr2: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            child: signal(SignalKind::child())?,
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hup: signal(SignalKind::hangup())?,
            usr2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one and does what it asks for; children are looked after at the next turn.
    async fn next(&mut self, shared: &Shared) {
        tokio::select! {
            _ = self.child.recv() => {}
            _ = self.term.recv() => shut_down(shared, "SIGTERM"),
            _ = self.int.recv() => shut_down(shared, "SIGINT"),
            _ = self.quit.recv() => shut_down(shared, "SIGQUIT"),
            _ = self.hup.recv() => restart(shared),
            _ = self.usr2.recv() => {
                let line = "received SIGUSR2 indicating log reopen request";
                shared.borrow().log.write(Level::Info, line);
                shared.borrow_mut().reopen_logs();
            }
        }
    }
}

/// What the loop remembers from turn to turn.
#[derive(Default)]
struct Turns {
    /// Whether nothing had to be done at the last turn.
    rests: bool,
    /// When it is told next what still has to end.
    report: Option<Millis>,
}

impl Turns {
    /// Takes up all that happened: how the life ended, or how long nothing has to be done.
    fn turn(&mut self, sup: &mut Supervisor) -> ControlFlow<(Mood, u8), Option<Duration>> {
        // What a child that ended wrote last is read before its end is told.
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
            return ControlFlow::Break((sup.mood, sup.exit_code));
        }
        let rested = std::mem::replace(&mut self.rests, !sup.moves());
        if self.rests && !rested {
            sup.settle();
        }
        if sup.settle_at.is_some_and(|at| at <= sup.now()) {
            sup.settle_at = None;
            memory::give_back();
        }
        let deadlines = [sup.deadline(), sup.upgrade_at, sup.settle_at];
        let now = sup.now();
        if sup.mood != Mood::Running && self.report.is_none_or(|at| at <= now) {
            let left = sup.unstopped().join(", ");
            let line = format!("waiting for {left} to die");
            sup.log.write(Level::Info, &line);
            self.report = Some(now + REPORT_EVERY);
        }
        let due = deadlines.into_iter().chain([self.report]).flatten().min();
        let wait = due.map(|at| Duration::from_millis((at - now).max(0).unsigned_abs()));
        ControlFlow::Continue(wait)
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
    for group in sup.config.groups.clone() {
        sup.insert_group(&group);
    }
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
