//! Files and directories of a guest, of preview 1 and of 0.2, in place of Wasmtime's.
//!
//! Every call that the kernel may let wait runs on a thread of a pool, of which a sandbox, a
//! component and the host have shares (`lane.rs`, `places.rs`); so does closing a file, whoever has
//! it last (`closing.rs`). Paths are resolved beneath a granted directory, and the kernel says what
//! a path means, trailing slashes included (`path.rs`). What a write costs is what the disk gives
//! for it (`space.rs`, `purse.rs`). Directories are read a buffer at a time (`directory.rs`). `p1.rs` and `p2.rs` are the two faces; standard streams stay Wasmtime's.

mod attached;
mod closing;
mod descriptors;
mod directory;
mod errno;
mod file_stream;
mod granted;
mod lane;
mod opening;
mod p1;
mod p1_guest;
mod p2;
mod path;
mod pending;
mod places;
mod purse;
mod space;

use std::any::Any;
use std::os::fd::RawFd;
use std::sync::Arc;

pub use attached::{attach, end_of};
pub use p1::define as define_preview1;
pub use p2::define as define_component;
pub use places::Shares;

/// The descriptors of the system in an entry of a store's table.
pub fn descriptors_in(entry: &(dyn Any + Send), mut each: impl FnMut(RawFd)) {
    if let Some(files) = entry.downcast_ref::<Arc<attached::Files>>() {
        let table = files.descriptors.lock().expect("nothing panics in here");
        if let Some(table) = table.as_ref() {
            table.numbers(&mut each);
        }
    }
    if let Some(fd) = p2::descriptor_in(entry) {
        each(fd);
    }
}
