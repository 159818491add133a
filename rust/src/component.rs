//! Budgets of host calls, and components linked once and instantiated many times.

use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime_c_api::{
    WasmtimeStore, WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime_call_future_t,
    wasmtime_component_linker_t, wasmtime_component_t, wasmtime_error_t, wasmtime_store_t,
};
use wasmtime_wasi::WasiView;

use crate::files;

// Both are `repr(transparent)` or `repr(C)` around the one field that is used here.
const _: () =
    assert!(size_of::<wasmtime_component_linker_t>() == size_of::<Linker<WasmtimeStoreData>>());
const _: () = assert!(size_of::<wasmtime_component_t>() == size_of::<Component>());

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_set_hostcall_budget(
    mut context: WasmtimeStoreContextMut<'_>,
    bytes: usize,
    component_handles: usize,
) {
    context.set_hostcall_fuel(bytes);
    context.set_max_component_handles(component_handles);
}

#[repr(C)]
pub struct bhd_engine_resources_t {
    entries: usize,
    /// The same number for all sandboxes of a component, and no other's.
    component: u64,
    file_threads_of_sandbox: usize,
    file_threads_of_component: usize,
    file_threads_of_host: usize,
}

/// Only after `wasmtime_context_set_wasi`.
#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_set_wasi_resources(
    mut context: WasmtimeStoreContextMut<'_>,
    resources: &bhd_engine_resources_t,
) {
    let table = context.data_mut().ctx().table;
    table.set_max_capacity(resources.entries);
    let shares = files::Shares {
        of_a_sandbox: resources.file_threads_of_sandbox,
        of_a_component: resources.file_threads_of_component,
        of_the_host: resources.file_threads_of_host,
    };
    files::attach(table, resources.component, shares);
}

/// Bytes of the store's GC heap; 0 while it has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_gc_heap_bytes(store: *const wasmtime_store_t) -> usize {
    unsafe { &*(store as *const WasmtimeStore) }.gc_heap_capacity()
}

#[allow(non_camel_case_types)]
pub struct bhd_engine_component_pre_t(InstancePre<WasmtimeStoreData>);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_pre_new(
    linker: *const wasmtime_component_linker_t,
    component: *const wasmtime_component_t,
    pre: *mut *mut bhd_engine_component_pre_t,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &*(linker as *const Linker<WasmtimeStoreData>) };
    let component = unsafe { &*(component as *const Component) };
    match linker.instantiate_pre(component) {
        Ok(p) => {
            unsafe { *pre = Box::into_raw(Box::new(bhd_engine_component_pre_t(p))) };
            None
        }
        Err(e) => Some(Box::new(e.into())),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_component_pre_delete(_: Option<Box<bhd_engine_component_pre_t>>) {}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_pre_instantiate(
    pre: &bhd_engine_component_pre_t,
    context: WasmtimeStoreContextMut<'_>,
    instance: *mut Instance,
) -> Option<Box<wasmtime_error_t>> {
    match pre.0.instantiate(context) {
        Ok(i) => {
            unsafe { *instance = i };
            None
        }
        Err(e) => Some(Box::new(e.into())),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_pre_instantiate_async<'a>(
    pre: &'a bhd_engine_component_pre_t,
    context: WasmtimeStoreContextMut<'a>,
    instance: &'a mut Instance,
    error: &'a mut *mut wasmtime_error_t,
) -> Box<wasmtime_call_future_t<'a>> {
    crate::future::boxed(async move {
        match pre.0.instantiate_async(context).await {
            Ok(i) => *instance = i,
            Err(e) => *error = Box::into_raw(Box::new(e.into())),
        }
    })
}
