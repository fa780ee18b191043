use super::*;
use crate::output::event::{Certainty, Counts, PlanCounts, Status};
use crate::output::tests::{Paper, outcome};
use serde_json::json;
use std::collections::BTreeMap;

fn shown(verbosity: u8, events: &[Event]) -> String {
    let paper = Paper::default();
    let screen = || Screen::plain(paper.clone());
    let mut console = Console::new(screen(), screen(), SourceMap::default(), verbosity);
    console.started = std::time::Instant::now();
    events.iter().for_each(|e| console.event(e));
    let text = paper.text();
    // The time it took is not the same twice.
    let lines = text.lines().map(|l| match l.split_once(" in 0.") {
        Some((before, _)) if l.starts_with("Done") => format!("{before} in T s"),
        _ => l.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn hosts(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("vm{n:02}")).collect()
}

fn task(name: &str) -> Event {
    Event::TaskStarted(TaskInfo {
        name: name.into(),
        role: Some("galaxy".into()),
        ..TaskInfo::default()
    })
}

fn play(hosts: &[String]) -> Event {
    Event::PlayStarted {
        name: "Training".into(),
        hosts: hosts.to_vec(),
    }
}

#[test]
fn equal_hosts_are_one_line_and_the_odd_one_has_its_own() {
    let all = hosts(30);
    let mut events = vec![play(&all), task("Nothing to do")];
    events.extend(
        all.iter()
            .map(|h| Event::TaskEnded(outcome(h, Status::Ok, json!({})))),
    );
    events.push(task("Write the configuration"));
    for host in &all {
        let status = if host == "vm17" {
            Status::Ok
        } else {
            Status::Changed
        };
        events.push(Event::TaskEnded(outcome(host, status, json!({}))));
    }
    events.push(task("Start"));
    for host in &all {
        let bad = json!({"msg": "non-zero return code", "stderr": "no space left"});
        let (status, result) = match host.as_str() {
            "vm03" => (Status::Failed, bad),
            _ => (Status::Changed, json!({})),
        };
        events.push(Event::TaskEnded(outcome(host, status, result)));
    }
    let counts = |host: &String| Counts {
        ok: 3,
        changed: if host == "vm17" { 1 } else { 2 },
        failed: u32::from(host == "vm03"),
        ..Counts::default()
    };
    events.push(Event::RunEnded {
        stats: Vec::new(),
        recap: all.iter().map(|h| (h.clone(), counts(h))).collect(),
        plan: PlanCounts::default(),
        exit: 2,
    });
    insta::assert_snapshot!(shown(0, &events), @r"
    Training (30 hosts)
      ~ galaxy : Write the configuration                    all but vm17
      ~ galaxy : Start                                      all but vm03
      x galaxy : Start                                      vm03  FAILED
          non-zero return code
          stderr:
            no space left

    Done with failures in T s
      all but vm03, vm17                 1 ok, 2 changed
      vm17                               2 ok, 1 changed
      vm03                               1 ok, 2 changed, 1 failed
    ");
}

#[test]
fn a_plan() {
    let all = hosts(2);
    let mut events = vec![
        Event::RunStarted {
            plays: 1,
            playbook: "site.yml".into(),
            check: true,
        },
        play(&all),
    ];
    let mut step = |name: &str, result: serde_json::Value, certainty: Certainty| {
        events.push(task(name));
        for host in &all {
            let mut outcome = outcome(host, Status::Changed, result.clone());
            outcome.certainty = certainty;
            outcome.show_diff = true;
            events.push(Event::TaskEnded(outcome));
        }
    };
    let made = json!({"diff": [{"before": {"state": "absent"}, "after": {"state": "directory"}}]});
    step("Directory", made, Certainty::Sure);
    let edited =
        json!({"diff": [{"before": "a\nb\n", "after": "a\nc\n", "after_header": "/etc/x"}]});
    step("Settings", edited, Certainty::Sure);
    step("Build", json!({}), Certainty::Opaque);
    step("Use what was built", json!({}), Certainty::Unknown);
    events.push(Event::RunEnded {
        stats: Vec::new(),
        recap: BTreeMap::new(),
        plan: PlanCounts {
            change: 4,
            ok: 7,
            unknown: 2,
            opaque: 2,
            ..PlanCounts::default()
        },
        exit: 0,
    });
    insta::assert_snapshot!(shown(0, &events), @r"
    Training (2 hosts)
      + galaxy : Directory                                  vm01, vm02
          state: absent -> directory
      ~ galaxy : Settings                                   vm01, vm02
          --- before
          +++ after: /etc/x
          @@ -1,2 +1,2 @@
           a
          -b
          +c
      ! galaxy : Build                                      vm01, vm02  (a command: what it does is not known)
      ? galaxy : Use what was built                         vm01, vm02  (known after apply)

    Plan: 4 to change, 7 ok, 2 unknown until apply, 2 opaque commands
    ");
}

#[test]
fn items_have_lines_of_their_own() {
    let all = hosts(1);
    let mut events = vec![play(&all), task("Packages")];
    for (item, status) in [("git", Status::Ok), ("vim", Status::Changed)] {
        let mut outcome = outcome("vm01", status, json!({}));
        outcome.item = Some(item.into());
        events.push(Event::ItemEnded(outcome));
    }
    let end = json!({"results": []});
    events.push(Event::TaskEnded(outcome("vm01", Status::Changed, end)));
    events.push(Event::NoHostsLeft);
    insta::assert_snapshot!(shown(0, &events), @r"
    Training (vm01)
      ~ galaxy : Packages [vim]

    No hosts left: the play ends here
    ");
}

#[test]
fn hosts_in_few_words() {
    let all = hosts(30);
    let text = |picked: &[String]| rows::host_text(picked, &all);
    assert_eq!(text(&all), "all 30 hosts");
    assert_eq!(text(&all[1..]), "all but vm01");
    assert_eq!(text(&all[..2]), "vm01, vm02");
    assert_eq!(text(&all[..10]), "vm[01:10]");
    let odd: Vec<String> = all.iter().step_by(2).cloned().collect();
    assert_eq!(text(&odd), "vm01, vm03, vm05 and 12 more");
}
