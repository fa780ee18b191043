//! The commands, with the lines and exit codes of supervisorctl 4.3.0.

use super::server::{Failure, Server};
use crate::supervisor::rpc::fault::code;
use crate::value::Value;
use std::io::Write;

/// One run of supervisorctl.
pub struct Session {
    pub(super) server: Server,
    /// Whether commands come from a shell.
    pub interactive: bool,
    /// The exit code so far.
    pub code: u8,
}

/// The daemon answers, but not to commands.
const NO_INTERFACE: &str = "The daemon has no supervisor interface: its configuration lacks the section [rpcinterface:supervisor].";

pub(super) type Done = Result<(), Failure>;

impl Session {
    /// A run that has done nothing yet.
    pub fn new(server: Server) -> Session {
        Session {
            server,
            interactive: false,
            code: 0,
        }
    }

    /// A line of output.
    pub fn say(&self, line: &str) {
        self.say_bare(&format!("{line}\n"));
    }

    /// Output without a line end.
    pub fn say_bare(&self, text: &str) {
        self.say_bytes(text.as_bytes());
    }

    /// Output as it is.
    pub(super) fn say_bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout();
        let _ = out.write_all(bytes);
        let _ = out.flush();
    }

    /// Runs a command; false for one that leaves the shell.
    pub fn one(&mut self, line: &str) -> bool {
        let line = line.trim();
        let named = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        // `?` is help; a name ends where no more of it can follow: `version;pid` is version.
        let (command, rest) = match line.strip_prefix('?') {
            Some(rest) => ("help", rest),
            None => line.split_at(line.find(named).unwrap_or(line.len())),
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        if let Some(done) = self.more(command, &words) {
            if let Err(failure) = done {
                self.fail(command, failure);
            }
            return true;
        }
        let done = match command {
            "" if line.is_empty() => Ok(()),
            "quit" | "exit" | "EOF" => {
                self.say("");
                return false;
            }
            "status" => self.status(&words),
            "start" => self.start(&words),
            "stop" => self.many("stop", &words, &[]),
            "restart" => self.restart(&words),
            "signal" => self.signal(&words),
            "clear" => self.clear(&words),
            "help" => {
                self.help(rest.trim());
                Ok(())
            }
            "fg" => self.fg(&words),
            "open" => self.open(&words),
            "reread" => self.reread(&words),
            "update" => self.update(&words),
            "avail" => self.avail(&words),
            "add" => self.add(&words),
            "remove" => self.remove(&words),
            "pid" => self.pid(&words),
            "tail" => self.tail(&words),
            "maintail" => self.maintail(&words),
            "version" => self.version(&words),
            "shutdown" => self.shutdown(&words),
            "reload" => self.reload(&words),
            _ => {
                self.say(&format!("*** Unknown syntax: {line}"));
                self.code = 1;
                Ok(())
            }
        };
        if let Err(failure) = done {
            self.fail(command, failure);
        }
        true
    }

    /// Says why there was no answer. Some commands have codes and words of their own for that
    /// (observed: 4.3.0).
    fn fail(&mut self, command: &str, failure: Failure) {
        let url = self.server.url.clone();
        let plain = ["update", "reread", "avail", "add", "remove", "reload"].contains(&command);
        let (line, code) = match failure {
            Failure::NoSocket => (format!("{url} no such file"), if plain { 1 } else { 7 }),
            Failure::Refused => (
                format!("{url} refused connection"),
                if plain { 1 } else { 4 },
            ),
            Failure::Unauthorized => ("Server requires authentication".into(), 1),
            Failure::Fault(fault) if fault.code == code::UNKNOWN_METHOD => (NO_INTERFACE.into(), 3),
            Failure::Fault(fault) => (format!("error: {fault}"), 1),
            Failure::Other(text) => (format!("error: {text}"), 1),
        };
        let gone = command == "shutdown" && matches!(code, 4 | 7);
        if gone {
            self.refuse(&format!("ERROR: {line} (already shut down?)"));
            return;
        }
        self.say(&line);
        self.code = match (command, code) {
            ("status", 3 | 4 | 7) => 4,
            _ => code,
        };
    }

    fn status(&mut self, names: &[&str]) -> Done {
        let all = self.server.call("supervisor.getAllProcessInfo", &[])?;
        let all = all.as_list().unwrap_or_default();
        let mut chosen: Vec<&Value> = Vec::new();
        if names.is_empty() || names.contains(&"all") {
            chosen.extend(all);
        } else {
            for name in names {
                let (group, process) = split(name);
                let fits = |i: &&Value| {
                    text(i, "group") == group && process.is_none_or(|p| text(i, "name") == p)
                };
                let before = chosen.len();
                chosen.extend(all.iter().filter(fits));
                if chosen.len() == before {
                    let what = if process.is_none() {
                        "group"
                    } else {
                        "process"
                    };
                    let shown = if process.is_none() { group } else { name };
                    self.say(&format!("{shown}: ERROR (no such {what})"));
                    self.code = 4;
                }
            }
        }
        let names: Vec<String> = chosen.iter().map(|i| full(i)).collect();
        let width = names
            .iter()
            .map(|n| n.chars().count())
            .max()
            .unwrap_or(0)
            .max(30);
        for (info, name) in chosen.iter().zip(&names) {
            let state = text(info, "statename");
            let more = text(info, "description");
            self.say(&format!("{name:width$}   {state:10}{more}"));
            if matches!(state, "STOPPED" | "EXITED" | "FATAL") {
                self.code = 3;
            }
        }
        Ok(())
    }

    fn start(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            self.usage("start", 2);
            return Ok(());
        }
        self.many("start", names, &[])
    }

    fn restart(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            self.usage("restart", 1);
            return Ok(());
        }
        self.many("stop", names, &[])?;
        self.code = 0;
        self.many("start", names, &[])
    }

    fn signal(&mut self, words: &[&str]) -> Done {
        match words {
            [signal, names @ ..] if !names.is_empty() => {
                self.many("signal", names, &[Value::from(*signal)])
            }
            _ => {
                self.usage("signal", 1);
                Ok(())
            }
        }
    }

    pub(super) fn usage(&mut self, verb: &str, code: u8) {
        let first = if verb == "signal" {
            "a signal name and "
        } else {
            ""
        };
        self.say(&format!("Error: {verb} requires {first}a process name"));
        self.help(verb);
        self.code = code;
    }

    /// `start`, `stop` and `signal` over names, groups and `all`.
    fn many(&mut self, verb: &str, names: &[&str], more: &[Value]) -> Done {
        if names.is_empty() {
            self.usage(verb, 1);
            return Ok(());
        }
        let call = |server: &Server, method: &str, name: Option<&str>| {
            let mut params: Vec<Value> = name.map(Value::from).into_iter().collect();
            params.extend(more.iter().cloned());
            server.call(&format!("supervisor.{method}"), &params)
        };
        if names.contains(&"all") {
            let results = call(&self.server, &format!("{verb}AllProcesses"), None)?;
            self.results(verb, &results);
            return Ok(());
        }
        for name in names {
            let (group, process) = split(name);
            let result = match process {
                None => call(&self.server, &format!("{verb}ProcessGroup"), Some(group)),
                Some(_) => call(&self.server, &format!("{verb}Process"), Some(name)),
            };
            match result {
                Ok(results) if process.is_none() => self.results(verb, &results),
                Ok(_) => self.line(verb, &short(group, process), code::SUCCESS, ""),
                Err(Failure::Fault(fault))
                    if matches!(fault.code, code::UNKNOWN_METHOD | code::SHUTDOWN_STATE) =>
                {
                    return Err(Failure::Fault(fault));
                }
                Err(Failure::Fault(fault)) if process.is_none() => {
                    let what = match fault.code {
                        code::BAD_NAME => "no such group",
                        _ => fault.text.as_str(),
                    };
                    self.say(&format!("{group}: ERROR ({what})"));
                    self.code = if verb == "start" { 2 } else { 1 };
                }
                Err(Failure::Fault(fault)) => {
                    self.line(verb, &short(group, process), fault.code, &fault.text);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    pub(super) fn results(&mut self, verb: &str, results: &Value) {
        for result in results.as_list().unwrap_or_default() {
            let status = result.get("status").and_then(Value::as_int);
            let status = status.unwrap_or(code::FAILED);
            self.line(verb, &full(result), status, text(result, "description"));
        }
    }

    pub(super) fn line(&mut self, verb: &str, name: &str, status: i64, description: &str) {
        let (words, exit) = match status {
            code::SUCCESS => {
                let done = match verb {
                    "start" => "started",
                    "stop" => "stopped",
                    "signal" => "signalled",
                    _ => "cleared",
                };
                self.say(&format!("{name}: {done}"));
                return;
            }
            code::BAD_NAME => ("no such process", 1),
            code::NO_FILE => ("no such file", 1),
            code::NOT_EXECUTABLE => ("file is not executable", 1),
            code::ALREADY_STARTED => ("already started", 0),
            code::SPAWN_ERROR => ("spawn error", 7),
            code::ABNORMAL_TERMINATION => ("abnormal termination", 7),
            code::NOT_RUNNING if verb == "signal" => ("not running", 7),
            code::NOT_RUNNING => ("not running", 0),
            code::BAD_SIGNAL => ("bad signal name", 1),
            code::FAILED => ("failed", 1),
            _ => (description, 1),
        };
        self.say(&format!("{name}: ERROR ({words})"));
        if exit != 0 {
            self.code = exit;
        }
    }

    fn clear(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            self.usage("clear", 1);
            return Ok(());
        }
        if names.contains(&"all") {
            let results = self.server.call("supervisor.clearAllProcessLogs", &[])?;
            self.results("clear", &results);
            return Ok(());
        }
        for name in names {
            let params = [Value::from(*name)];
            let (group, process) = split(name);
            let shown = match process {
                Some(_) => short(group, process),
                None => (*name).to_owned(),
            };
            match self.server.call("supervisor.clearProcessLogs", &params) {
                Ok(_) => self.line("clear", &shown, code::SUCCESS, ""),
                Err(Failure::Fault(fault)) => self.line("clear", &shown, fault.code, &fault.text),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn reread(&mut self, words: &[&str]) -> Done {
        if !self.alone("reread", words) {
            return Ok(());
        }
        let changes = match self.changes() {
            Err(Failure::Fault(fault)) => {
                self.say(&format!("ERROR: {fault}"));
                self.code = 1;
                return Ok(());
            }
            other => other?,
        };
        let words = ["available", "changed", "disappeared"];
        let mut lines: Vec<String> = Vec::new();
        for (names, word) in changes.iter().zip(words) {
            lines.extend(names.iter().map(|name| format!("{name}: {word}")));
        }
        lines.sort_unstable();
        if lines.is_empty() {
            lines.push("No config updates to processes".into());
        }
        lines.iter().for_each(|line| self.say(line));
        Ok(())
    }

    /// Added, changed and removed groups.
    fn changes(&self) -> Result<[Vec<String>; 3], Failure> {
        let answer = self.server.call("supervisor.reloadConfig", &[])?;
        let three = answer
            .as_list()
            .and_then(|l| l.first())
            .and_then(Value::as_list);
        let names = |n: usize| -> Vec<String> {
            let list = three.and_then(|t| t.get(n)).and_then(Value::as_list);
            let names = list.unwrap_or_default().iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        Ok([names(0), names(1), names(2)])
    }

    fn update(&mut self, only: &[&str]) -> Done {
        let [added, changed, removed] = self.changes()?;
        let all = only.is_empty() || only.contains(&"all");
        if !all {
            let info = self.server.call("supervisor.getAllProcessInfo", &[])?;
            let info = info.as_list().unwrap_or_default();
            for name in only {
                let there = info.iter().any(|i| text(i, "group") == *name);
                if !there && !added.iter().any(|a| a == name) {
                    self.say(&format!("ERROR: no such group: {name}"));
                    self.code = 1;
                }
            }
        }
        let wanted = |name: &&String| all || only.contains(&name.as_str());
        let group = |name: &str| [Value::from(name)];
        for name in removed.iter().filter(wanted) {
            self.server
                .call("supervisor.stopProcessGroup", &group(name))?;
            self.say(&format!("{name}: stopped"));
            self.server
                .call("supervisor.removeProcessGroup", &group(name))?;
            self.say(&format!("{name}: removed process group"));
        }
        for name in changed.iter().filter(wanted) {
            self.server
                .call("supervisor.stopProcessGroup", &group(name))?;
            self.say(&format!("{name}: stopped"));
            self.server
                .call("supervisor.removeProcessGroup", &group(name))?;
            self.server
                .call("supervisor.addProcessGroup", &group(name))?;
            self.say(&format!("{name}: updated process group"));
        }
        for name in added.iter().filter(wanted) {
            self.server
                .call("supervisor.addProcessGroup", &group(name))?;
            self.say(&format!("{name}: added process group"));
        }
        Ok(())
    }

    fn add(&mut self, names: &[&str]) -> Done {
        self.groups("add", names)
    }

    fn remove(&mut self, names: &[&str]) -> Done {
        self.groups("remove", names)
    }

    /// Puts groups into use or takes them out of it.
    fn groups(&mut self, verb: &str, names: &[&str]) -> Done {
        let (method, done) = match verb {
            "add" => ("supervisor.addProcessGroup", "added"),
            _ => ("supervisor.removeProcessGroup", "removed"),
        };
        for name in names {
            let line = match self.server.call(method, &[Value::from(*name)]) {
                Ok(_) => {
                    self.say(&format!("{name}: {done} process group"));
                    continue;
                }
                Err(Failure::Fault(fault)) => match fault.code {
                    // What is wanted is so already: no failure (as in supervisorctl 4.3.0).
                    code::ALREADY_ADDED => {
                        self.say("ERROR: process group already active");
                        continue;
                    }
                    code::BAD_NAME => format!("ERROR: no such process/group: {name}"),
                    code::STILL_RUNNING => format!("ERROR: process/group still running: {name}"),
                    _ => return Err(Failure::Fault(fault)),
                },
                Err(other) => return Err(other),
            };
            self.refuse(&line);
        }
        Ok(())
    }

    fn pid(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            let pid = self.server.call("supervisor.getPID", &[])?;
            self.say(&pid.as_int().unwrap_or_default().to_string());
            return Ok(());
        }
        if names.contains(&"all") {
            let all = self.server.call("supervisor.getAllProcessInfo", &[])?;
            for info in all.as_list().unwrap_or_default() {
                self.say(&number(info, "pid"));
            }
            return Ok(());
        }
        for name in names {
            match self
                .server
                .call("supervisor.getProcessInfo", &[Value::from(*name)])
            {
                Ok(info) => {
                    let pid = number(&info, "pid");
                    self.say(&pid);
                    if pid == "0" {
                        self.code = 7;
                    }
                }
                Err(Failure::Fault(fault)) if fault.code == code::BAD_NAME => {
                    self.say(&format!("No such process {name}"));
                    self.code = 1;
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

/// Group and process of a name; no process for `group:*`.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((group, "*" | "")) => (group, None),
        Some((group, process)) => (group, Some(process)),
        None => (name, Some(name)),
    }
}

/// `group:name`, or the name alone where both are the same.
pub(super) fn short(group: &str, process: Option<&str>) -> String {
    match process {
        Some(process) if process != group => format!("{group}:{process}"),
        _ => group.to_owned(),
    }
}

pub(super) fn text<'a>(info: &'a Value, key: &str) -> &'a str {
    info.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(info: &Value, key: &str) -> String {
    let n = info.get(key).and_then(Value::as_int);
    n.unwrap_or_default().to_string()
}

pub(super) fn full(info: &Value) -> String {
    short(text(info, "group"), Some(text(info, "name")))
}
