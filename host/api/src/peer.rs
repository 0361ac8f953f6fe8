//! The other end of a connection, as far as the connection itself tells.
//!
//! The listener puts it into every request; what a request says of itself (`X-Forwarded-For`) is not believed.

use std::net::IpAddr;

/// Who is connected. In the extensions of every request that came by a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: Option<IpAddr>,
    /// The SHA-256 digest of the certificate that it proved to hold, if it showed one that our authority signed.
    pub(crate) certificate: Option<[u8; 32]>,
}
