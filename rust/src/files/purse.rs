//! Who pays for what is written. C says what it costs; here is when it is asked.

use std::io;

use super::lane::Lane;
use super::space::Cost;
use crate::permit::{Env, Reserved, bhd_engine_permits_t};

/// Asked on the guest's thread.
#[derive(Clone, Copy)]
pub struct Purse {
    pub env: Env,
    pub permits: bhd_engine_permits_t,
}

impl Purse {
    pub fn has_entry(&self) -> bool {
        self.permits.has_entry(self.env)
    }

    pub fn entry(&self) -> bool {
        self.permits.take_entry(self.env)
    }

    pub fn entry_back(&self) {
        self.permits.give_entry(self.env);
    }

    /// Bytes that may be written where there is space already.
    pub fn left(&self) -> u64 {
        self.permits.writable(self.env)
    }

    pub fn may_write(&self, bytes: u64) -> bool {
        self.permits.may_write(self.env, bytes)
    }

    pub fn reserve(&self, space: u64, bytes: u64) -> Reserved {
        self.permits.reserve(self.env, space, bytes)
    }

    /// Of what was reserved, pays what it did cost and gives the rest back. If it was refused for
    /// what it would have cost: takes that, for another attempt.
    pub fn settle(&self, reserved: Reserved, cost: &Cost) -> Option<Reserved> {
        self.permits.settle(self.env, reserved, cost.space, cost.bytes);
        let (space, bytes) = cost.refused?;
        self.permits.reserve_whole(self.env, space, bytes)
    }

    /// Does what takes up to `space`, or more, which it then says.
    pub async fn pay<R: Send + 'static>(
        &self,
        lane: &Lane,
        space: u64,
        bytes: u64,
        work: impl Fn(Reserved) -> (io::Result<R>, Cost) + Clone + Send + 'static,
    ) -> io::Result<R> {
        let mut reserved = self.reserve(space, bytes);
        loop {
            let once = work.clone();
            let (done, cost) = lane.run(move || once(reserved)).await;
            match self.settle(reserved, &cost) {
                Some(whole) => reserved = whole,
                None => return done,
            }
        }
    }
}
