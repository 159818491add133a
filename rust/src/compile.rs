//! Compiling without loading: what comes of it is bytes, which this process or another one loads.

use std::ffi::c_char;

use wasmtime::{Engine, ModuleVersionStrategy};
use wasmtime_c_api::{wasm_byte_vec_t, wasm_engine_t, wasmtime_error_t};

/// The name under which scripts/engine keeps this engine: a hash of all that it is made of.
const BUILD: &[u8] = match option_env!("BULKHEAD_ENGINE_NAME") {
    Some(name) => name.as_bytes(),
    None => b"engine-unnamed",
};

const TERMINATED: [u8; BUILD.len() + 1] = {
    let mut bytes = [0; BUILD.len() + 1];
    let mut i = 0;
    while i < BUILD.len() {
        bytes[i] = BUILD[i];
        i += 1;
    }
    bytes
};

/// The engine by itself looks at its major version only, which a miscompilation that was mended
/// does not change.
pub fn module_version() -> ModuleVersionStrategy {
    ModuleVersionStrategy::Custom(String::from_utf8_lossy(BUILD).into_owned())
}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_build() -> *const c_char {
    TERMINATED.as_ptr().cast()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_precompile(
    engine: *const wasm_engine_t,
    binary: *const u8,
    size: usize,
    is_component: bool,
    artifact: *mut wasm_byte_vec_t,
) -> Option<Box<wasmtime_error_t>> {
    // `repr(C)` around one private field; config.rs holds the sizes equal.
    let engine = unsafe { &*(engine as *const Engine) };
    let binary = unsafe { crate::bytes(binary, size) };
    let made = if is_component {
        engine.precompile_component(binary)
    } else {
        engine.precompile_module(binary)
    };
    match made {
        Ok(bytes) => {
            unsafe { (*artifact).set_buffer(bytes) };
            None
        }
        Err(e) => Some(Box::new(e.into())),
    }
}

/// False when they cannot be started, or are there already.
#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_compiler_threads(count: usize, stack_bytes: usize) -> bool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .stack_size(stack_bytes)
        .build_global()
        .is_ok()
}
