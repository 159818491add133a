//! What the disk gives for what is written.
//!
//! That is each page of 4 KiB, whole, that was a hole before or lay beyond the file's end; or what
//! the file system says afterwards that the file has grown by, when it is more: large blocks, and
//! the tables in which it finds them. What of it counts, C says.
//!
//! A hole takes nothing where file systems are known to have them; elsewhere it takes the space up
//! to a new end.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;
use rustix::io::{Errno, ReadWriteFlags};

use super::errno::error;
use crate::permit::Reserved;

const PAGE: u64 = 4096;
const BLOCK: u64 = 512; // of st_blocks

/// Filled in by the thread that writes.
#[derive(Default)]
pub struct Cost {
    /// What the disk gives for it.
    pub space: u64,
    /// What was written.
    pub bytes: u64,
    /// It was not done: it would have taken this space for these bytes, and what was reserved does
    /// not pay for that.
    pub refused: Option<(u64, u64)>,
}

/// The most that the disk gives for so many bytes, wherever they go; what a file system without holes takes
/// to reach their place is not in it.
pub fn most(bytes: u64) -> u64 {
    match bytes {
        0 => 0,
        n => (n.saturating_add(PAGE - 1) / PAGE + 1).saturating_mul(PAGE),
    }
}

/// File systems of this machine's own.
const LOCAL: [u64; 7] = [
    0xef53,      // ext2 to ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0xf2f5_2010, // F2FS
    0xca45_1a4e, // bcachefs
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
];
const OVERLAY: u64 = 0x794c_7630; // over some of these mostly

fn file_system(file: &File) -> Option<u64> {
    Some(rustix::fs::fstatfs(file).ok()?.f_type as u64)
}

/// Closing asks nobody: neither another machine nor a program.
pub fn is_local(file: &File) -> bool {
    file_system(file).is_some_and(|one| LOCAL.contains(&one))
}

/// File systems that take no space for a hole, and say at once and truly what is one and what a
/// file takes.
fn has_holes(file: &File) -> bool {
    file_system(file).is_some_and(|one| LOCAL.contains(&one) || one == OVERLAY)
}

fn floor(at: u64) -> u64 {
    at / PAGE * PAGE
}

fn ceil(at: u64) -> u64 {
    at.saturating_add(PAGE - 1) / PAGE * PAGE
}

/// Bytes of whole pages between two places for which the file has nothing yet.
fn missing(file: &File, size: u64, from: u64, to: u64) -> io::Result<u64> {
    let (mut at, to) = (floor(from), ceil(to));
    let end = ceil(size);
    let beyond = to.saturating_sub(at.max(end));
    let to = to.min(end);
    let mut holes = 0;
    while at < to {
        let data = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(data) => data.min(to),
            Err(Errno::NXIO) => to,
            Err(e) => return Err(e.into()),
        };
        holes += floor(data).max(at) - at;
        if data >= to {
            break;
        }
        at = ceil(rustix::fs::seek(file, SeekFrom::Hole(data))?).max(floor(data) + PAGE);
    }
    Ok(beyond + holes)
}

struct Before {
    size: u64,
    blocks: u64,
    has_holes: bool,
}

impl Before {
    fn of(file: &File) -> io::Result<Before> {
        let stat = rustix::fs::fstat(file)?;
        Ok(Before {
            size: stat.st_size as u64,
            blocks: stat.st_blocks as u64,
            has_holes: has_holes(file),
        })
    }

    /// What the file has grown by, which may lag behind elsewhere.
    fn grown(&self, file: &File) -> u64 {
        let now = rustix::fs::fstat(file).map_or(0, |stat| stat.st_blocks as u64);
        now.saturating_sub(self.blocks).saturating_mul(BLOCK)
    }

    /// What is taken up to a place beyond the end, where there are no holes.
    fn gap(&self, to: u64) -> u64 {
        if self.has_holes { 0 } else { ceil(to).saturating_sub(ceil(self.size)) }
    }

    fn write(&self, file: &File, at: u64, bytes: u64) -> io::Result<u64> {
        let pages = missing(file, self.size, at, at.saturating_add(bytes))?;
        Ok(pages.saturating_add(self.gap(at)))
    }
}

/// Where a write goes.
#[derive(Clone, Copy)]
pub enum Place {
    At(u64),
    End,
}

fn put(file: &File, data: &[u8], place: Place) -> io::Result<usize> {
    match place {
        Place::At(at) => file.write_at(data, at),
        Place::End => {
            let list = [IoSlice::new(data)];
            match rustix::io::pwritev2(file, &list, 0, ReadWriteFlags::APPEND) {
                // No such flag: between the question and the write nobody else appends, mostly.
                Err(Errno::NOSYS | Errno::NOTSUP) => {
                    file.write_at(data, rustix::fs::fstat(file)?.st_size as u64)
                }
                done => Ok(done?),
            }
        }
    }
}

/// Writes if what was reserved pays for it.
pub fn write(
    file: &File,
    data: &[u8],
    place: Place,
    reserved: Reserved,
) -> (io::Result<usize>, Cost) {
    let mut cost = Cost::default();
    let done = (|| {
        let before = Before::of(file)?;
        let at = match place {
            Place::At(at) => at,
            Place::End => before.size,
        };
        let bytes = data.len() as u64;
        let space = if bytes > 0 { before.write(file, at, bytes)? } else { 0 };
        if !reserved.pays(space, bytes) {
            cost.refused = Some((space, bytes));
            return Err(error(Errno::DQUOT));
        }
        let done = put(file, data, place);
        cost.bytes = done.as_ref().map_or(0, |n| *n as u64);
        let own = match cost.bytes {
            written if written == bytes => space,
            written => space.min(before.gap(at).saturating_add(most(written))),
        };
        cost.space = if bytes > 0 { own.max(before.grown(file)) } else { 0 };
        done
    })();
    (done, cost)
}

/// Growing is written as much as it adds, but no more than `hole` where the rest is a hole.
pub fn resize(file: &File, size: u64, hole: u64, reserved: Reserved) -> (io::Result<()>, Cost) {
    let mut cost = Cost::default();
    let done = (|| {
        let before = Before::of(file)?;
        let more = size.saturating_sub(before.size);
        let bytes = more.min(hole);
        let space = before.gap(size).min(more);
        if !reserved.pays(space, bytes) {
            cost.refused = Some((space, bytes));
            return Err(error(Errno::DQUOT));
        }
        file.set_len(size)?;
        cost.bytes = bytes;
        cost.space = if more > 0 { space.max(before.grown(file)) } else { 0 };
        Ok(())
    })();
    (done, cost)
}
