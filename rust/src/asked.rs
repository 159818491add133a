//! Functions of WASI that C is asked about first: clocks, random numbers, connections, names; files
//! are in `files`. They stand in the linkers in place of Wasmtime's own, which they
//! call when the answer is yes. A "no" is what WASI has for it; where a function has no error to
//! give, the guest ends.

use wasmtime::{Caller, Result, StoreContextMut};
use wasmtime_c_api::{
    WasmtimeStoreData, wasmtime_component_linker_t, wasmtime_error_t, wasmtime_linker_t,
};
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::sockets::network::{self, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket;
use wasmtime_wasi::p2::{SocketError, TcpSocket};
use wasmtime_wasi::sockets::WasiSocketsView;
use wiggle::GuestMemory;

use crate::lookup;
use crate::permit::{Env, bhd_engine_permits_t};
use crate::wasi::{P1, parts, wasi};

type Store<'a> = StoreContextMut<'a, WasmtimeStoreData>;
type Linker = wasmtime::component::Linker<WasmtimeStoreData>;

// -- preview 1 ------------------------------------------------------------------------------------

const SUCCESS: i32 = 0;
const NOTCAPABLE: i32 = 76;

fn p1_clocks_and_random(linker: &mut wasmtime::Linker<WasmtimeStoreData>, p: bhd_engine_permits_t) -> Result<()> {
    linker.func_wrap(P1, "clock_time_get", move |mut caller: Caller<'_, WasmtimeStoreData>, id: i32, precision: i64, out: i32| -> Result<i32> {
        let (env, memory, ctx) = parts(&mut caller)?;
        if !p.clocks(env) {
            return Ok(NOTCAPABLE);
        }
        preview1::clock_time_get(ctx, &mut GuestMemory::Unshared(memory), id, precision, out)
    })?;
    linker.func_wrap(P1, "clock_res_get", move |mut caller: Caller<'_, WasmtimeStoreData>, id: i32, out: i32| -> Result<i32> {
        let (env, memory, ctx) = parts(&mut caller)?;
        if !p.clocks(env) {
            return Ok(NOTCAPABLE);
        }
        preview1::clock_res_get(ctx, &mut GuestMemory::Unshared(memory), id, out)
    })?;
    linker.func_wrap(P1, "random_get", move |mut caller: Caller<'_, WasmtimeStoreData>, at: i32, size: i32| -> Result<i32> {
        const FAULT: i32 = 21;
        let (env, memory, _) = parts(&mut caller)?;
        let (at, size) = (at as u32 as usize, size as u32 as usize);
        // Straight into the guest's memory: nothing of it is the host's.
        let Some(buffer) = memory.get_mut(at..at.saturating_add(size)) else {
            return Ok(FAULT);
        };
        let granted = p.random(env, buffer);
        Ok(if granted { SUCCESS } else { NOTCAPABLE })
    })?;
    Ok(())
}

/// After `bhd_engine_linker_define_wasi_async`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_linker_define_permits(
    linker: *mut wasmtime_linker_t,
    permits: *const bhd_engine_permits_t,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &mut *(linker as *mut wasmtime::Linker<WasmtimeStoreData>) };
    let p = unsafe { *permits };
    linker.allow_shadowing(true);
    let done = p1_clocks_and_random(linker, p)
        .and_then(|()| crate::files::define_preview1(linker, p));
    linker.allow_shadowing(false);
    done.err().map(|e| Box::new(e.into()))
}

// -- 0.2 ------------------------------------------------------------------------------------------

