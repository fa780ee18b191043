//! Options of a program that supervisord does not have (it ignores unknown ones, so that a file
//! with these still loads there).

use super::Group;
use super::kinds;
use super::program::Reader;
use nix::sys::resource::Resource;

/// All of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extra {
    /// Processes that must be there before this one is started by itself.
    pub depends_on: Vec<Dependency>,
    /// When it is ready; without one as soon as it is RUNNING.
    pub ready: Option<Probe>,
    /// What it must go on to pass while it runs.
    pub live: Option<Probe>,
    /// Whether the daemon ends with code 1 when this process becomes FATAL.
    pub exit_on_fatal: bool,
    /// Resource limits, soft and hard alike.
    pub limits: Vec<(Resource, u64)>,
    /// Bytes of memory that it and all it starts may use.
    pub limit_memory: Option<u64>,
    /// How lines are written to its logs.
    pub log_format: LogFormat,
    /// Whether whatever it started ends with it.
    pub stop_tree: bool,
}

/// A process another one depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// `name`, `group:name` or `group:*`.
    pub name: String,
    /// Whether being ready is asked for, or only having been started.
    pub ready: bool,
}

/// A check and its timing.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What is looked at.
    pub check: Check,
    /// Seconds between two looks.
    pub interval: u64,
    /// Seconds that one look may take.
    pub timeout: u64,
    /// Failures in a row after which a process that runs is restarted.
    pub failures: u64,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// An answer with status 200 to 399 from `http://host:port/path`.
    Http(String),
    /// A connection to `host:port`.
    Tcp(String),
    /// A command that ends with code 0.
    Command(String),
    /// A line of output that matches a regular expression.
    Log(String),
    /// `READY=1` on the socket named by `NOTIFY_SOCKET` (sd_notify(3)).
    Notify,
}

/// How lines of output are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Bytes as they come.
    #[default]
    Plain,
    /// Each line behind its time.
    Timestamp,
    /// Each line as a JSON object.
    Json,
}

/// Reads the options of a section. `environment` gains what `env_file` says and `environment` does
/// not.
pub(super) fn read(
    reader: &Reader<'_>,
    environment: &mut Vec<(String, String)>,
) -> Result<Extra, String> {
    for file in reader.get("env_file", Vec::new(), |t| Ok(kinds::list(t)))? {
        for (key, value) in env_file(&file)? {
            if !environment.iter().any(|(k, _)| *k == key) {
                environment.push((key, value));
            }
        }
    }
    Ok(Extra {
        depends_on: reader.get("depends_on", Vec::new(), dependencies)?,
        ready: probe(reader, "ready", 1, 60)?,
        live: probe(reader, "live", 10, 5)?,
        exit_on_fatal: reader.get("exit_on_fatal", false, kinds::boolean)?,
        limits: limits(reader)?,
        limit_memory: reader
            .maybe("limit_memory", kinds::bytes)?
            .filter(|n| *n > 0),
        log_format: reader.get("log_format", LogFormat::Plain, log_format)?,
        stop_tree: reader.get("stop_tree", false, kinds::boolean)?,
    })
}

fn dependencies(text: &str) -> Result<Vec<Dependency>, String> {
    let one = |item: &String| {
        let words: Vec<&str> = item.split_whitespace().collect();
        let (name, ready) = match words.as_slice() {
            [name] | [name, "ready"] => (*name, true),
            [name, "started"] => (*name, false),
            _ => {
                return Err(format!(
                    "'{item}' is no dependency: a name, then 'ready' or 'started'"
                ));
            }
        };
        Ok(Dependency {
            name: name.to_owned(),
            ready,
        })
    };
    kinds::list(text).iter().map(one).collect()
}

