//! The rules of the state table, against a kernel that is made up.

use super::*;
use crate::supervisor::config;
use proptest::prelude::*;

fn program(options: &str) -> Rc<Program> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.conf");
    let text = format!("[supervisord]\n[program:p]\ncommand=/bin/x\n{options}\n");
    std::fs::write(&file, text).unwrap();
    config::load(&file)
        .unwrap()
        .groups
        .remove(0)
        .programs
        .remove(0)
}

/// Starts copies, counts them, and reaps what is killed for good.
struct Kernel {
    proc: Proc,
    now: Millis,
    next_pid: i32,
    alive: Vec<i32>,
    refuse: bool,
    states: Vec<State>,
}

impl Kernel {
    fn new(options: &str) -> Kernel {
        Kernel {
            proc: Proc::new(program(options)),
            now: 0,
            next_pid: 100,
            alive: Vec::new(),
            refuse: false,
            states: Vec::new(),
        }
    }

    fn send(&mut self, event: Event) {
        let mut todo = vec![event];
        while let Some(event) = todo.pop() {
            if let Event::Ended(_) = event {
                self.alive.clear();
            }
            for action in self.proc.step(event, self.now) {
                match action {
                    Action::Spawn if self.refuse => todo.push(Event::SpawnFailed("no".into())),
                    Action::Spawn => {
                        assert!(self.alive.is_empty(), "a second copy");
                        self.next_pid += 1;
                        self.alive.push(self.next_pid);
                        todo.push(Event::Spawned(self.next_pid));
                    }
                    Action::Kill { pid, signal, .. } => {
                        assert_eq!(self.alive, [pid], "a signal to a stranger");
                        if signal == Signal::SIGKILL {
                            todo.push(Event::Ended(Ended::Signal(signal)));
                        }
                    }
                    Action::Announce { from, to, .. } => {
                        assert!(legal(from, to), "{from:?} -> {to:?}");
                        self.states.push(to);
                    }
                    Action::Log(..) => {}
                }
            }
        }
        assert_eq!(self.proc.pid, self.alive.first().copied());
    }

    fn pass(&mut self, millis: Millis) {
        let end = self.now + millis;
        while let Some(at) = self.proc.deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.send(Event::Timer);
        }
        self.now = end;
    }

    fn exit(&mut self, code: i32) {
        if !self.alive.is_empty() {
            self.send(Event::Ended(Ended::Code(code)));
        }
    }
}

/// The table of the surface document.
fn legal(from: State, to: State) -> bool {
    use State::*;
    match from {
        Stopped | Fatal | Exited => to == Starting,
        Starting => matches!(to, Running | Backoff | Stopping | Unknown),
        Running => matches!(to, Exited | Stopping | Unknown),
        Backoff => matches!(to, Starting | Fatal | Stopped),
        Stopping => matches!(to, Stopped | Unknown),
        Unknown => matches!(to, Starting | Exited),
    }
}

#[test]
fn an_adopted_process_has_its_age() {
    let mut k = Kernel::new("startsecs=10");
    k.alive.push(7);
    k.send(Event::Adopted(7, 4000));
    k.pass(6000);
    assert_eq!(k.proc.state, State::Starting);
    k.pass(1);
    assert_eq!(k.proc.state, State::Running);
    k.send(Event::Adopted(8, 0));
    assert_eq!(k.proc.pid, Some(7), "a running copy is not exchanged");
}

#[test]
fn up_after_startsecs_and_not_before() {
    let mut k = Kernel::new("startsecs=2");
    k.send(Event::Start);
    k.pass(2000);
    assert_eq!(k.proc.state, State::Starting);
    k.pass(1);
    assert_eq!(k.proc.state, State::Running);
}

#[test]
fn failures_wait_longer_each_time_and_end_in_fatal() {
    let mut k = Kernel::new("startretries=2");
    k.refuse = true;
    k.send(Event::Start);
    let mut starts = Vec::new();
    for _ in 0..100 {
        let before = k.states.len();
        k.pass(100);
        if k.states[before..].contains(&State::Starting) {
            starts.push(k.now);
        }
    }
    assert_eq!(starts, [1000, 3000]);
    assert_eq!(k.proc.state, State::Fatal);
    assert_eq!(k.proc.spawnerr.as_deref(), Some("no"));
}

#[test]
fn a_stop_that_is_ignored_becomes_a_kill() {
    let mut k = Kernel::new("stopwaitsecs=3");
    k.send(Event::Start);
    k.pass(1500);
    k.send(Event::Stop);
    k.pass(2999);
    assert_eq!(k.proc.state, State::Stopping);
    k.pass(1);
    assert_eq!(k.proc.state, State::Stopped);
    k.pass(60_000);
    assert_eq!(k.proc.state, State::Stopped);
}

