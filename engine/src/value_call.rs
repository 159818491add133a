//! Calls of a component's exports with values of C.

use wasmtime::component::{Func, ResourceAny, TypedFunc};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_call_future_t, wasmtime_error_t};

use crate::value::{Resource, Value};
use crate::value_lift::Taken;
use crate::value_lower::Given;

/// The flat parameters that go on the stack, and the flat results.
const PARAMETERS: usize = 16;
const RESULTS: usize = 1;

type Call = TypedFunc<Given<PARAMETERS>, Taken<RESULTS>>;

fn typed(func: &Func) -> Call {
    // The types hold every value against the function's type when it is written or read.
    unsafe { TypedFunc::new_unchecked(*func) }
}

fn boxed(error: wasmtime::Error) -> Box<wasmtime_error_t> {
    Box::new(error.into())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_call(
    func: &Func,
    context: WasmtimeStoreContextMut<'_>,
    arguments: *const Value,
    count: usize,
    results: *mut Value,
) -> Option<Box<wasmtime_error_t>> {
    match typed(func).call(context, Given { data: arguments, count }) {
        Ok(taken) => {
            unsafe { results.write(taken.take()) };
            None
        }
        Err(e) => Some(boxed(e)),
    }
}

struct Place(*mut Value);
// The C side keeps it alive and leaves it alone until the future has ended.
unsafe impl Send for Place {}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_call_async<'a>(
    func: &'a Func,
    context: WasmtimeStoreContextMut<'a>,
    arguments: *const Value,
    count: usize,
    results: *mut Value,
    error: &'a mut *mut wasmtime_error_t,
) -> Box<wasmtime_call_future_t<'a>> {
    let given = Given { data: arguments, count };
    let place = Place(results);
    crate::future::boxed(async move {
        let place = place;
        match typed(func).call_async(context, given).await {
            Ok(taken) => unsafe { place.0.write(taken.take()) },
            Err(e) => *error = Box::into_raw(boxed(e)),
        }
    })
}

/// Drops a resource that the guest gave to the host; runs its destructor in the guest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_resource_drop(
    resource: &Resource,
    context: WasmtimeStoreContextMut<'_>,
) -> Option<Box<wasmtime_error_t>> {
    let any: ResourceAny = resource.any();
    any.resource_drop(context).err().map(boxed)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_resource_drop_async<'a>(
    resource: &'a Resource,
    context: WasmtimeStoreContextMut<'a>,
    error: &'a mut *mut wasmtime_error_t,
) -> Box<wasmtime_call_future_t<'a>> {
    crate::future::boxed(async move {
        if let Err(e) = resource.any().resource_drop_async(context).await {
            *error = Box::into_raw(boxed(e));
        }
    })
}

