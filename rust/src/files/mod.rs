//! Files and directories of a guest, of preview 1 and of 0.2, in place of Wasmtime's.
//!
//! Every call that the kernel may let wait runs on a thread of a pool, of which a sandbox, a
//! component and the host have shares (`lane.rs`); so does closing a file, whoever has it last
//! (`closing.rs`). Paths are resolved beneath a granted directory,
//! and the kernel says what a path means, trailing slashes included (`path.rs`). What a write costs
//! is what the disk gives for it (`space.rs`). Directories are read a buffer at a time
//! (`directory.rs`). `p1.rs` and `p2.rs` are the two faces; standard streams stay Wasmtime's.

mod closing;
mod descriptors;
mod directory;
mod errno;
mod file_stream;
mod lane;
mod p1;
mod p1_guest;
mod p2;
mod path;
mod space;

use std::any::Any;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::io::Errno;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{self, Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;

use crate::permit::{Env, bhd_engine_permits_t};
use closing::{Handle, Shared};
use lane::Lane;
use path::Want;

pub use p1::define as define_preview1;
pub use p2::define as define_component;

/// What a new directory, link or file counts, however empty it is.
pub const ENTRY_BYTES: u64 = 4096;

/// Bytes of one read or write of a file; the host holds them for a moment.
const CHUNK_BYTES: usize = 128 << 10;

/// Between two attempts to open what somebody has a lease of.
const LEASE_PAUSE: Duration = Duration::from_millis(64);

/// What a sandbox has of files: its share of the threads, and the descriptors of preview 1.
pub struct Files {
    lane: Lane,
    descriptors: Mutex<Option<descriptors::Descriptors>>,
    credit: Arc<AtomicU64>,
}

impl Files {
    fn purse(&self, env: Env, permits: bhd_engine_permits_t) -> Purse {
        Purse { env, permits, credit: self.credit.clone() }
    }
}

/// The first entry of a store's table is its files.
const FIRST: u32 = 0;

/// Makes the files of a store with a new table. `component` is the same number for all sandboxes
/// of a component, and no other's.
pub fn attach(table: &mut ResourceTable, component: u64) {
    let files = Arc::new(Files {
        lane: Lane::new(component),
        descriptors: Mutex::new(None),
        credit: Arc::default(),
    });
    let at = table.push(files).expect("an empty table has room");
    assert_eq!(at.rep(), FIRST, "WASI was used before it was attached");
}

fn files_of(table: &ResourceTable) -> wasmtime::Result<Arc<Files>> {
    Ok(table.get(&Resource::<Arc<Files>>::new_borrow(FIRST))?.clone())
}

/// To be waited at when a store with this table has ended, for what its guest left open.
pub fn end_of(table: &ResourceTable) -> Option<impl FnOnce(Duration) -> bool + use<>> {
    let door = files_of(table).ok()?.lane.door().clone();
    Some(move |patience| door.wait(patience))
}

/// What the guest was given, out of Wasmtime's context.
fn granted(view: &mut WasiFilesystemCtxView<'_>) -> wasmtime::Result<Vec<(filesystem::Dir, String)>> {
    let mut all = Vec::new();
    for (descriptor, name) in view.get_directories()? {
        if let Descriptor::Dir(dir) = view.table.delete(descriptor)? {
            all.push((dir, name));
        }
    }
    Ok(all)
}

/// The descriptors of the system in an entry of a store's table.
pub fn descriptors_in(entry: &(dyn Any + Send), mut each: impl FnMut(RawFd)) {
    if let Some(files) = entry.downcast_ref::<Arc<Files>>() {
        let table = files.descriptors.lock().expect("nothing panics in here");
        if let Some(table) = table.as_ref() {
            table.numbers(&mut each);
        }
    }
    if let Some(fd) = p2::descriptor_in(entry) {
        each(fd);
    }
}

/// The system's own text is never shown; the number is what a guest gets.
fn error(errno: rustix::io::Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.raw_os_error())
}