fn probe(
    reader: &Reader<'_>,
    kind: &str,
    interval: i64,
    timeout: i64,
) -> Result<Option<Probe>, String> {
    let option = |rest: &str| format!("{kind}_{rest}");
    let mut checks = Vec::new();
    checks.extend(reader.maybe(&option("http"), http)?);
    checks.extend(reader.maybe(&option("tcp"), tcp)?);
    checks.extend(reader.maybe(&option("command"), command)?);
    if kind == "ready" {
        checks.extend(reader.maybe("ready_log", pattern)?);
        if reader.get("ready_notify", false, kinds::boolean)? {
            checks.push(Check::Notify);
        }
    }
    let positive = |text: &str| match kinds::integer(text)? {
        n if n > 0 => Ok(n.unsigned_abs()),
        _ => Err(format!("'{text}' is not greater than 0")),
    };
    let interval = reader.get(&option("interval"), interval.unsigned_abs(), positive)?;
    let timeout = reader.get(&option("timeout"), timeout.unsigned_abs(), positive)?;
    let failures = reader.get(&option("failures"), 3, positive)?;
    if checks.len() > 1 {
        return Err(format!("more than one {kind}_ check"));
    }
    Ok(checks.pop().map(|check| Probe {
        check,
        interval,
        timeout,
        failures,
    }))
}

fn http(text: &str) -> Result<Check, String> {
    let authority = text.strip_prefix("http://").map(|rest| {
        let end = rest.find('/').unwrap_or(rest.len());
        &rest[..end]
    });
    match authority {
        Some(authority) if !authority.is_empty() => Ok(Check::Http(text.to_owned())),
        _ => Err(format!("'{text}' is no address like http://host:port/path")),
    }
}

fn tcp(text: &str) -> Result<Check, String> {
    match text.rsplit_once(':').map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(Check::Tcp(text.to_owned())),
        _ => Err(format!("'{text}' is no address like host:port")),
    }
}

fn command(text: &str) -> Result<Check, String> {
    match shell_words::split(text) {
        Ok(words) if !words.is_empty() => Ok(Check::Command(text.to_owned())),
        _ => Err(format!("can't parse command '{text}'")),
    }
}

fn pattern(text: &str) -> Result<Check, String> {
    match fancy_regex::Regex::new(text) {
        Ok(_) => Ok(Check::Log(text.to_owned())),
        Err(e) => Err(format!("'{text}' is no regular expression: {e}")),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.to_lowercase().as_str() {
        "plain" => Ok(LogFormat::Plain),
        "timestamp" => Ok(LogFormat::Timestamp),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("'{text}' is none of plain, timestamp and json")),
    }
}

fn limits(reader: &Reader<'_>) -> Result<Vec<(Resource, u64)>, String> {
    let known = [
        ("limit_as", Resource::RLIMIT_AS),
        ("limit_core", Resource::RLIMIT_CORE),
        ("limit_cpu", Resource::RLIMIT_CPU),
        ("limit_data", Resource::RLIMIT_DATA),
        ("limit_fsize", Resource::RLIMIT_FSIZE),
        ("limit_memlock", Resource::RLIMIT_MEMLOCK),
        ("limit_nofile", Resource::RLIMIT_NOFILE),
        ("limit_nproc", Resource::RLIMIT_NPROC),
        ("limit_stack", Resource::RLIMIT_STACK),
    ];
    let mut limits = Vec::new();
    for (option, resource) in known {
        let value = reader.maybe(option, |text| match text {
            "unlimited" => Ok(nix::sys::resource::RLIM_INFINITY),
            text => kinds::bytes(text),
        })?;
        limits.extend(value.map(|value| (resource, value)));
    }
    Ok(limits)
}

/// `KEY=value` lines; `#` starts a comment line, quotes around a value are taken off. A name with a
/// `-` before it need not exist.
fn env_file(name: &str) -> Result<Vec<(String, String)>, String> {
    let (path, optional) = match name.strip_prefix('-') {
        Some(path) => (path, true),
        None => (name, false),
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if optional && e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(format!("{path}: {}", crate::diag::reason(&e))),
    };
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The value is not shown: such files hold secrets.
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("{path}, line {}: no KEY=value", index + 1));
        };
        let value = value.trim();
        let bare = ['"', '\''].iter().find_map(|q| {
            let inner = value.strip_prefix(*q)?.strip_suffix(*q)?;
            Some(inner.to_owned())
        });
        pairs.push((key.trim().to_owned(), bare.unwrap_or(value.to_owned())));
    }
    Ok(pairs)
}

