//! supervisord's configuration: files to typed groups, and what changed between two readings.

pub mod check;
pub mod expand;
pub mod extra;
pub mod ini;
pub mod kinds;
mod program;
mod servers;

pub use extra::Extra;
pub use program::{Autorestart, Channel, LogFile, Program};
pub use servers::{Address, Server};

use crate::value::{order, quote_repr};
use expand::{Names, Word, expand};
use ini::Ini;
use program::Reader;
use std::path::Path;
use std::rc::Rc;

/// A group of processes that start, stop and are updated together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The name before the colon.
    pub name: String,
    /// Start ascending, stop descending.
    pub priority: i64,
    /// What is special about it.
    pub kind: GroupKind,
    /// Its processes, in order of priority and then as listed.
    pub programs: Vec<Rc<Program>>,
}

/// The kinds of groups.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupKind {
    /// Programs.
    Plain,
    /// A pool of event listeners.
    Listeners {
        /// Events kept while no listener is ready.
        buffer_size: usize,
        /// Names of event types.
        events: Vec<String>,
    },
    /// Programs that accept on a shared socket.
    Fcgi {
        /// The socket.
        socket: FcgiSocket,
    },
}

/// The socket of an `fcgi-program`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FcgiSocket {
    /// `unix:///path` or `tcp://host:port`.
    pub url: String,
    /// The mode of its file.
    pub mode: Option<u32>,
    /// User and group that own its file.
    pub owner: Option<(u32, Option<u32>)>,
    /// How many connections may wait.
    pub backlog: Option<i32>,
}

/// `[supervisord]`.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are supervisord's documented options"
)]
pub struct Daemon {
    pub logfile: String,
    pub logfile_maxbytes: u64,
    pub logfile_backups: u32,
    pub loglevel: String,
    pub pidfile: String,
    pub umask: u32,
    pub nodaemon: bool,
    pub silent: bool,
    pub minfds: u64,
    pub minprocs: u64,
    pub nocleanup: bool,
    pub childlogdir: String,
    pub user: Option<u32>,
    pub directory: Option<String>,
    pub strip_ansi: bool,
    pub environment: Vec<(String, String)>,
    pub identifier: String,
}

/// Everything the files say.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[supervisord]`.
    pub daemon: Daemon,
    /// `[unix_http_server]` and `[inet_http_server]`.
    pub servers: Vec<Server>,
    /// In order of priority and then name.
    pub groups: Vec<Group>,
    /// Whether `[rpcinterface:supervisor]` is there.
    pub rpc: bool,
    /// Options of that section which it does not take: the servers cannot be opened.
    pub rpc_unknown: Vec<String>,
    /// Lines for the log: files included, patterns without a match.
    pub notes: Vec<String>,
}

/// Names of groups that differ between two readings, each sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Only in the new one.
    pub added: Vec<String>,
    /// In both, but not equal.
    pub changed: Vec<String>,
    /// Only in the old one.
    pub removed: Vec<String>,
}

