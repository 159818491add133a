//! A guest's TCP sockets. C says of each address whether it may be used; where that hangs on a name,
//! the name is looked up here.

use std::ffi::c_void;
use std::net::SocketAddr;

use wasmtime_c_api::wasi_config_t;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::address::bhd_engine_address_t;
use crate::bhd_engine_str_t;
use crate::lookup::lookup;
use crate::permit::bhd_engine_lookups_t;

const CONNECT: u32 = 0;
const BIND: u32 = 1;
const OTHER_USE: u32 = 2;

const YES: u32 = 1;
const IF_NAMED: u32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_network_t {
    env: *mut c_void,
    may_use: extern "C" fn(
        env: *mut c_void,
        how: u32,
        address: *const bhd_engine_address_t,
        port: u16,
        at: *mut usize,
        name: *mut bhd_engine_str_t,
    ) -> u32,
    lookups: bhd_engine_lookups_t,
}

// The C side promises that `env` outlives the store and that no other thread runs it meanwhile.
unsafe impl Send for bhd_engine_network_t {}
unsafe impl Sync for bhd_engine_network_t {}

enum Answer {
    No,
    Yes,
    IfNamed(String),
}

impl bhd_engine_network_t {
    /// `at` is how far C has come in its list.
    fn ask(&self, how: u32, address: SocketAddr, at: &mut usize) -> Answer {
        let mut name = bhd_engine_str_t::from("");
        let ip = address.ip().into();
        match (self.may_use)(self.env, how, &ip, address.port(), at, &mut name) {
            YES => Answer::Yes,
            IF_NAMED => {
                let name = unsafe { crate::bytes(name.data, name.size) };
                Answer::IfNamed(String::from_utf8_lossy(name).into_owned())
            }
            _ => Answer::No,
        }
    }

    async fn may_use(&self, how: u32, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let mut at = 0;
        loop {
            match self.ask(how, address, &mut at) {
                Answer::No => return false,
                Answer::Yes => return true,
                Answer::IfNamed(name) => {
                    if let Ok(Some(found)) = lookup(self.lookups, &name).await
                        && found.contains(&ip)
                    {
                        return true;
                    }
                }
            }
        }
    }
}

/// TCP and no UDP. Names are asked about in `asked.rs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_network(
    config: *mut wasi_config_t,
    network: *const bhd_engine_network_t,
) {
    let builder = unsafe { &mut *(config as *mut WasiCtxBuilder) };
    let network = unsafe { *network };
    builder.allow_tcp(true);
    builder.allow_udp(false);
    builder.allow_ip_name_lookup(true);
    builder.socket_addr_check(move |address, purpose| {
        Box::pin(async move {
            let how = match purpose {
                SocketAddrUse::TcpConnect => CONNECT,
                SocketAddrUse::TcpBind => BIND,
                _ => OTHER_USE,
            };
            network.may_use(how, address).await
        })
    });
}
