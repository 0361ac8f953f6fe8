//! An authority of the test's own, and what it issues, as files and for clients.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TlsSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// Issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub struct Certificate {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn issue(&self, name: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Certificate { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    /// Writes itself for those who verify.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let file = folder.join("authority.pem");
        std::fs::write(&file, self.0.pem()).unwrap();
        file
    }

    /// A client that trusts it, speaks these versions, and shows this.
    pub fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        shows: Option<&Certificate>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(roots);
        Arc::new(match shows {
            None => builder.with_no_client_auth(),
            Some(own) => {
                builder.with_client_auth_cert(vec![own.certificate.der().clone()], own.key()).unwrap()
            }
        })
    }
}

impl Certificate {
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// Writes both, where a host finds them.
    pub fn write(&self, folder: &Path) -> TlsSettings {
        let settings = TlsSettings::new(folder.join("server.pem"), folder.join("server.key"));
        self.write_certificate(folder);
        std::fs::write(&settings.key, self.key.serialize_pem()).unwrap();
        settings
    }

    /// Writes the certificate alone.
    pub fn write_certificate(&self, folder: &Path) {
        std::fs::write(folder.join("server.pem"), self.certificate.pem()).unwrap();
    }
}
