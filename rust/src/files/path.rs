//! Operations on paths, beneath a directory.
//!
//! A path that names something which is there is opened as a whole (`O_PATH`), so that the kernel
//! says what it means. What makes or removes a name opens the directory before the last component
//! and gives the kernel that component with its trailing slashes. Where the kernel would follow a
//! link in it, which could lead anywhere, the path is opened as a whole instead.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use cap_primitives::fs::{FollowSymlinks, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use super::errno::error;

/// The kernel's own bound.
const PATH_BYTES: usize = 4096;
/// Rounds of opening what others make and remove at the same time.
const ROUNDS: usize = 16;

fn check(path: &str) -> io::Result<()> {
    match path.len() {
        0 => Err(error(Errno::NOENT)),
        n if n >= PATH_BYTES => Err(error(Errno::NAMETOOLONG)),
        _ if path.contains('\0') => Err(error(Errno::INVAL)),
        _ => Ok(()),
    }
}

fn options(follow: bool, flags: OFlags) -> OpenOptions {
    let mut options = OpenOptions::new();
    options._cap_fs_ext_follow(if follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
    options.custom_flags(flags.bits() as i32);
    options
}

fn beneath(dir: &File, path: &Path, options: &OpenOptions) -> io::Result<File> {
    cap_primitives::fs::open(dir, path, options)
}

/// What the path names, without opening it: nothing happens to it, and it may be anything.
fn look(dir: &File, path: &str, follow: bool) -> io::Result<File> {
    check(path)?;
    beneath(dir, path.as_ref(), options(follow, OFlags::PATH).read(true))
}

pub fn stat(dir: &File, path: &str, follow: bool) -> io::Result<Stat> {
    Ok(rustix::fs::fstat(look(dir, path, follow)?)?)
}

pub fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

// -- what is opened --------------------------------------------------------------------------

#[derive(Clone, Copy, Default)]
pub struct Want {
    pub follow: bool,
    pub read: bool,
    pub write: bool,
    pub create: bool,
    pub exclusive: bool,
    pub truncate: bool,
    pub directory: bool,
}

pub struct Opened {
    pub file: File,
    pub is_directory: bool,
    /// It was not there before.
    pub is_new: bool,
}

/// Neither waits nor has an effect on what is no file: a pipe would wait for its other end, and a
/// device may do something when it is opened.
const WITHOUT_WAITING: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// What is opened is looked at once more: it may be something else by now.
fn opened(file: File, want: Want, is_new: bool) -> io::Result<Opened> {
    match kind(&rustix::fs::fstat(&file)?) {
        FileType::Directory => Ok(Opened { file, is_directory: true, is_new }),
        FileType::RegularFile if want.directory => Err(error(Errno::NOTDIR)),
        FileType::RegularFile => Ok(Opened { file, is_directory: false, is_new }),
        _ => Err(error(Errno::NOTSUP)),
    }
}

fn open_what_is_there(dir: &File, path: &str, want: Want) -> io::Result<Opened> {
    // What is to be new is not followed: a link is there, wherever it leads.
    let follow = want.follow && !(want.create && want.exclusive);
    let there = rustix::fs::fstat(look(dir, path, follow)?)?;
    match kind(&there) {
        _ if want.create && want.exclusive => return Err(error(Errno::EXIST)),
        FileType::Directory if want.create => return Err(error(Errno::ISDIR)),
        FileType::Directory => {}
        _ if want.directory => return Err(error(Errno::NOTDIR)),
        FileType::Symlink => return Err(error(Errno::LOOP)),
        FileType::RegularFile => {}
        _ => return Err(error(Errno::NOTSUP)),
    }
    let mut options = options(want.follow, WITHOUT_WAITING);
    options.read(want.read).write(want.write).truncate(want.truncate);
    opened(beneath(dir, path.as_ref(), &options)?, want, false)
}

fn make(dir: &File, path: &str, want: Want, exclusive: bool) -> io::Result<Opened> {
    let mut options = options(want.follow, WITHOUT_WAITING);
    options.read(want.read).write(true).mode(0o666);
    if exclusive {
        options.create_new(true)
    } else {
        options.create(true).truncate(want.truncate)
    };
    opened(beneath(dir, path.as_ref(), &options)?, want, true)
}

pub fn open(dir: &File, path: &str, want: Want) -> io::Result<Opened> {
    check(path)?;
    if want.create && path.ends_with('/') {
        // Nothing is made there; the kernel says why.
        return make(dir, path, want, want.exclusive);
    }
    for _ in 0..ROUNDS {
        match open_what_is_there(dir, path, want) {
            Err(e) if want.create && e.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
            done => return done,
        }
        match make(dir, path, want, true) {
            Err(e) if !want.exclusive && e.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => {}
            done => return done,
        }
    }
    // A link to what is not there: what it names is made.
    make(dir, path, want, false)
}

// -- what is there ---------------------------------------------------------------------------

pub fn read_link(dir: &File, path: &str) -> io::Result<Vec<u8>> {
    let link = look(dir, path, false)?;
    match kind(&rustix::fs::fstat(&link)?) {
        FileType::Symlink => Ok(rustix::fs::readlinkat(&link, c"", Vec::new())?.into_bytes()),
        _ => Err(error(Errno::INVAL)),
    }
}

fn timespec(time: Option<SystemTime>) -> io::Result<Timespec> {
    const OMIT: i64 = 0x3fff_fffe;
    let Some(time) = time else {
        return Ok(Timespec { tv_sec: 0, tv_nsec: OMIT });
    };
    let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| error(Errno::INVAL))?;
    let seconds = i64::try_from(since.as_secs()).map_err(|_| error(Errno::OVERFLOW))?;
    Ok(Timespec { tv_sec: seconds, tv_nsec: since.subsec_nanos().into() })
}

