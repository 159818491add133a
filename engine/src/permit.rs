//! Functions of WASI that C is asked about first: clocks, random numbers, what fills a directory,
//! open files, connections, names. They stand in the linkers in place of Wasmtime's own, which they
//! call when the answer is yes. A "no" is what WASI has for it; where a function has no error to
//! give, the guest ends.

use std::ffi::c_void;
use std::io;

use wasmtime::component::{Resource, ResourceTable};
use wasmtime::{AsContext, AsContextMut, Caller, Extern, Result, StoreContextMut, bail};
use wasmtime_c_api::{
    WasmtimeStoreData, wasmtime_component_linker_t, wasmtime_context_get_data, wasmtime_error_t,
    wasmtime_linker_t,
};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::filesystem::types as fs;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup;
use wasmtime_wasi::p2::bindings::sockets::network::{self, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, OutputStream, Pollable, SocketError, StreamError,
    StreamResult, TcpSocket,
};
use wasmtime_wasi::sockets::WasiSocketsView;
use wasmtime_wasi::async_trait;
use wasmtime_wasi_io::bytes::Bytes;
use wiggle::GuestMemory;

use crate::error::Stop;
use crate::wasi::p1_of;

type Store<'a> = StoreContextMut<'a, WasmtimeStoreData>;

/// The answers are C's; `env` is the store's data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_permits_t {
    clocks: extern "C" fn(env: *mut c_void) -> bool,
    /// Fills the buffer, or says no.
    random: extern "C" fn(env: *mut c_void, buffer: *mut u8, size: usize) -> bool,
    /// Bytes that may still be written into directories; taken before they are written.
    bytes_left: extern "C" fn(env: *mut c_void) -> u64,
    take_bytes: extern "C" fn(env: *mut c_void, bytes: u64) -> bool,
    give_bytes: extern "C" fn(env: *mut c_void, bytes: u64),
    /// One more beside so many.
    open: extern "C" fn(env: *mut c_void, open: usize) -> bool,
    connect: extern "C" fn(env: *mut c_void, connections: usize) -> bool,
    resolve: extern "C" fn(env: *mut c_void, name: *const u8, size: usize) -> bool,
    /// Largest answer to one request for random bytes.
    random_max: usize,
    /// Ends the guest where WASI has no error.
    stop_code: i32,
}

/// What a new directory, link or file counts, however empty it is.
const ENTRY_BYTES: u64 = 4096;

/// The store's data, as C set it.
#[derive(Clone, Copy)]
struct Env(*mut c_void);
// It is only handed back to C, on the thread that runs the store.
unsafe impl Send for Env {}
unsafe impl Sync for Env {}

impl Env {
    fn of(store: &impl AsContext<Data = WasmtimeStoreData>) -> Env {
        Env(wasmtime_context_get_data(store.as_context()))
    }
}

impl bhd_engine_permits_t {
    fn stop(&self, what: &str) -> wasmtime::Error {
        Stop { code: self.stop_code, text: what.to_string() }.into()
    }

    fn random_bytes(&self, env: Env, size: u64, what: &str) -> Result<Vec<u8>> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > self.random_max {
            bail!("{size} random bytes at once are more than the {} that one call may ask for", self.random_max);
        }
        let mut bytes = vec![0; size];
        match (self.random)(env.0, bytes.as_mut_ptr(), size) {
            true => Ok(bytes),
            false => Err(self.stop(what)),
        }
    }

    fn random_u64(&self, env: Env, what: &str) -> Result<u64> {
        let bytes = self.random_bytes(env, 8, what)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }
}

/// Files, directories and streams of files that a table holds; standard streams are no files.
fn open_files(table: &mut ResourceTable) -> usize {
    let (mut descriptors, mut streams) = (0, 0usize);
    for entry in table.iter_mut() {
        descriptors += usize::from(entry.is::<Descriptor>());
        streams += usize::from(entry.is::<DynInputStream>() || entry.is::<DynOutputStream>());
    }
    descriptors + streams.saturating_sub(3)
}

// -- preview 1 ------------------------------------------------------------------------------------

const P1: &str = "wasi_snapshot_preview1";
const SUCCESS: i32 = 0;
const DQUOT: i32 = 19;
const NFILE: i32 = 41;
const NOTCAPABLE: i32 = 76;

