//! Which addresses may be reached: those of the public internet, and others only where the operator says so.
//!
//! From the registries of special-purpose addresses of IANA (RFC 6890 and later). IPv4 addresses that are
//! written inside IPv6 ones (mapped, translated, NAT64, 6to4) are judged as the IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address may not be reached; nothing when it may. `private` is the operator's word for it.
pub(super) fn refusal(address: IpAddr, private: bool) -> Option<&'static str> {
    let kind = match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }?;
    // Not even an operator can mean these: they are no one host.
    let never = matches!(kind, "unspecified" | "multicast" | "broadcast");
    (never || !private).then_some(kind)
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let kind = match address.octets() {
        [0, 0, 0, 0] => "unspecified",
        [0, ..] => "this-network",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        [100, 64..=127, ..] => "carrier-grade NAT",
        [127, ..] => "loopback",
        // Where clouds keep the metadata of machines, credentials among it.
        [169, 254, ..] => "link-local",
        [168, 63, 129, 16] => "cloud metadata",
        [192, 0, 0, _] | [192, 88, 99, _] => "protocol",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "documentation",
        [198, 18..=19, ..] => "benchmarking",
        [224..=239, ..] => "multicast",
        [255, 255, 255, 255] => "broadcast",
        [240..=255, ..] => "reserved",
        _ => return None,
    };
    Some(kind)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("unspecified");
    }
    if let Some(inner) = inner_v4(address) {
        return special_v4(inner);
    }
    let kind = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        [0xff00..=0xffff, ..] => "multicast",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xfc00..=0xfdff, ..] => "private",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "documentation",
        // Teredo, ORCHID and whatever else is given out by protocol.
        [0x2001, 0..=0x1ff, ..] => "protocol",
        // All that is public lies here.
        [0x2000..=0x3fff, ..] => return None,
        _ => "reserved",
    };
    Some(kind)
}

/// The IPv4 address inside an IPv6 one that leads to it.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => return None,
        // Compatible, mapped, translated, NAT64.
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        // 6to4.
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: &[&str] = &[
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.1.2.3",
        "198.18.0.1",
        "240.0.0.1",
        "192.0.2.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "2001:db8::1",
        "2001::1",
        "100::1",
        "64:ff9b:1::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::169.254.169.254",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "4000::1",
        "5f00::1",
    ];

    const NEVER: &[&str] = &["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "169.253.0.1",
        "192.167.0.1",
        "2606:4700::1111",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ];

    fn refused(address: &str, private: bool) -> bool {
        refusal(address.parse().unwrap(), private).is_some()
    }

    #[test]
    fn what_is_inside_needs_the_operators_word() {
        for address in INSIDE {
            assert!(refused(address, false), "{address}");
            assert!(!refused(address, true), "{address}");
        }
    }

    #[test]
    fn what_is_no_one_host_is_never_reached() {
        for address in NEVER {
            assert!(refused(address, false) && refused(address, true), "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_reached() {
        for address in PUBLIC {
            assert!(!refused(address, false), "{address}");
        }
    }
}
