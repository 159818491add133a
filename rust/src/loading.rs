//! What an artefact takes of the heap of whoever loads it, found out by loading it: in place, on
//! this thread, without a system call, and without any of it becoming executable.

use std::ptr::NonNull;
use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Config, CustomCodeMemory, Engine, Module};
use wasmtime_c_api::{wasm_config_t, wasm_engine_t, wasmtime_error_t};

use crate::counted::most_of;

struct NeverRun;

impl CustomCodeMemory for NeverRun {
    fn required_alignment(&self) -> usize {
        1
    }

    fn publish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_config_never_run(c: *mut wasm_config_t) {
    // `repr(C)` around one private field; config.rs holds the sizes equal.
    let config = unsafe { &mut *(c as *mut Config) };
    config.with_custom_code_memory(Some(Arc::new(NeverRun)));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_load_bytes(
    engine: *const wasm_engine_t,
    artifact: *const u8,
    size: usize,
    is_component: bool,
    held: *mut usize,
) -> Option<Box<wasmtime_error_t>> {
    let engine = unsafe { &*(engine as *const Engine) };
    let code = NonNull::from(unsafe { crate::bytes(artifact, size) });
    // Each is dropped here, and with it all that points into the artefact.
    let (failed, most) = if is_component {
        let (made, most) = most_of(|| unsafe { Component::deserialize_raw(engine, code) });
        (made.err(), most)
    } else {
        let (made, most) = most_of(|| unsafe { Module::deserialize_raw(engine, code) });
        (made.err(), most)
    };
    unsafe { *held = most };
    failed.map(|e| Box::new(e.into()))
}