/// What a call of preview 1 works with.
fn parts<'a>(caller: &'a mut Caller<'_, WasmtimeStoreData>) -> Result<(Env, &'a mut [u8], &'a mut WasiP1Ctx)> {
    let env = Env::of(caller);
    let fuel = caller.as_context_mut().hostcall_fuel();
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        bail!("missing required memory export");
    };
    let (bytes, data) = memory.data_and_store_mut(caller);
    let ctx = p1_of(data);
    ctx.set_hostcall_fuel(fuel);
    Ok((env, bytes, ctx))
}

fn u32_at(memory: &[u8], at: u64) -> Option<u32> {
    let at = usize::try_from(at).ok()?;
    let bytes = memory.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// The length of the first vector that is not empty, which is all that one call writes.
fn first_length(memory: &[u8], vectors: i32, count: i32) -> u64 {
    (0..u64::from(count as u32))
        .map_while(|i| u32_at(memory, u64::from(vectors as u32) + i * 8 + 4))
        .find(|&length| length > 0)
        .map_or(0, u64::from)
}

/// Takes the bytes of a write to a file; `None`: there are not so many left. 0 for what is no file.
fn take_write(p: &bhd_engine_permits_t, env: Env, memory: &mut [u8], ctx: &mut WasiP1Ctx, fd: i32, vectors: i32, count: i32) -> Option<u64> {
    let length = first_length(memory, vectors, count);
    // Only files have a position.
    if length == 0 || ctx.fd_tell(&mut GuestMemory::Unshared(memory), (fd as u32).into()).is_err() {
        return Some(0);
    }
    (p.take_bytes)(env.0, length).then_some(length)
}

fn give_rest(p: &bhd_engine_permits_t, env: Env, memory: &[u8], errno: i32, taken: u64, written_at: i32) {
    let written = match errno {
        SUCCESS => u32_at(memory, u64::from(written_at as u32)).map_or(0, u64::from),
        _ => 0,
    };
    if taken > written {
        (p.give_bytes)(env.0, taken - written);
    }
}

fn p1_clocks_and_random(linker: &mut wasmtime::Linker<WasmtimeStoreData>, p: bhd_engine_permits_t) -> Result<()> {
    linker.func_wrap(P1, "clock_time_get", move |mut caller: Caller<'_, WasmtimeStoreData>, id: i32, precision: i64, out: i32| -> Result<i32> {
        let (env, memory, ctx) = parts(&mut caller)?;
        if !(p.clocks)(env.0) {
            return Ok(NOTCAPABLE);
        }
        preview1::clock_time_get(ctx, &mut GuestMemory::Unshared(memory), id, precision, out)
    })?;
    linker.func_wrap(P1, "clock_res_get", move |mut caller: Caller<'_, WasmtimeStoreData>, id: i32, out: i32| -> Result<i32> {
        let (env, memory, ctx) = parts(&mut caller)?;
        if !(p.clocks)(env.0) {
            return Ok(NOTCAPABLE);
        }
        preview1::clock_res_get(ctx, &mut GuestMemory::Unshared(memory), id, out)
    })?;
    linker.func_wrap(P1, "random_get", move |mut caller: Caller<'_, WasmtimeStoreData>, at: i32, size: i32| -> Result<i32> {
        const FAULT: i32 = 21;
        let (env, memory, _) = parts(&mut caller)?;
        let (at, size) = (at as u32 as usize, size as u32 as usize);
        // Straight into the guest's memory: nothing of it is the host's.
        let Some(buffer) = memory.get_mut(at..at.saturating_add(size)) else {
            return Ok(FAULT);
        };
        let granted = (p.random)(env.0, buffer.as_mut_ptr(), size);
        Ok(if granted { SUCCESS } else { NOTCAPABLE })
    })?;
    Ok(())
}

