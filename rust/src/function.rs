//! Types of core functions. The C API aborts the process when asked for the kind of a vector or of
//! most references.

use wasmtime::{Func, ValType};
use wasmtime_c_api::WasmtimeStoreContextMut;

const OTHER: u8 = 4;

/// Writes the kinds of at most `capacity` types; returns how many there are.
unsafe fn kinds(types: impl ExactSizeIterator<Item = ValType>, out: *mut u8, capacity: usize) -> usize {
    let count = types.len();
    for (i, ty) in types.take(capacity).enumerate() {
        let kind = match ty {
            ValType::I32 => 0,
            ValType::I64 => 1,
            ValType::F32 => 2,
            ValType::F64 => 3,
            _ => OTHER,
        };
        unsafe { out.add(i).write(kind) };
    }
    count
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_func_types(
    context: WasmtimeStoreContextMut<'_>,
    func: &Func,
    capacity: usize,
    parameters: *mut u8,
    parameter_count: *mut usize,
    results: *mut u8,
    result_count: *mut usize,
) {
    let ty = func.ty(&context);
    unsafe {
        *parameter_count = kinds(ty.params(), parameters, capacity);
        *result_count = kinds(ty.results(), results, capacity);
    }
}
