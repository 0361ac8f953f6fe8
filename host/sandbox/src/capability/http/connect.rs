//! From a target to a response: names resolved once, connections to what was checked, TLS by rustls ([`trust`]).
//!
//! [`trust`]: super::trust

use std::io;
use std::net::{IpAddr, SocketAddr};
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

/// Why there is no connection.
pub(super) enum Unopened {
    /// None of the addresses may be reached; this is the first of them, and what kind it is.
    Prohibited(IpAddr, &'static str),
    /// Anything else, in the guest's words.
    Failed(Error),
}

/// Connects to one of the addresses that `resolved` gives, and to none that `refusal` has a word for.
///
/// It is one answer that is checked and connected to: whatever the name says a moment later, nobody asks it again.
pub(super) async fn open(
    resolved: impl Future<Output = Result<Vec<SocketAddr>, Error>>,
    refusal: impl Fn(IpAddr) -> Option<&'static str>,
) -> Result<TcpStream, Unopened> {
    let resolved = resolved.await.map_err(Unopened::Failed)?;
    let allowed: Vec<_> = resolved.iter().filter(|at| refusal(at.ip()).is_none()).copied().collect();
    if let (true, Some(first)) = (allowed.is_empty(), resolved.first()) {
        return Err(Unopened::Prohibited(first.ip(), refusal(first.ip()).unwrap_or("forbidden")));
    }
    dial(&allowed).await.map_err(Unopened::Failed)
}

/// Connects to the first of the addresses that answers.
async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::net::TcpListener;

    use super::*;

    /// A server at an address that may be reached, and one at another address, on the same port.
    async fn servers() -> (TcpListener, TcpListener, u16) {
        loop {
            let outside = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let port = outside.local_addr().unwrap().port();
            // Somebody else may have this port at the other address.
            if let Ok(inside) = TcpListener::bind(("127.0.0.2", port)).await {
                return (outside, inside, port);
            }
        }
    }

    /// Both are on this machine; only how they are judged makes one of them private.
    fn refusal(address: IpAddr) -> Option<&'static str> {
        (address.to_string() != "127.0.0.1").then_some("private")
    }

    fn at(address: &str, port: u16) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), port)
    }

    fn is_waited_for(server: &TcpListener) -> bool {
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        server.poll_accept(&mut context).is_ready()
    }

    #[tokio::test]
    async fn a_name_that_moves_after_it_was_checked_leads_nowhere_else() {
        let (outside, inside, port) = servers().await;
        let asked = Cell::new(0);
        // Whoever owns the name lets it point outside for the check, and inside from then on.
        let look_up = || {
            asked.set(asked.get() + 1);
            let address = if asked.get() == 1 { "127.0.0.1" } else { "127.0.0.2" };
            Ok(vec![at(address, port)])
        };
        let stream = open(async { look_up() }, refusal).await.ok().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), at("127.0.0.1", port), "it is the one that was checked");
        assert_eq!(asked.get(), 1, "nobody asks again");
        outside.accept().await.unwrap();
        assert!(!is_waited_for(&inside));
        // The next request asks anew, and checks anew.
        match open(async { look_up() }, refusal).await {
            Err(Unopened::Prohibited(address, kind)) => {
                assert_eq!((address.to_string().as_str(), kind), ("127.0.0.2", "private"))
            }
            _ => panic!("it points inside now"),
        }
        assert!(!is_waited_for(&inside));
    }

    #[tokio::test]
    async fn of_several_addresses_those_inside_are_not_tried_even_when_no_other_answers() {
        let (outside, inside, port) = servers().await;
        drop(outside);
        let both = async { Ok(vec![at("127.0.0.2", port), at("127.0.0.1", port)]) };
        assert!(matches!(open(both, refusal).await, Err(Unopened::Failed(Error::ConnectionRefused))));
        assert!(!is_waited_for(&inside));
    }
}
