//! Events on their way to the event listeners.

use super::config::GroupKind;
use super::events::takes;
use super::group::{Supervisor, wall};
use super::mainlog::Level;
use super::outlet::{Note, What};
use super::pool::{Queued, Said, Stance};
use super::proc::{Millis, State};
use super::streams::Input;
use std::rc::Rc;

/// The events of the clock, by their periods in seconds.
const TICKS: [(&str, i64); 3] = [("TICK_5", 5), ("TICK_60", 60), ("TICK_3600", 3600)];

fn slices() -> [i64; 3] {
    let now = wall();
    TICKS.map(|(_, period)| now - now.rem_euclid(period))
}

/// What the events of the daemon are counted by.
#[derive(Debug)]
pub struct Counters {
    serial: u64,
    ticks: [i64; 3],
    stopping: bool,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            serial: 0,
            ticks: slices(),
            stopping: false,
        }
    }
}

impl Supervisor {
    /// Tells whoever subscribed of an event.
    pub fn notify(&mut self, name: &str, payload: &[u8]) {
        let mut taken = false;
        let serial = self.counters.serial;
        for at in 0..self.groups.len() {
            let group = &mut self.groups[at];
            let GroupKind::Listeners {
                buffer_size,
                events,
            } = &group.config.kind
            else {
                continue;
            };
            if !events.iter().any(|wanted| takes(wanted, name)) {
                continue;
            }
            taken = true;
            let lost = group.pool.accept(*buffer_size, serial, name, payload);
            self.overflowed(at, lost);
            self.dispatch(at);
        }
        self.counters.serial += u64::from(taken);
    }

    fn overflowed(&self, at: usize, lost: Option<u64>) {
        if let Some(serial) = lost {
            let pool = &self.groups[at].config.name;
            let line = format!("pool {pool} event buffer overflowed, discarding event {serial}");
            self.log.write(Level::Error, &line);
        }
    }

    /// Sends what waits to the listeners of a group that are ready.
    pub fn dispatch(&mut self, at: usize) {
        let server = &self.config.daemon.identifier;
        let group = &mut self.groups[at];
        if group.pool.is_empty() {
            return;
        }
        let name = &group.config.name;
        for running in &mut group.procs {
            let ready = running.listener.stance == Stance::Ready;
            if running.proc.state != State::Running || !ready {
                continue;
            }
            let Some(stdin) = running.stdin.clone() else {
                continue;
            };
            let Some(event) = group.pool.pop() else {
                return;
            };
            write(stdin, event.envelope(server, name));
            let line = format!(
                "event {} sent to listener {}",
                event.serial, running.proc.program.name
            );
            self.log.write(Level::Debug, &line);
            running.listener.give(event);
        }
    }

    /// Puts back what a listener did not process.
    fn take_back(&mut self, at: usize, event: Option<Queued>) {
        let group = &mut self.groups[at];
        if let (Some(event), GroupKind::Listeners { buffer_size, .. }) = (event, &group.config.kind)
        {
            let lost = group.pool.take_back(*buffer_size, event);
            self.overflowed(at, lost);
        }
    }

    /// A listener ended; its event goes to another.
    pub fn listener_gone(&mut self, at: usize, n: usize) {
        let event = self.groups[at].procs[n].listener.gone();
        self.take_back(at, event);
    }

    /// Acts on what the readers of output noted.
    pub fn take_notes(&mut self) {
        let notes = std::mem::take(&mut *self.notes.queue.borrow_mut());
        for note in notes {
            self.take_note(&note);
        }
    }

    fn take_note(&mut self, note: &Note) {
        let (process, group, pid) = (&note.process, &note.group, note.pid);
        let head = format!("processname:{process} groupname:{group} pid:{pid}");
        let upper = note.channel.to_uppercase();
        match note.what {
            What::Log => {
                let head = format!("{head} channel:{}\n", note.channel);
                let payload = [head.as_bytes(), &note.bytes].concat();
                self.notify(&format!("PROCESS_LOG_{upper}"), &payload);
            }
            What::Captured => {
                let payload = [head.as_bytes(), b"\n", &note.bytes].concat();
                self.notify(&format!("PROCESS_COMMUNICATION_{upper}"), &payload);
            }
            What::Said => {
                if let Some((g, Some(n))) = self.find(&format!("{group}:{process}"))
                    && self.groups[g].procs[n].proc.pid == Some(pid)
                {
                    self.listener_said(g, n, &note.bytes);
                }
            }
        }
    }

    fn listener_said(&mut self, at: usize, n: usize, bytes: &[u8]) {
        let name = self.groups[at].procs[n].proc.program.name.clone();
        for said in self.groups[at].procs[n].listener.hear(bytes) {
            match said {
                Said::Processed => {
                    let line = format!("{name}: event was processed");
                    self.log.write(Level::Debug, &line);
                }
                Said::Rejected(event) => {
                    let line = format!("{name}: event was rejected");
                    self.log.write(Level::Warn, &line);
                    self.take_back(at, Some(event));
                }
                Said::Broke(line, event) => {
                    if let Some(line) = line {
                        let line = format!("{name}: bad result line: '{line}'");
                        self.log.write(Level::Warn, &line);
                    }
                    let line = format!(
                        "{name}: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol"
                    );
                    self.log.write(Level::Warn, &line);
                    self.take_back(at, event);
                }
            }
        }
        self.dispatch(at);
    }

    /// The events of the clock that are due.
    pub fn clock_events(&mut self) {
        let now = slices();
        for (n, (name, _)) in TICKS.iter().enumerate() {
            if now[n] != self.counters.ticks[n] {
                self.counters.ticks[n] = now[n];
                self.notify(name, format!("when:{}", now[n]).as_bytes());
            }
        }
    }

    /// When the clock wants attention; never, if nobody listens to it.
    pub fn next_tick(&self) -> Option<Millis> {
        let listens = self.groups.iter().any(|g| match &g.config.kind {
            GroupKind::Listeners { events, .. } => TICKS
                .iter()
                .any(|(name, _)| events.iter().any(|wanted| takes(wanted, name))),
            _ => false,
        });
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let millis = i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or_default();
        listens.then(|| self.now() + 5000 - millis.rem_euclid(5000) + 1)
    }

    /// Tells once that the daemon stops.
    pub fn tell_stopping(&mut self) {
        if !std::mem::replace(&mut self.counters.stopping, true) {
            self.notify("SUPERVISOR_STATE_CHANGE_STOPPING", b"");
        }
    }
}

/// Writes to a listener without holding up the daemon. One that is gone is noticed by its end.
fn write(stdin: Rc<Input>, bytes: Vec<u8>) {
    let written = stdin.try_write(&bytes).unwrap_or(0);
    if written == bytes.len() {
        return;
    }
    tokio::task::spawn_local(async move {
        let _ = stdin.write_all(&bytes[written..]).await;
    });
}
