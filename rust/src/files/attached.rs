//! What a sandbox has of files, in the table of its store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use wasmtime::component::{Resource, ResourceTable};

use super::descriptors::Descriptors;
use super::lane::Lane;
use super::places::Shares;

/// What a sandbox has of files: its share of the threads, and the descriptors of preview 1.
pub struct Files {
    pub lane: Lane,
    pub descriptors: Mutex<Option<Descriptors>>,
}

/// The first entry of a store's table is its files.
const FIRST: u32 = 0;

/// Makes the files of a store with a new table. `component` is the same number for all sandboxes
/// of a component, and no other's.
pub fn attach(table: &mut ResourceTable, component: u64, shares: Shares) {
    let files = Arc::new(Files {
        lane: Lane::new(component, shares),
        descriptors: Mutex::new(None),
    });
    let at = table.push(files).expect("an empty table has room");
    assert_eq!(at.rep(), FIRST, "WASI was used before it was attached");
}

pub fn files_of(table: &ResourceTable) -> wasmtime::Result<Arc<Files>> {
    Ok(table.get(&Resource::<Arc<Files>>::new_borrow(FIRST))?.clone())
}

/// To be waited at when a store with this table has ended, for what its guest left open.
pub fn end_of(table: &ResourceTable) -> Option<impl FnOnce(Duration) -> bool + use<>> {
    let door = files_of(table).ok()?.lane.door().clone();
    Some(move |patience| door.wait(patience))
}
