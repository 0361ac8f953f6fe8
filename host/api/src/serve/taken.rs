//! A connection that was taken: its bytes, its place, and the two ways in which a client may be too slow for it.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use super::places::Place;

/// How long a client may go on sending after the host's last word.
const LINGER: Duration = Duration::from_secs(2);

/// The bytes, as they are or behind TLS.
pub(super) enum Stream {
    Plain(TcpStream),
    Secured(Box<TlsStream<TcpStream>>),
}

/// A connection and its place. It stays together when HTTP hands the connection on to a WebSocket.
///
/// A client that does not read what it asked for is given up once nothing could be written for a while: its answer,
/// or its stream of events, would be held for ever.
///
/// When the host closes it, the client may still be sending: a body that is over the limit, mostly. Closed at once,
/// the system would answer what still comes with a reset, and the client would lose the answer that says why. So it
/// is told that nothing more comes, and what it sends is thrown away until it has read that, or for [`LINGER`].
pub(super) struct Taken {
    stream: Stream,
    patience: Patience,
    /// Until when to listen, once the last word is said.
    lingers: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

/// How long nothing at all may be taken by the client.
struct Patience {
    time: Duration,
    /// Runs while something waits to be taken.
    ends: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    pub(super) fn new(stream: Stream, write_timeout: Duration, place: Place) -> Self {
        let patience = Patience { time: write_timeout, ends: None };
        Self { stream, patience, lingers: None, _place: place }
    }
}

impl Patience {
    /// What became of writing, unless it has waited for too long.
    fn bounds<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.ends = None;
            return written;
        }
        let ends = self.ends.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.time)));
        ready!(ends.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

/// The stream, whichever it is.
macro_rules! either {
    ($this:expr, $stream:ident => $work:expr) => {
        match &mut $this.stream {
            Stream::Plain($stream) => $work,
            Stream::Secured($stream) => $work,
        }
    };
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Taken {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = either!(self, stream => Pin::new(stream).poll_write(cx, bytes));
        self.patience.bounds(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = either!(self, stream => Pin::new(stream).poll_write_vectored(cx, parts));
        self.patience.bounds(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Secured(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = either!(self, stream => Pin::new(stream).poll_flush(cx));
        self.patience.bounds(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingers.is_none() {
            let said = either!(self, stream => Pin::new(stream).poll_shutdown(cx));
            ready!(self.patience.bounds(cx, said))?;
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
            let heard = ready!(either!(this, stream => Pin::new(stream).poll_read(cx, &mut part)));
            if heard.is_err() || part.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