fn p1_writes(linker: &mut wasmtime::Linker<WasmtimeStoreData>, p: bhd_engine_permits_t) -> Result<()> {
    linker.func_wrap_async(P1, "fd_write", move |mut caller: Caller<'_, WasmtimeStoreData>, (fd, vectors, count, out): (i32, i32, i32, i32)| {
        Box::new(async move {
            let (env, memory, ctx) = parts(&mut caller)?;
            let Some(taken) = take_write(&p, env, memory, ctx, fd, vectors, count) else {
                return Ok(DQUOT);
            };
            let errno = preview1::fd_write(ctx, &mut GuestMemory::Unshared(memory), fd, vectors, count, out).await?;
            give_rest(&p, env, memory, errno, taken, out);
            Ok(errno)
        })
    })?;
    linker.func_wrap_async(P1, "fd_pwrite", move |mut caller: Caller<'_, WasmtimeStoreData>, (fd, vectors, count, offset, out): (i32, i32, i32, i64, i32)| {
        Box::new(async move {
            let (env, memory, ctx) = parts(&mut caller)?;
            let Some(taken) = take_write(&p, env, memory, ctx, fd, vectors, count) else {
                return Ok(DQUOT);
            };
            let errno =
                preview1::fd_pwrite(ctx, &mut GuestMemory::Unshared(memory), fd, vectors, count, offset, out).await?;
            give_rest(&p, env, memory, errno, taken, out);
            Ok(errno)
        })
    })?;
    linker.func_wrap_async(P1, "fd_filestat_set_size", move |mut caller: Caller<'_, WasmtimeStoreData>, (fd, size): (i32, i64)| {
        Box::new(async move {
            let (env, memory, ctx) = parts(&mut caller)?;
            let mut memory = GuestMemory::Unshared(memory);
            let now = match ctx.fd_filestat_get(&mut memory, (fd as u32).into()).await {
                Ok(stat) => stat.size,
                Err(_) => 0,
            };
            let more = (size as u64).saturating_sub(now);
            if !(p.take_bytes)(env.0, more) {
                return Ok(DQUOT);
            }
            let errno = preview1::fd_filestat_set_size(ctx, &mut memory, fd, size).await?;
            if errno != SUCCESS {
                (p.give_bytes)(env.0, more);
            }
            Ok(errno)
        })
    })?;
    Ok(())
}

fn p1_entries(linker: &mut wasmtime::Linker<WasmtimeStoreData>, p: bhd_engine_permits_t) -> Result<()> {
    type Open = (i32, i32, i32, i32, i32, i64, i64, i32, i32);
    const CREATE: i32 = 1;
    linker.func_wrap_async(P1, "path_open", move |mut caller: Caller<'_, WasmtimeStoreData>, a: Open| {
        Box::new(async move {
            let (env, memory, ctx) = parts(&mut caller)?;
            let open = open_files(ctx.ctx().table);
            let bytes = if a.4 & CREATE != 0 { ENTRY_BYTES } else { 0 };
            if !(p.open)(env.0, open) {
                return Ok(NFILE);
            }
            if !(p.take_bytes)(env.0, bytes) {
                return Ok(DQUOT);
            }
            let mut memory = GuestMemory::Unshared(memory);
            let errno =
                preview1::path_open(ctx, &mut memory, a.0, a.1, a.2, a.3, a.4, a.5, a.6, a.7, a.8).await?;
            if errno != SUCCESS {
                (p.give_bytes)(env.0, bytes);
            }
            Ok(errno)
        })
    })?;
    macro_rules! entry {
        ($name:ident, $types:ty, $($at:tt),*) => {
            linker.func_wrap_async(P1, stringify!($name), move |mut caller: Caller<'_, WasmtimeStoreData>, a: $types| {
                Box::new(async move {
                    let (env, memory, ctx) = parts(&mut caller)?;
                    if !(p.take_bytes)(env.0, ENTRY_BYTES) {
                        return Ok(DQUOT);
                    }
                    let errno = preview1::$name(ctx, &mut GuestMemory::Unshared(memory), $(a.$at),*).await?;
                    if errno != SUCCESS {
                        (p.give_bytes)(env.0, ENTRY_BYTES);
                    }
                    Ok(errno)
                })
            })?;
        };
    }
    entry!(path_create_directory, (i32, i32, i32), 0, 1, 2);
    entry!(path_symlink, (i32, i32, i32, i32, i32), 0, 1, 2, 3, 4);
    entry!(path_link, (i32, i32, i32, i32, i32, i32, i32), 0, 1, 2, 3, 4, 5, 6);
    Ok(())
}

