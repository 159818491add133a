//! The end of an open file.
//!
//! Where a file system is of the network, or of a program, closing asks it, and it may not answer:
//! that costs whoever closes his thread, and nothing ends the wait. And the last who has a file may
//! be anybody: a guest's call, an operation that outlived it, whoever frees the sandbox, a worker
//! that others wait for. So a file knows where it may be closed, and whoever has it last need not:
//! on a thread of the lane at once, everywhere else it is handed to one, which takes places of the
//! component and of the host like any operation.
//!
//! What is handed over is bounded without a bound of its own. Opening takes a place too, in the
//! same line: when all places of a component wait for a file system, it opens nothing more, and
//! what is to be closed is what its sandboxes had open before.
//!
//! A process that this one starts begins with a copy of its descriptors, and closing a copy asks the
//! file system too. So guests' files have numbers from a floor on, and whoever starts a process
//! (src/compile/warden.c) has copied only what is below. A file is there at the moment after it was
//! opened, with its first number: a system call long.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use wasmtime_wasi::runtime::{spawn_blocking, with_ambient_tokio_runtime};

use super::places::{Component, has_places, on_a_thread_that_may_wait};
use super::space;

/// Where a sandbox hands its files over.
#[derive(Clone)]
pub struct Door {
    component: Arc<Component>,
    /// Of what the component has handed over, how much is this sandbox's.
    own: Arc<AtomicUsize>,
}

impl Door {
    pub fn new(component: Arc<Component>) -> Door {
        Door { component, own: Arc::default() }
    }

    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    fn close(self, file: Arc<File>) {
        self.component.pending.add(&self.own);
        let work = async move {
            let places = self.component.places().await;
            spawn_blocking(move || {
                on_a_thread_that_may_wait(|| drop(file));
                drop(places);
                self.component.pending.remove(&self.own);
            })
            .await
        };
        with_ambient_tokio_runtime(|| drop(tokio::spawn(work)));
    }

    /// Until what the sandbox has handed over is closed, but no longer than that. `false`: it is
    /// not.
    pub fn wait(&self, patience: Duration) -> bool {
        self.component.pending.wait(&self.own, patience)
    }
}

/// A file or directory that is open.
pub struct Handle {
    file: ManuallyDrop<Arc<File>>,
    /// `None`: it is closed wherever it is let go.
    door: Option<Door>,
}

/// One that several operations use; the last closes it.
pub type Shared = Arc<Handle>;

/// The least number of a guest's file.
static FLOOR: AtomicI32 = AtomicI32::new(0);

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_files_floor(number: i32) {
    FLOOR.store(number, Ordering::Relaxed);
}

impl Handle {
    /// On a thread that may wait: the file system is asked what it is.
    pub fn new(file: File, door: &Door) -> io::Result<Handle> {
        let floor = FLOOR.load(Ordering::Relaxed);
        let high = rustix::io::fcntl_dupfd_cloexec(&file, floor);
        drop(file);
        // The floor is above what the process may have.
        let high = high.map_err(|e| if e == Errno::INVAL { Errno::MFILE } else { e })?;
        let file = File::from(high);
        let door = if space::is_local(&file) { None } else { Some(door.clone()) };
        Ok(Handle { file: ManuallyDrop::new(Arc::new(file)), door })
    }

    /// A granted directory: it is a place and no more, of which nobody is told.
    pub fn granted(file: Arc<File>) -> Handle {
        Handle { file: ManuallyDrop::new(file), door: None }
    }

    /// Letting it go may take a thread that may wait.
    pub fn may_wait_at_end(&self) -> bool {
        self.door.is_some()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // It is not used again.
        let file = unsafe { ManuallyDrop::take(&mut self.file) };
        match self.door.take() {
            Some(door) if !has_places() => door.close(file),
            _ => drop(file),
        }
    }
}

impl Deref for Handle {
    type Target = File;
    fn deref(&self) -> &File {
        &self.file
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRawFd for Handle {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}
