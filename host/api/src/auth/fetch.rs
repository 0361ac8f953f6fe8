//! Fetching a small document of somebody whom the operator named.
//!
//! Bounded in time and size, without redirects, and never in plain text over a network.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(5);
/// Largest document, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Whether a document may be fetched from there: encrypted, or from this machine.
pub(super) fn allowed(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => Ok(uri),
        Some("http") if is_here => Ok(uri),
        _ => Err(format!("{url} cannot be trusted on its way: write an https URL")),
    }
}

/// The document at this URL.
pub(super) async fn fetch(uri: &Uri) -> Result<Bytes, String> {
    let fetched = tokio::time::timeout(WITHIN, get(uri)).await;
    fetched.map_err(|_| format!("it took longer than {} s", WITHIN.as_secs()))?
}

async fn get(uri: &Uri) -> Result<Bytes, String> {
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let encrypted = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let told = |error: io::Error| format!("{host} cannot be reached: {error}");
    let stream = TcpStream::connect((bare, port)).await.map_err(told)?;
    let stream: Box<dyn Stream> = match encrypted {
        false => Box::new(stream),
        true => {
            let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
            Box::new(TlsConnector::from(trust()?).connect(name, stream).await.map_err(told)?)
        }
    };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with the response.
    tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let request = Request::get(path).header(HOST, authority).header(ACCEPT, "application/json");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| error.to_string())
}

/// Whose certificates are believed: those that browsers believe.
fn trust() -> Result<Arc<ClientConfig>, String> {
    static TRUST: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    });
    TRUST.clone()
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_encrypted_or_from_this_machine() {
        for good in [
            "https://id.example.com/keys",
            "http://127.0.0.1:8080/keys",
            "http://[::1]/k",
            "http://localhost/k",
        ] {
            assert!(allowed(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example.com/keys", "http://10.0.0.1/k", "ftp://localhost/k", "keys.json", ""] {
            assert!(allowed(bad).is_err(), "{bad}");
        }
    }
}