/// After `bhd_engine_linker_define_wasi_async`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_linker_define_permits(
    linker: *mut wasmtime_linker_t,
    permits: *const bhd_engine_permits_t,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &mut *(linker as *mut wasmtime::Linker<WasmtimeStoreData>) };
    let p = unsafe { *permits };
    linker.allow_shadowing(true);
    let done = p1_clocks_and_random(linker, p)
        .and_then(|()| p1_writes(linker, p))
        .and_then(|()| p1_entries(linker, p));
    linker.allow_shadowing(false);
    done.err().map(|e| Box::new(e.into()))
}

// -- 0.2 ------------------------------------------------------------------------------------------

/// The version that Wasmtime defines; a guest with an older one is given this.
macro_rules! wasi {
    ($interface:literal) => {
        concat!("wasi:", $interface, "@0.2.12")
    };
}

type Linker = wasmtime::component::Linker<WasmtimeStoreData>;
type FsResult<T> = std::result::Result<T, FsError>;
type FsAnswer<T> = Result<(std::result::Result<T, fs::ErrorCode>,)>;

fn fs_answer<T>(result: FsResult<T>) -> FsAnswer<T> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(e) => Ok((Err(e.downcast()?),)),
    }
}

fn no_quota<T>() -> FsAnswer<T> {
    Ok((Err(fs::ErrorCode::Quota),))
}

fn p2_clocks(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let ask = move |store: &Store<'_>, what: &str| match (p.clocks)(Env::of(store).0) {
        true => Ok(()),
        false => Err(p.stop(what)),
    };
    let mut wall = linker.instance(wasi!("clocks/wall-clock"))?;
    wall.func_wrap("now", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/wall-clock#now")?;
        Ok((wall_clock::Host::now(&mut s.data_mut().clocks())?,))
    })?;
    wall.func_wrap("resolution", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/wall-clock#resolution")?;
        Ok((wall_clock::Host::resolution(&mut s.data_mut().clocks())?,))
    })?;
    let mut monotonic = linker.instance(wasi!("clocks/monotonic-clock"))?;
    monotonic.func_wrap("now", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/monotonic-clock#now")?;
        Ok((monotonic_clock::Host::now(&mut s.data_mut().clocks())?,))
    })?;
    monotonic.func_wrap("resolution", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/monotonic-clock#resolution")?;
        Ok((monotonic_clock::Host::resolution(&mut s.data_mut().clocks())?,))
    })?;
    Ok(())
}

fn p2_random(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let mut random = linker.instance(wasi!("random/random"))?;
    random.func_wrap("get-random-bytes", move |s: Store<'_>, (size,): (u64,)| {
        Ok((p.random_bytes(Env::of(&s), size, "wasi:random/random#get-random-bytes")?,))
    })?;
    random.func_wrap("get-random-u64", move |s: Store<'_>, (): ()| {
        Ok((p.random_u64(Env::of(&s), "wasi:random/random#get-random-u64")?,))
    })?;
    let mut insecure = linker.instance(wasi!("random/insecure"))?;
    insecure.func_wrap("get-insecure-random-bytes", move |s: Store<'_>, (size,): (u64,)| {
        Ok((p.random_bytes(Env::of(&s), size, "wasi:random/insecure#get-insecure-random-bytes")?,))
    })?;
    insecure.func_wrap("get-insecure-random-u64", move |s: Store<'_>, (): ()| {
        Ok((p.random_u64(Env::of(&s), "wasi:random/insecure#get-insecure-random-u64")?,))
    })?;
    let mut seed = linker.instance(wasi!("random/insecure-seed"))?;
    seed.func_wrap("insecure-seed", move |s: Store<'_>, (): ()| {
        let what = "wasi:random/insecure-seed#insecure-seed";
        let env = Env::of(&s);
        Ok(((p.random_u64(env, what)?, p.random_u64(env, what)?),))
    })?;
    Ok(())
}

/// A stream into a file, which takes what it writes.
struct Counted {
    stream: DynOutputStream,
    env: Env,
    permits: bhd_engine_permits_t,
}

impl Counted {
    fn full() -> StreamError {
        // The number, from which Wasmtime makes the guest's own error; it has none for EDQUOT.
        const ENOSPC: i32 = 28;
        StreamError::LastOperationFailed(io::Error::from_raw_os_error(ENOSPC).into())
    }
}

#[async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.stream.ready().await
    }
}

