//! WASI 0.2: `wasi:filesystem`. What a guest has open stands in the store's table.

use std::any::Any;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use wasmtime::component::{Resource, ResourceTable, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_wasi::{OpenMode, WasiView};
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types as fs;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, ReaddirIterator};

use super::attached::{Files, files_of};
use super::closing::{Handle, Shared};
use super::directory::{Entry, Listing, identity_of};
use super::errno::{code, error};
use super::file_stream::{self, FileInput, FileOutput};
use super::granted::granted;
use super::opening::{self, Opened};
use super::path::{self, Want};
use super::purse::Purse;
use super::space::{self, Place};
use crate::permit::{Env, bhd_engine_permits_t};
use crate::wasi::wasi;

type Store<'a> = StoreContextMut<'a, WasmtimeStoreData>;
type Linker = wasmtime::component::Linker<WasmtimeStoreData>;
type Answer<T> = Result<(std::result::Result<T, fs::ErrorCode>,)>;
type Fd = Resource<Open>;

/// What a descriptor stands for: a file, or else a directory.
#[derive(Clone)]
struct Open {
    file: Shared,
    is_directory: bool,
    /// What was granted, and not how it was opened.
    may_write: bool,
    read: bool,
    write: bool,
}

impl Open {
    fn to_write(self) -> io::Result<Open> {
        if self.may_write { Ok(self) } else { Err(error(Errno::PERM)) }
    }
}

/// A directory that is being read.
struct Reading {
    listing: Arc<Mutex<Listing>>,
    /// Of the listing, whose lock a reader may hold for as long as a file system likes.
    descriptor: RawFd,
    ahead: std::vec::IntoIter<Entry>,
    cookie: u64,
}

pub fn descriptor_in(entry: &(dyn Any + Send)) -> Option<RawFd> {
    if let Some(open) = entry.downcast_ref::<Open>() {
        return Some(open.file.as_raw_fd());
    }
    let reading = entry.downcast_ref::<Reading>()?;
    Some(reading.descriptor)
}

fn answer<T>(done: io::Result<T>) -> Answer<T> {
    Ok((done.map_err(|e| code(&e)),))
}

/// Files, directories and listings; and streams of any kind.
fn open_files(table: &mut ResourceTable) -> (usize, usize) {
    let (mut files, mut streams) = (0, 0);
    for entry in table.iter_mut() {
        files += usize::from(entry.is::<Open>() || entry.is::<Reading>());
        streams += usize::from(entry.is::<DynInputStream>() || entry.is::<DynOutputStream>());
    }
    (files, streams)
}

/// A guest in the middle of a call.
struct Guest<'a> {
    table: &'a mut ResourceTable,
    files: Arc<Files>,
    purse: Purse,
}

fn guest<'a>(s: &'a mut Store<'_>, permits: bhd_engine_permits_t) -> Result<Guest<'a>> {
    let env = Env::of(s);
    let table = s.data_mut().ctx().table;
    let files = files_of(table)?;
    Ok(Guest { table, purse: Purse { env, permits }, files })
}