fn p2_clocks(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let ask = move |store: &Store<'_>, what: &str| match p.clocks(Env::of(store)) {
        true => Ok(()),
        false => Err(p.stop(what)),
    };
    let mut wall = linker.instance(wasi!("clocks/wall-clock"))?;
    wall.func_wrap("now", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/wall-clock#now")?;
        Ok((wall_clock::Host::now(&mut s.data_mut().clocks())?,))
    })?;
    wall.func_wrap("resolution", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/wall-clock#resolution")?;
        Ok((wall_clock::Host::resolution(&mut s.data_mut().clocks())?,))
    })?;
    let mut monotonic = linker.instance(wasi!("clocks/monotonic-clock"))?;
    monotonic.func_wrap("now", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/monotonic-clock#now")?;
        Ok((monotonic_clock::Host::now(&mut s.data_mut().clocks())?,))
    })?;
    monotonic.func_wrap("resolution", move |mut s: Store<'_>, (): ()| {
        ask(&s, "wasi:clocks/monotonic-clock#resolution")?;
        Ok((monotonic_clock::Host::resolution(&mut s.data_mut().clocks())?,))
    })?;
    Ok(())
}

fn p2_random(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    let mut random = linker.instance(wasi!("random/random"))?;
    random.func_wrap("get-random-bytes", move |s: Store<'_>, (size,): (u64,)| {
        Ok((p.random_bytes(Env::of(&s), size, "wasi:random/random#get-random-bytes")?,))
    })?;
    random.func_wrap("get-random-u64", move |s: Store<'_>, (): ()| {
        Ok((p.random_u64(Env::of(&s), "wasi:random/random#get-random-u64")?,))
    })?;
    let mut insecure = linker.instance(wasi!("random/insecure"))?;
    insecure.func_wrap("get-insecure-random-bytes", move |s: Store<'_>, (size,): (u64,)| {
        Ok((p.random_bytes(Env::of(&s), size, "wasi:random/insecure#get-insecure-random-bytes")?,))
    })?;
    insecure.func_wrap("get-insecure-random-u64", move |s: Store<'_>, (): ()| {
        Ok((p.random_u64(Env::of(&s), "wasi:random/insecure#get-insecure-random-u64")?,))
    })?;
    let mut seed = linker.instance(wasi!("random/insecure-seed"))?;
    seed.func_wrap("insecure-seed", move |s: Store<'_>, (): ()| {
        let what = "wasi:random/insecure-seed#insecure-seed";
        let env = Env::of(&s);
        Ok(((p.random_u64(env, what)?, p.random_u64(env, what)?),))
    })?;
    Ok(())
}

fn p2_network(linker: &mut Linker, p: bhd_engine_permits_t) -> Result<()> {
    type SocketAnswer<T> = Result<(std::result::Result<T, network::ErrorCode>,)>;
    fn answer<T>(result: std::result::Result<T, SocketError>) -> SocketAnswer<T> {
        match result {
            Ok(value) => Ok((Ok(value),)),
            Err(e) => Ok((Err(e.downcast()?),)),
        }
    }
    let mut create = linker.instance(wasi!("sockets/tcp-create-socket"))?;
    create.func_wrap("create-tcp-socket", move |mut s: Store<'_>, (family,): (IpAddressFamily,)| {
        let env = Env::of(&s);
        let mut view = s.data_mut().sockets();
        let sockets = view.table.iter_mut().filter(|e| e.is::<TcpSocket>()).count();
        if !p.connect(env, sockets) {
            return Ok((Err(network::ErrorCode::NewSocketLimit),));
        }
        answer(tcp_create_socket::Host::create_tcp_socket(&mut view, family))
    })?;
    lookup::define(linker, wasi!("sockets/ip-name-lookup"), p)
}

/// After `wasmtime_component_linker_add_wasip2_async`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_linker_define_permits(
    linker: *mut wasmtime_component_linker_t,
    permits: *const bhd_engine_permits_t,
) -> Option<Box<wasmtime_error_t>> {
    let linker = unsafe { &mut *(linker as *mut Linker) };
    let p = unsafe { *permits };
    linker.allow_shadowing(true);
    let done = p2_clocks(linker, p)
        .and_then(|()| p2_random(linker, p))
        .and_then(|()| crate::files::define_component(linker, p))
        .and_then(|()| p2_network(linker, p));
    linker.allow_shadowing(false);
    done.err().map(|e| Box::new(e.into()))
}
