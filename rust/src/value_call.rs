//! Calls of a component's exports with values of C.

use wasmtime::component::{Func, ResourceAny, TypedFunc};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_call_future_t, wasmtime_error_t};

use crate::value::{Resource, Value, slice};
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

/// Resources of the guest that C holds, to be dropped one after the other.
struct Dropped<'a>(&'a [*const Resource]);
// As for `Place`.
unsafe impl Send for Dropped<'_> {}

impl Dropped<'_> {
    fn get(&self, n: usize) -> Option<ResourceAny> {
        self.0.get(n).map(|resource| unsafe { &**resource }.any())
    }
}

/// Their destructors run in the guest; stops at the first that fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_resources_drop(
    resources: *const *const Resource,
    count: usize,
    mut context: WasmtimeStoreContextMut<'_>,
) -> Option<Box<wasmtime_error_t>> {
    let dropped = Dropped(unsafe { slice(resources, count) });
    let mut all = (0..count).filter_map(|n| dropped.get(n));
    all.find_map(|any| any.resource_drop(&mut context).err()).map(boxed)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_resources_drop_async<'a>(
    resources: *const *const Resource,
    count: usize,
    mut context: WasmtimeStoreContextMut<'a>,
    error: &'a mut *mut wasmtime_error_t,
) -> Box<wasmtime_call_future_t<'a>> {
    let dropped: Dropped<'a> = Dropped(unsafe { slice(resources, count) });
    crate::future::boxed(async move {
        let dropped = dropped;
        let mut n = 0;
        while let Some(any) = dropped.get(n) {
            if let Err(e) = any.resource_drop_async(&mut context).await {
                *error = Box::into_raw(boxed(e));
                return;
            }
            n += 1;
        }
    })
}