impl Guest<'_> {
    fn of_kind(&self, fd: &Fd, is_directory: bool, otherwise: Errno) -> Result<io::Result<Open>> {
        let open = self.table.get(fd)?;
        Ok(if open.is_directory == is_directory { Ok(open.clone()) } else { Err(error(otherwise)) })
    }

    fn file(&self, fd: &Fd) -> Result<io::Result<Open>> {
        self.of_kind(fd, false, Errno::BADF)
    }

    fn dir(&self, fd: &Fd) -> Result<io::Result<Open>> {
        self.of_kind(fd, true, Errno::NOTDIR)
    }

    fn file_to_write(&self, fd: &Fd) -> Result<io::Result<Open>> {
        Ok(self.file(fd)?.and_then(Open::to_write))
    }

    fn dir_to_write(&self, fd: &Fd) -> Result<io::Result<Open>> {
        Ok(self.dir(fd)?.and_then(Open::to_write))
    }

    /// What the system knows it by, and whether it may be changed.
    fn any(&self, fd: &Fd) -> Result<(Shared, bool)> {
        let open = self.table.get(fd)?;
        Ok((open.file.clone(), open.may_write))
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Answer<T> {
        answer(self.files.lane.run(work).await)
    }

    async fn run_in<T: Send + 'static>(
        &mut self,
        dir: io::Result<Open>,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> Answer<T> {
        match dir {
            Ok(dir) => self.run(move || work(&dir.file)).await,
            Err(e) => answer(Err(e)),
        }
    }

    /// What makes an entry of a directory is paid for first.
    async fn make(
        &mut self,
        dir: io::Result<Open>,
        work: impl FnOnce(&File) -> io::Result<()> + Send + 'static,
    ) -> Answer<()> {
        if dir.is_ok() && !self.purse.entry() {
            return answer(Err(error(Errno::DQUOT)));
        }
        let is_paid = dir.is_ok();
        let done = self.run_in(dir, work).await;
        if is_paid && !matches!(done, Ok((Ok(()),))) {
            self.purse.entry_back();
        }
        done
    }

    fn may_open(&mut self) -> bool {
        let (files, streams) = open_files(self.table);
        self.purse.permits.open(self.purse.env, files, streams)
    }

    fn output(&mut self, fd: &Fd, place: Place) -> Answer<Resource<DynOutputStream>> {
        if !self.may_open() {
            return Ok((Err(fs::ErrorCode::InsufficientMemory),));
        }
        let file = match self.file_to_write(fd)? {
            Ok(file) => file.file,
            Err(e) => return answer(Err(e)),
        };
        let stream = FileOutput::new(self.files.lane.clone(), file, place, self.purse);
        let stream: DynOutputStream = Box::new(stream);
        Ok((Ok(self.table.push(stream)?),))
    }
}

// -- values ------------------------------------------------------------------------------------

fn descriptor_type(kind: FileType) -> fs::DescriptorType {
    match kind {
        FileType::RegularFile => fs::DescriptorType::RegularFile,
        FileType::Directory => fs::DescriptorType::Directory,
        FileType::Symlink => fs::DescriptorType::SymbolicLink,
        FileType::Fifo => fs::DescriptorType::Fifo,
        FileType::Socket => fs::DescriptorType::Socket,
        FileType::CharacterDevice => fs::DescriptorType::CharacterDevice,
        FileType::BlockDevice => fs::DescriptorType::BlockDevice,
        FileType::Unknown => fs::DescriptorType::Unknown,
    }
}

/// What was before 1970 has no form.
fn datetime(seconds: i64, rest: u64) -> Option<Datetime> {
    let seconds = u64::try_from(seconds).ok()?;
    Some(Datetime { seconds, nanoseconds: u32::try_from(rest).ok()? })
}