/// Who pays for what is written, asked on the guest's thread.
///
/// What counts is the space that the disk gives or the bytes that are written, whichever is more in
/// all. So of a block that was paid for, what is not yet written is credit for bytes.
#[derive(Clone)]
struct Purse {
    env: Env,
    permits: bhd_engine_permits_t,
    credit: Arc<AtomicU64>,
}

/// Taken out of a purse before a write.
#[derive(Clone, Copy)]
struct Reserved {
    space: u64,
    credit: u64,
}

impl Purse {
    fn entry(&self) -> bool {
        self.take(ENTRY_BYTES)
    }

    fn has_entry(&self) -> bool {
        self.permits.bytes_left(self.env) >= ENTRY_BYTES
    }

    fn entry_back(&self) {
        self.permits.give_bytes(self.env, ENTRY_BYTES);
    }

    /// Bytes that may be written where there is space already.
    fn left(&self) -> u64 {
        self.permits.bytes_left(self.env).saturating_add(self.credit.load(Ordering::Relaxed))
    }

    /// A "no" is noted as what was asked for in vain.
    fn take(&self, space: u64) -> bool {
        self.permits.take_bytes(self.env, space)
    }

    /// Takes as much as is left of `space`.
    fn take_most(&self, space: u64) -> u64 {
        let taken = space.min(self.permits.bytes_left(self.env));
        if self.take(taken) { taken } else { 0 }
    }

    fn reserve(&self, space: u64, bytes: u64) -> Reserved {
        // Only the guest's thread takes and gives.
        let credit = self.credit.load(Ordering::Relaxed).min(bytes);
        self.credit.fetch_sub(credit, Ordering::Relaxed);
        Reserved { space: self.take_most(space), credit }
    }

    /// Of what was reserved, pays what it did cost and gives the rest back.
    fn settle(&self, reserved: Reserved, cost: &space::Cost) {
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
    async fn pay<R: Send + 'static>(
        &self,
        lane: &Lane,
        space: u64,
        bytes: u64,
        work: impl Fn(Reserved) -> (io::Result<R>, space::Cost) + Clone + Send + 'static,
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

struct Opened {
    file: Shared,
    is_directory: bool,
    is_new: bool,
}

/// Opens what a guest may open. Whatever is made is paid for.
async fn open(
    lane: &Lane,
    purse: &Purse,
    dir: &Shared,
    may_write: bool,
    at: String,
    mut want: Want,
) -> io::Result<Opened> {
    if want.directory && (want.create || want.exclusive || want.truncate) {
        return Err(error(Errno::INVAL));
    }
    if want.write && !may_write {
        return Err(error(Errno::PERM));
    }
    let asked = want;
    // With nothing left, what is there can still be opened.
    want.create = want.create && purse.has_entry() && purse.entry();
    let at: Arc<str> = at.into();
    let mut pause = Duration::from_millis(1);
    let done = loop {
        let (dir, at, door) = (dir.clone(), at.clone(), lane.door().clone());
        let opened = lane.run(move || {
            path::open(&dir, &at, want).and_then(|opened| {
                Ok(Opened {
                    file: Arc::new(Handle::new(opened.file, &door)?),
                    is_directory: opened.is_directory,
                    is_new: opened.is_new,
                })
            })
        });
        match opened.await {
            // Somebody has a lease of it and was told now; the system gives him some time.
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(pause).await,
            done => break done,
        }
        pause = (pause * 2).min(LEASE_PAUSE);
    };
    if done.as_ref().is_err_and(|e| Errno::from_io_error(e) == Some(Errno::NOTSUP)) {
        purse.permits.no_file(purse.env);
    }
    if want.create && !done.as_ref().is_ok_and(|opened| opened.is_new) {
        purse.entry_back();
    }
    if asked.create && !want.create {
        let is_missing = done.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
        if asked.exclusive && done.is_ok() {
            return Err(error(Errno::EXIST));
        }
        if is_missing && !purse.entry() {
            return Err(error(Errno::DQUOT));
        }
    }
    done
}
