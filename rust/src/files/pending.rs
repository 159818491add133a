//! What a component has handed over to be closed, and who waits for its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// `own`, wherever it is asked for, is how many of the files are one sandbox's: the sandbox's to
/// keep, and changed under this one's lock.
#[derive(Default)]
pub struct Pending {
    state: Mutex<State>,
    one_less: Condvar,
}

#[derive(Default)]
struct State {
    files: usize,
    /// Somebody has waited in vain: nobody does any more until all are closed.
    is_late: bool,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics in here")
    }

    pub fn add(&self, own: &AtomicUsize) {
        let mut state = self.state();
        state.files += 1;
        own.fetch_add(1, Ordering::Relaxed);
    }

    pub fn remove(&self, own: &AtomicUsize) {
        let mut state = self.state();
        state.files -= 1;
        state.is_late &= state.files > 0;
        own.fetch_sub(1, Ordering::Relaxed);
        self.one_less.notify_all();
    }

    /// Until what the sandbox has handed over is closed, but no longer than that. `false`: it is
    /// not.
    pub fn wait(&self, own: &AtomicUsize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.state();
        loop {
            if own.load(Ordering::Relaxed) == 0 {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.is_late || left.is_zero() {
                state.is_late |= !patience.is_zero();
                return false;
            }
            let waited = self.one_less.wait_timeout(state, left);
            state = waited.expect("nothing panics in here").0;
        }
    }
}
