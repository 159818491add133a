//! What C is asked while a guest runs, call by call.

use std::ffi::c_void;
use std::net::IpAddr;

use wasmtime::{AsContext, Result, bail};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime_context_get_data};

use crate::address::bhd_engine_address_t;
use crate::bhd_engine_str_t;
use crate::error::Stop;

/// Who asks for a name, how many threads may be had, and what is kept of an answer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_lookups_t {
    /// The same for all sandboxes of a component.
    pub key: u64,
    pub share: u32,
    pub most: u32,
    pub addresses: u32,
    pub stack_bytes: usize,
}

/// Taken out of what may still be written, before it is; the numbers are C's to read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_reserved_t {
    space: u64,
    credit: u64,
}

type Pays = extern "C" fn(reserved: bhd_engine_reserved_t, spent: u64, space: u64, bytes: u64) -> bool;

/// What was taken for a write. Any thread may ask whether that pays for it.
#[derive(Clone, Copy)]
pub struct Reserved {
    taken: bhd_engine_reserved_t,
    /// Of its space, by what was written before.
    spent: u64,
    pays: Pays,
}

impl Reserved {
    pub fn after(self, spent: u64) -> Reserved {
        Reserved { spent, ..self }
    }

    pub fn pays(&self, space: u64, bytes: u64) -> bool {
        (self.pays)(self.taken, self.spent, space, bytes)
    }
}

/// The answers are C's; `env` is the store's data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_permits_t {
    clocks: extern "C" fn(env: *mut c_void) -> bool,
    /// Fills the buffer, or says no.
    random: extern "C" fn(env: *mut c_void, buffer: *mut u8, size: usize) -> bool,
    /// A new entry of a directory.
    has_entry: extern "C" fn(env: *mut c_void) -> bool,
    take_entry: extern "C" fn(env: *mut c_void) -> bool,
    give_entry: extern "C" fn(env: *mut c_void),
    /// Bytes that may be written where there is space already.
    writable: extern "C" fn(env: *mut c_void) -> u64,
    may_write: extern "C" fn(env: *mut c_void, bytes: u64) -> bool,
    reserve: extern "C" fn(env: *mut c_void, space: u64, bytes: u64) -> bhd_engine_reserved_t,
    reserve_whole: extern "C" fn(
        env: *mut c_void,
        space: u64,
        bytes: u64,
        reserved: *mut bhd_engine_reserved_t,
    ) -> bool,
    settle: extern "C" fn(env: *mut c_void, reserved: bhd_engine_reserved_t, space: u64, bytes: u64),
    pays: Pays,
    /// One more beside so many.
    open: extern "C" fn(env: *mut c_void, files: usize, streams: usize) -> bool,
    /// What was to be opened is neither file nor directory.
    no_file: extern "C" fn(env: *mut c_void),
    connect: extern "C" fn(env: *mut c_void, connections: usize) -> bool,
    resolve: extern "C" fn(env: *mut c_void, name: *const u8, size: usize) -> bool,
    name_reaches: extern "C" fn(name: bhd_engine_str_t, address: *const bhd_engine_address_t) -> bool,
    lookups: extern "C" fn(env: *mut c_void) -> bhd_engine_lookups_t,
    /// What counts as written when a file grows by a hole of as much or more.
    pub hole_bytes: u64,
    /// Largest answer to one request for random bytes.
    random_max: usize,
    /// Bytes that the host holds: of one operation on a file, of a stream of a file, and of the
    /// entries of a directory.
    pub file_max: usize,
    pub file_stream_max: usize,
    pub listed_max: usize,
    /// Ends the guest where WASI has no error.
    stop_code: i32,
}

/// The store's data, as C set it.
#[derive(Clone, Copy)]
pub struct Env(*mut c_void);
// It is only handed back to C, on the thread that runs the store.
unsafe impl Send for Env {}
unsafe impl Sync for Env {}

impl Env {
    pub fn of(store: &impl AsContext<Data = WasmtimeStoreData>) -> Env {
        Env(wasmtime_context_get_data(store.as_context()))
    }
}

impl bhd_engine_permits_t {
    pub fn clocks(&self, env: Env) -> bool {
        (self.clocks)(env.0)
    }

    /// Fills the buffer, or says no.
    pub fn random(&self, env: Env, buffer: &mut [u8]) -> bool {
        (self.random)(env.0, buffer.as_mut_ptr(), buffer.len())
    }

    pub fn connect(&self, env: Env, connections: usize) -> bool {
        (self.connect)(env.0, connections)
    }

    /// Who asks then; `None`: the guest may not ask for this name.
    pub fn resolve(&self, env: Env, name: &str) -> Option<bhd_engine_lookups_t> {
        (self.resolve)(env.0, name.as_ptr(), name.len()).then(|| (self.lookups)(env.0))
    }

    /// Any thread.
    pub fn name_reaches(&self, name: &str, ip: IpAddr) -> bool {
        (self.name_reaches)(name.into(), &ip.into())
    }

    pub fn has_entry(&self, env: Env) -> bool {
        (self.has_entry)(env.0)
    }

    pub fn take_entry(&self, env: Env) -> bool {
        (self.take_entry)(env.0)
    }

    pub fn give_entry(&self, env: Env) {
        (self.give_entry)(env.0);
    }

    pub fn writable(&self, env: Env) -> u64 {
        (self.writable)(env.0)
    }

    pub fn may_write(&self, env: Env, bytes: u64) -> bool {
        (self.may_write)(env.0, bytes)
    }

    fn reserved(&self, taken: bhd_engine_reserved_t) -> Reserved {
        Reserved { taken, spent: 0, pays: self.pays }
    }

    pub fn reserve(&self, env: Env, space: u64, bytes: u64) -> Reserved {
        self.reserved((self.reserve)(env.0, space, bytes))
    }

    pub fn reserve_whole(&self, env: Env, space: u64, bytes: u64) -> Option<Reserved> {
        let mut taken = bhd_engine_reserved_t { space: 0, credit: 0 };
        (self.reserve_whole)(env.0, space, bytes, &mut taken).then(|| self.reserved(taken))
    }

    pub fn settle(&self, env: Env, reserved: Reserved, space: u64, bytes: u64) {
        (self.settle)(env.0, reserved.taken, space, bytes);
    }

    pub fn no_file(&self, env: Env) {
        (self.no_file)(env.0);
    }

    pub fn open(&self, env: Env, files: usize, streams: usize) -> bool {
        (self.open)(env.0, files, streams)
    }

    pub fn stop(&self, what: &str) -> wasmtime::Error {
        Stop { code: self.stop_code, text: what.to_string() }.into()
    }

    pub fn random_bytes(&self, env: Env, size: u64, what: &str) -> Result<Vec<u8>> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > self.random_max {
            bail!("{size} random bytes at once are more than the {} that one call may ask for", self.random_max);
        }
        let mut bytes = vec![0; size];
        match self.random(env, &mut bytes) {
            true => Ok(bytes),
            false => Err(self.stop(what)),
        }
    }

    pub fn random_u64(&self, env: Env, what: &str) -> Result<u64> {
        let bytes = self.random_bytes(env, 8, what)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }
}