/// Compares the groups of two readings.
pub fn diff(old: &[Group], new: &[Group]) -> Changes {
    let find = |all: &[Group], name: &str| all.iter().find(|g| g.name == name).cloned();
    let mut changes = Changes::default();
    for group in new {
        match find(old, &group.name) {
            None => changes.added.push(group.name.clone()),
            Some(before) if before != *group => changes.changed.push(group.name.clone()),
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|g| find(new, &g.name).is_none());
    changes.removed = gone.map(|g| g.name.clone()).collect();
    changes.added.sort_unstable();
    changes.changed.sort_unstable();
    changes.removed.sort_unstable();
    changes
}

/// Reads a file and what it includes. The error is supervisord's text after `Error: `.
pub fn load(file: &Path) -> Result<Config, String> {
    load_into(file, &mut Ini::default())
}

/// Reads into `ini`, which then tells where an error is.
fn load_into(file: &Path, ini: &mut Ini) -> Result<Config, String> {
    let text = std::fs::read(file)
        .map_err(|_| format!("could not find config file {}", file.display()))?;
    ini.read(file, ini::utf8(&text)?)?;
    let mut names = base_names(file);
    let mut notes = include(ini, file, &names)?;
    if !ini.sections.contains_key("supervisord") {
        return Err(".ini file does not include supervisord section".into());
    }
    let daemon = daemon(ini, &names)?;
    for (key, value) in &daemon.environment {
        names.insert(format!("ENV_{key}"), Word::Text(value.clone()));
    }
    let mut plugins = Vec::new();
    let rpc = rpc_interfaces(ini, &mut plugins)?;
    let groups = groups(ini, &names)?;
    extra::check_dependencies(&groups)?;
    notes.extend(ini.warnings());
    notes.extend(plugins);
    let servers = servers::read(ini, &names)?;
    Ok(Config {
        daemon,
        servers,
        groups,
        rpc,
        rpc_unknown: rpc_unknown(ini),
        notes,
    })
}

/// The files that fit a pattern as Python's `glob` reads it, sorted: any number of stars is one,
/// and a bracket that is not closed is a bracket.
fn matching(pattern: &str) -> Vec<std::path::PathBuf> {
    let hidden = glob::MatchOptions {
        require_literal_leading_dot: true,
        require_literal_separator: true,
        ..Default::default()
    };
    let mut plain = pattern.to_owned();
    while plain.contains("**") {
        plain = plain.replace("**", "*");
    }
    let found = glob::glob_with(&plain, hidden)
        .or_else(|_| glob::glob_with(&plain.replace('[', "[[]"), hidden));
    let mut found: Vec<_> = found.into_iter().flatten().flatten().collect();
    found.sort_unstable();
    found
}

fn base_names(file: &Path) -> Names {
    let mut names = Names::new();
    for (name, value) in std::env::vars_os() {
        let value = Word::Text(value.to_string_lossy().into_owned());
        names.insert(format!("ENV_{}", name.to_string_lossy()), value);
    }
    names.insert("here".into(), Word::Text(ini::directory(file)));
    names
}

fn include(ini: &mut Ini, main: &Path, names: &Names) -> Result<Vec<String>, String> {
    if !ini.sections.contains_key("include") {
        return Ok(Vec::new());
    }
    // Only a file that includes others has it settled early (observed: 4.3.0).
    ini.settle_here(main);
    let Some(files) = ini.get("include", "files").map(|e| e.value.clone()) else {
        return Err(".ini file has [include] section, but no files setting".into());
    };
    let mut names = names.clone();
    names.insert("host_node_name".into(), Word::Text(program::host_name()));
    let files = expand(&files, &names, "include.files")?;
    let base = ini::directory(main);
    let mut notes = Vec::new();
    for pattern in files.split_whitespace() {
        let pattern = Path::new(&base).join(pattern).display().to_string();
        let found = matching(&pattern);
        if found.is_empty() {
            notes.push(format!("No file matches via include \"{pattern}\""));
        }
        for file in found {
            notes.push(format!(
                "Included extra file \"{}\" during parsing",
                file.display()
            ));
            // What cannot be read is passed over (observed: 4.3.0), a file not without a word.
            let bytes = match std::fs::read(&file) {
                Ok(bytes) => bytes,
                Err(_) if file.is_dir() => continue,
                Err(e) => {
                    let why = crate::diag::reason(&e);
                    notes.push(format!("cannot read {}: {why}", file.display()));
                    continue;
                }
            };
            ini.include(&file, ini::utf8(&bytes)?)?;
        }
    }
    Ok(notes)
}

fn daemon(ini: &Ini, names: &Names) -> Result<Daemon, String> {
    let mut reader = Reader {
        ini,
        section: "supervisord",
        names: names.clone(),
    };
    let cwd = std::env::current_dir().unwrap_or_default();
    let in_cwd = |name: &str| cwd.join(name).display().to_string();
    let temporary = std::env::temp_dir().display().to_string();
    let count = |text: &str| kinds::integer(text).map(|n| u64::try_from(n).unwrap_or(0));
    let text = |text: &str| Ok(text.to_owned());
    let logfile = |text: &str| match text.to_lowercase().as_str() {
        "syslog" => Ok("syslog".to_owned()),
        _ => kinds::file_in_directory(text),
    };
    let minfds = reader.get("minfds", 1024, count)?;
    let minprocs = reader.get("minprocs", 200, count)?;
    let directory = reader.maybe("directory", kinds::directory)?;
    let umask = reader.get("umask", 0o22, kinds::octal)?;
    let in_directory = kinds::file_in_directory;
    let mut daemon = Daemon {
        logfile: reader.get("logfile", in_cwd("supervisord.log"), logfile)?,
        logfile_maxbytes: reader.get("logfile_maxbytes", 50 << 20, kinds::bytes)?,
        logfile_backups: reader.get("logfile_backups", 10, count)? as u32,
        loglevel: reader.get("loglevel", "info".to_owned(), level)?,
        pidfile: reader.get("pidfile", in_cwd("supervisord.pid"), in_directory)?,
        identifier: reader.get("identifier", "supervisor".to_owned(), text)?,
        nodaemon: reader.get("nodaemon", false, kinds::boolean)?,
        silent: reader.get("silent", false, kinds::boolean)?,
        childlogdir: reader.get("childlogdir", temporary, kinds::directory)?,
        nocleanup: reader.get("nocleanup", false, kinds::boolean)?,
        strip_ansi: reader.get("strip_ansi", false, kinds::boolean)?,
        minfds,
        minprocs,
        directory,
        umask,
        environment: Vec::new(),
        user: None,
    };
    let host = Word::Text(program::host_name());
    reader.names.insert("host_node_name".into(), host);
    daemon.environment = reader.get("environment", Vec::new(), kinds::pairs)?;
    reader.names = names.clone();
    daemon.user = reader.maybe("user", kinds::user)?;
    Ok(daemon)
}

/// A name of a log level, in lower case.
pub fn level(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 7] = [
        "critical", "error", "warn", "info", "debug", "trace", "blather",
    ];
    let lower = text.to_lowercase();
    match lower.as_str() {
        "fatal" => Ok("critical".into()),
        "warning" => Ok("warn".into()),
        _ if LEVELS.contains(&lower.as_str()) => Ok(lower),
        _ => Err(format!("bad logging level name '{text}'")),
    }
}

