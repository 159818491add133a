//! Functions and resources of the host that a component imports, as callbacks of C.
//!
//! A call is an invocation that C makes and ends: it begins with the arguments and is polled until
//! it has an answer. Functions that may wait are called on a fiber and polled again when they wake.

use std::ffi::c_void;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use wasmtime::component::{Linker, LinkerInstance, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_c_api::{
    WasmtimeStoreData, wasmtime_component_linker_t, wasmtime_error_t, wasmtime_linker_t,
};

use crate::value::Value;
use crate::value_lift::Received;
use crate::value_lower::Answer;

/// `env` lives as long as the linker, and everything linked with it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_host_t {
    env: *mut c_void,
    /// Takes the tuple of arguments. `caller` is a core module's, while this runs; null for a
    /// component. Null: `*error` is set.
    begin: extern "C" fn(
        env: *mut c_void,
        data: *mut c_void,
        caller: *mut bhd_engine_caller_t,
        arguments: *mut Value,
        error: *mut *mut wasmtime_error_t,
    ) -> *mut c_void,
    /// 0: not yet, and the waker is C's; 1: answered with a tuple; 2: `*error` is set.
    poll: extern "C" fn(
        invocation: *mut c_void,
        waker: *mut bhd_engine_task_t,
        results: *mut Value,
        error: *mut *mut wasmtime_error_t,
    ) -> i32,
    /// Called once, also when there was no answer.
    end: extern "C" fn(invocation: *mut c_void),
}

// The C side promises that the callbacks may be called from whichever thread runs the guest.
unsafe impl Send for bhd_engine_host_t {}
unsafe impl Sync for bhd_engine_host_t {}

/// Wakes a fiber that waits for an answer.
#[allow(non_camel_case_types)]
pub struct bhd_engine_task_t(Waker);

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_task_wake(task: Box<bhd_engine_task_t>) {
    task.0.wake();
}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_task_delete(_: Option<Box<bhd_engine_task_t>>) {}

/// The instance of a core module that calls: a `Caller`.
#[allow(non_camel_case_types)]
pub struct bhd_engine_caller_t {
    _private: [u8; 0],
}

type CoreCaller<'a> = wasmtime::Caller<'a, WasmtimeStoreData>;

