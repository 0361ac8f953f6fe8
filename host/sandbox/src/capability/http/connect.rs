//! From a target to a response: names resolved once, connections to what was checked, TLS by rustls ([`trust`]).
//!
//! [`trust`]: super::trust

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
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
    stream: Box<dyn Stream>,
    request: Request<WasiBody>,
) -> Result<(Response<Incoming>, impl Future<Output = Result<(), Error>> + Send + use<>), Error> {
    let mut http = http1::Builder::new();
    http.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await?;
    // Dropping the handle aborts the connection.
    let connection = spawn(connection);
    let response = sender.send_request(to_origin(request)?).await?;
    Ok((response, async move { Ok(connection.await?) }))
}

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Host and scheme are the connection's: a server is sent the path alone.
fn to_origin(mut request: Request<WasiBody>) -> Result<Request<WasiBody>, Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() =
        Uri::builder().path_and_query(path).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

/// Makes an encrypted connection of a plain one, to a server that proves to be the target.
pub(super) async fn encrypted(
    stream: TcpStream,
    target: &Target,
    config: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, TlsError> {
    let name = match target.host() {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Error::HttpRequestUriInvalid)?,
    };
    match TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(refused)) => TlsError::Certificate(refused.clone()),
            Some(rustls::Error::AlertReceived(alert)) => TlsError::Other(Error::TlsAlertReceived {
                alert_id: Some((*alert).into()),
                alert_message: Some(format!("{alert:?}")),
            }),
            _ => TlsError::Other(Error::Tls(error)),
        }),
    }
}

/// Why there is no encrypted connection.
pub(super) enum TlsError {
    /// The server's certificate is not believed.
    Certificate(CertificateError),
    /// Anything else, in the guest's words.
    Other(Error),
}

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}