#[async_trait]
impl OutputStream for Counted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let size = bytes.len() as u64;
        if !(self.permits.take_bytes)(self.env.0, size) {
            return Err(Self::full());
        }
        self.stream.write(bytes).inspect_err(|_| (self.permits.give_bytes)(self.env.0, size))
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // This is also asked for how the last write went, so with nothing left it still is one byte,
        // and the write of it fails.
        let left = usize::try_from((self.permits.bytes_left)(self.env.0)).unwrap_or(usize::MAX);
        Ok(self.stream.check_write()?.min(left.max(1)))
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await
    }
}

/// Puts a counted stream in the place of the one that was made.
fn counted(
    p: bhd_engine_permits_t,
    env: Env,
    table: &mut ResourceTable,
    made: FsResult<Resource<DynOutputStream>>,
) -> FsAnswer<Resource<DynOutputStream>> {
    match made {
        Ok(stream) => {
            let stream = table.delete(stream)?;
            let stream: DynOutputStream = Box::new(Counted { stream, env, permits: p });
            Ok((Ok(table.push(stream)?),))
        }
        Err(e) => Ok((Err(e.downcast()?),)),
    }
}

fn p2_streams(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let mut types = linker.instance(wasi!("filesystem/types"))?;
    types.func_wrap("[method]descriptor.read-via-stream", move |mut s: Store<'_>, (fd, offset): (Resource<Descriptor>, u64)| {
        let env = Env::of(&s);
        let mut view = s.data_mut().filesystem();
        if !(p.open)(env.0, open_files(view.table)) {
            return Ok((Err(fs::ErrorCode::InsufficientMemory),));
        }
        fs_answer(fs::HostDescriptor::read_via_stream(&mut view, fd, offset))
    })?;
    types.func_wrap("[method]descriptor.write-via-stream", move |mut s: Store<'_>, (fd, offset): (Resource<Descriptor>, u64)| {
        let env = Env::of(&s);
        let mut view = s.data_mut().filesystem();
        if !(p.open)(env.0, open_files(view.table)) {
            return Ok((Err(fs::ErrorCode::InsufficientMemory),));
        }
        let made = fs::HostDescriptor::write_via_stream(&mut view, fd, offset);
        counted(p, env, view.table, made)
    })?;
    types.func_wrap("[method]descriptor.append-via-stream", move |mut s: Store<'_>, (fd,): (Resource<Descriptor>,)| {
        let env = Env::of(&s);
        let mut view = s.data_mut().filesystem();
        if !(p.open)(env.0, open_files(view.table)) {
            return Ok((Err(fs::ErrorCode::InsufficientMemory),));
        }
        let made = fs::HostDescriptor::append_via_stream(&mut view, fd);
        counted(p, env, view.table, made)
    })?;
    Ok(())
}

fn p2_files(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let mut types = linker.instance(wasi!("filesystem/types"))?;
    type Write = (Resource<Descriptor>, Vec<u8>, u64);
    types.func_wrap_async("[method]descriptor.write", move |mut s: Store<'_>, (fd, bytes, offset): Write| {
        Box::new(async move {
            let (env, size) = (Env::of(&s), bytes.len() as u64);
            if !(p.take_bytes)(env.0, size) {
                return no_quota();
            }
            let done = fs::HostDescriptor::write(&mut s.data_mut().filesystem(), fd, bytes, offset).await;
            let written = done.as_ref().map_or(0, |n| *n);
            (p.give_bytes)(env.0, size.saturating_sub(written));
            fs_answer(done)
        })
    })?;
    types.func_wrap_async("[method]descriptor.set-size", move |mut s: Store<'_>, (fd, size): (Resource<Descriptor>, u64)| {
        Box::new(async move {
            let env = Env::of(&s);
            let mut view = s.data_mut().filesystem();
            let now = match fs::HostDescriptor::stat(&mut view, Resource::new_borrow(fd.rep())).await {
                Ok(stat) => stat.size,
                Err(_) => 0,
            };
            let more = size.saturating_sub(now);
            if !(p.take_bytes)(env.0, more) {
                return no_quota();
            }
            let done = fs::HostDescriptor::set_size(&mut view, fd, size).await;
            if done.is_err() {
                (p.give_bytes)(env.0, more);
            }
            fs_answer(done)
        })
    })?;
    type Open = (Resource<Descriptor>, fs::PathFlags, String, fs::OpenFlags, fs::DescriptorFlags);
    types.func_wrap_async("[method]descriptor.open-at", move |mut s: Store<'_>, (fd, path_flags, path, open_flags, flags): Open| {
        Box::new(async move {
            let env = Env::of(&s);
            let mut view = s.data_mut().filesystem();
            if !(p.open)(env.0, open_files(view.table)) {
                return Ok((Err(fs::ErrorCode::InsufficientMemory),));
            }
            let bytes = if open_flags.contains(fs::OpenFlags::CREATE) { ENTRY_BYTES } else { 0 };
            if !(p.take_bytes)(env.0, bytes) {
                return no_quota();
            }
            let done = fs::HostDescriptor::open_at(&mut view, fd, path_flags, path, open_flags, flags).await;
            if done.is_err() {
                (p.give_bytes)(env.0, bytes);
            }
            fs_answer(done)
        })
    })?;
    Ok(())
}