/// Whether every dependency exists, and none depends on itself.
pub(super) fn check_dependencies(groups: &[Group]) -> Result<(), String> {
    for group in groups {
        for program in &group.programs {
            let name = format!("{}:{}", group.name, program.name);
            for dependency in &program.extra.depends_on {
                if meant(groups, &dependency.name).is_empty() {
                    return Err(format!(
                        "{name} depends on '{}', which is no process or group",
                        dependency.name
                    ));
                }
            }
            let mut path = vec![name];
            follow(groups, &mut path)?;
        }
    }
    Ok(())
}

/// `group:name` of the processes that a dependency's name means: a process, or else a whole group.
pub fn meant(groups: &[Group], name: &str) -> Vec<String> {
    let (group, process) = match name.split_once(':') {
        Some((group, "*" | "")) => (group, None),
        Some((group, process)) => (group, Some(process)),
        None => (name, None),
    };
    let Some(found) = groups.iter().find(|g| g.name == group) else {
        return Vec::new();
    };
    let wanted = found
        .programs
        .iter()
        .filter(|p| process.is_none_or(|name| name == p.name));
    wanted.map(|p| format!("{group}:{}", p.name)).collect()
}

fn follow(groups: &[Group], path: &mut Vec<String>) -> Result<(), String> {
    let Some((group, name)) = path.last().and_then(|l| l.split_once(':')) else {
        return Ok(());
    };
    let group = groups.iter().find(|g| g.name == group);
    let program = group.and_then(|g| g.programs.iter().find(|p| p.name == name));
    let Some(program) = program else {
        return Ok(());
    };
    for dependency in &program.extra.depends_on {
        for next in meant(groups, &dependency.name) {
            if let Some(at) = path.iter().position(|p| *p == next) {
                let circle = path[at..].join(" -> ");
                return Err(format!("depends_on goes in a circle: {circle} -> {next}"));
            }
            path.push(next);
            follow(groups, path)?;
            path.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(programs: &str) -> Result<Vec<Group>, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.conf");
        std::fs::write(dir.path().join("env"), "# c\nexport A=1\nB='x y'\n").unwrap();
        std::fs::write(&file, format!("[supervisord]\n{programs}")).unwrap();
        super::super::load(&file).map(|c| c.groups)
    }

    #[test]
    fn all_options() {
        let text = "[program:x]\ncommand=/bin/x\nenvironment=A=2\nenv_file=%(here)s/env, -/nowhere\nready_tcp=localhost:80\nlive_http=http://h/x\nlimit_nofile=2kb\nlog_format=json\n";
        let groups = load(text).unwrap();
        let program = &groups[0].programs[0];
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(program.environment, [pair("A", "2"), pair("B", "x y")]);
        let extra = &program.extra;
        let check = |p: &Option<Probe>| p.as_ref().map(|p| p.check.clone());
        assert_eq!(check(&extra.ready), Some(Check::Tcp("localhost:80".into())));
        assert_eq!(check(&extra.live), Some(Check::Http("http://h/x".into())));
        assert_eq!(extra.limits, [(Resource::RLIMIT_NOFILE, 2048)]);
        assert_eq!(extra.log_format, LogFormat::Json);
    }

    #[test]
    fn faults() {
        let fault = |options: &str| {
            let text = format!("[program:x]\ncommand=/bin/x\n{options}\n");
            load(&text).unwrap_err()
        };
        assert!(fault("depends_on=y").contains("'y', which is no process"));
        assert!(fault("depends_on=x").contains("x:x -> x:x"));
        assert!(fault("ready_http=ftp://x").contains("no address"));
        assert!(fault("ready_tcp=h:1\nready_log=x").contains("more than one"));
        assert!(fault("ready_log=(").contains("regular expression"));
        assert!(fault("env_file=/nowhere").contains("/nowhere"));
        assert!(fault("live_interval=0").contains("greater than 0"));
    }

    #[test]
    fn a_circle_is_shown() {
        let one =
            |name: &str, on: &str| format!("[program:{name}]\ncommand=/bin/x\ndepends_on={on}\n");
        let text = [one("a", "b started"), one("b", "c"), one("c", "a ready")].concat();
        let text = load(&text).unwrap_err();
        assert!(text.contains("a:a -> b:b -> c:c -> a:a"), "{text}");
    }
}
