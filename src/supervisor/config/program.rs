//! `[program:x]`, `[fcgi-program:x]` and `[eventlistener:x]`: one definition, `numprocs` processes.

use super::expand::{Names, Word, expand};
use super::extra::{self, Extra};
use super::ini::Ini;
use super::kinds;
use nix::sys::signal::Signal;
use std::borrow::Cow;
use std::rc::Rc;

/// Where a channel of a process is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// A file the daemon makes up and removes again.
    Auto,
    /// Nowhere.
    None,
    /// A file.
    Path(String),
}

/// What happens to one output channel of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Where it is written.
    pub file: LogFile,
    /// Size in bytes at which the file is rotated; 0 for never.
    pub max_bytes: u64,
    /// Rotated files kept.
    pub backups: u32,
    /// Size in bytes of the ring for tagged output; 0 for no capture.
    pub capture_max_bytes: u64,
    /// Whether output becomes `PROCESS_LOG` events.
    pub events: bool,
    /// Whether lines go to the system log too.
    pub syslog: bool,
}

/// When a process that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autorestart {
    /// Always.
    Always,
    /// Never.
    Never,
    /// If the exit code is not among `exitcodes`.
    Unexpected,
}

/// One process as configured. Equal definitions need no restart.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are supervisord's documented options"
)]
pub struct Program {
    pub name: String,
    pub command: String,
    pub directory: Option<String>,
    pub umask: Option<u32>,
    pub priority: i64,
    pub autostart: bool,
    pub autorestart: Autorestart,
    pub startsecs: i64,
    pub startretries: i64,
    pub exitcodes: Vec<i32>,
    pub stopsignal: Signal,
    pub stopwaitsecs: i64,
    pub stopasgroup: bool,
    pub killasgroup: bool,
    pub uid: Option<u32>,
    pub redirect_stderr: bool,
    pub stdout: Channel,
    pub stderr: Channel,
    pub environment: Vec<(String, String)>,
    pub serverurl: Option<String>,
    pub extra: Extra,
}

/// Reads the options of a section, each expanded.
pub(super) struct Reader<'a> {
    pub ini: &'a Ini,
    pub section: &'a str,
    pub names: Names,
}

impl Reader<'_> {
    pub(super) fn raw(&self, option: &str) -> Option<&str> {
        self.ini.get(self.section, option).map(|e| e.value.as_str())
    }

    pub(super) fn text(&self, option: &str) -> Result<Option<String>, String> {
        self.text_with(option, &self.names)
    }

    fn text_with(&self, option: &str, names: &Names) -> Result<Option<String>, String> {
        let Some(raw) = self.raw(option) else {
            return Ok(None);
        };
        expand(raw, names, &format!("{}.{option}", self.section)).map(Some)
    }

    pub(super) fn get<T>(
        &self,
        option: &str,
        default: T,
        kind: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        self.get_with(option, &self.names, default, kind)
    }

    fn get_with<T>(
        &self,
        option: &str,
        names: &Names,
        default: T,
        kind: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        match self.text_with(option, names)? {
            Some(text) => kind(&text),
            None => Ok(default),
        }
    }

    pub(super) fn maybe<T>(
        &self,
        option: &str,
        kind: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.text(option)?.map(|text| kind(&text)).transpose()
    }
}

/// Reads the processes of a section. `group` is the group's name. What is wrong is told in
/// supervisord's order (observed: 4.3.0): what all processes share, then names, then each process.
pub(super) fn processes(reader: &mut Reader<'_>, group: &str) -> Result<Vec<Rc<Program>>, String> {
    let name = reader.section.split_once(':').map_or("", |(_, n)| n);
    let name = kinds::name(name)?;
    let set = |names: &mut Names, key: &str, word: Word| names.insert(key.to_owned(), word);
    set(&mut reader.names, "program_name", Word::Text(name));
    set(
        &mut reader.names,
        "group_name",
        Word::Text(group.to_owned()),
    );
    set(&mut reader.names, "host_node_name", Word::Text(host_name()));
    let (shared, numprocs, first) = shared(reader)?;
    let process_name = reader.raw("process_name").unwrap_or("%(program_name)s");
    kinds::name(process_name)?;
    if numprocs > 1 && !process_name.contains("%(process_num)") {
        return Err("%(process_num) must be present within process_name when numprocs > 1".into());
    }
    if shared.stopasgroup && !shared.killasgroup {
        return Err("Cannot set stopasgroup=true and killasgroup=false".into());
    }
    let process_name = process_name.to_owned();
    set(&mut reader.names, "numprocs", Word::Number(numprocs));
    let mut programs = Vec::new();
    for number in first..first.saturating_add(numprocs) {
        set(&mut reader.names, "process_num", Word::Number(number));
        programs.push(Rc::new(one(reader, &process_name, shared.clone())?));
    }
    Ok(programs)
}

