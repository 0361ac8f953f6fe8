//! From a target to a response: names resolved once, connections to what was checked, TLS by rustls.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, WasiBody};

use super::allow::{Host, Target};

/// Addresses of one name that are looked at.
const MAX_ADDRESSES: usize = 16;

/// Longest head of a response, in bytes.
const MAX_HEAD: usize = 256 * 1024;

/// The addresses of a target.
pub(super) async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, Error> {
    let name = match target.host() {
        Host::Address(address) => return Ok(vec![SocketAddr::new(*address, target.port())]),
        Host::Name(name) => name.as_str(),
    };
    let unknown = |error: io::Error| Error::DnsError { rcode: Some(error.to_string()), info_code: None };
    let found = tokio::net::lookup_host((name, target.port())).await.map_err(unknown)?;
    let addresses: Vec<_> = found.take(MAX_ADDRESSES).collect();
    if addresses.is_empty() { Err(Error::DestinationNotFound) } else { Ok(addresses) }
}

/// Connects to the first of the addresses that answers.
pub(super) async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut last = Error::DestinationUnavailable;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Requests are small and waited for.
                stream.set_nodelay(true).map_err(Error::Connect)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => last = Error::ConnectionRefused,
            Err(error) => last = Error::Connect(error),
        }
    }
    Err(last)
}

/// Sends the request and waits for the head of its response. The future beside it is the connection: the
/// body ends when it is dropped.
pub(super) async fn exchange(
    stream: TcpStream,
    tls: Option<&Target>,
    request: Request<WasiBody>,
) -> Result<(Response<Incoming>, impl Future<Output = Result<(), Error>> + Send + use<>), Error> {
    let stream: Box<dyn Stream> = match tls {
        Some(target) => Box::new(encrypted(stream, target).await?),
        None => Box::new(stream),
    };
    let mut http = http1::Builder::new();
    http.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await?;
    // Dropping the handle aborts the connection.
    let connection = spawn(connection);
    let response = sender.send_request(to_origin(request)?).await?;
    Ok((response, async move { Ok(connection.await?) }))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Host and scheme are the connection's: a server is sent the path alone.
fn to_origin(mut request: Request<WasiBody>) -> Result<Request<WasiBody>, Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() =
        Uri::builder().path_and_query(path).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

async fn encrypted(
    stream: TcpStream,
    target: &Target,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
    let name = match target.host() {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Error::HttpRequestUriInvalid)?,
    };
    let connector = TlsConnector::from(client_config()?);
    connector.connect(name, stream).await.map_err(|error| {
        let certificate = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match certificate {
            Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
            _ => Error::Tls(error),
        }
    })
}

/// Trusts what browsers trust. Made once: the roots take a while to read.
fn client_config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::ConfigurationError)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}
