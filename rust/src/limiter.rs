//! `wasmtime::ResourceLimiter` as C callbacks.

use std::ffi::{CStr, c_char, c_void};
use wasmtime::{ResourceLimiter, Result};
use wasmtime_c_api::{WasmtimeStore, wasmtime_store_t};

use crate::error::Stop;

// The C API keeps the store private inside a `repr(C)` struct of that one field, so the pointer
// is cast. The version is pinned, and a change of the layout's size does not compile.
const _: () = assert!(size_of::<wasmtime_store_t>() == size_of::<WasmtimeStore>());

/// 0 refuses (the guest sees -1), 1 allows, anything else ends the guest with that stop code
/// and the text at `*message`.
type Growing =
    extern "C" fn(*mut c_void, usize, usize, usize, message: *mut *const c_char) -> i32;
type Failed = extern "C" fn(*mut c_void);

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_limiter_t {
    env: *mut c_void,
    memory_growing: Growing,
    memory_grow_failed: Failed,
    table_growing: Growing,
    table_grow_failed: Failed,
    max_instances: usize,
    max_tables: usize,
    max_memories: usize,
}

// The C side promises that `env` may be used from whichever thread runs the store.
unsafe impl Send for bhd_engine_limiter_t {}
unsafe impl Sync for bhd_engine_limiter_t {}

impl bhd_engine_limiter_t {
    fn ask(&self, f: Growing, current: usize, desired: usize, max: Option<usize>) -> Result<bool> {
        let mut message: *const c_char = std::ptr::null();
        match f(self.env, current, desired, max.unwrap_or(usize::MAX), &mut message) {
            0 => Ok(false),
            1 => Ok(true),
            code => {
                let text = if message.is_null() {
                    String::new()
                } else {
                    unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
                };
                Err(Stop { code, text }.into())
            }
        }
    }
}

impl ResourceLimiter for bhd_engine_limiter_t {
    fn memory_growing(&mut self, current: usize, desired: usize, max: Option<usize>) -> Result<bool> {
        self.ask(self.memory_growing, current, desired, max)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        (self.memory_grow_failed)(self.env);
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, max: Option<usize>) -> Result<bool> {
        self.ask(self.table_growing, current, desired, max)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        (self.table_grow_failed)(self.env);
        Ok(())
    }

    fn instances(&self) -> usize {
        self.max_instances
    }

    fn tables(&self) -> usize {
        self.max_tables
    }

    fn memories(&self) -> usize {
        self.max_memories
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_store_limiter(
    store: *mut wasmtime_store_t,
    limiter: *const bhd_engine_limiter_t,
) {
    let store = unsafe { &mut *(store as *mut WasmtimeStore) };
    // The store asks a closure for the limiter at every growth; the closure owns it. A raw pointer
    // leaves the closure because the trait wants `&mut` out of it without borrowing from it.
    struct Owned(*mut bhd_engine_limiter_t);
    unsafe impl Send for Owned {}
    unsafe impl Sync for Owned {}
    impl Drop for Owned {
        fn drop(&mut self) {
            drop(unsafe { Box::from_raw(self.0) });
        }
    }
    let owned = Owned(Box::into_raw(Box::new(unsafe { *limiter })));
    store.limiter(move |_| {
        let owned = &owned;
        unsafe { &mut *owned.0 }
    });
}
