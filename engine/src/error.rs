//! Errors: ends of a guest that C decides, and what C needs to know of the engine's own errors.

use std::ffi::c_void;
use std::fmt;
use wasmtime::{Error, GcHeapOutOfMemory, Trap, WasmBacktrace};
use wasmtime_c_api::wasmtime_error_t;

/// The host ends a guest: out of memory, out of time. C chooses the codes.
#[derive(Debug)]
pub struct Stop {
    pub code: i32,
    pub text: String,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Stop {}

// `wasmtime_error_t` and `wasm_trap_t` are both `repr(C)` around one private `Error`.
const _: () = assert!(size_of::<wasmtime_error_t>() == size_of::<Error>());
const _: () = assert!(size_of::<wasmtime_c_api::wasm_trap_t>() == size_of::<Error>());

unsafe fn error<'a>(error_or_trap: *const c_void) -> &'a Error {
    unsafe { &*(error_or_trap as *const Error) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_stop_new(
    code: i32,
    text: *const u8,
    size: usize,
) -> Box<wasmtime_error_t> {
    let text = String::from_utf8_lossy(unsafe { crate::bytes(text, size) }).into_owned();
    Box::new(wasmtime_error_t::from(Error::from(Stop { code, text })))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_error_stop_code(e: *const c_void) -> i32 {
    unsafe { error(e) }.downcast_ref::<Stop>().map_or(0, |s| s.code)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_error_trap_code(e: *const c_void) -> i32 {
    unsafe { error(e) }.downcast_ref::<Trap>().map_or(-1, |t| *t as i32)
}

/// Bytes that the heap of collected objects had no room for, when it failed before it asked to
/// grow; 0 for every other error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_error_gc_bytes(e: *const c_void) -> u64 {
    // The number is in the text and nowhere else.
    let number = |o: &GcHeapOutOfMemory<()>| o.to_string().split(' ').find_map(|w| w.parse().ok());
    unsafe { error(e) }.downcast_ref().map_or(0, |o| number(o).unwrap_or(1))
}

/// Writes the chain of causes, outermost first, without the backtrace; returns the full length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_error_text(
    e: *const c_void,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    let e = unsafe { error(e) };
    let backtrace = e.downcast_ref::<WasmBacktrace>().map(|b| b.to_string());
    let mut text = String::new();
    for cause in e.chain() {
        let part = cause.to_string();
        if backtrace.as_deref() == Some(part.as_str()) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&part);
    }
    unsafe { crate::copy_out(&text, buffer, capacity) }
}

/// Writes a function's name as a person wrote it (Rust and C++ mangle theirs); returns the full
/// length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_demangle(
    name: *const u8,
    size: usize,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    let name = String::from_utf8_lossy(unsafe { crate::bytes(name, size) });
    let mut text = String::new();
    if wasmtime_environ::demangle_function_name(&mut text, &name).is_err() {
        text = name.into_owned();
    }
    unsafe { crate::copy_out(&text, buffer, capacity) }
}
