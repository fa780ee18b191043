//! `getAllConfigInfo`: what the configuration says of every process.

use crate::supervisor::config::{Channel, Group, LogFile, Program};
use crate::supervisor::group::Supervisor;
use crate::supervisor::proclogs::SharedLog;
use crate::value::{Map, Value, order};

/// One struct for each process of the configuration, by name.
pub fn all(sup: &Supervisor) -> Value {
    let mut all: Vec<(&Group, &Program)> = sup
        .config
        .groups
        .iter()
        .flat_map(|g| g.programs.iter().map(move |p| (g, &**p)))
        .collect();
    order::sort_by(&mut all, |a, b| {
        (&a.1.name, &a.0.name).cmp(&(&b.1.name, &b.0.name))
    });
    Value::list(all.into_iter().map(|(g, p)| one(sup, g, p)).collect())
}

fn one(sup: &Supervisor, group: &Group, program: &Program) -> Value {
    let place = sup.find(&format!("{}:{}", group.name, program.name));
    let running = place.and_then(|(g, n)| Some(&sup.groups[g].procs[n?]));
    let in_use = sup.groups.iter().any(|g| g.config.name == group.name);
    let or_none = |text: &Option<String>| text.clone().unwrap_or("none".into());
    let mut map = Map::new();
    map.insert("autostart", program.autostart);
    map.insert("directory", or_none(&program.directory));
    match program.uid {
        Some(uid) => map.insert("uid", i64::from(uid)),
        None => map.insert("uid", "none"),
    };
    map.insert("command", program.command.as_str());
    let codes = program.exitcodes.iter().map(|c| i64::from(*c).into());
    map.insert("exitcodes", Value::list(codes.collect()));
    map.insert("group", group.name.as_str());
    map.insert("group_prio", group.priority);
    map.insert("inuse", in_use);
    map.insert("killasgroup", program.killasgroup);
    map.insert("name", program.name.as_str());
    map.insert("process_prio", program.priority);
    map.insert("redirect_stderr", program.redirect_stderr);
    map.insert("startretries", program.startretries);
    map.insert("startsecs", program.startsecs);
    let stdout = running.map(|r| &r.stdout);
    channel(&mut map, "stdout", &program.stdout, stdout);
    map.insert("stopsignal", program.stopsignal as i64);
    map.insert("stopwaitsecs", program.stopwaitsecs);
    let stderr = running.map(|r| &r.stderr);
    channel(&mut map, "stderr", &program.stderr, stderr);
    map.insert("serverurl", or_none(&program.serverurl));
    map.into()
}

fn channel(map: &mut Map, which: &str, channel: &Channel, log: Option<&SharedLog>) {
    let file = match (&channel.file, log) {
        (LogFile::Path(path), _) => path.clone(),
        (LogFile::None, _) => "none".into(),
        (LogFile::Auto, Some(Some(log))) => log.borrow().path().display().to_string(),
        (LogFile::Auto, _) => "auto".into(),
    };
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut set = |rest: &str, value: Value| map.insert(format!("{which}_{rest}").as_str(), value);
    set("capture_maxbytes", number(channel.capture_max_bytes).into());
    set("events_enabled", channel.events.into());
    set("logfile", file.into());
    set("logfile_backups", i64::from(channel.backups).into());
    set("logfile_maxbytes", number(channel.max_bytes).into());
    set("syslog", channel.syslog.into());
}
