//! What came of one deed to many executions.

use orgata_engine::{Bulk, Dealt};
use orgata_model::ExecutionId;
use orgata_model::execution::Status;
use serde::Serialize;
use utoipa::ToSchema;

use super::execution::StatusView;
use crate::error::ApiError;

/// What came of it, execution by execution.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkView {
    /// Nothing was done: this is what would be.
    pub dry_run: bool,
    /// To how many it was done, or would be.
    pub done: usize,
    /// How many of those found stand where it cannot be done.
    pub refused: usize,
    /// Newest first.
    pub items: Vec<DealtView>,
    /// Present when the filter finds more: give it back as `cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What came of it for one execution.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DealtView {
    /// Which.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// Where it stands now; of one that is gone, where it stood.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// Whether it was done.
    pub outcome: OutcomeView,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalView>,
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeView {
    /// It was, durably.
    Done,
    /// It would be: this was a dry run.
    WouldBeDone,
    /// It was not, or would not be.
    Refused,
}

/// Why it was not done to one of many.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusalView {
    /// A stable word for programs, as in errors.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl BulkView {
    /// What the engine says.
    pub fn new(bulk: Bulk, dry_run: bool) -> Self {
        let items: Vec<_> = bulk.items.into_iter().map(|dealt| DealtView::new(dealt, dry_run)).collect();
        let refused = items.iter().filter(|item| item.refusal.is_some()).count();
        Self { dry_run, done: items.len() - refused, refused, items, next_cursor: bulk.next }
    }
}

impl DealtView {
    fn new(dealt: Dealt, dry_run: bool) -> Self {
        let refusal = dealt.refusal.map(|error| {
            let error = ApiError::from(error);
            RefusalView { code: error.code(), message: error.message().to_owned() }
        });
        let outcome = match (&refusal, dry_run) {
            (Some(_), _) => OutcomeView::Refused,
            (None, true) => OutcomeView::WouldBeDone,
            (None, false) => OutcomeView::Done,
        };
        Self { execution_id: dealt.execution, status: dealt.status, outcome, refusal }
    }
}