/// The linear memory that the module exports as `name`, as it is now. False: there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_caller_memory(
    caller: *mut bhd_engine_caller_t,
    memory: *const u8,
    memory_size: usize,
    base: *mut *mut u8,
    size: *mut usize,
) -> bool {
    let caller = unsafe { &mut *(caller as *mut CoreCaller<'_>) };
    let memory = unsafe { name(memory, memory_size) };
    let Some(wasmtime::Extern::Memory(memory)) = caller.get_export(memory) else {
        return false;
    };
    unsafe {
        *base = memory.data_ptr(&*caller);
        *size = memory.data_size(&*caller);
    }
    true
}

struct Invocation {
    host: bhd_engine_host_t,
    at: *mut c_void,
}

// C locks its invocations.
unsafe impl Send for Invocation {}
unsafe impl Sync for Invocation {}

impl Drop for Invocation {
    fn drop(&mut self) {
        (self.host.end)(self.at);
    }
}

fn taken(error: *mut wasmtime_error_t) -> wasmtime::Error {
    let error = unsafe { Box::from_raw(error) };
    (*error).into()
}

impl Invocation {
    fn new(host: bhd_engine_host_t, from: &Origin, arguments: Received) -> Result<Invocation> {
        let mut arguments = arguments.take();
        let mut error = std::ptr::null_mut();
        let at = (host.begin)(host.env, from.data, from.caller, &mut arguments, &mut error);
        if at.is_null() { Err(taken(error)) } else { Ok(Invocation { host, at }) }
    }

    fn poll(&self, waker: Option<&Waker>) -> Poll<Result<Value>> {
        let task = waker.map_or(std::ptr::null_mut(), |w| {
            Box::into_raw(Box::new(bhd_engine_task_t(w.clone())))
        });
        let mut results = Value::new(0);
        let mut error = std::ptr::null_mut();
        match (self.host.poll)(self.at, task, &mut results, &mut error) {
            0 => Poll::Pending,
            1 => Poll::Ready(Ok(results)),
            _ => Poll::Ready(Err(taken(error))),
        }
    }
}

type Store<'a> = StoreContextMut<'a, WasmtimeStoreData>;

fn data_of(store: &Store<'_>) -> *mut c_void {
    wasmtime_c_api::wasmtime_context_get_data(store.into())
}

fn answer_now(host: bhd_engine_host_t, from: Origin, arguments: Received) -> Result<Value> {
    let invocation = Invocation::new(host, &from, arguments)?;
    match invocation.poll(None) {
        Poll::Ready(answer) => answer,
        // C does not wait when there is nobody to wake.
        Poll::Pending => wasmtime::bail!("the host function gave no answer"),
    }
}

/// Who calls: the data of a store, which C promises may be used from whichever thread runs the
/// guest, and the instance of a core module, which is used before the call waits for anything.
struct Origin {
    data: *mut c_void,
    caller: *mut bhd_engine_caller_t,
}
unsafe impl Send for Origin {}
unsafe impl Sync for Origin {}

impl Origin {
    fn component(store: &Store<'_>) -> Origin {
        Origin { data: data_of(store), caller: std::ptr::null_mut() }
    }

    fn core(caller: &mut CoreCaller<'_>) -> Origin {
        let data = data_of(&wasmtime::AsContextMut::as_context_mut(caller));
        Origin { data, caller: caller as *mut CoreCaller<'_> as *mut bhd_engine_caller_t }
    }
}

async fn answer_later(host: bhd_engine_host_t, from: Origin, arguments: Received) -> Result<Value> {
    let invocation = { Invocation::new(host, &from, arguments)? };
    poll_fn(|cx| invocation.poll(Some(cx.waker())).map(|answer| answer.map(Parcel))).await.map(|p| p.0)
}

/// A value on its way from one poll to its taker.
struct Parcel(Value);
unsafe impl Send for Parcel {}

fn define<const N: usize>(
    linker: &mut LinkerInstance<'_, WasmtimeStoreData>,
    name: &str,
    host: bhd_engine_host_t,
    may_wait: bool,
) -> Result<()> {
    if may_wait {
        linker.func_wrap_async(name, move |store: Store<'_>, arguments: Received| {
            let from = Origin::component(&store);
            Box::new(async move {
                answer_later(host, from, arguments).await.map(Answer::<N>::new)
            })
        })
    } else {
        linker.func_wrap(name, move |store: Store<'_>, arguments: Received| {
            answer_now(host, Origin::component(&store), arguments).map(Answer::<N>::new)
        })
    }
}

unsafe fn name<'a>(data: *const u8, size: usize) -> &'a str {
    std::str::from_utf8(unsafe { crate::bytes(data, size) }).unwrap_or("")
}

fn instance<'a>(
    linker: &'a mut wasmtime_component_linker_t,
    name: &str,
) -> Result<LinkerInstance<'a, WasmtimeStoreData>> {
    let linker = unsafe { &mut *(linker as *mut _ as *mut Linker<WasmtimeStoreData>) };
    if name.is_empty() { Ok(linker.root()) } else { linker.root().into_instance(name) }
}

fn boxed(result: Result<()>) -> Option<Box<wasmtime_error_t>> {
    result.err().map(|e| Box::new(e.into()))
}

/// A linker with all that `linker` has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_linker_clone(
    linker: &wasmtime_component_linker_t,
) -> Box<wasmtime_component_linker_t> {
    let linker = unsafe { &*(linker as *const _ as *const Linker<WasmtimeStoreData>) };
    let copy = Box::into_raw(Box::new(linker.clone()));
    unsafe { Box::from_raw(copy.cast()) }
}

/// `has_result`: the result of the function is one flat value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_linker_function(
    linker: &mut wasmtime_component_linker_t,
    interface: *const u8,
    interface_size: usize,
    function: *const u8,
    function_size: usize,
    host: &bhd_engine_host_t,
    has_flat_result: bool,
    may_wait: bool,
) -> Option<Box<wasmtime_error_t>> {
    let (interface, function) =
        unsafe { (name(interface, interface_size), name(function, function_size)) };
    boxed(instance(linker, interface).and_then(|mut instance| {
        if has_flat_result {
            define::<1>(&mut instance, function, *host, may_wait)
        } else {
            define::<0>(&mut instance, function, *host, may_wait)
        }
    }))
}

