//! The entries of a directory, a buffer of them at a time, out of a stream of its own.
//!
//! A cookie is the kernel's: where the stream stood after an entry. File systems keep it right when
//! entries come and go, and mostly by where the stream really stands; so it is moved only when a
//! reader goes back.

use std::ffi::CStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom, Stat};

use super::closing::{Door, Handle};

/// At least thirty names.
const BUFFER_BYTES: usize = 8192;

/// A number of a file that says neither which file system it is on nor which of its files it is.
pub fn identity(device: u64, number: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (device, number).hash(&mut hasher);
    hasher.finish()
}

pub fn identity_of(stat: &Stat) -> u64 {
    identity(stat.st_dev, stat.st_ino)
}

#[derive(Clone)]
pub struct Entry {
    /// The cookie with which it is asked for, and the one after it.
    from: u64,
    pub next: u64,
    pub identity: u64,
    pub kind: FileType,
    pub name: String,
}

pub struct Listing {
    stream: Handle,
    device: u64,
    /// What was read last, and the cookie that follows it.
    entries: Vec<Entry>,
    next: u64,
}

impl Listing {
    pub fn new(dir: &File, door: &Door) -> io::Result<Listing> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let stream = File::from(rustix::fs::openat(dir, c".", flags, Mode::empty())?);
        let stream = Handle::new(stream, door)?;
        let device = rustix::fs::fstat(&stream)?.st_dev;
        Ok(Listing { stream, device, entries: Vec::new(), next: 0 })
    }

    pub fn descriptor(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    fn kind(&self, name: &CStr, told: FileType) -> FileType {
        match told {
            // Some file systems do not say.
            FileType::Unknown => rustix::fs::statat(&self.stream, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
            known => known,
        }
    }

    /// Reads the next entries in place of those that it has; `false`: there are no more.
    fn read_on(&mut self) -> io::Result<bool> {
        self.entries.clear();
        loop {
            let mut buffer = [const { MaybeUninit::<u8>::uninit() }; BUFFER_BYTES];
            let mut raw = RawDir::new(&self.stream, &mut buffer);
            let mut read = Vec::new();
            while let Some(entry) = raw.next() {
                let entry = entry?;
                // What the guest cannot name is not there for it.
                if let Ok(name) = entry.file_name().to_str() {
                    read.push((
                        name.to_string(),
                        entry.next_entry_cookie(),
                        entry.ino(),
                        entry.file_type(),
                    ));
                } else {
                    read.push((String::new(), 0, 0, FileType::Unknown));
                }
                if raw.is_buffer_empty() {
                    break;
                }
            }
            if read.is_empty() {
                return Ok(false);
            }
            for (name, next, number, told) in read {
                if name.is_empty() {
                    continue;
                }
                let c_name = std::ffi::CString::new(name.as_str()).unwrap_or_default();
                let kind = self.kind(&c_name, told);
                let identity = identity(self.device, number);
                self.entries.push(Entry { from: self.next, next, identity, kind, name });
                self.next = next;
            }
            if !self.entries.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Some entries from a cookie on; none: it is the end. Cookie 0 is the beginning, read anew.
    pub fn read(&mut self, cookie: u64) -> io::Result<&[Entry]> {
        // Of several with one cookie, which a file system should not have, the last: to go on.
        if cookie != 0
            && let Some(at) = self.entries.iter().rposition(|e| e.from == cookie)
        {
            return Ok(&self.entries[at..]);
        }
        if cookie == 0 || cookie != self.next {
            rustix::fs::seek(&self.stream, SeekFrom::Start(cookie))?;
            self.next = cookie;
        }
        self.read_on()?;
        Ok(&self.entries)
    }
}
