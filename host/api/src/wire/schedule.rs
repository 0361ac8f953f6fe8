//! Schedules as clients see them.

use jiff::Timestamp;
use orgata_engine::ScheduleInfo;
use orgata_model::execution::Status;
use orgata_model::playbook::{Missed, Overlap};
use orgata_model::{ExecutionId, PlaybookName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::execution::StatusView;

/// When a playbook starts by itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView<'a> {
    /// The playbook that it starts.
    #[schema(value_type = String)]
    pub playbook: &'a PlaybookName,
    /// Minute, hour, day of month, month and day of week; or a word such as @daily.
    #[schema(example = "0 8 * * MON-FRI")]
    pub cron: &'a str,
    /// The time zone of `cron`.
    #[schema(example = "Europe/Berlin")]
    pub timezone: &'a str,
    /// What becomes of a due time while an earlier run is not over: `skip`, `queue` or `allow`.
    #[schema(value_type = String)]
    pub overlap: Overlap,
    /// What becomes of due times that came while the host was down: `skip`, `once` or `all`.
    #[schema(value_type = String)]
    pub missed: Missed,
    /// What each run is given.
    pub input: &'a Value,
    /// When it is due next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run: Option<Timestamp>,
    /// What it started last, as long as that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRunView>,
    /// Due times whose runs wait for earlier ones to end, in order.
    #[schema(value_type = Vec<String>)]
    pub queued: &'a [Timestamp],
}

/// What a schedule started last.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRunView {
    /// The execution.
    #[schema(value_type = String)]
    pub execution_id: ExecutionId,
    /// Where it stands.
    #[schema(value_type = StatusView)]
    pub status: Status,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
}

impl<'a> ScheduleView<'a> {
    /// Nothing, when the playbook has no schedule.
    pub fn of(info: &'a ScheduleInfo) -> Option<Self> {
        let schedule = info.schedule()?;
        Some(Self {
            playbook: &info.playbook.name,
            cron: &schedule.cron,
            timezone: &schedule.timezone,
            overlap: schedule.overlap,
            missed: schedule.missed,
            input: &schedule.input,
            next_run: info.next,
            last_run: info.last.as_ref().map(|last| LastRunView {
                execution_id: last.id,
                status: last.status,
                started_at: last.started_at,
            }),
            queued: &info.queued,
        })
    }
}
