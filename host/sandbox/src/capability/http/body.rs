//! A response's body, held to a size and to a time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use crate::limits::Limit;
use crate::notes::Notes;

/// What a body is held to.
pub(super) struct Limits {
    /// The most that it may hold.
    pub(super) bytes: u64,
    /// When the request must be over.
    pub(super) deadline: Instant,
    /// The longest pause, as the guest wants it.
    pub(super) between: Option<Duration>,
    pub(super) notes: Notes,
}

/// A body that ends with an error when it is too large or too late.
pub(super) struct Limited {
    body: Incoming,
    limits: Limits,
    seen: u64,
    patience: Pin<Box<Sleep>>,
    /// The request's place among those that are open.
    _place: OwnedSemaphorePermit,
}

impl Limited {
    pub(super) fn new(body: Incoming, limits: Limits, place: OwnedSemaphorePermit) -> Self {
        let patience = Box::pin(tokio::time::sleep_until(limits.until()));
        Self { body, limits, seen: 0, patience, _place: place }
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Result<(), Error> {
        self.seen = self.seen.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        if self.seen > self.limits.bytes {
            self.limits.notes.limited(Limit::HttpBody);
            return Err(Error::HttpResponseBodySize(Some(self.limits.bytes)));
        }
        Ok(())
    }
}

impl Limits {
    fn until(&self) -> tokio::time::Instant {
        let pause = self.between.and_then(|between| Instant::now().checked_add(between));
        pause.map_or(self.deadline, |pause| pause.min(self.deadline)).into()
    }
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.limits.between.is_some() {
                    let until = self.limits.until();
                    self.patience.as_mut().reset(until);
                }
                Poll::Ready(Some(self.count(&frame).map(|()| frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                std::task::ready!(self.patience.as_mut().poll(cx));
                if Instant::now() >= self.limits.deadline {
                    self.limits.notes.limited(Limit::HttpTime);
                }
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
