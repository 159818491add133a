//! Threads for what may wait in the kernel, shared fairly: an operation holds a place of its sandbox,
//! one of its component and one of the host (`places.rs`). Whoever waits for a place holds no
//! thread, and is served in turn.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime_wasi::runtime::spawn_blocking;

use super::closing::{Door, Shared};
use super::places::{Component, Shares, on_a_thread_that_may_wait, place};

#[derive(Clone)]
pub struct Lane {
    sandbox: Arc<Semaphore>,
    door: Door,
}

impl Lane {
    pub fn new(component: u64, shares: Shares) -> Lane {
        let sandbox = Arc::new(Semaphore::new(shares.of_a_sandbox));
        Lane { sandbox, door: Door::new(Component::of(component, shares)) }
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