/// What the processes of a section have in common, their number and the first one's.
fn shared(reader: &Reader<'_>) -> Result<(Program, i64, i64), String> {
    let priority = reader.get("priority", 999, kinds::integer)?;
    let autostart = reader.get("autostart", true, kinds::boolean)?;
    let autorestart = reader.get("autorestart", Autorestart::Unexpected, autorestart)?;
    let startsecs = reader.get("startsecs", 1, kinds::integer)?;
    let startretries = reader.get("startretries", 3, kinds::integer)?;
    let stopsignal = reader.get("stopsignal", Signal::SIGTERM, kinds::signal)?;
    let stopwaitsecs = reader.get("stopwaitsecs", 10, kinds::integer)?;
    let stopasgroup = reader.get("stopasgroup", false, kinds::boolean)?;
    let killasgroup = reader.get("killasgroup", stopasgroup, kinds::boolean)?;
    let exitcodes = reader.get("exitcodes", vec![0], kinds::exit_codes)?;
    let redirect_stderr = reader.get("redirect_stderr", false, kinds::boolean)?;
    let numprocs = reader.get("numprocs", 1, kinds::integer)?;
    let first = reader.get("numprocs_start", 0, kinds::integer)?;
    let stdout = captured(reader, "stdout")?;
    let stderr = captured(reader, "stderr")?;
    let serverurl = reader.text("serverurl")?;
    let program = Program {
        name: String::new(),
        command: String::new(),
        directory: None,
        priority,
        autostart,
        autorestart,
        startsecs,
        startretries,
        exitcodes,
        stopsignal,
        stopwaitsecs,
        stopasgroup,
        killasgroup,
        redirect_stderr,
        stdout,
        stderr,
        environment: Vec::new(),
        serverurl: serverurl.filter(|u| !u.eq_ignore_ascii_case("auto")),
        uid: reader.maybe("user", kinds::user)?,
        umask: reader.maybe("umask", kinds::octal)?,
        extra: Extra::default(),
    };
    Ok((program, numprocs, first))
}

fn one(reader: &Reader<'_>, process_name: &str, shared: Program) -> Result<Program, String> {
    // Errors call it by its bare name (observed: 4.3.0).
    let mut environment = match reader.raw("environment") {
        Some(raw) => kinds::pairs(&expand(raw, &reader.names, "environment")?)?,
        None => Vec::new(),
    };
    let extra = extra::read(reader, &mut environment)?;
    let mut names = Cow::Borrowed(&reader.names);
    for (key, value) in &environment {
        let names = names.to_mut();
        names.insert(format!("ENV_{key}"), Word::Text(value.clone()));
    }
    let directory = reader.text_with("directory", &names)?;
    let stdout = logged(reader, &names, "stdout", shared.stdout)?;
    let mut stderr = logged(reader, &names, "stderr", shared.stderr)?;
    if shared.redirect_stderr {
        stderr.file = LogFile::None;
    }
    let Some(command) = reader.text_with("command", &names)? else {
        return Err(format!(
            "program section {} does not specify a command",
            reader.section
        ));
    };
    Ok(Program {
        name: kinds::name(&expand(process_name, &names, "process_name")?)?,
        command,
        directory,
        stdout,
        stderr,
        environment,
        extra,
        ..shared
    })
}

/// What all processes of a section do with a channel.
fn captured(reader: &Reader<'_>, which: &str) -> Result<Channel, String> {
    let option = |rest: &str| format!("{which}_{rest}");
    Ok(Channel {
        file: LogFile::Auto,
        max_bytes: 0,
        backups: 0,
        capture_max_bytes: reader.get(&option("capture_maxbytes"), 0, kinds::bytes)?,
        events: reader.get(&option("events_enabled"), false, kinds::boolean)?,
        syslog: false,
    })
}

/// Adds where a process's channel is written.
fn logged(
    reader: &Reader<'_>,
    names: &Names,
    which: &str,
    shared: Channel,
) -> Result<Channel, String> {
    let option = |rest: &str| format!("{which}_{rest}");
    let mut to_syslog = false;
    // Files of logs are expanded twice (observed: 4.3.0): one percent sign is written as four.
    let file = reader.text_with(&option("logfile"), names)?;
    let file = file.map(|text| expand(&text, names, &option("logfile")));
    let file = match file.transpose()? {
        None => LogFile::Auto,
        Some(text) => match text.to_lowercase().as_str() {
            "auto" => LogFile::Auto,
            "none" | "off" => LogFile::None,
            // The deprecated spelling of `stdout_syslog`.
            "syslog" => {
                let line = format!(
                    "For [{}], {which}_logfile=syslog but this is deprecated and will be removed.  Use {which}_syslog=true to enable syslog instead.",
                    reader.section
                );
                reader.ini.warn(line);
                to_syslog = true;
                LogFile::None
            }
            _ => LogFile::Path(kinds::file_in_directory(&text)?),
        },
    };
    let backups = reader.get_with(&option("logfile_backups"), names, 10, kinds::integer)?;
    let max_bytes = reader.get_with(&option("logfile_maxbytes"), names, 50 << 20, kinds::bytes)?;
    if file == LogFile::Auto && max_bytes == 0 {
        let line = format!(
            "For [{}], AUTO logging used for {which}_logfile without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally",
            reader.section
        );
        reader.ini.warn(line);
    }
    Ok(Channel {
        file,
        backups: u32::try_from(backups).unwrap_or(0),
        max_bytes,
        syslog: reader.get_with(&option("syslog"), names, false, kinds::boolean)? || to_syslog,
        ..shared
    })
}

fn autorestart(text: &str) -> Result<Autorestart, String> {
    match (text.to_lowercase().as_str(), kinds::boolean(text)) {
        ("unexpected", _) => Ok(Autorestart::Unexpected),
        (_, Ok(true)) => Ok(Autorestart::Always),
        (_, Ok(false)) => Ok(Autorestart::Never),
        _ => Err(format!("invalid 'autorestart' value '{text}'")),
    }
}

/// The host's name as `uname` gives it.
pub(super) fn host_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
