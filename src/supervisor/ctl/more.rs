//! The commands supervisorctl does not have. A daemon that is the stock one does not know their
//! methods; then they say so.

use super::commands::{Done, Session, full, short, split, text};
use super::server::Failure;
use crate::supervisor::rpc::Fault;
use crate::supervisor::rpc::fault::code;
use crate::value::{Map, Value};

/// How often, and at what distance, `upgrade` looks whether it is done.
const UPGRADE_LOOKS: usize = 300;
const UPGRADE_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

impl Session {
    /// Runs a command that is not supervisorctl's, or one with an option that is not; `None` for
    /// all others.
    pub(super) fn more(&mut self, command: &str, words: &[&str]) -> Option<Done> {
        let has = |option: &str| words.contains(&option);
        let names: Vec<&str> = words
            .iter()
            .copied()
            .filter(|w| !w.starts_with("--"))
            .collect();
        let done = match command {
            "update" if has("--dry-run") => self.preview(has("--changed-only"), &names),
            "update" if has("--changed-only") => self.update_changed(&names),
            "status" if has("--json") => self.status_json(&names),
            "restart" if has("--rolling") => self.rolling(&names),
            "restart" if has("--parallel") => self.parallel(&names),
            "why" => self.why(&names),
            "upgrade" => self.upgrade(),
            _ => return None,
        };
        Some(done)
    }

    fn call_more(&self, method: &str, params: &[Value]) -> Result<Value, Failure> {
        let method = format!("gxdeploy.{method}");
        match self.server.call(&method, params) {
            Err(Failure::Fault(fault)) if fault.code == code::UNKNOWN_METHOD => {
                Err(Failure::Other(
                    "the daemon does not know this command, it is not gxdeploy's".into(),
                ))
            }
            other => other,
        }
    }

    fn preview(&mut self, changed_only: bool, only: &[&str]) -> Done {
        let plan = self.call_more("planUpdate", &[changed_only.into()])?;
        self.steps(&plan, only, |step| match step {
            "start" => "would start",
            "stop" => "would stop",
            "restart" => "would restart",
            "adjust" => "would run on with new options",
            _ => "would change while it rests",
        });
        Ok(())
    }

    fn update_changed(&mut self, only: &[&str]) -> Done {
        let groups = match only.contains(&"all") {
            true => Vec::new(),
            false => only.iter().map(|n| Value::from(*n)).collect(),
        };
        let plan = self.call_more("updateChanged", &[Value::list(groups)])?;
        self.steps(&plan, &[], |step| match step {
            "start" => "started",
            "stop" => "stopped",
            "restart" => "restarted",
            "adjust" => "runs on with new options",
            _ => "changed while it rests",
        });
        Ok(())
    }

    fn steps(&mut self, plan: &Value, only: &[&str], words: impl Fn(&str) -> &'static str) {
        let wanted = |s: &&Value| {
            only.is_empty() || only.contains(&"all") || only.contains(&text(s, "group"))
        };
        let mut said = false;
        for step in plan.as_list().unwrap_or_default().iter().filter(wanted) {
            said = true;
            self.say(&format!("{}: {}", full(step), words(text(step, "step"))));
        }
        if !said {
            self.say("No config updates to processes");
        }
    }

    fn status_json(&mut self, names: &[&str]) -> Done {
        let all = match self.server.call("gxdeploy.getAllProcessInfo", &[]) {
            Err(Failure::Fault(fault)) if fault.code == code::UNKNOWN_METHOD => {
                self.server.call("supervisor.getAllProcessInfo", &[])?
            }
            other => other?,
        };
        let mut chosen = Vec::new();
        for info in all.as_list().unwrap_or_default() {
            if names.is_empty() || names.iter().any(|n| fits(n, info)) {
                if matches!(text(info, "statename"), "STOPPED" | "EXITED" | "FATAL") {
                    self.code = 3;
                }
                chosen.push(info.clone());
            }
        }
        if names.iter().any(|n| !chosen.iter().any(|i| fits(n, i))) {
            self.code = 4;
        }
        let mut map = Map::new();
        map.insert("version", 1);
        map.insert("processes", Value::list(chosen));
        self.say(&Value::from(map).to_json().to_string());
        Ok(())
    }

    /// `group:name` of every process that `names` mean, in the daemon's order.
    fn expand(&mut self, names: &[&str]) -> Result<Vec<String>, Failure> {
        let all = self.server.call("supervisor.getAllProcessInfo", &[])?;
        let all = all.as_list().unwrap_or_default();
        let mut found = Vec::new();
        for name in names {
            let before = found.len();
            let fitting = all.iter().filter(|i| fits(name, i));
            found.extend(fitting.map(|i| format!("{}:{}", text(i, "group"), text(i, "name"))));
            if found.len() == before {
                let (what, shown) = match split(name) {
                    (group, None) => ("group", group),
                    _ => ("process", *name),
                };
                self.say(&format!("{shown}: ERROR (no such {what})"));
                self.code = 2;
            }
        }
        Ok(found)
    }