fn descriptor_stat(stat: &Stat) -> fs::DescriptorStat {
    fs::DescriptorStat {
        type_: descriptor_type(path::kind(stat)),
        link_count: stat.st_nlink as u64,
        size: stat.st_size as u64,
        data_access_timestamp: datetime(stat.st_atime as i64, stat.st_atime_nsec as u64),
        data_modification_timestamp: datetime(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
        status_change_timestamp: datetime(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
    }
}

fn hash(stat: &Stat) -> fs::MetadataHashValue {
    let lower = identity_of(stat);
    // The other half has nothing more to say.
    fs::MetadataHashValue { lower, upper: lower.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15 }
}

fn time(time: fs::NewTimestamp) -> io::Result<Option<SystemTime>> {
    match time {
        fs::NewTimestamp::NoChange => Ok(None),
        fs::NewTimestamp::Now => Ok(Some(SystemTime::now())),
        fs::NewTimestamp::Timestamp(t) => {
            let since = Duration::from_secs(t.seconds)
                .checked_add(Duration::from_nanos(t.nanoseconds.into()));
            let at = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
            at.map(Some).ok_or(error(Errno::OVERFLOW))
        }
    }
}

fn follows(flags: fs::PathFlags) -> bool {
    flags.contains(fs::PathFlags::SYMLINK_FOLLOW)
}

async fn open_at(
    g: &mut Guest<'_>,
    fd: Fd,
    path_flags: fs::PathFlags,
    at: String,
    how: fs::OpenFlags,
    flags: fs::DescriptorFlags,
) -> Answer<Fd> {
    use fs::{DescriptorFlags, OpenFlags};
    let dir = match g.dir(&fd)? {
        Ok(dir) => dir,
        Err(e) => return answer(Err(e)),
    };
    let synchronous = DescriptorFlags::FILE_INTEGRITY_SYNC
        | DescriptorFlags::DATA_INTEGRITY_SYNC
        | DescriptorFlags::REQUESTED_WRITE_SYNC;
    if flags.intersects(synchronous) {
        return answer(Err(error(Errno::NOTSUP)));
    }
    let writes = flags.contains(DescriptorFlags::WRITE);
    let want = Want {
        follow: follows(path_flags),
        read: flags.contains(DescriptorFlags::READ) || !writes,
        write: writes || how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE),
        create: how.contains(OpenFlags::CREATE),
        exclusive: how.contains(OpenFlags::EXCLUSIVE),
        truncate: how.contains(OpenFlags::TRUNCATE),
        directory: how.contains(OpenFlags::DIRECTORY),
    };
    if !g.may_open() {
        return Ok((Err(fs::ErrorCode::InsufficientMemory),));
    }
    match opening::open(&g.files.lane, &g.purse, &dir.file, dir.may_write, at, want).await {
        Ok(opened) => {
            let Opened { file, is_directory, .. } = opened;
            let (read, write) = (want.read, want.write);
            let open = Open { file, is_directory, may_write: dir.may_write, read, write };
            Ok((Ok(g.table.push(open)?),))
        }
        Err(e) => answer(Err(e)),
    }
}

async fn next_entry(
    g: &mut Guest<'_>,
    of: Resource<Reading>,
) -> Answer<Option<fs::DirectoryEntry>> {
    loop {
        let reading = g.table.get_mut(&of)?;
        for entry in reading.ahead.by_ref() {
            reading.cookie = entry.next;
            if entry.name != "." && entry.name != ".." {
                let type_ = descriptor_type(entry.kind);
                return Ok((Ok(Some(fs::DirectoryEntry { type_, name: entry.name })),));
            }
        }
        let (listing, cookie) = (reading.listing.clone(), reading.cookie);
        let read = g.files.lane.run(move || {
            Ok(listing.lock().expect("nothing panics in here").read(cookie)?.to_vec())
        });
        match read.await {
            Ok(entries) if entries.is_empty() => return Ok((Ok(None),)),
            Ok(entries) => g.table.get_mut(&of)?.ahead = entries.into_iter(),
            Err(e) => return answer(Err(e)),
        }
    }
}

// -- functions ---------------------------------------------------------------------------------

/// The directories that were granted, each time as new descriptors.
fn get_directories(s: &mut Store<'_>) -> Result<Vec<(Fd, String)>> {
    let mut view = s.data_mut().filesystem();
    let mut all = Vec::new();
    for (dir, name) in granted(&mut view)? {
        let open = Open {
            may_write: !dir.perms.write_not_permitted(),
            read: dir.open_mode.contains(OpenMode::READ),
            write: dir.open_mode.contains(OpenMode::WRITE),
            file: Arc::new(Handle::granted(dir.dir)),
            is_directory: true,
        };
        all.push((view.table.push(open)?, name));
    }
    Ok(all)
}

pub fn define(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let mut given = linker.instance(wasi!("filesystem/preopens"))?;
    given.func_wrap("get-directories", |mut s: Store<'_>, (): ()| Ok((get_directories(&mut s)?,)))?;
    let mut types = linker.instance(wasi!("filesystem/types"))?;
    macro_rules! waits {
        ($name:literal, |$g:ident, $($a:ident: $t:ty),*| -> $r:ty $body:block) => {
            types.func_wrap_async($name, move |mut s: Store<'_>, ($($a,)*): ($($t,)*)| {
                Box::new(async move {
                    #[allow(unused_mut)]
                    let mut $g = guest(&mut s, p)?;
                    let done: Answer<$r> = $body;
                    done
                })
            })?;
        };
    }
    macro_rules! answers {
        ($name:literal, |$g:ident, $($a:ident: $t:ty),*| -> $r:ty $body:block) => {
            types.func_wrap($name, move |mut s: Store<'_>, ($($a,)*): ($($t,)*)| -> Answer<$r> {
                #[allow(unused_mut)]
                let mut $g = guest(&mut s, p)?;
                $body
            })?;
        };
    }
    /// What is none is the answer.
    macro_rules! some {
        ($e:expr) => {
            match $e {
                Ok(value) => value,
                Err(e) => return answer(Err(e)),
            }
        };
    }

    answers!("[method]descriptor.read-via-stream", |g,
                                                    fd: Fd,
                                                    offset: u64|
     -> Resource<DynInputStream> {
        if !g.may_open() {
            return Ok((Err(fs::ErrorCode::InsufficientMemory),));
        }
        let Ok(file) = g.file(&fd)?.map(|open| open.file) else {
            return Ok((Err(fs::ErrorCode::IsDirectory),));
        };
        let input = FileInput::new(g.files.lane.clone(), file, offset, p.file_stream_max);
        let stream: DynInputStream = Box::new(input);
        Ok((Ok(g.table.push(stream)?),))
    });
    answers!("[method]descriptor.write-via-stream", |g,
                                                     fd: Fd,
                                                     offset: u64|
     -> Resource<DynOutputStream> {
        g.output(&fd, Place::At(offset))
    });
    answers!("[method]descriptor.append-via-stream", |g, fd: Fd| -> Resource<DynOutputStream> {
        g.output(&fd, Place::End)
    });
    answers_about_descriptors(&mut types, p)?;

    waits!("[method]descriptor.advise", |g,
                                         fd: Fd,
                                         offset: u64,
                                         length: u64,
                                         advice: fs::Advice|
     -> () {
        let file = some!(g.file(&fd)?);
        let advice = match advice {
            fs::Advice::Normal => rustix::fs::Advice::Normal,
            fs::Advice::Sequential => rustix::fs::Advice::Sequential,
            fs::Advice::Random => rustix::fs::Advice::Random,
            fs::Advice::WillNeed => rustix::fs::Advice::WillNeed,
            fs::Advice::DontNeed => rustix::fs::Advice::DontNeed,
            fs::Advice::NoReuse => rustix::fs::Advice::NoReuse,
        };
        g.run(move || {
            let length = std::num::NonZeroU64::new(length);
            Ok(rustix::fs::fadvise(&file.file, offset, length, advice)?)
        })
        .await
    });
    waits!("[method]descriptor.sync-data", |g, fd: Fd| -> () {
        sync(&mut g, &fd, File::sync_data).await
    });
    waits!("[method]descriptor.sync", |g, fd: Fd| -> () {
        sync(&mut g, &fd, File::sync_all).await
    });
    waits!("[method]descriptor.set-size", |g, fd: Fd, size: u64| -> () {
        let file = some!(g.file_to_write(&fd)?).file;
        answer(
            g.purse
                .pay(&g.files.lane, p.hole_bytes, p.hole_bytes, move |reserved| {
                    space::resize(&file, size, p.hole_bytes, reserved)
                })
                .await,
        )
    });
    waits!("[method]descriptor.set-times", |g,
                                            fd: Fd,
                                            accessed: fs::NewTimestamp,
                                            modified: fs::NewTimestamp|
     -> () {
        let (file, may_write) = g.any(&fd)?;
        let (accessed, modified) = (some!(time(accessed)), some!(time(modified)));
        if !may_write {
            return answer(Err(error(Errno::PERM)));
        }
        g.run(move || path::set_times(&file, accessed, modified)).await
    });
    waits!("[method]descriptor.read", |g, fd: Fd, length: u64, offset: u64| -> (Vec<u8>, bool) {
        let file = some!(g.file(&fd)?).file;
        let size = usize::try_from(length).unwrap_or(usize::MAX).min(p.file_max / 2);
        g.run(move || {
            let bytes = file_stream::read(&file, size, offset)?;
            let is_end = bytes.is_empty();
            Ok((bytes, is_end))
        })
        .await
    });
    waits!("[method]descriptor.write", |g, fd: Fd, bytes: Vec<u8>, offset: u64| -> u64 {
        let file = some!(g.file_to_write(&fd)?).file;
        let most = space::most(bytes.len() as u64);
        let size = bytes.len() as u64;
        let bytes: Arc<[u8]> = bytes.into();
        let done = g.purse.pay(&g.files.lane, most, size, move |reserved| {
            space::write(&file, &bytes, Place::At(offset), reserved)
        });
        answer(done.await.map(|n| n as u64))
    });
    waits!("[method]descriptor.stat", |g, fd: Fd| -> fs::DescriptorStat {
        let (file, _) = g.any(&fd)?;
        g.run(move || Ok(descriptor_stat(&rustix::fs::fstat(&file)?))).await
    });
    waits!("[method]descriptor.metadata-hash", |g, fd: Fd| -> fs::MetadataHashValue {
        let (file, _) = g.any(&fd)?;
        g.run(move || Ok(hash(&rustix::fs::fstat(&file)?))).await
    });

    waits!("[method]descriptor.read-directory", |g, fd: Fd| -> Resource<ReaddirIterator> {
        if !g.may_open() {
            return Ok((Err(fs::ErrorCode::InsufficientMemory),));
        }
        let (dir, door) = (some!(g.dir(&fd)?).file, g.files.lane.door().clone());
        let listing = some!(g.files.lane.run(move || Listing::new(&dir, &door)).await);
        let descriptor = listing.descriptor();
        let listing = Arc::new(Mutex::new(listing));
        let reading =
            g.table.push(Reading { listing, descriptor, ahead: Vec::new().into_iter(), cookie: 0 })?;
        Ok((Ok(Resource::new_own(reading.rep())),))
    });
    waits!("[method]directory-entry-stream.read-directory-entry", |g,
                                                                   of: Resource<
        ReaddirIterator,
    >|
     -> Option<
        fs::DirectoryEntry,
    > {
        next_entry(&mut g, Resource::new_borrow(of.rep())).await
    });
    waits!("[method]descriptor.open-at", |g,
                                          fd: Fd,
                                          path_flags: fs::PathFlags,
                                          at: String,
                                          how: fs::OpenFlags,
                                          flags: fs::DescriptorFlags|
     -> Fd {
        open_at(&mut g, fd, path_flags, at, how, flags).await
    });
    waits!("[method]descriptor.stat-at", |g,
                                          fd: Fd,
                                          flags: fs::PathFlags,
                                          at: String|
     -> fs::DescriptorStat {
        let dir = g.dir(&fd)?;
        g.run_in(dir, move |dir| Ok(descriptor_stat(&path::stat(dir, &at, follows(flags))?))).await
    });
    waits!("[method]descriptor.metadata-hash-at", |g,
                                                   fd: Fd,
                                                   flags: fs::PathFlags,
                                                   at: String|
     -> fs::MetadataHashValue {
        let dir = g.dir(&fd)?;
        g.run_in(dir, move |dir| Ok(hash(&path::stat(dir, &at, follows(flags))?))).await
    });
    waits!("[method]descriptor.set-times-at", |g,
                                               fd: Fd,
                                               flags: fs::PathFlags,
                                               at: String,
                                               accessed: fs::NewTimestamp,
                                               modified: fs::NewTimestamp|
     -> () {
        let dir = g.dir_to_write(&fd)?;
        let (accessed, modified) = (some!(time(accessed)), some!(time(modified)));
        g.run_in(dir, move |dir| path::set_times_at(dir, &at, follows(flags), accessed, modified))
            .await
    });
    waits!("[method]descriptor.readlink-at", |g, fd: Fd, at: String| -> String {
        let dir = g.dir(&fd)?;
        g.run_in(dir, move |dir| {
            String::from_utf8(path::read_link(dir, &at)?).map_err(|_| error(Errno::ILSEQ))
        })
        .await
    });
    waits!("[method]descriptor.remove-directory-at", |g, fd: Fd, at: String| -> () {
        let dir = g.dir_to_write(&fd)?;
        g.run_in(dir, move |dir| path::remove_directory(dir, &at)).await
    });
    waits!("[method]descriptor.unlink-file-at", |g, fd: Fd, at: String| -> () {
        let dir = g.dir_to_write(&fd)?;
        g.run_in(dir, move |dir| path::unlink(dir, &at)).await
    });
    waits!("[method]descriptor.rename-at", |g, fd: Fd, old: String, to: Fd, new: String| -> () {
        let to = some!(g.dir_to_write(&to)?).file;
        let dir = g.dir_to_write(&fd)?;
        g.run_in(dir, move |dir| path::rename(dir, &old, &to, &new)).await
    });
    waits!("[method]descriptor.create-directory-at", |g, fd: Fd, at: String| -> () {
        let dir = g.dir_to_write(&fd)?;
        g.make(dir, move |dir| path::make_directory(dir, &at)).await
    });
    waits!("[method]descriptor.symlink-at", |g, fd: Fd, target: String, at: String| -> () {
        let dir = g.dir_to_write(&fd)?;
        g.make(dir, move |dir| path::symlink(&target, dir, &at)).await
    });
    waits!("[method]descriptor.link-at", |g,
                                          fd: Fd,
                                          flags: fs::PathFlags,
                                          old: String,
                                          to: Fd,
                                          new: String|
     -> () {
        let to = some!(g.dir_to_write(&to)?).file;
        let dir = g.dir_to_write(&fd)?;
        if follows(flags) {
            return answer(Err(error(Errno::INVAL)));
        }
        g.make(dir, move |dir| path::link(dir, &old, &to, &new)).await
    });
    Ok(())
}

