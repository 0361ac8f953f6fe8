//! Timelines as clients see them.

use jiff::Timestamp;
use orgata_model::execution::{Activity, Span, Timeline, Track};
use orgata_model::{ExecutionId, StepPath};
use serde::Serialize;
use utoipa::ToSchema;

/// What each step of an execution did, and when.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineView<'a> {
    /// Whose.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// When its first event was recorded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// When its last event was recorded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// In the order in which they began; what was skipped is not here.
    pub steps: Vec<TrackView<'a>>,
}

/// What one step did.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackView<'a> {
    /// Which step.
    #[schema(value_type = String)]
    pub step: &'a StepPath,
    /// In order; none overlaps another.
    pub spans: Vec<SpanView>,
}

/// What it did for some time.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpanView {
    /// What.
    pub what: ActivityView,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Until when; null while it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
}

/// What a step does for some time.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Activity)]
pub enum ActivityView {
    /// It is at work.
    AtWork,
    /// It waits: for time, an event, or its next attempt.
    Waiting,
    /// It waits for a person.
    WaitingForPerson,
    /// Steps inside of it have their turn.
    AroundOthers,
    /// It is being undone.
    BeingUndone,
}

impl<'a> TimelineView<'a> {
    /// Of this execution.
    pub fn of(execution_id: ExecutionId, timeline: &'a Timeline) -> Self {
        let steps = timeline.tracks.iter().map(TrackView::from).collect();
        Self { execution_id, from: timeline.from, to: timeline.to, steps }
    }
}

impl<'a> From<&'a Track> for TrackView<'a> {
    fn from(Track { step, spans }: &'a Track) -> Self {
        Self { step, spans: spans.iter().map(SpanView::from).collect() }
    }
}

impl From<&Span> for SpanView {
    fn from(span: &Span) -> Self {
        let what = match span.activity {
            Activity::Work => ActivityView::AtWork,
            Activity::Wait => ActivityView::Waiting,
            Activity::Person => ActivityView::WaitingForPerson,
            Activity::Around => ActivityView::AroundOthers,
            Activity::Undo => ActivityView::BeingUndone,
        };
        Self { what, from: span.from, to: span.to }
    }
}
