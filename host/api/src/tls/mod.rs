//! TLS for those who connect: version 1.3 and nothing older, the operator's certificate, and what clients prove.
//!
//! `files` reads what the operator keeps, `reload` notices that it has changed. A certificate that is replaced is shown to
//! those who connect from then on; connections that are open go on with the one that they were made with. What cannot
//! be used is told to the log, and the one before stays.
//!
//! A connection is made in its own task, so whoever is slow at it holds up nobody. Early data (0-RTT) is off: it can be
//! played back. A resumed session keeps the client certificate that it began with, and none outlives a reload.
//!
//! Not here: who a certificate stands for (it is a digest in `Peer`, until somebody asks), plain connections (`serve`).

mod files;
mod reload;

use std::path::PathBuf;
use std::time::Duration;

use orgata_model::duration::DurationText;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use files::TlsError;
pub(crate) use reload::Entrance;
pub use reload::Tls;

/// What the host shows, and what it wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate and those between it and its authority, as PEM, the host's own first.
    pub certificate: PathBuf,
    /// The key of the certificate, as PEM.
    pub key: PathBuf,
    /// The authorities whose certificates clients may show, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_authorities: Option<PathBuf>,
    /// Whether clients are asked for a certificate. Default off.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// How long a client may take to agree on keys. Default 10s.
    #[serde(default = "handshake_timeout")]
    pub handshake_timeout: DurationText,
    /// How often the files are looked at again. Default 10s.
    #[serde(default = "check_every")]
    pub check_every: DurationText,
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// Nobody is.
    #[default]
    Off,
    /// Who has none may come in all the same.
    Optional,
    /// Who has none is not talked to.
    Required,
}

fn handshake_timeout() -> DurationText {
    DurationText(Duration::from_secs(10))
}

fn check_every() -> DurationText {
    DurationText(Duration::from_secs(10))
}

impl TlsSettings {
    /// With a certificate and its key; clients are asked for none.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self {
            certificate,
            key,
            client_authorities: None,
            client_certificates: ClientCertificates::Off,
            handshake_timeout: handshake_timeout(),
            check_every: check_every(),
        }
    }

    /// What is wrong with them, if anything.
    pub fn validate(&self) -> Result<(), String> {
        match (self.client_certificates, &self.client_authorities) {
            (ClientCertificates::Off, Some(_)) => {
                return Err("tls.clientAuthorities is for nothing while tls.clientCertificates is off: write optional or required".to_owned());
            }
            (ClientCertificates::Optional | ClientCertificates::Required, None) => {
                return Err("tls.clientCertificates needs tls.clientAuthorities: the file of the authorities that issue them".to_owned());
            }
            _ => {}
        }
        for (name, time) in [("handshakeTimeout", self.handshake_timeout), ("checkEvery", self.check_every)] {
            if time.0.is_zero() {
                return Err(format!("tls.{name} must be longer than nothing"));
            }
        }
        Ok(())
    }
}

impl Entrance {
    /// Agrees on keys with whoever connected, within the time for it.
    pub(crate) async fn secure(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let handshake = TlsAcceptor::from(self.present()).accept(stream);
        tokio::time::timeout(self.patience(), handshake).await?
    }
}

/// The SHA-256 digest of the certificate that the client proved to hold the key of, if it showed one.
pub(crate) fn shown_by(stream: &TlsStream<TcpStream>) -> Option<[u8; 32]> {
    let (_, connection) = stream.get_ref();
    let leaf = connection.peer_certificates()?.first()?;
    Some(Sha256::digest(leaf).into())
}

/// The fingerprint of a certificate (DER) as people and configurations write it: SHA-256, in hex digits.
pub fn fingerprint(certificate: &[u8]) -> String {
    format!("{:x}", Sha256::digest(certificate))
}
