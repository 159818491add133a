//! The settings of `wasmtime::Config` that the C API does not bind, and an engine made of a
//! configuration without a panic.

use std::ffi::{CStr, c_char};

use wasmparser::WasmFeatures;
use wasmtime::{Collector, Config, Engine, WasmBacktraceDetails};
use wasmtime_c_api::{wasm_config_t, wasm_engine_t, wasmtime_error_t};

// Both are `repr(C)` around one private field.
const _: () = assert!(size_of::<wasm_config_t>() == size_of::<Config>());
const _: () = assert!(size_of::<wasm_engine_t>() == size_of::<Engine>());

unsafe fn config<'a>(c: *mut wasm_config_t) -> &'a mut Config {
    unsafe { &mut *(c as *mut Config) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_config_features_none(c: *mut wasm_config_t) {
    unsafe { config(c) }.wasm_features(WasmFeatures::all(), false);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_config_feature(
    c: *mut wasm_config_t,
    name: *const u8,
    size: usize,
) -> bool {
    let flag = std::str::from_utf8(unsafe { crate::bytes(name, size) })
        .ok()
        .and_then(WasmFeatures::from_name);
    match flag {
        Some(flag) => {
            unsafe { config(c) }.wasm_features(flag, true);
            true
        }
        None => false,
    }
}

#[repr(C)]
pub struct bhd_engine_config_t {
    backtrace_max_frames: usize,
    gc_heap_initial_bytes: u64,
    memory_guaranteed_dense_image_bytes: u64,
    guard_before_linear_memory: bool,
    generate_address_map: bool,
    table_lazy_init: bool,
    async_stack_zeroing: bool,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_config_set(
    c: *mut wasm_config_t,
    settings: *const bhd_engine_config_t,
) {
    let (c, s) = unsafe { (config(c), &*settings) };
    c.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(s.backtrace_max_frames));
    c.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    c.gc_heap_initial_size(s.gc_heap_initial_bytes);
    c.memory_guaranteed_dense_image_size(s.memory_guaranteed_dense_image_bytes);
    c.guard_before_linear_memory(s.guard_before_linear_memory);
    c.generate_address_map(s.generate_address_map);
    c.table_lazy_init(s.table_lazy_init);
    c.async_stack_zeroing(s.async_stack_zeroing);
    c.collector(Collector::DeferredReferenceCounting);
    // A name of at most 255 bytes cannot fail.
    let _ = c.module_version(crate::compile::module_version());
}

/// `wasm_engine_new_with_config` panics on a configuration that does not hold together; this
/// returns the error. Consumes `c` either way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_new(
    c: *mut wasm_config_t,
    engine: *mut *mut wasm_engine_t,
) -> Option<Box<wasmtime_error_t>> {
    let c = unsafe { Box::from_raw(c as *mut Config) };
    match Engine::new(&c) {
        Ok(e) => {
            unsafe { *engine = Box::into_raw(Box::new(e)) as *mut wasm_engine_t };
            None
        }
        Err(e) => Some(Box::new(e.into())),
    }
}

/// Makes now what the engine keeps for this thread, which it would make at the thread's first guest
/// and panics without.
#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_prepare_thread() {
    Engine::tls_eager_initialize();
}

/// Valid if just these proposals were on. A name that no proposal has counts for nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_valid_with(
    names: *const *const c_char,
    count: usize,
    binary: *const u8,
    size: usize,
) -> bool {
    let features = (0..count)
        .filter_map(|i| unsafe { CStr::from_ptr(*names.add(i)) }.to_str().ok())
        .filter_map(WasmFeatures::from_name)
        .fold(WasmFeatures::empty(), |all, one| all.union(one));
    let binary = unsafe { crate::bytes(binary, size) };
    wasmparser::Validator::new_with_features(features).validate_all(binary).is_ok()
}
