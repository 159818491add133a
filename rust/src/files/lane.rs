//! Threads for what may wait in the kernel, shared fairly.
//!
//! An operation holds a place of its sandbox, one of its component and one of the host until the
//! kernel lets it go, also when the guest that wanted it has ended: so a file system that does not
//! answer costs those who use it their own places and nobody else's. Whoever waits for a place
//! holds no thread, and is served in turn.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi::runtime::spawn_blocking;

use super::closing::{Door, Pending, Shared};

/// A guest does one thing at a time; only streams of 0.2 work in its back.
const OF_A_SANDBOX: usize = 2;
const OF_A_COMPONENT: usize = 8;
/// The runtime has 512 threads; the others are for what is no file.
const OF_THE_HOST: usize = 384;

static HOST: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(OF_THE_HOST)));

/// Each, as long as one of its sandboxes lives, one of its operations runs or one of its files is
/// to be closed.
static COMPONENTS: Mutex<Option<HashMap<u64, Weak<Component>>>> = Mutex::new(None);

pub struct Component {
    places: Arc<Semaphore>,
    pub pending: Pending,
}

async fn place(of: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    of.clone().acquire_owned().await.expect("it is never closed")
}

/// Of a component and of the host. Whoever has them keeps the component, too: its places are not
/// there a second time.
pub struct Places {
    _taken: [OwnedSemaphorePermit; 2],
    _of: Arc<Component>,
}

impl Component {
    /// In this order: who waits for a place of the host has one of his own, so that there are never
    /// more of a component in that queue than its places.
    pub async fn places(self: &Arc<Self>) -> Places {
        let own = place(&self.places).await;
        Places { _taken: [own, place(&HOST).await], _of: self.clone() }
    }
}

#[derive(Clone)]
pub struct Lane {
    sandbox: Arc<Semaphore>,
    door: Door,
}

impl Lane {
    pub fn new(component: u64) -> Lane {
        let mut all = COMPONENTS.lock().expect("nothing panics in here");
        let all = all.get_or_insert_default();
        let known = all.get(&component).and_then(Weak::upgrade);
        let shared = known.unwrap_or_else(|| {
            all.retain(|_, one| one.strong_count() > 0);
            let places = Arc::new(Semaphore::new(OF_A_COMPONENT));
            let new = Arc::new(Component { places, pending: Pending::default() });
            all.insert(component, Arc::downgrade(&new));
            new
        });
        Lane { sandbox: Arc::new(Semaphore::new(OF_A_SANDBOX)), door: Door::new(shared) }
    }

    /// For what is opened in the lane.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Runs `body` on a thread of the pool. When nobody waits for it any more, it does not begin;
    /// begun, it goes on to its end. What it gives may be let go anywhere: an open file in it is a
    /// `Handle`.
    pub async fn run<R: Send + 'static>(&self, body: impl FnOnce() -> R + Send + 'static) -> R {
        let own = place(&self.sandbox).await;
        let places = (own, self.door.component().places().await);
        spawn_blocking(move || {
            let result = on_a_thread_that_may_wait(body);
            drop(places);
            result
        })
        .await
    }

    /// Lets a file go, and waits for its end if it may take time and is now.
    pub async fn let_go(&self, file: Shared) {
        if file.may_wait_at_end() && Arc::strong_count(&file) == 1 {
            self.run(move || drop(file)).await;
        }
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