pub fn set_times(
    file: &File,
    accessed: Option<SystemTime>,
    modified: Option<SystemTime>,
) -> io::Result<()> {
    let times =
        Timestamps { last_access: timespec(accessed)?, last_modification: timespec(modified)? };
    Ok(rustix::fs::utimensat(file, c"", &times, AtFlags::EMPTY_PATH)?)
}

pub fn set_times_at(
    dir: &File,
    path: &str,
    follow: bool,
    accessed: Option<SystemTime>,
    modified: Option<SystemTime>,
) -> io::Result<()> {
    set_times(&look(dir, path, follow)?, accessed, modified)
}

// -- names -----------------------------------------------------------------------------------

/// The directory that holds a path's last component.
enum Parent<'a> {
    Start(&'a File),
    Opened(File),
}

impl std::ops::Deref for Parent<'_> {
    type Target = File;
    fn deref(&self) -> &File {
        match self {
            Parent::Start(file) => file,
            Parent::Opened(file) => file,
        }
    }
}

/// The last component is with its trailing slashes.
fn split<'a>(dir: &'a File, path: &'a str) -> io::Result<(Parent<'a>, &'a Path)> {
    check(path)?;
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|&b| b != b'/').map_or(0, |at| at + 1);
    if end == 0 {
        return Err(error(Errno::PERM)); // the root of the host
    }
    let start = bytes[..end].iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    let last = Path::new(OsStr::from_bytes(&bytes[start..]));
    if &bytes[start..end] == b".." {
        // It is not to lead out, not even to be told that there is something.
        look(dir, path, true)?;
    }
    if start == 0 {
        return Ok((Parent::Start(dir), last));
    }
    let parent = Path::new(OsStr::from_bytes(&bytes[..start]));
    let options = &mut options(true, OFlags::PATH | OFlags::DIRECTORY);
    Ok((Parent::Opened(beneath(dir, parent, options.read(true))?), last))
}

pub fn make_directory(dir: &File, path: &str) -> io::Result<()> {
    let (parent, name) = split(dir, path)?;
    Ok(rustix::fs::mkdirat(&*parent, name, Mode::from_raw_mode(0o777))?)
}

pub fn remove_directory(dir: &File, path: &str) -> io::Result<()> {
    let (parent, name) = split(dir, path)?;
    Ok(rustix::fs::unlinkat(&*parent, name, AtFlags::REMOVEDIR)?)
}

pub fn unlink(dir: &File, path: &str) -> io::Result<()> {
    let (parent, name) = split(dir, path)?;
    Ok(rustix::fs::unlinkat(&*parent, name, AtFlags::empty())?)
}

/// What a link names is not looked at. An absolute name would mean nothing to guests, and
/// something else to others who follow it.
pub fn symlink(target: &str, dir: &File, path: &str) -> io::Result<()> {
    check(target)?;
    if target.starts_with('/') {
        return Err(error(Errno::PERM));
    }
    let (parent, name) = split(dir, path)?;
    Ok(rustix::fs::symlinkat(target, &*parent, name)?)
}

pub fn link(from: &File, old: &str, to: &File, new: &str) -> io::Result<()> {
    if old.ends_with('/') {
        // The kernel would follow a link there. What it comes to is a directory, or an error.
        look(from, old, false)?;
        let (parent, name) = split(to, new)?;
        return match rustix::fs::statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Err(error(Errno::EXIST)),
            Err(Errno::NOENT) if !new.ends_with('/') => Err(error(Errno::PERM)),
            Err(e) => Err(e.into()),
        };
    }
    let (old_parent, old_name) = split(from, old)?;
    let (new_parent, new_name) = split(to, new)?;
    Ok(rustix::fs::linkat(&*old_parent, old_name, &*new_parent, new_name, AtFlags::empty())?)
}

pub fn rename(from: &File, old: &str, to: &File, new: &str) -> io::Result<()> {
    let (old_parent, old_name) = split(from, old)?;
    let (new_parent, new_name) = split(to, new)?;
    Ok(rustix::fs::renameat(&*old_parent, old_name, &*new_parent, new_name)?)
}
