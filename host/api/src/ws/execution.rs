//! Following one execution.

use orgata_engine::Watch;
use orgata_model::ExecutionId;

use super::outbox::{Gone, Outbox};
use crate::error::ApiError;
use crate::wire::frame::{ServerFrame, TopicView, Unsubscribed};

/// Sends every event that the watch gives, and at the end that it is over.
pub(super) async fn follow(
    id: ExecutionId,
    mut watch: Watch,
    outbox: Outbox,
    request_id: String,
) -> Result<(), Gone> {
    let topic = || TopicView::Execution { execution_id: id };
    let reason = loop {
        match watch.next().await {
            Ok(Some(event)) => outbox.send(&ServerFrame::event(id, &event)).await?,
            Ok(None) => break Unsubscribed::Ended,
            Err(error) => {
                outbox.refuse(&ApiError::from(error), Some(topic()), &request_id).await?;
                break Unsubscribed::Failed;
            }
        }
    };
    outbox.send(&ServerFrame::Unsubscribed { topic: topic(), reason }).await
}
