//! Errors: ends of a guest that C decides, and what C needs to know of the engine's own errors.

use std::ffi::c_void;
use std::fmt::{self, Write};

use wasmtime::{Error, GcHeapOutOfMemory, Trap, WasmBacktrace};
use wasmtime_c_api::wasmtime_error_t;

use crate::bhd_engine_str_t;
use crate::demangle::Sink;

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

/// How the engine's own account of the guest's stack begins. C shows the stack itself, and with
/// names in it the account can be long.
const STACK: &str = "error while executing at wasm backtrace:";

/// One cause in the chain: its text behind those before it, unless it is the stack.
struct Cause<'a, 'b> {
    sink: &'a mut Sink<'b>,
    has_begun: bool,
}

impl fmt::Write for Cause<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.has_begun && !text.is_empty() {
            if text.starts_with(STACK) {
                return Err(fmt::Error);
            }
            self.has_begun = true;
            if self.sink.used() > 0 {
                self.sink.write_str(": ")?;
            }
        }
        self.sink.write_str(text)
    }
}

/// Writes the chain of causes, outermost first, without the backtrace, and stops when the buffer is
/// full; returns what was written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_error_text(
    e: *const c_void,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    let mut sink = unsafe { Sink::of(buffer, capacity) };
    for cause in unsafe { error(e) }.chain() {
        // A cause that ends early is the stack, or there is no room.
        let _ = write!(Cause { sink: &mut sink, has_begun: false }, "{cause}");
        if sink.is_full() {
            break;
        }
    }
    sink.used()
}

/// One function on the guest's stack. The texts belong to the error, and are null when there are none.
#[repr(C)]
pub struct bhd_engine_frame_t {
    function: bhd_engine_str_t,
    module: bhd_engine_str_t,
    function_index: u32,
    module_offset: usize,
}

fn text_or_null(text: Option<&str>) -> bhd_engine_str_t {
    text.map_or(bhd_engine_str_t { data: std::ptr::null(), size: 0 }, Into::into)
}

/// Writes the frame with this number, innermost first; false when there are not as many. Unlike
/// the C API's frames, these do not copy names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_error_frame(
    e: *const c_void,
    number: usize,
    out: *mut bhd_engine_frame_t,
) -> bool {
    let stack = unsafe { error(e) }.downcast_ref::<WasmBacktrace>();
    let Some(frame) = stack.and_then(|s| s.frames().get(number)) else { return false };
    let frame = bhd_engine_frame_t {
        function: text_or_null(frame.func_name()),
        module: text_or_null(frame.module().name()),
        function_index: frame.func_index(),
        module_offset: frame.module_offset().unwrap_or(usize::MAX),
    };
    unsafe { out.write(frame) };
    true
}
