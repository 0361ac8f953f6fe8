//! Whether a request's body was read to its end.
//!
//! A request that is answered without that ends its connection: what still comes is no request. The answer must
//! say so, or the client sends its next request to where nobody listens any more.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use hyper::body::{Frame, SizeHint};

/// Whether some of a body was left.
#[derive(Debug)]
pub(crate) struct Unread(Option<Arc<AtomicBool>>);

impl Unread {
    /// Watches the body of a request.
    pub(crate) fn watch(request: Request) -> (Request, Self) {
        if request.body().is_end_stream() {
            return (request, Self(None));
        }
        let ended = Arc::new(AtomicBool::new(false));
        let watched = request.map(|body| Body::new(Watched { body, ended: Arc::clone(&ended) }));
        (watched, Self(Some(ended)))
    }

    /// Whether there was a body, and its end was not seen.
    pub(crate) fn is_left(&self) -> bool {
        self.0.as_ref().is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_is_left_until_its_end_was_read() {
        let (request, unread) = Unread::watch(Request::new(Body::from("body")));
        assert!(unread.is_left());
        let read = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&*read, b"body");
        assert!(!unread.is_left());
    }

    #[test]
    fn where_there_is_no_body_nothing_is_left() {
        let (_, unread) = Unread::watch(Request::new(Body::empty()));
        assert!(!unread.is_left());
    }
}
