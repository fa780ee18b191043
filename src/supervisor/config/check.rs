//! A configuration test: what is wrong, and where.

use super::ini::Ini;
use crate::diag::{Diag, SourceMap, Span};
use std::path::Path;

/// What a test found.
pub struct Report {
    /// Errors and warnings, in order of appearance.
    pub diags: Vec<Box<Diag>>,
    /// The texts they point into.
    pub sources: SourceMap,
    /// Numbers of groups and of processes, where the configuration loads.
    pub loaded: Option<(usize, usize)>,
}

/// Options of `[program:x]`, `[fcgi-program:x]` and `[eventlistener:x]`.
const PROGRAM: &[&str] = &[
    "autorestart",
    "autostart",
    "command",
    "depends_on",
    "directory",
    "env_file",
    "environment",
    "exit_on_fatal",
    "exitcodes",
    "killasgroup",
    "limit_as",
    "limit_core",
    "limit_cpu",
    "limit_data",
    "limit_fsize",
    "limit_memlock",
    "limit_memory",
    "limit_nofile",
    "limit_nproc",
    "limit_stack",
    "live_command",
    "live_failures",
    "live_http",
    "live_interval",
    "live_tcp",
    "live_timeout",
    "log_format",
    "numprocs",
    "numprocs_start",
    "priority",
    "process_name",
    "ready_command",
    "ready_http",
    "ready_interval",
    "ready_log",
    "ready_notify",
    "ready_tcp",
    "ready_timeout",
    "redirect_stderr",
    "serverurl",
    "startretries",
    "startsecs",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_logfile",
    "stderr_logfile_backups",
    "stderr_logfile_maxbytes",
    "stderr_syslog",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_logfile",
    "stdout_logfile_backups",
    "stdout_logfile_maxbytes",
    "stdout_syslog",
    "stop_tree",
    "stopasgroup",
    "stopsignal",
    "stopwaitsecs",
    "umask",
    "user",
];

const LISTENER: &[&str] = &["buffer_size", "events", "result_handler"];
const FCGI: &[&str] = &["socket", "socket_backlog", "socket_mode", "socket_owner"];
const DAEMON: &[&str] = &[
    "childlogdir",
    "directory",
    "environment",
    "identifier",
    "logfile",
    "logfile_backups",
    "logfile_maxbytes",
    "loglevel",
    "minfds",
    "minprocs",
    "nocleanup",
    "nodaemon",
    "pidfile",
    "silent",
    "strip_ansi",
    "umask",
    "user",
];
const UNIX: &[&str] = &["chmod", "chown", "file", "password", "username"];
const INET: &[&str] = &["password", "port", "username"];
const CTL: &[&str] = &[
    "history_file",
    "password",
    "prompt",
    "serverurl",
    "username",
];

/// The options a section knows; `None` for sections of others (`ctlplugin:x`, `rpcinterface:x`).
fn known(section: &str) -> Option<Vec<&'static str>> {
    let kind = section.split(':').next().unwrap_or(section);
    let lists: &[&[&str]] = match kind {
        "program" => &[PROGRAM],
        "fcgi-program" => &[PROGRAM, FCGI],
        "eventlistener" => &[PROGRAM, LISTENER],
        "supervisord" => &[DAEMON],
        "unix_http_server" => &[UNIX],
        "inet_http_server" => &[INET],
        "supervisorctl" => &[CTL],
        "group" => &[&["priority", "programs"]],
        "include" => &[&["files"]],
        _ => return None,
    };
    Some(lists.concat())
}

/// Tests a configuration file with all it includes. Warnings are about options supervisord ignores
/// without a word.
pub fn check(file: &Path) -> Report {
    let mut ini = Ini::default();
    let loaded = super::load_into(file, &mut ini);
    let mut report = Report {
        diags: Vec::new(),
        sources: SourceMap::default(),
        loaded: None,
    };
    report.unknown_options(&ini);
    match loaded {
        Ok(config) => {
            let processes = config.groups.iter().map(|g| g.programs.len()).sum();
            report.loaded = Some((config.groups.len(), processes));
            report.plug_in(&ini, &config);
        }
        Err(text) => {
            let span = report.place(&ini, &text);
            let diag = Diag::error("supervisor-config", text).at(span, "");
            report.diags.push(diag);
        }
    }
    report
}

