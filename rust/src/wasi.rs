//! WASI preview 1 on the engine's fibers, so that a guest asleep in `poll_oneoff` can be cancelled.
//! The C API links preview 1 only in its blocking form.

use std::sync::OnceLock;

use wasmtime::{AsContextMut, Caller, Extern, Result, bail};
use wasmtime_c_api::{WasmtimeStoreData, wasmtime_error_t, wasmtime_linker_t};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1 as _;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiView};

use crate::permit::Env;

pub const P1: &str = "wasi_snapshot_preview1";

/// The version that Wasmtime defines; a guest with an older one is given this.
macro_rules! wasi {
    ($interface:literal) => {
        concat!("wasi:", $interface, "@0.2.12")
    };
}
pub(crate) use wasi;

type Linker = wasmtime::Linker<WasmtimeStoreData>;
const _: () = assert!(size_of::<wasmtime_linker_t>() == size_of::<Linker>());

/// The distance from a `WasiP1Ctx` to the `WasiCtx` inside it. Both are public types, the field
/// between them is not, so it is measured once on a context of our own.
fn offset_of_ctx() -> usize {
    static OFFSET: OnceLock<usize> = OnceLock::new();
    *OFFSET.get_or_init(|| {
        let mut p1 = WasiCtxBuilder::new().build_p1();
        let base = &raw const p1 as usize;
        let ctx = p1.ctx().ctx as *const WasiCtx as usize;
        assert!(ctx >= base && ctx + size_of::<WasiCtx>() <= base + size_of::<WasiP1Ctx>());
        ctx - base
    })
}

/// The store's data shows its `WasiCtx` but not the `WasiP1Ctx` around it.
pub fn p1_of(data: &mut WasmtimeStoreData) -> &mut WasiP1Ctx {
    let ctx = data.ctx().ctx as *mut WasiCtx;
    // `WasmtimeStoreData` keeps its `WasiCtx` nowhere but in a `WasiP1Ctx`, which `data` owns.
    unsafe { &mut *(ctx.byte_sub(offset_of_ctx()) as *mut WasiP1Ctx) }
}

/// What a call of preview 1 works with.
pub fn parts<'a>(caller: &'a mut Caller<'_, WasmtimeStoreData>) -> Result<(Env, &'a mut [u8], &'a mut WasiP1Ctx)> {
    let env = Env::of(caller);
    let fuel = caller.as_context_mut().hostcall_fuel();
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        bail!("missing required memory export");
    };
    let (bytes, data) = memory.data_and_store_mut(caller);
    let ctx = p1_of(data);
    ctx.set_hostcall_fuel(fuel);
    Ok((env, bytes, ctx))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_linker_define_wasi_async(
    linker: *mut wasmtime_linker_t,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &mut *(linker as *mut Linker) };
    define(linker).err().map(|e| Box::new(e.into()))
}

fn define(linker: &mut Linker) -> Result<()> {
    wasmtime_wasi::p1::add_to_linker_async(linker, p1_of)?;
    // Wasmtime's own takes codes from 126 on for an error; here a guest may exit with any code.
    linker.allow_shadowing(true);
    linker.func_wrap(P1, "proc_exit", |code: i32| -> Result<()> {
        Err(wasmtime_wasi::I32Exit(code).into())
    })?;
    linker.allow_shadowing(false);
    Ok(())
}
