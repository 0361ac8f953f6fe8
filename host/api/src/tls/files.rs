//! From the operator's files to what connections are made with. Either all of it can be used, or none is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};

use super::{ClientCertificates, TlsSettings};

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {file} {reason}", file = .file.display())]
pub struct TlsError {
    key: &'static str,
    file: PathBuf,
    reason: String,
}

/// What the files held when they were looked at.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

impl Contents {
    /// Reads the files.
    pub(super) async fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let certificate = read("tls.certificate", &settings.certificate).await?;
        let key = read("tls.key", &settings.key).await?;
        let authorities = match &settings.client_authorities {
            Some(file) => Some(read("tls.clientAuthorities", file).await?),
            None => None,
        };
        Ok(Self { certificate, key, authorities })
    }

    /// Tells contents apart, without keeping them.
    pub(super) fn digest(&self) -> [u8; 32] {
        let parts = [Some(&self.certificate), Some(&self.key), self.authorities.as_ref()];
        let mut all = Sha256::new();
        for part in parts.into_iter().flatten() {
            all.update(Sha256::digest(part));
        }
        all.finalize().into()
    }

    /// What connections are made with.
    pub(super) fn config(&self, settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
        let problem = |key, file: &Path, reason: String| TlsError { key, file: file.to_owned(), reason };
        let bad_certificate = |reason| problem("tls.certificate", &settings.certificate, reason);
        let chain = certificates(&self.certificate).map_err(bad_certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| problem("tls.key", &settings.key, format!("holds no key in PEM: {error}")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| bad_certificate(error.to_string()))?;
        let builder = match self.verifier(settings)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let certificate = settings.certificate.display();
                problem(
                    "tls.key",
                    &settings.key,
                    format!("is not the key of the certificate in {certificate}"),
                )
            }
            other => bad_certificate(format!("cannot be used: {other}")),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Who looks at the certificates of clients, if they are asked for any.
    fn verifier(&self, settings: &TlsSettings) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let (Some(file), Some(bytes)) = (&settings.client_authorities, &self.authorities) else {
            return Ok(None);
        };
        let bad = |reason| TlsError { key: "tls.clientAuthorities", file: file.clone(), reason };
        let mut roots = RootCertStore::empty();
        for (number, certificate) in certificates(bytes).map_err(bad)?.into_iter().enumerate() {
            let added = roots.add(certificate);
            added.map_err(|error| bad(format!("has a bad certificate, number {}: {error}", number + 1)))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = match settings.client_certificates {
            ClientCertificates::Off => return Ok(None),
            ClientCertificates::Optional => verifier.allow_unauthenticated(),
            ClientCertificates::Required => verifier,
        };
        verifier
            .build()
            .map(|verifier| Some(verifier as _))
            .map_err(|error| bad(format!("cannot be used: {error}")))
    }
}

async fn read(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    let read = tokio::fs::read(file).await;
    read.map_err(|error| TlsError { key, file: file.to_owned(), reason: format!("cannot be read: {error}") })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| format!("is not valid PEM: {error}"))?;
    if all.is_empty() {
        return Err("holds no certificate: it must be PEM, `-----BEGIN CERTIFICATE-----`".to_owned());
    }
    Ok(all)
}
