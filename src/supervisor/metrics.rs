//! `/metrics`: counts and states in Prometheus's text format.

use super::group::{Running, Supervisor};
use super::proc::State;
use super::stat::stat;
use std::fmt::Write;

/// What is measured of every process: name, kind, meaning.
const METRICS: [(&str, &str, &str); 9] = [
    ("up", "gauge", "1 while the process is RUNNING"),
    (
        "ready",
        "gauge",
        "1 while it is RUNNING and passed its readiness check",
    ),
    (
        "state",
        "gauge",
        "supervisord's number of the state: 20 is RUNNING, 200 FATAL",
    ),
    (
        "starts_total",
        "counter",
        "copies started since the daemon began",
    ),
    (
        "crashes_total",
        "counter",
        "copies that ended without having been asked to",
    ),
    (
        "out_of_memory",
        "gauge",
        "1 if the last copy was killed for want of memory",
    ),
    (
        "start_time_seconds",
        "gauge",
        "when the running copy was started, since the epoch",
    ),
    (
        "resident_memory_bytes",
        "gauge",
        "memory of the running copy, its children not counted",
    ),
    (
        "cpu_seconds_total",
        "counter",
        "CPU time of the running copy, its children not counted",
    ),
];

/// The page.
pub fn page(sup: &Supervisor) -> String {
    let each: Vec<(String, &Running, Option<Usage>)> = sup
        .groups
        .iter()
        .flat_map(|g| g.procs.iter().map(move |p| (g, p)))
        .map(|(group, running)| {
            let labels = format!(
                "group=\"{}\",name=\"{}\"",
                escape(&group.config.name),
                escape(&running.proc.program.name)
            );
            (labels, running, running.proc.pid.and_then(usage))
        })
        .collect();
    let mut text = String::new();
    for (name, kind, help) in METRICS {
        let name = format!("supervisor_process_{name}");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, running, usage) in &each {
            if let Some(value) = value(&name, running, usage.as_ref()) {
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
    }
    let name = "supervisor_processes";
    let help = "processes by state";
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for state in [
        State::Stopped,
        State::Starting,
        State::Running,
        State::Backoff,
        State::Stopping,
        State::Exited,
        State::Fatal,
        State::Unknown,
    ] {
        let count = each
            .iter()
            .filter(|(_, r, _)| r.proc.state == state)
            .count();
        let _ = writeln!(text, "{name}{{state=\"{}\"}} {count}", state.name());
    }
    text
}

fn value(name: &str, running: &Running, usage: Option<&Usage>) -> Option<String> {
    let flag = |yes: bool| u8::from(yes).to_string();
    let record = &running.record;
    Some(match name.strip_prefix("supervisor_process_")? {
        "up" => flag(running.proc.state == State::Running),
        "ready" => flag(running.is_ready()),
        "state" => (running.proc.state as i64).to_string(),
        "starts_total" => record.starts.to_string(),
        "crashes_total" => record.crashes.to_string(),
        "out_of_memory" => flag(record.end.as_ref().is_some_and(|e| e.out_of_memory)),
        "start_time_seconds" => {
            running.proc.pid?;
            running.start.to_string()
        }
        "resident_memory_bytes" => usage?.memory.to_string(),
        _ => format!("{:.2}", usage?.cpu),
    })
}

/// A label's value.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

struct Usage {
    /// In bytes.
    memory: u64,
    /// In seconds.
    cpu: f64,
}

fn usage(pid: i32) -> Option<Usage> {
    use nix::unistd::{SysconfVar, sysconf};
    let stat = stat(pid.unsigned_abs())?;
    let unit = |var| sysconf(var).ok().flatten().unwrap_or(1).unsigned_abs();
    Some(Usage {
        memory: stat.pages * unit(SysconfVar::PAGE_SIZE),
        cpu: stat.ticks as f64 / unit(SysconfVar::CLK_TCK) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_of_this_process() {
        assert!(usage(std::process::id() as i32).is_some_and(|u| u.memory > 0));
        assert!(usage(0).is_none());
    }

    #[test]
    fn labels() {
        assert_eq!(escape("a\"b\\c\n"), "a\\\"b\\\\c\\n");
    }
}