fn p2_entries(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let mut types = linker.instance(wasi!("filesystem/types"))?;
    macro_rules! entry {
        ($name:literal, $method:ident, $types:ty, $($argument:ident),*) => {
            types.func_wrap_async($name, move |mut s: Store<'_>, ($($argument),*,): $types| {
                Box::new(async move {
                    let env = Env::of(&s);
                    if !(p.take_bytes)(env.0, ENTRY_BYTES) {
                        return no_quota();
                    }
                    let done = fs::HostDescriptor::$method(&mut s.data_mut().filesystem(), $($argument),*).await;
                    if done.is_err() {
                        (p.give_bytes)(env.0, ENTRY_BYTES);
                    }
                    fs_answer(done)
                })
            })?;
        };
    }
    entry!("[method]descriptor.create-directory-at", create_directory_at, (Resource<Descriptor>, String), fd, path);
    entry!("[method]descriptor.symlink-at", symlink_at, (Resource<Descriptor>, String, String), fd, target, path);
    type Link = (Resource<Descriptor>, fs::PathFlags, String, Resource<Descriptor>, String);
    entry!("[method]descriptor.link-at", link_at, Link, fd, path_flags, path, to, to_path);
    Ok(())
}

fn p2_network(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    type SocketAnswer<T> = Result<(std::result::Result<T, network::ErrorCode>,)>;
    fn answer<T>(result: std::result::Result<T, SocketError>) -> SocketAnswer<T> {
        match result {
            Ok(value) => Ok((Ok(value),)),
            Err(e) => Ok((Err(e.downcast()?),)),
        }
    }
    let mut create = linker.instance(wasi!("sockets/tcp-create-socket"))?;
    create.func_wrap("create-tcp-socket", move |mut s: Store<'_>, (family,): (IpAddressFamily,)| {
        let env = Env::of(&s);
        let mut view = s.data_mut().sockets();
        let sockets = view.table.iter_mut().filter(|e| e.is::<TcpSocket>()).count();
        if !(p.connect)(env.0, sockets) {
            return Ok((Err(network::ErrorCode::NewSocketLimit),));
        }
        answer(tcp_create_socket::Host::create_tcp_socket(&mut view, family))
    })?;
    let mut lookup = linker.instance(wasi!("sockets/ip-name-lookup"))?;
    lookup.func_wrap("resolve-addresses", move |mut s: Store<'_>, (network, name): (Resource<network::Network>, String)| {
        if !(p.resolve)(Env::of(&s).0, name.as_ptr(), name.len()) {
            return Ok((Err(network::ErrorCode::AccessDenied),));
        }
        answer(ip_name_lookup::Host::resolve_addresses(&mut s.data_mut().sockets(), network, name))
    })?;
    Ok(())
}

/// After `wasmtime_component_linker_add_wasip2_async`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_linker_define_permits(
    linker: *mut wasmtime_component_linker_t,
    permits: *const bhd_engine_permits_t,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &mut *(linker as *mut Linker) };
    let p = unsafe { *permits };
    linker.allow_shadowing(true);
    let done = p2_clocks(linker, p)
        .and_then(|()| p2_random(linker, p))
        .and_then(|()| p2_streams(linker, p))
        .and_then(|()| p2_files(linker, p))
        .and_then(|()| p2_entries(linker, p))
        .and_then(|()| p2_network(linker, p));
    linker.allow_shadowing(false);
    done.err().map(|e| Box::new(e.into()))
}
