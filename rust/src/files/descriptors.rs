//! What the numbers of preview 1 stand for, and values as it has them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};
use wasmtime::Result;
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::types::{self, Errno};

use super::closing::{Door, Handle, Shared};
use super::directory::{Listing, identity_of};
use super::errno::errno;
use super::granted::granted;
use super::path;

pub type Answer<T> = std::result::Result<T, types::Error>;

pub fn fail<T>(e: io::Error) -> Answer<T> {
    Err(errno(&e).into())
}

pub fn no<T>(errno: Errno) -> Answer<T> {
    Err(errno.into())
}

pub struct OpenFile {
    pub file: Shared,
    pub read: bool,
    pub write: bool,
    /// Only the thread that runs the guest moves it.
    pub position: AtomicU64,
    pub appends: AtomicBool,
    /// What the guest asked for; files do not wait anyway.
    pub nonblock: AtomicBool,
}

pub struct OpenDirectory {
    pub dir: Shared,
    pub may_write: bool,
    pub read: bool,
    pub granted_as: Option<String>,
    /// Begun by the first reader, which may be held up in it for as long as a file system likes.
    listing: Mutex<Option<Listing>>,
    /// The descriptor of the listing, or one of the two below.
    listed: AtomicI32,
}

const NOT_LISTED: RawFd = -1;
/// There may be one soon.
const TO_BE_LISTED: RawFd = -2;

impl OpenDirectory {
    pub fn new(dir: Shared, may_write: bool, read: bool, granted_as: Option<String>) -> Self {
        let (listing, listed) = (Mutex::new(None), AtomicI32::new(NOT_LISTED));
        OpenDirectory { dir, may_write, read, granted_as, listing, listed }
    }

    pub fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Acquire) != NOT_LISTED
    }

    /// From now on it counts twice.
    pub fn will_be_listed(&self) {
        let _ = self.listed.compare_exchange(
            NOT_LISTED,
            TO_BE_LISTED,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
    }
}

#[derive(Clone)]
pub enum Open {
    /// The standard stream with this number.
    Standard(u32),
    File(Arc<OpenFile>),
    Directory(Arc<OpenDirectory>),
}

#[derive(Default)]
pub struct Descriptors(pub BTreeMap<u32, Open>);

impl Descriptors {
    pub fn new(ctx: &mut WasiP1Ctx) -> Result<Descriptors> {
        let mut all = Descriptors::default();
        for number in 0..3 {
            all.insert(Open::Standard(number));
        }
        for (dir, name) in granted(&mut ctx.filesystem())? {
            let may_write = !dir.perms.write_not_permitted();
            let dir = Arc::new(Handle::granted(dir.dir));
            let granted = OpenDirectory::new(dir, may_write, true, Some(name));
            all.insert(Open::Directory(Arc::new(granted)));
        }
        Ok(all)
    }

    /// With the lowest number that is free.
    pub fn insert(&mut self, open: Open) -> u32 {
        let number = (0..).zip(self.0.keys()).find(|(at, used)| at != *used);
        let number = number.map_or(self.0.len() as u32, |(at, _)| at);
        self.0.insert(number, open);
        number
    }

    /// Those of the system behind them.
    pub fn numbers(&self, each: &mut impl FnMut(RawFd)) {
        for open in self.0.values() {
            match open {
                Open::Standard(_) => {}
                Open::File(file) => each(file.file.as_raw_fd()),
                Open::Directory(dir) => {
                    each(dir.dir.as_raw_fd());
                    let listed = dir.listed.load(Ordering::Acquire);
                    if listed >= 0 {
                        each(listed);
                    }
                }
            }
        }
    }

    /// Files, directories and listings of directories, which have descriptors of their own.
    pub fn files(&self) -> usize {
        let count = |open: &Open| match open {
            Open::Standard(_) => 0,
            Open::File(_) => 1,
            Open::Directory(dir) => 1 + usize::from(dir.is_listed()),
        };
        self.0.values().map(count).sum()
    }
}

pub fn filetype(kind: FileType) -> types::Filetype {
    match kind {
        FileType::RegularFile => types::Filetype::RegularFile,
        FileType::Directory => types::Filetype::Directory,
        FileType::Symlink => types::Filetype::SymbolicLink,
        FileType::CharacterDevice => types::Filetype::CharacterDevice,
        FileType::BlockDevice => types::Filetype::BlockDevice,
        FileType::Socket => types::Filetype::SocketStream,
        FileType::Fifo | FileType::Unknown => types::Filetype::Unknown,
    }
}

