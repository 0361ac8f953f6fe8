//! Whom the command line trusts, and what it shows of itself.

use std::path::Path;

use anyhow::Context as _;
use reqwest::{Certificate, Identity};

use crate::cli::Global;

/// What talks to hosts, over TLS or not.
pub(super) fn client(global: &Global, secured: bool) -> anyhow::Result<reqwest::Client> {
    // The first one stays, and there is no other.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = reqwest::Client::builder().tcp_nodelay(true);
    if !secured {
        // The system's authorities would be read for nothing, which takes a while.
        client = client.tls_certs_only([]);
    } else if let Some(file) = &global.ca {
        let trusted = Certificate::from_pem_bundle(&read("--ca", file)?);
        let trusted = trusted.with_context(|| format!("--ca: {} is not valid PEM", file.display()))?;
        anyhow::ensure!(!trusted.is_empty(), "--ca: {} holds no certificate", file.display());
        client = client.tls_certs_only(trusted);
    }
    if let (true, Some(file)) = (secured, &global.identity) {
        let shown = Identity::from_pem(&read("--identity", file)?);
        client = client.identity(shown.with_context(|| {
            format!("--identity: {} must hold a certificate and its key, as PEM", file.display())
        })?);
    }
    client.build().context("the HTTP client cannot be made")
}

fn read(option: &str, file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{option}: {} cannot be read", file.display()))
}

/// Whether the two could not agree on TLS: the host is there.
pub(super) fn is_about_trust(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() || inside(error).is_some_and(|inside| inside.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What errors of streams carry, however deep: they do not name it as their source.
fn inside<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e (dyn std::error::Error + 'static)> {
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    inside(inner).or(Some(inner))
}
