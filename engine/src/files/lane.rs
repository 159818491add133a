//! Threads for what may wait in the kernel, shared fairly.
//!
//! An operation holds a place of its sandbox, one of its component and one of the host until the
//! kernel lets it go, also when the guest that wanted it has ended: so a file system that does not
//! answer costs those who use it their own places and nobody else's. Whoever waits for a place
//! holds no thread, and is served in turn.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, Weak};

use tokio::sync::Semaphore;
use wasmtime_wasi::runtime::spawn_blocking;

/// A guest does one thing at a time; only streams of 0.2 work in its back.
const OF_A_SANDBOX: usize = 2;
const OF_A_COMPONENT: usize = 8;
/// The runtime has 512 threads; the others are for what is no file.
const OF_THE_HOST: usize = 384;

static HOST: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(OF_THE_HOST)));

/// Of each component, as long as one of its sandboxes lives or one of its operations runs.
static COMPONENTS: Mutex<Option<HashMap<usize, Weak<Semaphore>>>> = Mutex::new(None);

#[derive(Clone)]
pub struct Lane {
    sandbox: Arc<Semaphore>,
    component: Arc<Semaphore>,
}

impl Lane {
    pub fn new(component: usize) -> Lane {
        let mut all = COMPONENTS.lock().expect("nothing panics in here");
        let all = all.get_or_insert_default();
        let known = all.get(&component).and_then(Weak::upgrade);
        let shared = known.unwrap_or_else(|| {
            all.retain(|_, places| places.strong_count() > 0);
            let places = Arc::new(Semaphore::new(OF_A_COMPONENT));
            all.insert(component, Arc::downgrade(&places));
            places
        });
        Lane { sandbox: Arc::new(Semaphore::new(OF_A_SANDBOX)), component: shared }
    }

    /// Runs `body` on a thread of the pool. When nobody waits for it any more, it does not begin;
    /// begun, it goes on to its end.
    pub async fn run<R: Send + 'static>(&self, body: impl FnOnce() -> R + Send + 'static) -> R {
        let mut places = Vec::with_capacity(3);
        // In this order: who waits for a place of the host has one of his own, so that there are
        // never more of a component in that queue than its places.
        for of in [&self.sandbox, &self.component, &HOST] {
            places.push(of.clone().acquire_owned().await.expect("it is never closed"));
        }
        spawn_blocking(move || {
            block_signals();
            let result = body();
            drop(places);
            result
        })
        .await
    }
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
