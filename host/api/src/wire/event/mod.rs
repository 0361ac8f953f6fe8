//! Events as clients see them: the same in history, SSE and WebSocket.

mod convert;
mod what;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

pub use what::What;

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "step_completed",
    "step": "gather-ingredients",
    "data": { "ingredients": ["bread", "peanut-butter", "jelly"] },
    "at": "2026-03-01T12:00:00.25Z",
    "actor": "engine"
}))]
pub struct EventView<'a> {
    /// What happened.
    #[serde(flatten)]
    pub what: What<'a>,
    /// When the host recorded it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who caused it: the name of whoever called, or `engine`.
    pub actor: &'a str,
}