fn rpc_interfaces(ini: &Ini, notes: &mut Vec<String>) -> Result<bool, String> {
    for name in ini
        .sections
        .keys()
        .filter(|n| n.starts_with("rpcinterface:"))
    {
        if ini.get(name, "supervisor.rpcinterface_factory").is_none() {
            return Err(format!(
                "section [{name}] does not specify a supervisor.rpcinterface_factory"
            ));
        }
        if name != "rpcinterface:supervisor" {
            notes.push(format!("[{name}] is Python code and is not loaded"));
        }
    }
    Ok(ini.sections.contains_key("rpcinterface:supervisor"))
}

/// What `[rpcinterface:supervisor]` says beside its factory, `[DEFAULT]` included.
fn rpc_unknown(ini: &Ini) -> Vec<String> {
    let names = ini.options("rpcinterface:supervisor");
    let unknown = names.filter(|name| *name != "supervisor.rpcinterface_factory");
    unknown.map(str::to_owned).collect()
}

/// `program: x ` -> `x` where the section is of that kind.
fn named<'a>(section: &'a str, kind: &str) -> Option<&'a str> {
    section.strip_prefix(kind)?.strip_prefix(':').map(str::trim)
}

fn groups(ini: &Ini, names: &Names) -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    let mut taken = Vec::new();
    for section in ini.sections.keys() {
        if let Some(name) = named(section, "group") {
            let mut group = Group {
                name: kinds::name(name)?,
                priority: priority(ini, section, names, 999)?,
                kind: GroupKind::Plain,
                programs: Vec::new(),
            };
            let members = ini.get(section, "programs").map(|e| e.value.clone());
            let members = expand(
                &members.unwrap_or_default(),
                names,
                &format!("{section}.programs"),
            )?;
            for member in kinds::list(&members) {
                let of = |kind: &str| {
                    let name = format!("{kind}:{member}");
                    ini.sections.get_key_value(&name).map(|(name, _)| name)
                };
                let found = match (of("program"), of("fcgi-program")) {
                    (Some(_), Some(_)) => {
                        return Err(format!(
                            "[{section}] name {member} is ambiguous (exists as program and fcgi-program)"
                        ));
                    }
                    (found, other) => found.or(other),
                };
                let Some(found) = found else {
                    return Err(format!(
                        "[{section}] names unknown program or fcgi-program {member}"
                    ));
                };
                taken.push(found.clone());
                group.programs.extend(members_of(ini, names, found, name)?);
            }
            groups.push(group);
        }
    }
    for kind in ["program", "eventlistener", "fcgi-program"] {
        let free = ini.sections.keys().filter(|s| !taken.contains(s));
        for (section, name) in free.filter_map(|s| Some((s, named(s, kind)?))) {
            // The names of listeners are looked at later.
            if kind != "eventlistener" {
                kinds::name(&section[kind.len() + 1..])?;
            }
            let default = if kind == "eventlistener" { -1 } else { 999 };
            let priority = priority(ini, section, names, default)?;
            let kind = match kind {
                "fcgi-program" => fcgi(ini, section, names)?,
                "eventlistener" => listeners(ini, section, names)?,
                _ => GroupKind::Plain,
            };
            groups.push(Group {
                priority,
                programs: members_of(ini, names, section, name)?,
                name: kinds::name(name)?,
                kind,
            });
        }
    }
    for group in &mut groups {
        // Of the same priority they stay as they are listed: 2 before 10.
        order::sort_by_key(&mut group.programs, |p| p.priority);
    }
    order::sort_by(&mut groups, |a, b| {
        (a.priority, &a.name).cmp(&(b.priority, &b.name))
    });
    Ok(groups)
}

