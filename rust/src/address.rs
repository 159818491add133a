//! Addresses as C has them, and as text.

use std::net::IpAddr;

/// Of version 6; one of version 4 as it is mapped there.
#[repr(C)]
pub struct bhd_engine_address_t {
    bytes: [u8; 16],
}

impl From<IpAddr> for bhd_engine_address_t {
    fn from(ip: IpAddr) -> Self {
        let ip = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        bhd_engine_address_t { bytes: ip.octets() }
    }
}

/// The address that the text is, and not names.
pub fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}
