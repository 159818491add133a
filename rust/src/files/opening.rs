//! Opening what a guest may open.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::closing::{Handle, Shared};
use super::errno::error;
use super::lane::Lane;
use super::path::{self, Want};
use super::purse::Purse;

/// Between two attempts to open what somebody has a lease of.
const LEASE_PAUSE: Duration = Duration::from_millis(64);

pub struct Opened {
    pub file: Shared,
    pub is_directory: bool,
    is_new: bool,
}

/// Whatever is made is paid for.
pub async fn open(
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
