//! An authority of the test's own, and the certificates that it issues.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a server shows, and what it proves it with.
pub(crate) struct Certificate {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, which nobody knows.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, key()).expect("a certificate can be made"))
    }

    /// Its own certificate, for those who trust it.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A good one for this name.
    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        self.issue(name, |_| {})
    }

    /// One that was good until 3 February 2021.
    pub(crate) fn expired(&self, name: &str) -> Certificate {
        self.issue(name, |params| params.not_after = date_time_ymd(2021, 2, 3))
    }

    /// One that will be good from the year 2999 on.
    pub(crate) fn early(&self, name: &str) -> Certificate {
        self.issue(name, |params| params.not_before = date_time_ymd(2999, 1, 1))
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).expect("it is a name");
        change(&mut params);
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("a certificate can be made");
        Certificate {
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}
