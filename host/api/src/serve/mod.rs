//! Connections: taking them, keeping them within limits, and letting them finish.
//!
//! `places` says how many there may be, `taken` is one of them. Each has a task of its own from the moment on that it is
//! accepted: agreeing on keys, where there is TLS, happens there.

mod places;
mod taken;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tracing::{debug, warn};

#[cfg(test)]
use crate::TlsSettings;
use crate::peer::Peer;
use crate::tls::{self, Entrance};
use crate::{Api, Tls};

use places::{Place, Places};
use taken::{Stream, Taken};

/// How long to wait when the system has no more files or memory for connections.
const BREATH: Duration = Duration::from_millis(100);

/// What every connection needs. Cheap to clone.
#[derive(Clone)]
struct Serving {
    http: http1::Builder,
    router: Router,
    entrance: Option<Entrance>,
    write_timeout: Duration,
    closing: CancellationToken,
}

impl Api {
    /// Serves connections until `shutdown` is done; then takes no more, ends streams, and lets requests at
    /// work finish within the grace period.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let settings = self.app.settings().clone();
        let tls = self.tls.take();
        let serving = self.serving(tls.as_ref());
        let places = Places::new(settings.connections, settings.connections_per_address);
        let closing = self.app.closing().clone();
        let mut kept_current = pin!(keep_current(tls));
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, peer, place) = tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                never = &mut kept_current => match never {},
                () = &mut shutdown => break,
            };
            tokio::spawn(serving.clone().receive(stream, peer, place));
        }
        drop(listener);
        closing.cancel();
        if tokio::time::timeout(settings.grace.0, places.empty()).await.is_err() {
            warn!(connections = places.open(), "requests were still at work when the grace period was over");
        }
        Ok(())
    }

    fn serving(&self, tls: Option<&Tls>) -> Serving {
        let settings = self.app.settings();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout.0)
            .max_headers(settings.headers)
            .max_buf_size(settings.header_bytes);
        Serving {
            http,
            router: self.router.clone(),
            entrance: tls.map(Tls::entrance),
            write_timeout: settings.write_timeout.0,
            closing: self.app.closing().clone(),
        }
    }
}

async fn keep_current(tls: Option<Tls>) -> Infallible {
    match tls {
        Some(tls) => tls.keep_current().await,
        None => std::future::pending().await,
    }
}

/// The next connection, once there is a place for it. Dropping the future loses none.
async fn accept(listener: &TcpListener, places: &Places) -> (TcpStream, Peer, Place) {
    let mut free = places.free().await;
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let address = from.ip().to_canonical();
                match places.take(free, address) {
                    Ok(place) => return (stream, Peer { address: Some(address), ..Peer::default() }, place),
                    Err(still_free) => free = still_free,
                }
                debug!(%address, "a connection is refused: its address has as many as it may");
                metrics::counter!("orgata_connections_refused_total").increment(1);
            }
            Err(error) => {
                warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

impl Serving {
    /// Makes the connection secure where that is asked for, and converses.
    async fn receive(self, stream: TcpStream, mut peer: Peer, place: Place) {
        // Answers are small: waiting to fill a packet would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "TCP_NODELAY cannot be set");
        }
        let stream = match &self.entrance {
            None => Stream::Plain(stream),
            Some(entrance) => {
                let secured = tokio::select! {
                    secured = entrance.secure(stream) => secured,
                    () = self.closing.cancelled() => return,
                };
                match secured {
                    Ok(secured) => {
                        peer.secured = true;
                        peer.certificate = tls::shown_by(&secured);
                        Stream::Secured(Box::new(secured))
                    }
                    Err(error) => {
                        metrics::counter!("orgata_tls_handshakes_failed_total").increment(1);
                        return debug!(%error, address = ?peer.address, "a client and the host cannot agree on TLS");
                    }
                }
            }
        };
        let taken = Taken::new(stream, self.write_timeout, place);
        self.converse(taken, peer).await;
    }

    /// Answers one request after the other, until the client leaves or the host stops.
    async fn converse(self, taken: Taken, peer: Peer) {
        let service = TowerToHyperService::new(
            ServiceBuilder::new()
                .map_request(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(peer.clone());
                    request
                })
                .service(self.router),
        );
        let connection = self.http.serve_connection(TokioIo::new(taken), service).with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "a connection broke off");
        }
    }
}

#[cfg(test)]
#[path = "../../tests/support/authority.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a test's own, which uses a part of it")]
mod authority;

#[cfg(test)]
mod tests {
    use axum::Extension;
    use axum::routing::get;
    use rustls::pki_types::ServerName;
    use rustls::version::TLS13;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    use super::authority::Authority;
    use super::*;
    use crate::{ClientCertificates, fingerprint};

    /// Says to the client whom it is taken for.
    async fn taken_for(Extension(peer): Extension<Peer>) -> String {
        let shown = peer.certificate.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect());
        format!("{} {}", peer.secured, shown.unwrap_or_else(|| "nobody".to_owned()))
    }

    #[tokio::test]
    async fn what_a_client_proved_arrives_with_its_requests() {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let mut settings = authority.issue("localhost").write(folder.path());
        settings.client_authorities = Some(authority.write(folder.path()));
        settings.client_certificates = ClientCertificates::Optional;
        let tls = Tls::open(settings).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let robot = authority.issue("robot");
        for (shows, expected) in [
            (Some(&robot), format!("true {}", fingerprint(robot.certificate.der()))),
            (None, "true nobody".to_owned()),
        ] {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let places = Places::new(1, 1);
            let (stream_here, peer, place) = accept(&listener, &places).await;
            let serving = Serving {
                http: http1::Builder::new(),
                router: Router::new().route("/", get(taken_for)),
                entrance: Some(tls.entrance()),
                write_timeout: Duration::from_secs(60),
                closing: CancellationToken::new(),
            };
            tokio::spawn(serving.receive(stream_here, peer, place));
            let connector = TlsConnector::from(authority.client(&[&TLS13], shows));
            let mut stream =
                connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
            stream
                .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with(&expected), "{answer}");
        }
    }
}
