//! Which addresses a guest may connect to: those of a list of names and ports.

use std::ffi::c_void;
use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime_c_api::wasi_config_t;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::address::{literal, reaches};
use crate::bhd_engine_str_t;
use crate::lookup::{bhd_engine_lookups_t, lookup};

#[repr(C)]
pub struct bhd_engine_endpoint_t {
    host: bhd_engine_str_t,
    port: u16,
}

/// Told on the thread that runs the guest when it wants to connect to what is not on its list.
#[derive(Clone, Copy)]
struct Denied {
    env: *mut c_void,
    tell: extern "C" fn(*mut c_void),
}

// The C side promises that `env` outlives the store and that no other thread runs it meanwhile.
unsafe impl Send for Denied {}
unsafe impl Sync for Denied {}

impl Denied {
    fn tell(&self) -> bool {
        (self.tell)(self.env);
        false
    }
}

/// Whether `address` is one that `host` has now. A name is looked up again: what the guest says that
/// it found counts for nothing.
async fn is_of(of: bhd_engine_lookups_t, host: &str, address: SocketAddr) -> bool {
    let ip = address.ip();
    if let Some(granted) = literal(host) {
        return granted.to_canonical() == ip.to_canonical();
    }
    if !reaches(host, ip) {
        return false;
    }
    match lookup(of, host).await {
        Ok(Some(found)) => found.contains(&ip.to_canonical()),
        _ => false,
    }
}

async fn may_connect(of: bhd_engine_lookups_t, list: Arc<Vec<(String, u16)>>, address: SocketAddr) -> bool {
    for (host, port) in list.iter() {
        if *port == address.port() && is_of(of, host, address).await {
            return true;
        }
    }
    false
}

/// For tests of the ranges: whether the grant of `host`, a name, reaches the address that `ip` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_name_reaches(host: bhd_engine_str_t, ip: bhd_engine_str_t) -> bool {
    let text = |s: &bhd_engine_str_t| String::from_utf8_lossy(unsafe { crate::bytes(s.data, s.size) }).into_owned();
    literal(&text(&ip)).is_some_and(|ip| reaches(&text(&host), ip))
}

/// Outgoing TCP to the list and nothing else: no listening, no UDP. Names are asked about in
/// `asked.rs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_network(
    config: *mut wasi_config_t,
    endpoints: *const bhd_engine_endpoint_t,
    count: usize,
    lookups: bhd_engine_lookups_t,
    env: *mut c_void,
    denied: extern "C" fn(*mut c_void),
) {
    let denied = Denied { env, tell: denied };
    let builder = unsafe { &mut *(config as *mut WasiCtxBuilder) };
    let list = unsafe { std::slice::from_raw_parts(endpoints, count) };
    let list = Arc::new(
        list.iter()
            .map(|e| {
                let host = unsafe { crate::bytes(e.host.data, e.host.size) };
                (String::from_utf8_lossy(host).into_owned(), e.port)
            })
            .collect::<Vec<_>>(),
    );
    builder.allow_tcp(true);
    builder.allow_udp(false);
    builder.allow_ip_name_lookup(true);
    builder.socket_addr_check(move |address, purpose| {
        let list = list.clone();
        Box::pin(async move {
            match purpose {
                SocketAddrUse::TcpConnect => may_connect(lookups, list, address).await || denied.tell(),
                // The system chooses the port of an outgoing connection.
                SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                _ => false,
            }
        })
    });
}
