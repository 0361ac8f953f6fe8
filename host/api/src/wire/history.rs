//! Recorded events, as history and streams show them.

use orgata_model::ExecutionId;
use orgata_model::execution::{Event, Seq};
use serde::Serialize;
use utoipa::ToSchema;

use super::event::EventView;

/// An event with its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedEvent<'a> {
    /// Its place in the history: 1 for the first.
    #[schema(value_type = u64)]
    pub seq: Seq,
    /// What happened.
    pub event: EventView<'a>,
}

impl<'a> From<&'a Event> for RecordedEvent<'a> {
    fn from(event: &'a Event) -> Self {
        Self { seq: event.seq, event: event.into() }
    }
}

/// Some of an execution's events, in order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage<'a> {
    /// Whose.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// In order.
    pub items: Vec<RecordedEvent<'a>>,
    /// Present when there is more: give it back as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