    /// One after the other, each waited for until it is ready.
    fn rolling(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            self.usage("restart", 2);
            return Ok(());
        }
        let names = self.expand(names)?;
        if self.code != 0 {
            return Ok(());
        }
        for (at, name) in names.iter().enumerate() {
            let shown = shorten(name);
            match self.roll_one(name) {
                Ok(()) => self.say(&format!("{shown}: restarted")),
                Err(Failure::Fault(fault)) => {
                    self.line("start", &shown, fault.code, &fault.text);
                    self.code = 7;
                    for left in &names[at + 1..] {
                        let left = shorten(left);
                        self.say(&format!("{left}: left alone ({shown} did not come up)"));
                    }
                    return Ok(());
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn roll_one(&self, name: &str) -> Result<(), Failure> {
        let param = [Value::from(name)];
        match self.server.call("supervisor.stopProcess", &param) {
            Err(Failure::Fault(Fault {
                code: code::NOT_RUNNING,
                ..
            })) => {}
            other => drop(other?),
        }
        self.server.call("supervisor.startProcess", &param)?;
        match self.server.call("gxdeploy.waitReady", &param) {
            // The stock daemon knows no more than RUNNING.
            Err(Failure::Fault(fault)) if fault.code == code::UNKNOWN_METHOD => Ok(()),
            other => other.map(drop),
        }
    }

    fn parallel(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            self.usage("restart", 2);
            return Ok(());
        }
        let names = self.expand(names)?;
        let params = Value::list(names.iter().map(|n| n.as_str().into()).collect());
        let results = self.call_more("restartProcesses", &[params])?;
        self.results("start", &results);
        Ok(())
    }

    /// Waits until the new program answers.
    fn upgrade(&mut self) -> Done {
        let next = self.call_more("upgrade", &[])?.as_int();
        for _ in 0..UPGRADE_LOOKS {
            std::thread::sleep(UPGRADE_PAUSE);
            // It may not listen yet.
            let Ok(now) = self.server.call("gxdeploy.upgrades", &[]) else {
                continue;
            };
            if now.as_int() == next {
                self.say("Upgraded");
                return Ok(());
            }
        }
        self.say("ERROR: not upgraded (see \"maintail\")");
        self.code = 1;
        Ok(())
    }

    fn why(&mut self, names: &[&str]) -> Done {
        if names.is_empty() {
            self.usage("why", 2);
            return Ok(());
        }
        let names = self.expand(names)?;
        for name in names {
            let facts = self.call_more("explain", &[name.as_str().into()])?;
            for line in explanation(&facts) {
                self.say(&line);
            }
        }
        Ok(())
    }
}

fn shorten(name: &str) -> String {
    let (group, process) = split(name);
    short(group, process)
}

fn fits(name: &str, info: &Value) -> bool {
    let (group, process) = split(name);
    name == "all" || text(info, "group") == group && process.is_none_or(|p| text(info, "name") == p)
}

/// The lines of `why`.
fn explanation(facts: &Value) -> Vec<String> {
    let state = text(facts, "statename");
    let first = format!("{}: {state} {}", full(facts), text(facts, "description"));
    let mut lines = vec![first.trim_end().to_owned()];
    let list = |key: &str| -> Vec<String> {
        let all = facts.get(key).and_then(Value::as_list).unwrap_or_default();
        let word = |v: &Value| match v.as_int() {
            Some(number) => number.to_string(),
            None => v.as_str().unwrap_or_default().to_owned(),
        };
        all.iter().map(word).collect()
    };
    if let Some(end) = facts.get("last_end").and_then(Value::as_str) {
        let codes = list("expected_codes").join(", ");
        lines.push(format!("  last end: {end} (expected exit codes: {codes})"));
    }
    let count = |key: &str| facts.get(key).and_then(Value::as_int).unwrap_or(0);
    lines.push(format!(
        "  started {} times, ended {} times without being asked",
        count("starts"),
        count("crashes")
    ));
    let why = text(facts, "spawnerr");
    if !why.is_empty() {
        lines.push(format!("  error: {why}"));
    }
    if let Some(check) = facts.get("failed_check").and_then(Value::as_str) {
        lines.push(format!("  failed check: {check}"));
    }
    let waits = list("waits_for");
    if !waits.is_empty() {
        lines.push(format!("  waits for: {}", waits.join(", ")));
    }
    if facts.get("adopted").is_some_and(Value::truthy) {
        lines.push("  adopted: started by an earlier daemon".into());
    }
    for channel in ["stdout", "stderr"] {
        let last = list(&format!("{channel}_lines"));
        if !last.is_empty() {
            let file = text(facts, &format!("{channel}_logfile"));
            lines.push(format!("  last lines of {channel} ({file}):"));
            lines.extend(last.iter().map(|l| format!("    {l}")));
        }
    }
    lines
}
