//! Addresses: as text, and which of them a name can mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that the text is, and not names.
pub fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// Addresses of version 4 that mean the machine itself or its link.
fn is_near_v4(ip: Ipv4Addr) -> bool {
    // Where clouds answer for the machine's own keys: Azure, Alibaba, Oracle; the others' are
    // link-local.
    const METADATA: [[u8; 4]; 3] = [[168, 63, 129, 16], [100, 100, 100, 200], [192, 0, 0, 192]];
    let octets = ip.octets();
    octets[0] == 0
        || ip.is_loopback()
        || ip.is_link_local()
        || octets[0] >= 224 // multicast, reserved, broadcast
        || METADATA.contains(&octets)
}

/// The address of version 4 inside one of version 6, of each way to say it.
fn inner_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let at = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match s {
        // Mapped, translated (RFC 2765), and compatible.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => at(high, low),
        [0, 0, 0, 0, 0, 0, high, low] => at(high, low),
        // NAT64, the network's own prefix too.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => at(high, low),
        // 6to4, Teredo (inverted), ISATAP.
        [0x2002, high, low, ..] => at(high, low),
        [0x2001, 0, _, _, _, _, high, low] => at(!high, !low),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => at(high, low),
        _ => None,
    }
}

fn is_near(ip: IpAddr) -> bool {
    // Amazon's and Google's answers for the machine's own keys.
    const METADATA: [[u16; 8]; 2] = [[0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]];
    match ip {
        IpAddr::V4(ip) => is_near_v4(ip),
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.segments()[0] & 0xffc0 == 0xfe80
                || METADATA.contains(&ip.segments())
                || inner_v4(ip).is_some_and(is_near_v4)
        }
    }
}

/// Whether the grant of this name can mean this address at all. Whoever answers for a name chooses
/// its addresses; the machine itself and its link are not theirs to give.
pub fn reaches(host: &str, ip: IpAddr) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_local = host == "localhost" || host.ends_with(".localhost");
    !is_near(ip) || (is_local && ip.to_canonical().is_loopback())
}
