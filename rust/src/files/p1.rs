//! Preview 1: a table of descriptors of our own. What stands for a standard stream in it is passed
//! on to Wasmtime, under the number that it has there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use rustix::io::Errno as E;
use wasmtime::{Caller, Result};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1};
use wiggle::{GuestMemory, GuestPtr};

use super::descriptors::*;
use super::errno::error;
use super::opening;
use super::p1_guest::{Guest, guest};
use super::path::{self, Want};
use super::space;
use crate::permit::bhd_engine_permits_t;
use crate::wasi::P1;

macro_rules! wasmtimes {
    ($($name:ident($($a:ident: $t:ty),*) -> $r:ty;)*) => {
        $(fn $name(&mut self, memory: &mut GuestMemory<'_>, $($a: $t),*) -> $r {
            self.ctx.$name(memory, $($a),*)
        })*
    };
}

impl WasiSnapshotPreview1 for Guest<'_> {
    async fn fd_advise(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        offset: types::Filesize,
        length: types::Filesize,
        advice: types::Advice,
    ) -> Answer<()> {
        let file = self.file(fd)?;
        let advice = match advice {
            types::Advice::Normal => rustix::fs::Advice::Normal,
            types::Advice::Sequential => rustix::fs::Advice::Sequential,
            types::Advice::Random => rustix::fs::Advice::Random,
            types::Advice::Willneed => rustix::fs::Advice::WillNeed,
            types::Advice::Dontneed => rustix::fs::Advice::DontNeed,
            types::Advice::Noreuse => rustix::fs::Advice::NoReuse,
        };
        let shared = file.file.clone();
        self.run(move || {
            let length = std::num::NonZeroU64::new(length);
            Ok(rustix::fs::fadvise(&shared, offset, length, advice)?)
        })
        .await
    }

    fn fd_allocate(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        _: types::Filesize,
        _: types::Filesize,
    ) -> Answer<()> {
        self.file(fd)?;
        no(Errno::Notsup)
    }

    async fn fd_close(&mut self, _: &mut GuestMemory<'_>, fd: types::Fd) -> Answer<()> {
        let number = u32::from(fd);
        let closed = self.with(|all| all.0.remove(&number))?.ok_or(Errno::Badf)?;
        if !matches!(closed, Open::Standard(_)) {
            // Some file systems write what is left when a file is closed.
            self.files.lane.run(move || drop(closed)).await;
        }
        Ok(())
    }

    async fn fd_datasync(&mut self, _: &mut GuestMemory<'_>, fd: types::Fd) -> Answer<()> {
        let file = self.file(fd)?;
        self.run(move || file.file.sync_data()).await
    }

    async fn fd_sync(&mut self, _: &mut GuestMemory<'_>, fd: types::Fd) -> Answer<()> {
        let file = self.file(fd)?;
        self.run(move || file.file.sync_all()).await
    }

    async fn fd_fdstat_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
    ) -> Answer<types::Fdstat> {
        use types::{Fdflags, Rights};
        let mut flags = Fdflags::empty();
        let mut rights = Rights::all();
        let kind = match self.open(fd)? {
            Open::Standard(number) => return self.ctx.fd_fdstat_get(memory, number.into()).await,
            Open::Directory(dir) if dir.granted_as.is_some() => {
                let (base, inheriting) = rights_of_granted();
                return Ok(types::Fdstat {
                    fs_filetype: types::Filetype::Directory,
                    fs_flags: flags,
                    fs_rights_base: base,
                    fs_rights_inheriting: inheriting,
                });
            }
            Open::Directory(dir) => {
                rights &= !(Rights::FD_SEEK
                    | Rights::FD_FILESTAT_SET_SIZE
                    | Rights::PATH_FILESTAT_SET_SIZE
                    | Rights::FD_WRITE);
                if !dir.read {
                    rights &= !(Rights::FD_READ | Rights::FD_READDIR);
                }
                types::Filetype::Directory
            }
            Open::File(file) => {
                if !file.read {
                    rights &= !(Rights::FD_READ | Rights::FD_READDIR);
                }
                if !file.write {
                    rights &= !Rights::FD_WRITE;
                }
                flags.set(Fdflags::APPEND, file.appends.load(Ordering::Relaxed));
                flags.set(Fdflags::NONBLOCK, file.nonblock.load(Ordering::Relaxed));
                types::Filetype::RegularFile
            }
        };
        Ok(types::Fdstat {
            fs_filetype: kind,
            fs_flags: flags,
            fs_rights_base: rights,
            fs_rights_inheriting: rights,
        })
    }

    fn fd_fdstat_set_flags(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        flags: types::Fdflags,
    ) -> Answer<()> {
        use types::Fdflags;
        let file = self.file(fd)?;
        if flags.intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return no(Errno::Inval);
        }
        file.appends.store(flags.contains(Fdflags::APPEND), Ordering::Relaxed);
        file.nonblock.store(flags.contains(Fdflags::NONBLOCK), Ordering::Relaxed);
        Ok(())
    }

    fn fd_fdstat_set_rights(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        _: types::Rights,
        _: types::Rights,
    ) -> Answer<()> {
        self.any(fd)?;
        no(Errno::Notsup)
    }

    async fn fd_filestat_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
    ) -> Answer<types::Filestat> {
        if let Open::Standard(number) = self.open(fd)? {
            return self.ctx.fd_filestat_get(memory, number.into()).await;
        }
        let (file, _) = self.any(fd)?;
        filestat(&self.stat(file).await?)
    }

    async fn fd_filestat_set_size(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        size: types::Filesize,
    ) -> Answer<()> {
        let file = self.file(fd)?;
        if !file.write {
            return no(Errno::Perm);
        }
        let hole = self.purse.permits.hole_bytes;
        let done = self.purse.pay(&self.files.lane, hole, hole, move |reserved| {
            space::resize(&file.file, size, hole, reserved)
        });
        done.await.or_else(fail)
    }

    async fn fd_filestat_set_times(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        accessed: types::Timestamp,
        modified: types::Timestamp,
        flags: types::Fstflags,
    ) -> Answer<()> {
        let (accessed, modified) = times(accessed, modified, flags)?;
        let (file, may_write) = self.any(fd)?;
        if !may_write {
            return no(Errno::Perm);
        }
        self.run(move || path::set_times(&file, accessed, modified)).await
    }

    async fn fd_read(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        vectors: types::IovecArray,
    ) -> Answer<types::Size> {
        match self.open(fd)? {
            Open::Standard(number) => self.ctx.fd_read(memory, number.into(), vectors).await,
            Open::Directory(_) => no(Errno::Isdir),
            Open::File(file) => {
                let at = file.position.load(Ordering::Relaxed);
                let n = self.read(memory, &file, vectors, at).await?;
                file.position.store(at.saturating_add(n.into()), Ordering::Relaxed);
                Ok(n)
            }
        }
    }

    async fn fd_pread(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        vectors: types::IovecArray,
        offset: types::Filesize,
    ) -> Answer<types::Size> {
        let file = self.seekable(fd)?;
        self.read(memory, &file, vectors, offset).await
    }

    async fn fd_write(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        vectors: types::CiovecArray,
    ) -> Answer<types::Size> {
        match self.open(fd)? {
            Open::Standard(number) => self.ctx.fd_write(memory, number.into(), vectors).await,
            Open::Directory(_) => no(Errno::Badf),
            Open::File(file) => self.write(memory, file, vectors, None).await,
        }
    }

    async fn fd_pwrite(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        vectors: types::CiovecArray,
        offset: types::Filesize,
    ) -> Answer<types::Size> {
        let file = self.seekable(fd)?;
        self.write(memory, file, vectors, Some(offset)).await
    }

    fn fd_prestat_get(&mut self, _: &mut GuestMemory<'_>, fd: types::Fd) -> Answer<types::Prestat> {
        match self.open(fd)? {
            Open::Directory(dir) if dir.granted_as.is_some() => {
                let pr_name_len = dir.granted_as.as_ref().map_or(0, |n| n.len()).try_into()?;
                Ok(types::Prestat::Dir(types::PrestatDir { pr_name_len }))
            }
            _ => no(Errno::Badf),
        }
    }

    fn fd_prestat_dir_name(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        at: GuestPtr<u8>,
        most: types::Size,
    ) -> Answer<()> {
        match self.open(fd)? {
            Open::Directory(dir) if dir.granted_as.is_some() => {
                let name = dir.granted_as.as_deref().unwrap_or("");
                let size = u32::try_from(name.len())?;
                if size > most {
                    return no(Errno::Nametoolong);
                }
                Ok(memory.copy_from_slice(name.as_bytes(), at.as_array(size))?)
            }
            _ => no(Errno::Notdir),
        }
    }

    async fn fd_renumber(
        &mut self,
        _: &mut GuestMemory<'_>,
        from: types::Fd,
        to: types::Fd,
    ) -> Answer<()> {
        let (from, to) = (u32::from(from), u32::from(to));
        let replaced = self.with(|all| {
            if !all.0.contains_key(&from) || !all.0.contains_key(&to) {
                return Err(Errno::Badf);
            }
            Ok(match all.0.remove(&from) {
                Some(moved) => all.0.insert(to, moved).filter(|_| from != to),
                None => None,
            })
        })??;
        match replaced {
            None | Some(Open::Standard(_)) => {}
            Some(closed) => self.files.lane.run(move || drop(closed)).await,
        }
        Ok(())
    }

    async fn fd_seek(
        &mut self,
        _: &mut GuestMemory<'_>,
        fd: types::Fd,
        offset: types::Filedelta,
        whence: types::Whence,
    ) -> Answer<types::Filesize> {
        let file = self.seekable(fd)?;
        let from = match whence {
            types::Whence::Set => 0,
            types::Whence::Cur => file.position.load(Ordering::Relaxed),
            types::Whence::End => self.stat(file.file.clone()).await?.st_size as u64,
        };
        let to = from.checked_add_signed(offset).filter(|&to| i64::try_from(to).is_ok());
        let to = to.ok_or(Errno::Inval)?;
        file.position.store(to, Ordering::Relaxed);
        Ok(to)
    }

    fn fd_tell(&mut self, _: &mut GuestMemory<'_>, fd: types::Fd) -> Answer<types::Filesize> {
        Ok(self.seekable(fd)?.position.load(Ordering::Relaxed))
    }

    async fn fd_readdir(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        at: GuestPtr<u8>,
        size: types::Size,
        cookie: types::Dircookie,
    ) -> Answer<types::Size> {
        let dir = self.directory(fd)?;
        if size > 0 && !dir.is_listed() {
            self.may_open()?;
            dir.will_be_listed();
        }
        let (mut done, mut cookie) = (0u32, Some(cookie));
        while let (Some(from), true) = (cookie, done < size) {
            let most = ((size - done) as usize).min(self.purse.permits.listed_max + ENTRY_HEAD);
            let (open, door) = (dir.clone(), self.files.lane.door().clone());
            let (mut bytes, next) = self.run(move || list(&open, &door, from, most)).await?;
            bytes.truncate((size - done) as usize);
            let count = u32::try_from(bytes.len())?;
            memory.copy_from_slice(&bytes, at.add(done)?.as_array(count))?;
            (done, cookie) = (done + count, next);
        }
        Ok(done)
    }

    async fn path_create_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        at: GuestPtr<str>,
    ) -> Answer<()> {
        let dir = self.directory_to_write(fd)?;
        let at = self.text(memory, at)?;
        self.make(&dir, move |dir| path::make_directory(dir, &at)).await
    }

    async fn path_filestat_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        flags: types::Lookupflags,
        at: GuestPtr<str>,
    ) -> Answer<types::Filestat> {
        let dir = self.directory(fd)?;
        let at = self.text(memory, at)?;
        let follow = flags.contains(types::Lookupflags::SYMLINK_FOLLOW);
        filestat(&self.run_in(&dir, move |dir| path::stat(dir, &at, follow)).await?)
    }

    async fn path_filestat_set_times(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        flags: types::Lookupflags,
        at: GuestPtr<str>,
        accessed: types::Timestamp,
        modified: types::Timestamp,
        which: types::Fstflags,
    ) -> Answer<()> {
        let (accessed, modified) = times(accessed, modified, which)?;
        let dir = self.directory_to_write(fd)?;
        let at = self.text(memory, at)?;
        let follow = flags.contains(types::Lookupflags::SYMLINK_FOLLOW);
        self.run_in(&dir, move |dir| path::set_times_at(dir, &at, follow, accessed, modified)).await
    }

    async fn path_link(
        &mut self,
        memory: &mut GuestMemory<'_>,
        from: types::Fd,
        flags: types::Lookupflags,
        old: GuestPtr<str>,
        to: types::Fd,
        new: GuestPtr<str>,
    ) -> Answer<()> {
        let from = self.directory_to_write(from)?;
        let to = self.directory_to_write(to)?.dir.clone();
        let (old, new) = (self.text(memory, old)?, self.text(memory, new)?);
        if flags.contains(types::Lookupflags::SYMLINK_FOLLOW) {
            return no(Errno::Inval);
        }
        self.make(&from, move |from| path::link(from, &old, &to, &new)).await
    }

    async fn path_open(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        flags: types::Lookupflags,
        at: GuestPtr<str>,
        how: types::Oflags,
        rights: types::Rights,
        _: types::Rights,
        fdflags: types::Fdflags,
    ) -> Answer<types::Fd> {
        use types::{Fdflags, Oflags, Rights};
        let at = self.text(memory, at)?;
        let dir = self.directory(fd)?;
        if fdflags.intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return no(Errno::Notsup);
        }
        let writes = rights.contains(Rights::FD_WRITE);
        let want = Want {
            follow: flags.contains(types::Lookupflags::SYMLINK_FOLLOW),
            read: rights.contains(Rights::FD_READ) || !writes,
            write: writes || how.intersects(Oflags::CREAT | Oflags::TRUNC),
            create: how.contains(Oflags::CREAT),
            exclusive: how.contains(Oflags::EXCL),
            truncate: how.contains(Oflags::TRUNC),
            directory: how.contains(Oflags::DIRECTORY),
        };
        self.may_open()?;
        let opened = opening::open(&self.files.lane, &self.purse, &dir.dir, dir.may_write, at, want);
        let opened = opened.await.or_else(fail)?;
        let open = match opened.is_directory {
            true => {
                let open = OpenDirectory::new(opened.file, dir.may_write, want.read, None);
                Open::Directory(Arc::new(open))
            }
            false => Open::File(Arc::new(OpenFile {
                file: opened.file,
                read: want.read,
                write: want.write,
                position: AtomicU64::new(0),
                appends: AtomicBool::new(fdflags.contains(Fdflags::APPEND)),
                nonblock: AtomicBool::new(fdflags.contains(Fdflags::NONBLOCK)),
            })),
        };
        Ok(self.with(|all| all.insert(open))?.into())
    }

    async fn path_readlink(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        at: GuestPtr<str>,
        buffer: GuestPtr<u8>,
        size: types::Size,
    ) -> Answer<types::Size> {
        let dir = self.directory(fd)?;
        let at = self.text(memory, at)?;
        let mut target = self.run_in(&dir, move |dir| path::read_link(dir, &at)).await?;
        if std::str::from_utf8(&target).is_err() {
            return fail(error(E::ILSEQ));
        }
        target.truncate(size as usize);
        let size = u32::try_from(target.len())?;
        memory.copy_from_slice(&target, buffer.as_array(size))?;
        Ok(size)
    }

    async fn path_remove_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        at: GuestPtr<str>,
    ) -> Answer<()> {
        let dir = self.directory_to_write(fd)?;
        let at = self.text(memory, at)?;
        self.run_in(&dir, move |dir| path::remove_directory(dir, &at)).await
    }

    async fn path_rename(
        &mut self,
        memory: &mut GuestMemory<'_>,
        from: types::Fd,
        old: GuestPtr<str>,
        to: types::Fd,
        new: GuestPtr<str>,
    ) -> Answer<()> {
        let from = self.directory_to_write(from)?;
        let to = self.directory_to_write(to)?.dir.clone();
        let (old, new) = (self.text(memory, old)?, self.text(memory, new)?);
        self.run_in(&from, move |from| path::rename(from, &old, &to, &new)).await
    }

    async fn path_symlink(
        &mut self,
        memory: &mut GuestMemory<'_>,
        target: GuestPtr<str>,
        fd: types::Fd,
        at: GuestPtr<str>,
    ) -> Answer<()> {
        let dir = self.directory_to_write(fd)?;
        let (target, at) = (self.text(memory, target)?, self.text(memory, at)?);
        self.make(&dir, move |dir| path::symlink(&target, dir, &at)).await
    }

    async fn path_unlink_file(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        at: GuestPtr<str>,
    ) -> Answer<()> {
        let dir = self.directory_to_write(fd)?;
        let at = self.text(memory, at)?;
        self.run_in(&dir, move |dir| path::unlink(dir, &at)).await
    }

    /// Files are always ready: when one is asked for, there is nothing to wait for.
    async fn poll_oneoff(
        &mut self,
        memory: &mut GuestMemory<'_>,
        asked: GuestPtr<types::Subscription>,
        events: GuestPtr<types::Event>,
        count: types::Size,
    ) -> Answer<types::Size> {
        let size = (size_of::<u64>() * 10).saturating_mul(count as usize);
        if size > self.fuel {
            return no(Errno::Nomem);
        }
        let mut ready = 0;
        for i in 0..count {
            let one = memory.read(asked.add(i)?)?;
            let (fd, reads) = match one.u {
                types::SubscriptionU::FdRead(s) => (s.file_descriptor, true),
                types::SubscriptionU::FdWrite(s) => (s.file_descriptor, false),
                types::SubscriptionU::Clock(_) => continue,
            };
            let mut flags = types::Eventrwflags::empty();
            match self.open(fd)? {
                Open::Standard(number) if number == u32::from(fd) => continue,
                // A stream under another number is as good as ready: reading it waits.
                Open::Standard(_) => {}
                Open::Directory(_) => return no(Errno::Badf),
                Open::File(file) if reads => {
                    let size = self.stat(file.file.clone()).await?.st_size as u64;
                    let is_end = size <= file.position.load(Ordering::Relaxed);
                    flags.set(types::Eventrwflags::FD_READWRITE_HANGUP, is_end);
                }
                Open::File(_) => {}
            }
            let event = types::Event {
                userdata: one.userdata,
                error: Errno::Success,
                type_: if reads { types::Eventtype::FdRead } else { types::Eventtype::FdWrite },
                fd_readwrite: types::EventFdReadwrite { flags, nbytes: 1 },
            };
            memory.write(events.add(ready)?, event)?;
            ready += 1;
        }
        if ready > 0 { Ok(ready) } else { self.ctx.poll_oneoff(memory, asked, events, count).await }
    }

    wasmtimes! {
        args_get(argv: GuestPtr<GuestPtr<u8>>, text: GuestPtr<u8>) -> Answer<()>;
        args_sizes_get() -> Answer<(types::Size, types::Size)>;
        environ_get(list: GuestPtr<GuestPtr<u8>>, text: GuestPtr<u8>) -> Answer<()>;
        environ_sizes_get() -> Answer<(types::Size, types::Size)>;
        clock_res_get(id: types::Clockid) -> Answer<types::Timestamp>;
        clock_time_get(id: types::Clockid, precision: types::Timestamp) -> Answer<types::Timestamp>;
        proc_exit(code: types::Exitcode) -> wasmtime::Error;
        proc_raise(signal: types::Signal) -> Answer<()>;
        sched_yield() -> Answer<()>;
        random_get(at: GuestPtr<u8>, size: types::Size) -> Answer<()>;
        sock_accept(fd: types::Fd, flags: types::Fdflags) -> Answer<types::Fd>;
        sock_recv(fd: types::Fd, data: types::IovecArray, flags: types::Riflags)
            -> Answer<(types::Size, types::Roflags)>;
        sock_send(fd: types::Fd, data: types::CiovecArray, flags: types::Siflags)
            -> Answer<types::Size>;
        sock_shutdown(fd: types::Fd, how: types::Sdflags) -> Answer<()>;
    }
}

