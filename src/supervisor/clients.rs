//! The clients of all servers: so many and no more, and who has to go for the next.

use super::mainlog::{Level, MainLog};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// More clients than this are not served at once, however many descriptors there are.
const MOST: u64 = 256;
/// Descriptors that clients may take is this part of all.
const SHARE: u64 = 4;
/// How long a client may take for the head of a request, and for its body.
const PATIENCE: Duration = Duration::from_secs(30);

/// The clients, the oldest first.
#[derive(Debug)]
pub struct Clients {
    all: RefCell<VecDeque<Client>>,
    most: usize,
    patience: Duration,
    last: Cell<u64>,
    told: Cell<bool>,
}

#[derive(Debug)]
struct Client {
    number: u64,
    task: AbortHandle,
    busy: Rc<Cell<u32>>,
}

/// What a client holds while the daemon works for it: it is not sent away then.
#[derive(Debug)]
pub struct Busy(Rc<Cell<u32>>);

impl Busy {
    /// The client of this counter has something to wait for.
    pub fn begin(counter: &Rc<Cell<u32>>) -> Busy {
        counter.set(counter.get() + 1);
        Busy(counter.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Takes a client out when it goes.
#[derive(Debug)]
pub struct Visit(Rc<Clients>, u64);

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.all.borrow_mut().retain(|c| c.number != self.1);
    }
}

impl Default for Clients {
    fn default() -> Clients {
        use nix::sys::resource::{Resource, getrlimit};
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(MOST, |(soft, _)| soft);
        let most = usize::try_from((files / SHARE).clamp(8, MOST)).unwrap_or(8);
        Clients::up_to(most, PATIENCE)
    }
}

impl Clients {
    /// At most so many at once, each of which may take so long for a head or a body.
    pub fn up_to(most: usize, patience: Duration) -> Clients {
        Clients {
            all: RefCell::default(),
            most,
            patience,
            last: Cell::new(0),
            told: Cell::new(false),
        }
    }

    /// How long a client may take for the head of a request, and for its body.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// A new client; it goes when what is returned is dropped.
    pub fn visit(self: &Rc<Self>) -> Visit {
        self.last.set(self.last.get() + 1);
        Visit(self.clone(), self.last.get())
    }

    /// Whether there is room for one more: the oldest client for whom nothing is being done goes,
    /// if need be.
    pub fn make_room(&self, log: &MainLog) -> bool {
        let mut all = self.all.borrow_mut();
        if all.len() < self.most {
            self.told.set(false);
            return true;
        }
        if !self.told.replace(true) {
            let line = format!("{} clients: the oldest that wait make room", all.len());
            log.write(Level::Warn, &line);
        }
        let idle = all.iter().position(|c| c.busy.get() == 0);
        let gone = idle.and_then(|at| all.remove(at));
        drop(all);
        gone.inspect(|client| client.task.abort()).is_some()
    }

    /// Notes by which task a client is served.
    pub fn serve(&self, visit: u64, task: AbortHandle, busy: Rc<Cell<u32>>) {
        self.all.borrow_mut().push_back(Client {
            number: visit,
            task,
            busy,
        });
    }
}

impl Visit {
    /// The client's number.
    pub fn number(&self) -> u64 {
        self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_half_a_minute() {
        assert_eq!(Clients::default().patience().as_secs(), 30);
    }

    #[test]
    fn the_oldest_idle_client_makes_room() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let clients = Rc::new(Clients::up_to(2, PATIENCE));
        let log = MainLog::new(None, Level::Error, false);
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let mut tasks = Vec::new();
            let mut calls = Vec::new();
            for busy in [1, 0] {
                assert!(clients.make_room(&log));
                let visit = clients.visit();
                let number = visit.number();
                let counter = Rc::new(Cell::new(busy));
                let task = tokio::task::spawn_local(async move {
                    let _visit = visit;
                    std::future::pending::<()>().await;
                });
                clients.serve(number, task.abort_handle(), counter.clone());
                tasks.push(task);
                calls.push(counter);
            }
            assert!(clients.make_room(&log));
            assert!(tasks.remove(1).await.unwrap_err().is_cancelled());
            assert_eq!(clients.all.borrow().len(), 1);
            clients.serve(9, tasks[0].abort_handle(), calls[0].clone());
            assert!(!clients.make_room(&log), "all are busy");
            calls[0].set(0);
            assert!(clients.make_room(&log));
        });
    }
}
