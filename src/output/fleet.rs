//! `gxdeploy status`: the processes of all supervisors, identical hosts folded.

use super::event::{Event, Output, Status};
use super::ranges;
use crate::diag::Exit;
use crate::value::order;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// One process as `supervisorctl status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    name: String,
    state: String,
    /// Process id and uptime, or why it does not run.
    detail: String,
}

/// So many names and ranges of names are shown of a group of hosts.
const SHOWN: usize = 8;

/// What a host said: its processes, or why there are none to show.
type Answer = Result<Vec<Process>, String>;

/// Collects the results of `supervisorctl status`.
#[derive(Clone, Debug, Default)]
pub struct Fleet(Arc<Mutex<BTreeMap<String, (Answer, bool)>>>);

impl Output for Fleet {
    fn event(&mut self, event: &Event) {
        let Event::TaskEnded(outcome) = event else {
            return;
        };
        let unreachable = outcome.status == Status::Unreachable;
        let text = |key: &str| outcome.result[key].as_str().unwrap_or_default().trim();
        let processes = processes(text("stdout"));
        let answer = match (processes, &outcome.diag) {
            (Some(processes), _) => Ok(processes),
            (None, Some(diag)) if text("stdout").is_empty() => Err(diag.message.clone()),
            _ => Err(first_of([text("stdout"), text("stderr"), text("msg")])),
        };
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.insert(outcome.host.clone(), (answer, unreachable));
    }
}

fn first_of(texts: [&str; 3]) -> String {
    let text = texts.into_iter().find(|text| !text.is_empty());
    // What supervisorctl says last of a wrong call is only where its help is.
    let telling = |line: &&str| !line.starts_with("For help, use ");
    let line = text.and_then(|text| text.lines().rfind(telling));
    line.unwrap_or("no answer").to_owned()
}