impl Report {
    fn unknown_options(&mut self, ini: &Ini) {
        for (name, section) in &ini.sections {
            let Some(known) = known(name) else {
                continue;
            };
            for (option, entry) in &section.options {
                if known.contains(&option.as_str()) {
                    continue;
                }
                let span = self.line(&entry.file, entry.line);
                let text = format!("[{name}] has no option \"{option}\": it is ignored");
                let diag = Diag::warning("supervisor-unknown-option", text).at(span, "");
                self.diags
                    .push(diag.did_you_mean(option, known.iter().copied()));
            }
        }
    }

    /// An option that `[rpcinterface:supervisor]` does not take keeps the servers from being opened.
    fn plug_in(&mut self, ini: &Ini, config: &super::Config) {
        let section = "rpcinterface:supervisor";
        let (Some(option), false) = (config.rpc_unknown.first(), config.servers.is_empty()) else {
            return;
        };
        let place = ini.get(section, option).map(|e| (e.file.clone(), e.line));
        let span = place.map_or(Span::NONE, |(file, line)| self.line(&file, line));
        let text = format!("[{section}] does not take the option {option}");
        let diag = Diag::error("supervisor-config", text).at(span, "");
        self.diags.push(diag);
        self.loaded = None;
    }

    /// Where an error is: the line the parser names, or the option that was read last.
    fn place(&mut self, ini: &Ini, text: &str) -> Span {
        if let Some((file, line)) = parser_place(text) {
            return self.line(Path::new(file), line);
        }
        let Some((section, option)) = ini.last() else {
            return Span::NONE;
        };
        if let Some(entry) = ini.get(&section, &option) {
            let (file, line) = (entry.file.clone(), entry.line);
            return self.line(&file, line);
        }
        let Some(found) = ini.sections.get(&section) else {
            return Span::NONE;
        };
        let text = std::fs::read(&found.file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let header = format!("[{section}]");
        let at = text
            .lines()
            .position(|l| l.trim_start().starts_with(&header));
        at.map_or(Span::NONE, |at| self.line(&found.file, at + 1))
    }

    fn line(&mut self, file: &Path, line: usize) -> Span {
        let Ok(bytes) = std::fs::read(file) else {
            return Span::NONE;
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut start = 0;
        for (index, raw) in text.split_inclusive('\n').enumerate() {
            if index + 1 == line {
                let indent = raw.len() - raw.trim_start().len();
                let (from, to) = (start + indent, start + raw.trim_end().len());
                let to = to.max(from);
                let file = self.sources.add(file, text);
                return Span {
                    file,
                    start: u32::try_from(from).unwrap_or(u32::MAX),
                    end: u32::try_from(to).unwrap_or(u32::MAX),
                };
            }
            start += raw.len();
        }
        Span::NONE
    }
}

/// File and line of `file: 'x', line: 3` and `errors: 'x'\n\t[line  3]`.
fn parser_place(text: &str) -> Option<(&str, usize)> {
    let (_, rest) = text
        .split_once("headers.\nfile: '")
        .or_else(|| text.split_once("parsing errors: '"))?;
    let (file, rest) = rest.split_once('\'')?;
    let (_, rest) = rest.split_once("line")?;
    let digits = rest.trim_start_matches([':', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let number = &digits[..end.unwrap_or(digits.len())];
    Some((file, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Level;

    fn found(text: &str) -> Vec<(Level, String, Option<String>)> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.conf");
        std::fs::write(&file, text).unwrap();
        let report = check(&file);
        let each = report.diags.iter().map(|d| {
            let place = d.labels.first();
            let place = place.and_then(|l| report.sources.text(l.span));
            let message = d.message.lines().next().unwrap_or_default().to_owned();
            (d.level, message, place)
        });
        each.collect()
    }

    #[test]
    fn an_error_points_at_its_option() {
        let text = "[supervisord]\n[program:x]\ncommand=/bin/x\nstartsecs = soon\n";
        let all = found(text);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, Level::Error);
        assert_eq!(all[0].2.as_deref(), Some("startsecs = soon"));
        let all = found("[supervisord]\n[program:x]\nautostart=1\n");
        assert_eq!(all[0].2.as_deref(), Some("[program:x]"));
        let all = found("[supervisord]\n[program:x]\nwhat\n");
        assert_eq!(all[0].2.as_deref(), Some("what"));
    }

    #[test]
    fn what_is_ignored_is_said() {
        let text = "[supervisord]\n[program:x]\ncommand=/bin/x\nautostrat=false\n";
        let all = found(text);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, Level::Warning);
        assert_eq!(all[0].2.as_deref(), Some("autostrat=false"));
        assert_eq!(found("[supervisord]\n[ctlplugin:x]\na=b\n"), []);
    }
}
