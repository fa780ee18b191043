//! `forks`: how many hosts are worked on at a time.
//!
//! A host needs a seat while steps of it are under way or a connection is made. Of those that wait,
//! the one that is furthest behind comes first.

use super::collect::Position;
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a host keeps its seat while others that are further behind wait.
const TURN: Duration = Duration::from_secs(1);

struct State {
    free: usize,
    waiting: BTreeSet<(Position, usize)>,
}

/// The seats of a run.
pub struct Forks {
    state: Mutex<State>,
    changed: Condvar,
}

impl Forks {
    /// So many seats.
    pub fn new(seats: usize) -> Forks {
        Forks {
            state: Mutex::new(State {
                free: seats.max(1),
                waiting: BTreeSet::new(),
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The seat of one host, whether it is taken or not.
pub struct Seat {
    forks: Arc<Forks>,
    host: usize,
    since: Mutex<Option<Instant>>,
}

impl Seat {
    /// A seat that is not taken yet.
    pub fn new(forks: &Arc<Forks>, host: usize) -> Seat {
        Seat {
            forks: forks.clone(),
            host,
            since: Mutex::new(None),
        }
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a seat, unless the host has it.
    pub fn take(&self, at: &[u32]) {
        let mut since = self.since();
        if since.is_some() {
            return;
        }
        let mut state = self.forks.lock();
        let me = (at.to_vec(), self.host);
        state.waiting.insert(me.clone());
        while state.free == 0 || state.waiting.first() != Some(&me) {
            let waited = self.forks.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.remove(&me);
        state.free -= 1;
        // There may be another free one for the next that waits.
        self.forks.changed.notify_all();
        *since = Some(Instant::now());
    }

    /// Gives the seat back; true if the host had it.
    pub fn leave(&self) -> bool {
        let had = self.since().take().is_some();
        if had {
            self.forks.lock().free += 1;
            self.forks.changed.notify_all();
        }
        had
    }

    /// True if the host had its turn and another waits that is further behind.
    pub fn is_wanted(&self, at: &[u32]) -> bool {
        let over = self.since().is_some_and(|since| since.elapsed() > TURN);
        over && {
            let state = self.forks.lock();
            let first = state.waiting.first();
            first.is_some_and(|(other, _)| other.as_slice() < at)
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn never_more_than_there_are_seats() {
        let forks = Arc::new(Forks::new(2));
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|threads| {
            for host in 0..8 {
                let (forks, now, most) = (&forks, &now, &most);
                threads.spawn(move || {
                    let seat = Seat::new(forks, host);
                    for step in 0..20 {
                        seat.take(&[step]);
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        assert!(seat.leave());
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
    }

    #[test]
    fn a_seat_is_taken_once() {
        let forks = Arc::new(Forks::new(1));
        let seat = Seat::new(&forks, 0);
        assert!(!seat.leave());
        seat.take(&[0]);
        seat.take(&[0]);
        assert!(seat.leave());
        assert!(!seat.leave());
        seat.take(&[0]);
        drop(seat);
        Seat::new(&forks, 1).take(&[0]);
    }
}
