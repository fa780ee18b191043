//! What is told of processes, and where they are by name.

use super::Fault;
use super::fault::code;
use crate::supervisor::group::{Running, Supervisor, description};
use crate::supervisor::proclogs::SharedLog;
use crate::value::{Map, Value};

type Place = (usize, Option<usize>);

/// The group, and the process unless the name is `group:*`.
pub(super) fn find(sup: &Supervisor, name: &str) -> Result<Place, Fault> {
    sup.find(name).ok_or(Fault::about(code::BAD_NAME, name))
}

fn process(place: Place, name: &str) -> Result<(usize, usize), Fault> {
    match place {
        (g, Some(n)) => Ok((g, n)),
        _ => Err(Fault::about(code::BAD_NAME, name)),
    }
}

/// Where a process of that name is.
pub(super) fn place(sup: &Supervisor, name: &str) -> Result<(usize, usize), Fault> {
    process(find(sup, name)?, name)
}

pub(super) fn info(group: &str, running: &Running, now: i64) -> Value {
    let path = |log: &SharedLog| {
        log.as_ref()
            .map_or(String::new(), |l| l.borrow().path().display().to_string())
    };
    let proc = &running.proc;
    let stdout = path(&running.stdout);
    let mut map = Map::new();
    map.insert("name", proc.program.name.as_str());
    map.insert("group", group);
    map.insert("start", running.start);
    map.insert("stop", running.stop);
    map.insert("now", now);
    map.insert("state", proc.state as i64);
    map.insert("statename", proc.state.name());
    map.insert("spawnerr", proc.spawnerr.as_deref().unwrap_or(""));
    map.insert("exitstatus", i64::from(proc.exit.unwrap_or(0)));
    map.insert("logfile", stdout.as_str());
    map.insert("stdout_logfile", stdout);
    map.insert("stderr_logfile", path(&running.stderr));
    map.insert("pid", i64::from(proc.pid.unwrap_or(0)));
    map.insert("description", description(running, now));
    map.into()
}

pub(super) fn outcome(group: &str, name: &str, result: &Result<(), Fault>) -> Value {
    let (status, text) = match result {
        Ok(()) => (code::SUCCESS, "OK"),
        Err(fault) => (fault.code, fault.text.as_str()),
    };
    let mut map = Map::new();
    map.insert("name", name);
    map.insert("group", group);
    map.insert("status", status);
    map.insert("description", text);
    map.into()
}