fn nanoseconds(seconds: i64, rest: u64) -> Answer<types::Timestamp> {
    // What was before 1970 has no number.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let sum = seconds.checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(rest));
    sum.ok_or(Errno::Overflow.into())
}

pub fn filestat(stat: &Stat) -> Answer<types::Filestat> {
    Ok(types::Filestat {
        dev: 1,
        ino: identity_of(stat),
        filetype: filetype(path::kind(stat)),
        nlink: stat.st_nlink as u64,
        size: stat.st_size as u64,
        atim: nanoseconds(stat.st_atime as i64, stat.st_atime_nsec as u64)?,
        mtim: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as u64)?,
        ctim: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as u64)?,
    })
}

fn time(set: bool, to: types::Timestamp, now: bool) -> Answer<Option<SystemTime>> {
    match (set, now) {
        (true, true) => no(Errno::Inval),
        (true, false) => Ok(Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(to))),
        (false, true) => Ok(Some(SystemTime::now())),
        (false, false) => Ok(None),
    }
}

pub fn times(
    accessed: types::Timestamp,
    modified: types::Timestamp,
    flags: types::Fstflags,
) -> Answer<(Option<SystemTime>, Option<SystemTime>)> {
    use types::Fstflags as F;
    Ok((
        time(flags.contains(F::ATIM), accessed, flags.contains(F::ATIM_NOW))?,
        time(flags.contains(F::MTIM), modified, flags.contains(F::MTIM_NOW))?,
    ))
}

/// What a granted directory may do; libraries look at it before they open anything.
pub fn rights_of_granted() -> (types::Rights, types::Rights) {
    use types::Rights as R;
    let base = R::PATH_CREATE_DIRECTORY
        | R::PATH_CREATE_FILE
        | R::PATH_LINK_SOURCE
        | R::PATH_LINK_TARGET
        | R::PATH_OPEN
        | R::FD_READDIR
        | R::PATH_READLINK
        | R::PATH_RENAME_SOURCE
        | R::PATH_RENAME_TARGET
        | R::PATH_SYMLINK
        | R::PATH_REMOVE_DIRECTORY
        | R::PATH_UNLINK_FILE
        | R::PATH_FILESTAT_GET
        | R::PATH_FILESTAT_SET_TIMES
        | R::FD_FILESTAT_GET
        | R::FD_FILESTAT_SET_TIMES;
    let inheriting = base
        | R::FD_DATASYNC
        | R::FD_READ
        | R::FD_SEEK
        | R::FD_FDSTAT_SET_FLAGS
        | R::FD_SYNC
        | R::FD_TELL
        | R::FD_WRITE
        | R::FD_ADVISE
        | R::FD_ALLOCATE
        | R::FD_FILESTAT_SET_SIZE
        | R::POLL_FD_READWRITE;
    (base, inheriting)
}

pub const ENTRY_HEAD: usize = 24;

/// Entries as the guest has them, until there are `most` bytes; the last may be cut off. With the
/// cookie to go on with, if there is more.
pub fn list(
    dir: &OpenDirectory,
    door: &Door,
    mut cookie: u64,
    most: usize,
) -> io::Result<(Vec<u8>, Option<u64>)> {
    let mut listing = dir.listing.lock().expect("nothing panics in here");
    if listing.is_none() {
        let made = Listing::new(&dir.dir, door);
        let number = made.as_ref().map_or(NOT_LISTED, Listing::descriptor);
        dir.listed.store(number, Ordering::Release);
        *listing = Some(made?);
    }
    let listing = listing.as_mut().expect("it was made");
    let mut bytes = Vec::new();
    loop {
        let entries = listing.read(cookie)?;
        if entries.is_empty() {
            return Ok((bytes, None));
        }
        for entry in entries {
            bytes.extend(entry.next.to_le_bytes());
            bytes.extend(entry.identity.to_le_bytes());
            bytes.extend((entry.name.len() as u32).to_le_bytes());
            bytes.extend([filetype(entry.kind) as u8, 0, 0, 0]);
            bytes.extend(entry.name.as_bytes());
            cookie = entry.next;
            if bytes.len() >= most {
                return Ok((bytes, Some(cookie)));
            }
        }
    }
}
