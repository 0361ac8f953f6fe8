//! Connections: taking them, keeping them within limits, and letting them finish.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceBuilder;
use tracing::{debug, warn};

use crate::Api;
use crate::peer::Peer;

/// How long to wait when the system has no more files or memory for connections.
const BREATH: Duration = Duration::from_millis(100);
/// How long a client may go on sending after the host's last word.
const LINGER: Duration = Duration::from_secs(2);

impl Api {
    /// Serves connections until `shutdown` is done; then takes no more, ends streams, and lets requests at
    /// work finish within the grace period.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let settings = self.app.settings().clone();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout.0)
            .max_headers(settings.headers)
            .max_buf_size(settings.header_bytes);
        let places = Arc::new(Semaphore::new(settings.connections));
        let open = TaskTracker::new();
        let closing = self.app.closing();
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, peer, place) = tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                () = &mut shutdown => break,
            };
            let taken = Taken { stream, lingers: None, _place: place, _open: open.token() };
            tokio::spawn(converse(http.clone(), taken, peer, self.router.clone(), closing.clone()));
        }
        drop(listener);
        closing.cancel();
        open.close();
        if tokio::time::timeout(settings.grace.0, open.wait()).await.is_err() {
            warn!(connections = open.len(), "requests were still at work when the grace period was over");
        }
        Ok(())
    }
}

/// The next connection, once there is a place for it. Dropping the future loses none.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Peer, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there always is a place in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Answers are small: waiting to fill a packet would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "TCP_NODELAY cannot be set");
                }
                let peer = Peer { address: Some(from.ip().to_canonical()), certificate: None };
                return (stream, peer, place);
            }
            Err(error) => {
                warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Answers one request after the other, until the client leaves or the host stops.
async fn converse(
    http: http1::Builder,
    taken: Taken,
    peer: Peer,
    router: Router,
    closing: CancellationToken,
) {
    let service = TowerToHyperService::new(
        ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer.clone());
                request
            })
            .service(router),
    );
    let mut connection = pin!(http.serve_connection(TokioIo::new(taken), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke off");
    }
}

/// A connection and its place. It stays together when HTTP hands the connection on to a WebSocket.
///
/// When the host closes it, the client may still be sending: a body that is over the limit, mostly. Closed at once,
/// the system would answer what still comes with a reset, and the client would lose the answer that says why. So it
/// is told that nothing more comes, and what it sends is thrown away until it has read that, or for [`LINGER`].
struct Taken {
    stream: TcpStream,
    /// Until when to listen, once the last word is said.
    lingers: Option<Pin<Box<Sleep>>>,
    _place: Option<OwnedSemaphorePermit>,
    _open: TaskTrackerToken,
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingers.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        let this = &mut *self;
        let lingers = this.lingers.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if lingers.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut thrown_away = [MaybeUninit::uninit(); 16 << 10];
        loop {
            let mut part = ReadBuf::uninit(&mut thrown_away);
            // An end or a break: the client has heard all that it will hear.
            let heard = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part));
            if heard.is_err() || part.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