pub fn define(
    linker: &mut wasmtime::Linker<WasmtimeStoreData>,
    p: bhd_engine_permits_t,
) -> Result<()> {
    macro_rules! waits {
        ($($name:ident($($a:ident: $t:ty),*);)*) => {
            $(linker.func_wrap_async(
                P1,
                stringify!($name),
                move |mut caller: Caller<'_, WasmtimeStoreData>, ($($a,)*): ($($t,)*)| {
                    Box::new(async move {
                        let (mut guest, memory) = guest(&mut caller, p)?;
                        let mut memory = GuestMemory::Unshared(memory);
                        preview1::$name(&mut guest, &mut memory, $($a),*).await
                    })
                },
            )?;)*
        };
    }
    macro_rules! answers {
        ($($name:ident($($a:ident: $t:ty),*);)*) => {
            $(linker.func_wrap(
                P1,
                stringify!($name),
                move |mut caller: Caller<'_, WasmtimeStoreData>, $($a: $t),*| -> Result<i32> {
                    let (mut guest, memory) = guest(&mut caller, p)?;
                    preview1::$name(&mut guest, &mut GuestMemory::Unshared(memory), $($a),*)
                },
            )?;)*
        };
    }
    waits! {
        fd_advise(a: i32, b: i64, c: i64, d: i32);
        fd_close(a: i32);
        fd_datasync(a: i32);
        fd_fdstat_get(a: i32, b: i32);
        fd_filestat_get(a: i32, b: i32);
        fd_filestat_set_size(a: i32, b: i64);
        fd_filestat_set_times(a: i32, b: i64, c: i64, d: i32);
        fd_pread(a: i32, b: i32, c: i32, d: i64, e: i32);
        fd_pwrite(a: i32, b: i32, c: i32, d: i64, e: i32);
        fd_read(a: i32, b: i32, c: i32, d: i32);
        fd_readdir(a: i32, b: i32, c: i32, d: i64, e: i32);
        fd_renumber(a: i32, b: i32);
        fd_seek(a: i32, b: i64, c: i32, d: i32);
        fd_sync(a: i32);
        fd_write(a: i32, b: i32, c: i32, d: i32);
        path_create_directory(a: i32, b: i32, c: i32);
        path_filestat_get(a: i32, b: i32, c: i32, d: i32, e: i32);
        path_filestat_set_times(a: i32, b: i32, c: i32, d: i32, e: i64, f: i64, g: i32);
        path_link(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32);
        path_open(a: i32, b: i32, c: i32, d: i32, e: i32, f: i64, g: i64, h: i32, i: i32);
        path_readlink(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32);
        path_remove_directory(a: i32, b: i32, c: i32);
        path_rename(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32);
        path_symlink(a: i32, b: i32, c: i32, d: i32, e: i32);
        path_unlink_file(a: i32, b: i32, c: i32);
        poll_oneoff(a: i32, b: i32, c: i32, d: i32);
    }
    answers! {
        fd_allocate(a: i32, b: i64, c: i64);
        fd_fdstat_set_flags(a: i32, b: i32);
        fd_fdstat_set_rights(a: i32, b: i64, c: i64);
        fd_prestat_get(a: i32, b: i32);
        fd_prestat_dir_name(a: i32, b: i32, c: i32);
        fd_tell(a: i32, b: i32);
    }
    Ok(())
}
