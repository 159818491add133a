//! Wasmtime's C API, re-exported unchanged, and what it lacks for a host in C that limits memory.
//!
//! Everything here is mechanism. Decisions, accounting, policy, life cycles and reports are C's.
//! The C side of each function is declared and documented in `include/bulkhead_engine.h`,
//! `include/bulkhead_digest.h`, `include/bulkhead_inspect.h` and `include/bulkhead_toml.h`.

pub use wasmtime_c_api::*;

mod address;
mod asked;
mod branches;
mod compile;
mod component;
mod config;
mod counted;
mod demangle;
mod digest;
mod error;
mod files;
mod footprint;
mod function;
mod future;
mod held;
mod host;
mod input;
mod inspect;
mod items;
mod limiter;
mod lines;
mod loading;
mod lookup;
mod nesting;
mod network;
mod objects;
mod permit;
mod segments;
mod stream;
mod toml;
mod type_node;
mod value;
mod value_call;
mod value_lift;
mod value_lower;
mod value_type;
mod wasi;
mod wave;
mod wit;
mod wit_name;
mod wit_text;
mod wit_world;

/// Hands `text` to C as pointer and length; C copies what it keeps.
#[repr(C)]
pub struct bhd_engine_str_t {
    pub data: *const u8,
    pub size: usize,
}

impl From<&str> for bhd_engine_str_t {
    fn from(text: &str) -> Self {
        bhd_engine_str_t { data: text.as_ptr(), size: text.len() }
    }
}

/// The bytes at `data`; an empty slice for a null pointer.
unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } }
}

/// Copies what fits of `text` to C, without a terminator; returns the full length.
unsafe fn copy_out(text: &str, buffer: *mut u8, capacity: usize) -> usize {
    let n = text.len().min(capacity);
    if n > 0 {
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), buffer, n) };
    }
    text.len()
}
