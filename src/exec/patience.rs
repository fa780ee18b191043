//! How long, and how often, something that may pass is tried again.

use crate::transport::Again;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The first pause between two attempts; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest.
const LONGEST: Duration = Duration::from_secs(5);

/// How often it is looked whether the user still wants to wait.
const LOOK: Duration = Duration::from_millis(200);

/// What is left of it.
pub struct Patience {
    start: Instant,
    /// When the first attempt broke: it may have taken long, as where the agent is sent.
    failed: Option<Instant>,
    pause: Duration,
    /// How long what has broken is tried again.
    limit: Duration,
    /// How often a host is tried again that does not answer.
    retries: u32,
    tries: u32,
    interrupted: Arc<AtomicBool>,
}

impl Patience {
    /// All of it. The user may want to wait no longer.
    pub fn new(limit: Duration, retries: u32, interrupted: &Arc<AtomicBool>) -> Patience {
        Patience {
            start: Instant::now(),
            failed: None,
            pause: PAUSE,
            limit,
            retries,
            tries: 0,
            interrupted: interrupted.clone(),
        }
    }

    /// The same, of something that has failed already.
    pub fn failing(self) -> Patience {
        Patience {
            failed: Some(self.start),
            ..self
        }
    }

    /// Since the first attempt.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Waits for the next attempt; false if there is to be none.
    pub fn wait(&mut self, again: Again) -> bool {
        let pause = match again {
            Again::Never => None,
            // A host that was there comes back, whatever it looks like meanwhile.
            Again::Silent if self.failed.is_some() => self.after_a_break(),
            Again::Broke => self.after_a_break(),
            Again::Silent => self.after_silence(),
        };
        pause.is_some_and(|pause| self.sleep(pause))
    }

    fn after_a_break(&mut self) -> Option<Duration> {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        let since = self.failed.get_or_insert_with(Instant::now).elapsed();
        (since + pause <= self.limit).then_some(pause)
    }

    /// Pauses of 0, 1, 3, 7 ... seconds (observed: ansible-core 2.19.14, `retries`).
    fn after_silence(&mut self) -> Option<Duration> {
        const MOST: u64 = 30;
        let tries = self.tries;
        self.tries += 1;
        let pause = 1u64.checked_shl(tries).map_or(MOST, |pause| pause - 1);
        (tries < self.retries).then_some(Duration::from_secs(pause.min(MOST)))
    }

    fn sleep(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_waited_for() {
        let interrupted = Arc::new(AtomicBool::new(false));
        let mut patience = Patience::new(Duration::from_secs(3600), 2, &interrupted);
        assert!(!patience.wait(Again::Never));
        let pauses: Vec<u64> = std::iter::from_fn(|| patience.after_silence())
            .map(|pause| pause.as_secs())
            .collect();
        assert_eq!(pauses, [0, 1]);
        assert!(!patience.wait(Again::Silent));
        let pauses: Vec<u128> = (0..7)
            .filter_map(|_| patience.after_a_break())
            .map(|pause| pause.as_millis())
            .collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        let mut patience = Patience::new(Duration::from_secs(3600), 0, &interrupted);
        assert!(patience.wait(Again::Broke) && patience.wait(Again::Silent));
        let mut none = Patience::new(Duration::ZERO, 0, &interrupted);
        assert!(!none.wait(Again::Broke) && !none.wait(Again::Silent));
        interrupted.store(true, Ordering::Relaxed);
        let mut patience = Patience::new(Duration::from_secs(3600), 2, &interrupted);
        assert!(!patience.wait(Again::Broke));
    }
}
