//! The other end of a connection, as far as the connection itself tells.
//!
//! The listener puts it into every request; what a request says of itself (`X-Forwarded-For`) is not believed.

use std::net::{IpAddr, Ipv6Addr};

/// Who is connected. In the extensions of every request that came by a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: Option<IpAddr>,
    /// The SHA-256 digest of the certificate that it proved to hold, if it showed one that our authority signed.
    pub(crate) certificate: Option<[u8; 32]>,
    /// Whether nobody between can listen: the connection is TLS.
    pub(crate) secured: bool,
}

/// What counts as one address where addresses are counted: whoever has one of IPv6 has the 2⁶⁴ around it, too.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_network_of_ipv6_counts_as_one_address() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
