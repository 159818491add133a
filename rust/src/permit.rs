//! What C is asked while a guest runs, call by call.

use std::ffi::c_void;

use wasmtime::{AsContext, Result, bail};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime_context_get_data};

use crate::error::Stop;
use crate::lookup::bhd_engine_lookups_t;

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
    /// What was to be opened is neither file nor directory.
    no_file: extern "C" fn(env: *mut c_void),
    connect: extern "C" fn(env: *mut c_void, connections: usize) -> bool,
    resolve: extern "C" fn(env: *mut c_void, name: *const u8, size: usize) -> bool,
    /// Who asks for a name, and how many threads may be had.
    lookups: extern "C" fn(env: *mut c_void) -> bhd_engine_lookups_t,
    /// Largest answer to one request for random bytes.
    random_max: usize,
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

    pub fn bytes_left(&self, env: Env) -> u64 {
        (self.bytes_left)(env.0)
    }

    pub fn take_bytes(&self, env: Env, bytes: u64) -> bool {
        (self.take_bytes)(env.0, bytes)
    }

    pub fn give_bytes(&self, env: Env, bytes: u64) {
        (self.give_bytes)(env.0, bytes);
    }

    pub fn no_file(&self, env: Env) {
        (self.no_file)(env.0);
    }

    pub fn open(&self, env: Env, open: usize) -> bool {
        (self.open)(env.0, open)
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
