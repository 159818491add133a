//! Which addresses a guest may connect to: those of a list of names and ports.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use wasmtime_c_api::wasi_config_t;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::bhd_engine_str_t;

#[repr(C)]
pub struct bhd_engine_endpoint_t {
    host: bhd_engine_str_t,
    port: u16,
}

/// Whether `address` is one that `host` has now. A name is looked up again, by the system's
/// resolver: what the guest says that it found counts for nothing.
async fn is_of(host: &str, address: SocketAddr) -> bool {
    if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return ip == address.ip();
    }
    let host = host.to_string();
    let found = tokio::task::spawn_blocking(move || (host.as_str(), address.port()).to_socket_addrs());
    match found.await {
        Ok(Ok(mut addresses)) => addresses.any(|a| a.ip() == address.ip()),
        _ => false,
    }
}

async fn may_connect(list: Arc<Vec<(String, u16)>>, address: SocketAddr) -> bool {
    for (host, port) in list.iter() {
        if *port == address.port() && is_of(host, address).await {
            return true;
        }
    }
    false
}

/// Outgoing TCP to the list and nothing else: no listening, no UDP. Names are asked about in
/// `permit.rs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_network(
    config: *mut wasi_config_t,
    endpoints: *const bhd_engine_endpoint_t,
    count: usize,
) {
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
                SocketAddrUse::TcpConnect => may_connect(list, address).await,
                // The system chooses the port of an outgoing connection.
                SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                _ => false,
            }
        })
    });
}