#[test]
fn restarts_follow_autorestart() {
    for (options, code, again) in [
        ("", 0, false),
        ("", 1, true),
        ("exitcodes=1", 1, false),
        ("autorestart=true", 0, true),
        ("autorestart=false", 1, false),
    ] {
        let mut k = Kernel::new(options);
        k.send(Event::Start);
        k.pass(5000);
        k.exit(code);
        assert_eq!(!k.alive.is_empty(), again, "{options} {code}");
    }
}

#[test]
fn a_crash_loop_without_startsecs_is_held_back() {
    let mut k = Kernel::new("startsecs=0");
    k.send(Event::Start);
    for _ in 0..1000 {
        k.exit(1);
        k.pass(10);
    }
    assert!(
        k.next_pid - 100 <= 12,
        "{} starts in 10 s",
        k.next_pid - 100
    );
}

/// Every state in which the daemon can have a process, with and without a copy.
const PLACES: [(State, Option<i32>); 10] = [
    (State::Stopped, None),
    (State::Starting, None),
    (State::Starting, Some(5)),
    (State::Running, Some(5)),
    (State::Backoff, None),
    (State::Stopping, Some(5)),
    (State::Exited, None),
    (State::Fatal, None),
    (State::Unknown, None),
    (State::Unknown, Some(5)),
];

#[test]
fn every_event_in_every_state() {
    let events = [
        Event::Start,
        Event::Stop,
        Event::Spawned(6),
        Event::Adopted(6, 10),
        Event::SpawnFailed("no".into()),
        Event::Ended(Ended::Code(0)),
        Event::Ended(Ended::Signal(Signal::SIGKILL)),
        Event::KillFailed,
        Event::Timer,
    ];
    for (state, pid) in PLACES {
        for event in &events {
            for (started, wake) in [(None, None), (Some(0), Some(1)), (Some(0), Some(i64::MAX))] {
                let mut proc = Proc::new(program(""));
                (proc.state, proc.pid, proc.started, proc.wake) = (state, pid, started, wake);
                let mut now = state;
                for action in proc.step(event.clone(), 10_000) {
                    match action {
                        Action::Announce { from, to, .. } => {
                            assert_eq!(from, now, "{state:?} {event:?}");
                            assert!(legal(from, to), "{event:?}: {from:?} -> {to:?}");
                            now = to;
                        }
                        Action::Kill { pid: whom, .. } => assert_eq!(Some(whom), pid),
                        Action::Spawn => assert_eq!((proc.pid, now), (None, State::Starting)),
                        Action::Log(..) => {}
                    }
                }
                assert_eq!(proc.state, now, "{state:?} {event:?}");
                let alive = proc.pid.is_some();
                let fits = PLACES
                    .iter()
                    .any(|(s, p)| *s == now && p.is_some() == alive);
                assert!(fits, "{state:?} {event:?} ends as {now:?}, alive: {alive}");
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Send(Event),
    Exit(i32),
    Pass(Millis),
    Refuse(bool),
}

fn deeds() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::Send(Event::Start)),
        Just(Deed::Send(Event::Stop)),
        Just(Deed::Send(Event::Timer)),
        Just(Deed::Send(Event::KillFailed)),
        Just(Deed::Send(Event::Spawned(1))),
        Just(Deed::Send(Event::SpawnFailed("x".into()))),
        (0..3).prop_map(Deed::Exit),
        (0_i64..5000).prop_map(Deed::Pass),
        any::<bool>().prop_map(Deed::Refuse),
    ]
}

proptest! {
    #[test]
    fn never_two_copies_and_every_one_reaped(
        deeds in prop::collection::vec(deeds(), 0..60),
        startsecs in 0..3, retries in 0..3, restart in prop_oneof!["true", "false", "unexpected"],
    ) {
        let mut k = Kernel::new(&format!("startsecs={startsecs}\nstartretries={retries}\nautorestart={restart}\nstopwaitsecs=1"));
        for deed in deeds {
            match deed {
                Deed::Send(event) => k.send(event),
                Deed::Exit(code) => k.exit(code),
                Deed::Pass(millis) => k.pass(millis),
                Deed::Refuse(refuse) => k.refuse = refuse,
            }
            prop_assert!(k.alive.len() <= 1);
        }
        if k.proc.state != State::Unknown {
            k.send(Event::Stop);
            k.pass(2000);
            prop_assert!(k.alive.is_empty());
            prop_assert!(k.proc.state.rests());
        }
    }
}