/// The lines of `supervisorctl status`; `None` if they are something else.
fn processes(text: &str) -> Option<Vec<Process>> {
    const STATES: [&str; 8] = [
        "STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN",
    ];
    if text.is_empty() {
        return None;
    }
    let line = |line: &str| {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        let rest = rest.trim_start();
        let (state, detail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        STATES.contains(&state).then(|| Process {
            name: name.to_owned(),
            state: state.to_owned(),
            detail: detail.trim().to_owned(),
        })
    };
    text.lines().map(line).collect()
}

/// What makes two hosts the same: process ids and uptimes do not count.
fn shape(answer: &Answer) -> Vec<(String, String)> {
    match answer {
        Ok(processes) => processes
            .iter()
            .map(|p| (p.name.clone(), p.state.clone()))
            .collect(),
        Err(why) => vec![(String::new(), why.clone())],
    }
}

impl Fleet {
    fn hosts(&self) -> BTreeMap<String, (Answer, bool)> {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.clone()
    }

    /// A table: the largest group of identical hosts first, then those that differ, each line that
    /// the largest group does not have marked with `!`.
    pub fn table(&self) -> String {
        let hosts = self.hosts();
        let mut groups: Vec<(Vec<&str>, &Answer)> = Vec::new();
        for (host, (answer, _)) in &hosts {
            let same = |(_, other): &&mut (Vec<&str>, &Answer)| shape(other) == shape(answer);
            match groups.iter_mut().find(same) {
                Some((names, _)) => names.push(host),
                None => groups.push((vec![host], answer)),
            }
        }
        order::sort_by_key(&mut groups, |(names, answer)| {
            (answer.is_err(), std::cmp::Reverse(names.len()))
        });
        let usual = groups.first().map(|(_, answer)| shape(answer));
        let usual = usual.unwrap_or_default();
        let mut text = String::new();
        for (names, answer) in &groups {
            let count = match names.len() {
                1 => String::new(),
                n => format!(" ({n} hosts)"),
            };
            // Writing to a string cannot fail.
            let parts = ranges::folded(names.iter().copied());
            let _ = writeln!(text, "{}{count}", ranges::shown(&parts, SHOWN));
            rows(&mut text, answer, &usual, names.len() == 1);
        }
        text.pop();
        text
    }

    /// All hosts as JSON.
    pub fn json(&self) -> Json {
        let hosts: serde_json::Map<String, Json> = self
            .hosts()
            .into_iter()
            .map(|(host, (answer, unreachable))| {
                let value = match answer {
                    Ok(processes) => json!({"processes": processes.iter().map(|p| json!({
                        "name": p.name, "state": p.state, "description": p.detail,
                    })).collect::<Vec<_>>()}),
                    Err(error) => json!({"error": error, "unreachable": unreachable}),
                };
                (host, value)
            })
            .collect();
        json!({"hosts": hosts})
    }

    /// Unreachable hosts count most, then processes that do not run.
    pub fn exit(&self) -> Exit {
        let hosts = self.hosts();
        let runs = |answer: &Answer| {
            let all = |processes: &Vec<Process>| processes.iter().all(|p| p.state == "RUNNING");
            answer.as_ref().is_ok_and(all)
        };
        if hosts.values().any(|(_, unreachable)| *unreachable) {
            Exit::Unreachable
        } else if hosts.values().all(|(answer, _)| runs(answer)) {
            Exit::Ok
        } else {
            Exit::HostsFailed
        }
    }
}

fn rows(text: &mut String, answer: &Answer, usual: &[(String, String)], alone: bool) {
    let processes = match answer {
        Ok(processes) => processes,
        Err(why) => {
            let _ = writeln!(text, "! {why}");
            return;
        }
    };
    let width = processes.iter().map(|p| p.name.len()).max().unwrap_or(0);
    for process in processes {
        let key = (process.name.clone(), process.state.clone());
        let mark = if usual.contains(&key) { ' ' } else { '!' };
        // Process ids of many hosts say nothing, a reason does.
        let tells = alone || process.state != "RUNNING";
        let detail = if tells { process.detail.as_str() } else { "" };
        let line = format!(
            "{mark} {:width$}  {:<8}  {detail}",
            process.name, process.state
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for (name, _) in usual {
        if !name.is_empty() && !processes.iter().any(|p| p.name == *name) {
            let _ = writeln!(text, "! {name:width$}  missing");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(hosts: &[(&str, &str)]) -> Fleet {
        let fleet = Fleet::default();
        for (host, said) in hosts {
            let answer = processes(said).ok_or_else(|| (*said).to_owned());
            let mut known = fleet.0.lock().unwrap();
            known.insert((*host).to_owned(), (answer, *said == "gone"));
        }
        fleet
    }

    #[test]
    fn an_error_is_told_and_not_where_help_is() {
        let said = "Error: No config file found\nFor help, use ctl -h";
        assert_eq!(first_of(["", said, "other"]), "Error: No config file found");
        assert_eq!(first_of(["", "", "one\ntwo"]), "two");
        assert_eq!(first_of(["", "", ""]), "no answer");
    }

    #[test]
    fn identical_hosts_are_folded_and_others_marked() {
        let fine = "galaxy       RUNNING   pid 7, uptime 0:01:00\ngx:h0   RUNNING   pid 8, uptime 1 day, 0:00:01";
        let fleet = fleet(&[
            ("vm1", fine),
            ("vm2", &fine.replace("pid 7", "pid 70")),
            ("vm3", "galaxy   FATAL   Exited too quickly"),
            ("vm4", "gone"),
        ]);
        assert_eq!(
            fleet.table(),
            "\
vm1, vm2 (2 hosts)
  galaxy  RUNNING
  gx:h0   RUNNING
vm3
! galaxy  FATAL     Exited too quickly
! gx:h0   missing
vm4
! gone"
        );
        assert_eq!(fleet.exit(), Exit::Unreachable);
        assert_eq!(
            fleet.json()["hosts"]["vm3"]["processes"][0]["state"],
            "FATAL"
        );
        assert_eq!(fleet.json()["hosts"]["vm4"]["unreachable"], true);
    }

    #[test]
    fn a_hundred_names_take_one_line() {
        let names: Vec<String> = (1..=100).map(|n| format!("gat-{n}")).collect();
        let said = |name: &str| match name {
            "gat-99" => "galaxy FATAL Exited too quickly",
            _ => "galaxy RUNNING pid 1, uptime 0:00:01",
        };
        let hosts: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), said(n))).collect();
        let fleet = fleet(&hosts);
        assert_eq!(
            fleet.table(),
            "\
gat-[1:98], gat-100 (99 hosts)
  galaxy  RUNNING
gat-99
! galaxy  FATAL     Exited too quickly"
        );
        assert_eq!(fleet.json()["hosts"].as_object().unwrap().len(), 100);
    }

    #[test]
    fn what_is_no_status_is_an_error() {
        assert_eq!(processes("unix:///x.sock no such file"), None);
        assert_eq!(processes(""), None);
        let all = fleet(&[("a", "x RUNNING pid 1, uptime 0:00:01")]);
        assert_eq!(all.exit(), Exit::Ok);
        assert!(all.table().contains("pid 1"));
        assert_eq!(
            fleet(&[("a", "x STOPPED Not started")]).exit(),
            Exit::HostsFailed
        );
    }
}