async fn sync(g: &mut Guest<'_>, fd: &Fd, how: fn(&File) -> io::Result<()>) -> Answer<()> {
    let (file, _) = g.any(fd)?;
    g.run(move || {
        // A granted directory is only a place until it is opened.
        match how(&file) {
            Err(e) if e.raw_os_error() == Some(Errno::BADF.raw_os_error()) => {
                let want = Want { read: true, directory: true, ..Want::default() };
                how(&path::open(&file, ".", want)?.file)
            }
            done => done,
        }
    })
    .await
}

/// The guest waits for it, as for any call: some file systems write what is left when a file is
/// closed.
async fn close<T: Send + 'static>(mut s: Store<'_>, closed: Resource<T>) -> Result<()> {
    let table = s.data_mut().ctx().table;
    let files = files_of(table)?;
    let closed = table.delete(closed)?;
    files.lane.run(move || drop(closed)).await;
    Ok(())
}

/// What needs no thread, and what has an answer of another form.
fn answers_about_descriptors(
    types: &mut wasmtime::component::LinkerInstance<'_, WasmtimeStoreData>,
    p: bhd_engine_permits_t,
) -> Result<()> {
    types.resource_async(
        "directory-entry-stream",
        ResourceType::host::<ReaddirIterator>(),
        |s: Store<'_>, rep| Box::new(close(s, Resource::<Reading>::new_own(rep))),
    )?;
    types.resource_async("descriptor", ResourceType::host::<Open>(), |s: Store<'_>, rep| {
        Box::new(close(s, Fd::new_own(rep)))
    })?;
    types.func_wrap("[method]descriptor.get-flags", move |mut s: Store<'_>, (fd,): (Fd,)| {
        use fs::DescriptorFlags as Flags;
        let g = guest(&mut s, p)?;
        let open = g.table.get(&fd)?;
        let write = if open.is_directory { Flags::MUTATE_DIRECTORY } else { Flags::WRITE };
        let mut flags = Flags::empty();
        if open.read {
            flags |= Flags::READ;
        }
        if open.write {
            flags |= write;
        }
        answer(Ok(flags))
    })?;
    types.func_wrap("[method]descriptor.get-type", move |mut s: Store<'_>, (fd,): (Fd,)| {
        // There is nothing else: what is opened is one of the two.
        let g = guest(&mut s, p)?;
        answer(Ok(match g.table.get(&fd)?.is_directory {
            false => fs::DescriptorType::RegularFile,
            true => fs::DescriptorType::Directory,
        }))
    })?;
    types.func_wrap_async(
        "[method]descriptor.is-same-object",
        move |mut s: Store<'_>, (a, b): (Fd, Fd)| {
            Box::new(async move {
                let g = guest(&mut s, p)?;
                let ((a, _), (b, _)) = (g.any(&a)?, g.any(&b)?);
                let same = g.files.lane.run(move || {
                    let (a, b) = (rustix::fs::fstat(&a)?, rustix::fs::fstat(&b)?);
                    Ok::<_, io::Error>((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
                });
                Ok((same.await.unwrap_or(false),))
            })
        },
    )?;
    Ok(())
}
