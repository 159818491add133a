//! Who pays for what is written.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lane::Lane;
use super::space::{Cost, Reserved};
use crate::permit::{Env, bhd_engine_permits_t};

/// What a new directory, link or file counts, however empty it is.
const ENTRY_BYTES: u64 = 4096;

/// Who pays for what is written, asked on the guest's thread.
///
/// What counts is the space that the disk gives or the bytes that are written, whichever is more in
/// all. So of a block that was paid for, what is not yet written is credit for bytes.
#[derive(Clone)]
pub struct Purse {
    pub env: Env,
    pub permits: bhd_engine_permits_t,
    credit: Arc<AtomicU64>,
}

impl Purse {
    /// `credit` is the sandbox's.
    pub fn new(env: Env, permits: bhd_engine_permits_t, credit: Arc<AtomicU64>) -> Purse {
        Purse { env, permits, credit }
    }

    pub fn entry(&self) -> bool {
        self.take(ENTRY_BYTES)
    }

    pub fn has_entry(&self) -> bool {
        self.permits.bytes_left(self.env) >= ENTRY_BYTES
    }

    pub fn entry_back(&self) {
        self.permits.give_bytes(self.env, ENTRY_BYTES);
    }

    /// Bytes that may be written where there is space already.
    pub fn left(&self) -> u64 {
        self.permits.bytes_left(self.env).saturating_add(self.credit.load(Ordering::Relaxed))
    }

    /// A "no" is noted as what was asked for in vain.
    pub fn take(&self, space: u64) -> bool {
        self.permits.take_bytes(self.env, space)
    }

    /// Takes as much as is left of `space`.
    pub fn take_most(&self, space: u64) -> u64 {
        let taken = space.min(self.permits.bytes_left(self.env));
        if self.take(taken) { taken } else { 0 }
    }

    pub fn reserve(&self, space: u64, bytes: u64) -> Reserved {
        // Only the guest's thread takes and gives.
        let credit = self.credit.load(Ordering::Relaxed).min(bytes);
        self.credit.fetch_sub(credit, Ordering::Relaxed);
        Reserved { space: self.take_most(space), credit }
    }

    /// Of what was reserved, pays what it did cost and gives the rest back.
    pub fn settle(&self, reserved: Reserved, cost: &Cost) {
        let without_space = cost.bytes.saturating_sub(cost.space);
        let from_credit = reserved.credit.min(without_space);
        let credit = reserved.credit - from_credit + cost.space.saturating_sub(cost.bytes);
        self.credit.fetch_add(credit, Ordering::Relaxed);
        let price = cost.space + (without_space - from_credit);
        if price <= reserved.space {
            self.permits.give_bytes(self.env, reserved.space - price);
        } else {
            // The file system gave more for it than could be known before.
            self.take_most(price - reserved.space);
        }
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
            self.settle(reserved, &cost);
            match cost.refused {
                Some(needed) if self.take(needed) => {
                    reserved = Reserved { space: needed, credit: 0 }
                }
                _ => return done,
            }
        }
    }
}
