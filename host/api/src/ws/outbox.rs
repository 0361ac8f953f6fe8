//! What is sent: one bounded queue, emptied by one task.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::mpsc;

use crate::error::ApiError;
use crate::wire::error::ErrorView;
use crate::wire::frame::{ServerFrame, TopicView};

/// The connection is gone, or going.
#[derive(Debug)]
pub(super) struct Gone;

/// The way to the client. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outbox(mpsc::Sender<Message>);

impl Outbox {
    /// The way, and what comes out at its end.
    pub(super) fn new(frames: usize) -> (Self, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(frames);
        (Self(sender), receiver)
    }

    /// Sends a frame, once there is room for it.
    pub(super) async fn send(&self, frame: &ServerFrame<'_>) -> Result<(), Gone> {
        self.0.send(Message::Text(frame.to_json().into())).await.map_err(|_| Gone)
    }

    /// Sends what went wrong, and with what.
    pub(super) async fn refuse(
        &self,
        error: &ApiError,
        topic: Option<TopicView<'_>>,
        request_id: &str,
    ) -> Result<(), Gone> {
        self.send(&ServerFrame::Error { topic, error: ErrorView::new(error, request_id) }).await
    }

    /// Asks whether the client is there; not when frames wait for it anyway.
    pub(super) fn ping(&self) {
        let _ = self.0.try_send(Message::Ping(Default::default()));
    }

    /// Ends the connection, behind everything that was sent before.
    pub(super) async fn close(self, frame: CloseFrame) {
        let _ = self.0.send(Message::Close(Some(frame))).await;
    }

    /// Done once nothing is sent any more.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Sends what is in the queue, many frames in one go, until it is closed or the client takes too long.
pub(super) async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Message>,
    patience: Duration,
) {
    let most = queue.max_capacity();
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, most).await > 0 {
        let sending = async {
            for message in batch.drain(..) {
                sink.feed(message).await?;
            }
            sink.flush().await
        };
        if !matches!(tokio::time::timeout(patience, sending).await, Ok(Ok(()))) {
            return;
        }
    }
}
