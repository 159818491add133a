//! A guest of preview 1 in the middle of a call: what its numbers stand for, its texts and vectors,
//! and the threads that work for it.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::Stat;
use wasmtime::{Caller, Result};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::types::{self, Errno};
use wiggle::{GuestMemory, GuestPtr};

use super::attached::{Files, files_of};
use super::closing::Shared;
use super::descriptors::*;
use super::file_stream;
use super::purse::Purse;
use super::space::{self, Place};
use crate::permit::bhd_engine_permits_t;
use crate::wasi::parts;

/// A guest in the middle of a call.
pub struct Guest<'a> {
    pub ctx: &'a mut WasiP1Ctx,
    pub files: Arc<Files>,
    pub purse: Purse,
    /// Bytes that may be copied for this call.
    pub fuel: usize,
}

impl Guest<'_> {
    pub fn with<T>(&mut self, work: impl FnOnce(&mut Descriptors) -> T) -> Answer<T> {
        let files = self.files.clone();
        let mut table = files.descriptors.lock().expect("nothing panics in here");
        if table.is_none() {
            *table = Some(Descriptors::new(self.ctx).map_err(types::Error::trap)?);
        }
        Ok(work(table.as_mut().expect("it was made")))
    }

    pub fn open(&mut self, fd: types::Fd) -> Answer<Open> {
        let number = u32::from(fd);
        self.with(|all| all.0.get(&number).cloned())?.ok_or(Errno::Badf.into())
    }

    pub fn file(&mut self, fd: types::Fd) -> Answer<Arc<OpenFile>> {
        match self.open(fd)? {
            Open::File(file) => Ok(file),
            _ => no(Errno::Badf),
        }
    }

    /// What can be sought in; for a stream the system has an error of its own.
    pub fn seekable(&mut self, fd: types::Fd) -> Answer<Arc<OpenFile>> {
        match self.open(fd)? {
            Open::File(file) => Ok(file),
            Open::Standard(_) => no(Errno::Spipe),
            Open::Directory(_) => no(Errno::Badf),
        }
    }

    pub fn directory(&mut self, fd: types::Fd) -> Answer<Arc<OpenDirectory>> {
        match self.open(fd)? {
            Open::Directory(directory) => Ok(directory),
            Open::File(_) => no(Errno::Notdir),
            Open::Standard(_) => no(Errno::Badf),
        }
    }

    pub fn directory_to_write(&mut self, fd: types::Fd) -> Answer<Arc<OpenDirectory>> {
        let directory = self.directory(fd)?;
        if directory.may_write { Ok(directory) } else { no(Errno::Perm) }
    }

    /// Whether there may be one more of what has a descriptor of the system.
    pub fn may_open(&mut self) -> Answer<()> {
        let open = self.with(|all| all.files())?;
        if self.purse.permits.open(self.purse.env, open, 0) { Ok(()) } else { no(Errno::Nfile) }
    }

    /// Whatever has a number of the system.
    pub fn any(&mut self, fd: types::Fd) -> Answer<(Shared, bool)> {
        match self.open(fd)? {
            Open::File(file) => Ok((file.file.clone(), file.write)),
            Open::Directory(directory) => Ok((directory.dir.clone(), directory.may_write)),
            Open::Standard(_) => no(Errno::Badf),
        }
    }

    pub fn text(&mut self, memory: &GuestMemory<'_>, text: GuestPtr<str>) -> Answer<String> {
        let size = usize::try_from(text.len())?;
        if size > self.fuel {
            return no(Errno::Nomem);
        }
        self.fuel -= size;
        Ok(memory.as_cow_str(text)?.into_owned())
    }

    /// On a thread that may wait.
    pub async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.files.lane.run(work).await.or_else(fail)
    }

    pub async fn run_in<T: Send + 'static>(
        &mut self,
        dir: &Arc<OpenDirectory>,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let dir = dir.dir.clone();
        self.run(move || work(&dir)).await
    }

    /// What makes an entry of a directory is paid for first.
    pub async fn make(
        &mut self,
        dir: &Arc<OpenDirectory>,
        work: impl FnOnce(&File) -> io::Result<()> + Send + 'static,
    ) -> Answer<()> {
        if !self.purse.entry() {
            return no(Errno::Dquot);
        }
        self.run_in(dir, work).await.inspect_err(|_| self.purse.entry_back())
    }

    pub async fn stat(&mut self, file: Shared) -> Answer<Stat> {
        self.run(move || Ok(rustix::fs::fstat(&file)?)).await
    }

    /// The first vector that is not empty, which is all that one call reads or writes.
    pub fn first<T: wiggle::GuestType>(
        &mut self,
        memory: &GuestMemory<'_>,
        vectors: GuestPtr<[T]>,
        part: impl Fn(T) -> (GuestPtr<u8>, u32),
    ) -> Answer<GuestPtr<[u8]>> {
        let size = T::guest_size() as usize * usize::try_from(vectors.len())?;
        if size > self.fuel {
            return no(Errno::Nomem);
        }
        for vector in vectors.iter() {
            let (at, length) = part(memory.read(vector?)?);
            if length > 0 {
                let most = u32::try_from(self.purse.permits.file_max.min(self.fuel)).unwrap_or(u32::MAX);
                // All of it has to be there, also when less is taken.
                let all = at.as_array(length);
                memory.as_slice(all)?;
                return Ok(at.as_array(length.min(most)));
            }
        }
        Ok(GuestPtr::new((0, 0)))
    }

    pub async fn write(
        &mut self,
        memory: &GuestMemory<'_>,
        file: Arc<OpenFile>,
        vectors: types::CiovecArray,
        at: Option<u64>,
    ) -> Answer<types::Size> {
        let bytes = self.first(memory, vectors, |v| (v.buf, v.buf_len))?;
        let data: Arc<[u8]> = memory.to_vec(bytes)?.into();
        let position = file.position.load(Ordering::Relaxed);
        let appends = file.appends.load(Ordering::Relaxed);
        let place = if appends { Place::End } else { Place::At(at.unwrap_or(position)) };
        let size = data.len() as u64;
        let most = space::most(size);
        let shared = file.file.clone();
        let done = self.purse.pay(&self.files.lane, most, size, move |reserved| {
            space::write(&shared, &data, place, reserved)
        });
        let written = done.await.or_else(fail)?;
        if at.is_none() {
            let end = match place {
                Place::At(at) => at.checked_add(written as u64).ok_or(Errno::Overflow)?,
                Place::End => self.stat(file.file.clone()).await?.st_size as u64,
            };
            file.position.store(end, Ordering::Relaxed);
        }
        Ok(written.try_into()?)
    }

    pub async fn read(
        &mut self,
        memory: &mut GuestMemory<'_>,
        file: &OpenFile,
        vectors: types::IovecArray,
        at: u64,
    ) -> Answer<types::Size> {
        let buffer = self.first(memory, vectors, |v| (v.buf, v.buf_len))?;
        let (shared, size) = (file.file.clone(), usize::try_from(buffer.len())?);
        let bytes = self.run(move || file_stream::read(&shared, size, at)).await?;
        let size = u32::try_from(bytes.len())?;
        memory.copy_from_slice(&bytes, buffer.get_range(0..size).expect("no more was read"))?;
        Ok(size)
    }
}

pub fn guest<'a>(
    caller: &'a mut Caller<'_, WasmtimeStoreData>,
    permits: bhd_engine_permits_t,
) -> Result<(Guest<'a>, &'a mut [u8])> {
    let fuel = wasmtime::AsContextMut::as_context_mut(caller).hostcall_fuel();
    let (env, memory, ctx) = parts(caller)?;
    let files = files_of(ctx.ctx().table)?;
    let purse = Purse { env, permits };
    Ok((Guest { ctx, files, purse, fuel }, memory))
}