fn members_of(
    ini: &Ini,
    names: &Names,
    section: &str,
    group: &str,
) -> Result<Vec<Rc<Program>>, String> {
    let mut reader = Reader {
        ini,
        section,
        names: names.clone(),
    };
    program::processes(&mut reader, group).map_err(|text| {
        let file = ini.sections.get(section).map(|s| s.file.as_path());
        let file = file.unwrap_or(Path::new("")).display();
        format!("{text} in section '{section}' (file: '{file}')")
    })
}

fn priority(ini: &Ini, section: &str, names: &Names, default: i64) -> Result<i64, String> {
    let names = names.clone();
    Reader {
        ini,
        section,
        names,
    }
    .get("priority", default, kinds::integer)
}

fn listeners(ini: &Ini, section: &str, names: &Names) -> Result<GroupKind, String> {
    let names = names.clone();
    let reader = Reader {
        ini,
        section,
        names,
    };
    let buffer = reader.get("buffer_size", 10, kinds::integer)?;
    if buffer < 1 {
        return Err(format!(
            "[{section}] section sets invalid buffer_size ({buffer})"
        ));
    }
    let handler = reader.text("result_handler")?;
    if let Some(handler) = handler.filter(|h| h != "supervisor.dispatchers:default_handler") {
        return Err(format!("{handler} cannot be resolved within [{section}]"));
    }
    let Some(events) = reader.text("events")?.filter(|e| !e.trim().is_empty()) else {
        return Err(format!("[{section}] section requires an \"events\" line"));
    };
    let events: Vec<String> = kinds::list(&events)
        .iter()
        .map(|e| e.to_uppercase())
        .collect();
    for event in &events {
        if !crate::supervisor::events::is_type(event) {
            return Err(format!("Unknown event type {event} in [{section}] events"));
        }
    }
    if reader.get("redirect_stderr", false, kinds::boolean)? {
        return Err(format!(
            "[{section}] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol"
        ));
    }
    Ok(GroupKind::Listeners {
        buffer_size: usize::try_from(buffer).unwrap_or(usize::MAX),
        events,
    })
}

/// Whether it is `tcp://host:port`.
fn tcp(url: &str) -> Result<(), String> {
    let shown = quote_repr(url);
    let bad = || format!("('Bad socket format %s', {shown})");
    let (host, port) = url
        .strip_prefix("tcp://")
        .and_then(|address| address.split_once(':'))
        .ok_or_else(bad)?;
    if host.is_empty() || port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    match kinds::integer(port)? {
        0 => Err("0 is below lower bound (1)".into()),
        n if n > 65535 => Err(format!("{port} is above upper bound (65535)")),
        _ => Ok(()),
    }
}

fn fcgi(ini: &Ini, section: &str, names: &Names) -> Result<GroupKind, String> {
    let mut names = names.clone();
    let name = section.split_once(':').map_or("", |(_, n)| n.trim());
    names.insert("program_name".into(), Word::Text(name.to_owned()));
    let reader = Reader {
        ini,
        section,
        names,
    };
    // The owner, where none is named, is the program's user.
    reader.maybe("user", kinds::user)?;
    let backlog = reader.maybe("socket_backlog", kinds::integer)?;
    if let Some(few) = backlog.filter(|n| *n < 1) {
        return Err(format!("Invalid socket_backlog value {few}"));
    }
    let owner = |text: &str| {
        let bad = || format!("Invalid socket_owner value {text}");
        servers::owner(text).ok_or_else(bad)
    };
    let owner = reader.maybe("socket_owner", owner)?;
    let mode =
        |text: &str| kinds::octal(text).map_err(|_| format!("Invalid socket_mode value {text}"));
    let mode = reader.maybe("socket_mode", mode)?;
    let Some(socket) = reader.text("socket")?.filter(|s| !s.is_empty()) else {
        return Err(format!("[{section}] section requires a \"socket\" line"));
    };
    let bad = |text: String| format!("{text} in [{section}] socket");
    if let Some(path) = socket.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err(bad(format!(
                "('Unix socket path %s is not an absolute path', '{path}')"
            )));
        }
    } else if owner.is_some() || mode.is_some() {
        return Err(bad(
            "socket_owner and socket_mode params should only be used with a Unix domain socket"
                .into(),
        ));
    } else {
        tcp(&socket).map_err(bad)?;
    }
    let socket = FcgiSocket {
        url: socket,
        mode,
        owner,
        backlog: backlog.map(|n| i32::try_from(n).unwrap_or(i32::MAX)),
    };
    Ok(GroupKind::Fcgi { socket })
}

#[cfg(test)]
mod tests;
