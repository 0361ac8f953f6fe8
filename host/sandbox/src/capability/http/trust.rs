//! Which certificates are believed: those that browsers believe, and the operator's own (`sandbox.httpRoots`).
//!
//! A server whose certificate is not believed is not talked to, whatever the guest wants: there is no switch for
//! that. The guest is told that it was the certificate; why it was refused is for its author, in the failure.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use wasmtime_wasi_http::Error;

use super::allow::Target;

/// The trust of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// Besides the usual ones.
    own: Vec<CertificateDer<'static>>,
    /// Made at the first use: the usual ones take a while to read, and most hosts need none.
    config: OnceLock<Arc<ClientConfig>>,
}

/// Why the operator's file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("sandbox.httpRoots: {file} {reason}", file = .file.display())]
pub struct TrustError {
    file: PathBuf,
    reason: String,
}

impl Trust {
    /// Reads the operator's certificates, if there is a file of them.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, TrustError> {
        let Some(file) = file else { return Ok(Self::default()) };
        let unusable = |reason: String| TrustError { file: file.to_owned(), reason };
        let text = std::fs::read(file).map_err(|error| unusable(format!("cannot be read: {error}")))?;
        let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let own = own.map_err(|error| unusable(format!("is not valid PEM: {error}")))?;
        if own.is_empty() {
            return Err(unusable(
                "holds no certificate: it must be PEM, `-----BEGIN CERTIFICATE-----`".into(),
            ));
        }
        let mut roots = RootCertStore::empty();
        for (number, certificate) in own.iter().enumerate() {
            let added = roots.add(certificate.clone());
            added.map_err(|error| {
                unusable(format!("has a bad certificate, number {}: {error}", number + 1))
            })?;
        }
        Ok(Self { own, config: OnceLock::new() })
    }

    /// What connections are made with.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // All of them could be added when the file was read.
        roots.add_parsable_certificates(self.own.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::ConfigurationError)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }
}

/// What to tell people of a certificate that was refused.
pub(super) fn refusal(target: &Target, error: &CertificateError) -> String {
    let reason = match error {
        CertificateError::UnknownIssuer => {
            "it was issued by nobody that this host trusts; where that is meant to be, name the issuer's certificate in \
             sandbox.httpRoots"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("it is not for this host, but for {}", presented.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is not for this host".to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => format!("it expired at {}", shown(*not_after)),
        CertificateError::Expired => "it has expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", shown(*not_before))
        }
        CertificateError::NotValidYet => "it is not valid yet".to_owned(),
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    };
    format!("the certificate of {target} was refused: {reason}")
}

fn shown(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| format!("second {seconds}"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roots.pem");
        std::fs::write(&file, text).unwrap();
        Trust::open(Some(&file)).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_no_help_is_refused_by_name() {
        for (text, why) in [
            ("", "holds no certificate"),
            ("just words\n", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "not valid PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a bad certificate, number 1"),
        ] {
            let told = told(text);
            assert!(told.starts_with("sandbox.httpRoots: ") && told.contains("roots.pem"), "{told}");
            assert!(told.contains(why), "{text}: {told}");
        }
        let gone = Trust::open(Some(Path::new("gone.pem"))).unwrap_err().to_string();
        assert!(gone.contains("gone.pem cannot be read"), "{gone}");
    }

    #[test]
    fn without_a_file_the_usual_ones_are_trusted() {
        assert!(Trust::open(None).unwrap().config().is_ok());
    }
}