/// A resource type of the host with the number `number`. `drop` is called when the guest drops one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_linker_resource(
    linker: &mut wasmtime_component_linker_t,
    interface: *const u8,
    interface_size: usize,
    resource: *const u8,
    resource_size: usize,
    number: u32,
    drop: extern "C" fn(data: *mut c_void, rep: u32),
) -> Option<Box<wasmtime_error_t>> {
    let (interface, resource) =
        unsafe { (name(interface, interface_size), name(resource, resource_size)) };
    boxed(instance(linker, interface).and_then(|mut instance| {
        instance.resource(resource, ResourceType::host_dynamic(number), move |store: Store<'_>, rep| {
            drop(data_of(&store), rep);
            Ok(())
        })
    }))
}

// -- core modules ---------------------------------------------------------------------------

type ModuleLinker = wasmtime::Linker<WasmtimeStoreData>;

fn value_type(kind: u32) -> wasmtime::ValType {
    match kind {
        0 => wasmtime::ValType::I32,
        1 => wasmtime::ValType::I64,
        2 => wasmtime::ValType::F32,
        _ => wasmtime::ValType::F64,
    }
}

fn to_tuple(values: &[wasmtime::Val]) -> Result<Value> {
    let mut items = crate::value::Items::new(crate::value::kind::TUPLE, crate::value::kind::TUPLE, values.len())?;
    for value in values {
        let (kind, bits) = match value {
            wasmtime::Val::I32(n) => (0, *n as u32 as u64),
            wasmtime::Val::I64(n) => (1, *n as u64),
            wasmtime::Val::F32(n) => (2, *n as u64),
            wasmtime::Val::F64(n) => (3, *n),
            _ => wasmtime::bail!("a type that is not offered here"),
        };
        let mut one = Value::new(kind);
        one.of.bits = bits;
        items.push(one);
    }
    Ok(items.done())
}

fn from_tuple(tuple: Value, results: &mut [wasmtime::Val]) {
    let owned = Answer::<0>::new(tuple);
    for (place, value) in results.iter_mut().zip(owned.values()) {
        let (bits, word) = unsafe { (value.of.bits, value.of.word) };
        *place = match value.kind {
            0 => wasmtime::Val::I32(word as i32),
            1 => wasmtime::Val::I64(bits as i64),
            2 => wasmtime::Val::F32(word),
            _ => wasmtime::Val::F64(bits),
        };
    }
}

/// The kinds are numbers of `bhd_value_type`, of core functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_module_linker_function(
    linker: *mut wasmtime_linker_t,
    module: *const u8,
    module_size: usize,
    function: *const u8,
    function_size: usize,
    host: &bhd_engine_host_t,
    parameters: *const u32,
    parameter_count: usize,
    results: *const u32,
    result_count: usize,
    may_wait: bool,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &mut *(linker as *mut ModuleLinker) };
    let kinds = |data: *const u32, count| {
        let kinds: &[u32] = if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, count) } };
        kinds.iter().map(|kind| value_type(*kind)).collect::<Vec<_>>()
    };
    let ty = wasmtime::FuncType::new(
        linker.engine(),
        kinds(parameters, parameter_count),
        kinds(results, result_count),
    );
    let (module, function) = unsafe { (name(module, module_size), name(function, function_size)) };
    let host = *host;
    linker.allow_shadowing(true);
    let defined = if may_wait {
        linker.func_new_async(module, function, ty, move |mut caller: CoreCaller<'_>, arguments, results| {
            Box::new(async move {
                let arguments = Received::new(to_tuple(arguments)?);
                let from = Origin::core(&mut caller);
                let answer = Parcel(answer_later(host, from, arguments).await?);
                from_tuple(answer.0, results);
                Ok(())
            })
        }).map(|_| ())
    } else {
        linker.func_new(module, function, ty, move |mut caller: CoreCaller<'_>, arguments, results| {
            let from = Origin::core(&mut caller);
            from_tuple(answer_now(host, from, Received::new(to_tuple(arguments)?))?, results);
            Ok(())
        }).map(|_| ())
    };
    linker.allow_shadowing(false);
    boxed(defined)
}
