//! Places for what may wait in the kernel: those of a component, those of the host, and the threads
//! that have some.
//!
//! An operation holds its places until the kernel lets it go, also when the guest that wanted it
//! has ended: so a file system that does not answer costs those who use it their own places and
//! nobody else's.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pending::Pending;

/// How many there are.
#[derive(Clone, Copy)]
pub struct Shares {
    pub of_a_sandbox: usize,
    pub of_a_component: usize,
    pub of_the_host: usize,
}

static HOST: OnceLock<Arc<Semaphore>> = OnceLock::new();

/// Each, as long as one of its sandboxes lives, one of its operations runs or one of its files is
/// to be closed.
static COMPONENTS: Mutex<Option<HashMap<u64, Weak<Component>>>> = Mutex::new(None);

pub struct Component {
    places: Arc<Semaphore>,
    host: Arc<Semaphore>,
    pub pending: Pending,
}

pub async fn place(of: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    of.clone().acquire_owned().await.expect("it is never closed")
}

/// Of a component and of the host. Whoever has them keeps the component, too: its places are not
/// there a second time.
pub struct Places {
    _taken: [OwnedSemaphorePermit; 2],
    _of: Arc<Component>,
}

impl Component {
    /// The one with this number; the first who asks for it says how many places it has.
    pub fn of(number: u64, shares: Shares) -> Arc<Component> {
        let mut all = COMPONENTS.lock().expect("nothing panics in here");
        let all = all.get_or_insert_default();
        let known = all.get(&number).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            all.retain(|_, one| one.strong_count() > 0);
            let places = Arc::new(Semaphore::new(shares.of_a_component));
            let host = HOST.get_or_init(|| Arc::new(Semaphore::new(shares.of_the_host))).clone();
            let new = Arc::new(Component { places, host, pending: Pending::default() });
            all.insert(number, Arc::downgrade(&new));
            new
        })
    }

    /// In this order: who waits for a place of the host has one of his own, so that there are never
    /// more of a component in that queue than its places.
    pub async fn places(self: &Arc<Self>) -> Places {
        let own = place(&self.places).await;
        Places { _taken: [own, place(&self.host).await], _of: self.clone() }
    }
}

thread_local!(static HAS_PLACES: Cell<bool> = const { Cell::new(false) });

/// What this thread does may wait.
pub fn has_places() -> bool {
    HAS_PLACES.get()
}

/// On a thread of the pool, for which there are places. `body` is gone when this returns.
pub fn on_a_thread_that_may_wait<R>(body: impl FnOnce() -> R) -> R {
    block_signals();
    HAS_PLACES.set(true);
    let result = body();
    HAS_PLACES.set(false);
    result
}

/// A write past RLIMIT_FSIZE is an error number of the guest's and no signal of the process's. The
/// threads of the pool are nobody's but ours.
fn block_signals() {
    thread_local!(static DONE: Cell<bool> = const { Cell::new(false) });
    if !DONE.get() {
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, libc::SIGXFSZ);
            libc::sigaddset(&mut set, libc::SIGPIPE);
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        }
        DONE.set(true);
    }
}
