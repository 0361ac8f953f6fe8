//! `POST /executions/{id}/pause`, `…/resume`, `…/cancel`; the same without an id, for all that a filter finds.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::{Control, Deed, Engine, Principal};
use orgata_model::ExecutionId;

use super::bulk::{Bulk, deal};
use super::filter::Filter;
use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, OptionalJson, Path};
use crate::query::Query;
use crate::wire::bulk::BulkView;
use crate::wire::control::CancelBody;
use crate::wire::error::ErrorBody;
use crate::wire::execution::{ExecutionView, ReasonBody};

/// The two endpoints of one control. Only names and words differ; what is done is in [`steer`] and [`deal`].
macro_rules! control {
    (
        $verb:ident, $verb_all:ident: $body:ident => $control:expr;
        one $path:literal, $id:literal, $summary:literal, $description:literal;
        all $path_all:literal, $id_all:literal, $summary_all:literal, $description_all:literal;
    ) => {
        #[utoipa::path(
            post,
            path = $path,
            operation_id = $id,
            tag = "executions",
            summary = $summary,
            description = $description,
            params(("executionId" = String, Path, description = "The execution")),
            request_body = Option<$body>,
            responses(
                (status = 200, description = "Done, and durable: where it stands now", body = ExecutionView),
                (status = "default", description = "An error", body = ErrorBody),
            )
        )]
        pub(crate) async fn $verb(
            State(engine): State<Engine>,
            Caller(principal): Caller,
            Path(id): Path<ExecutionId>,
            OptionalJson(body): OptionalJson<$body>,
        ) -> Result<Response, ApiError> {
            let control: fn(&$body) -> Control = $control;
            steer(&engine, &principal, id, control(&body), body.reason).await
        }

        #[utoipa::path(
            post,
            path = $path_all,
            operation_id = $id_all,
            tag = "executions",
            summary = $summary_all,
            description = $description_all,
            params(Filter, Bulk),
            request_body = Option<$body>,
            responses(
                (status = 200, description = "What came of it for each", body = BulkView),
                (status = "default", description = "An error", body = ErrorBody),
            )
        )]
        pub(crate) async fn $verb_all(
            State(engine): State<Engine>,
            Caller(principal): Caller,
            Query(bulk): Query<Bulk>,
            OptionalJson(body): OptionalJson<$body>,
        ) -> Result<Response, ApiError> {
            let control: fn(&$body) -> Control = $control;
            deal(&engine, &principal, bulk, Deed::Control(control(&body)), body.reason).await
        }
    };
}

control! {
    pause, pause_all: ReasonBody => |_| Control::Pause;
    one "/api/v1/executions/{executionId}/pause", "pauseExecution", "Pause an execution",
        "What is at work finishes; nothing new starts until it is resumed. Questions may be answered meanwhile.";
    all "/api/v1/executions/pause", "pauseExecutions", "Pause executions",
        "All that the filter finds, a page at a time; at least one filter must be given. Without `status`: those that \
         have not ended and are not paused. The reason is kept in the history of each.";
}

control! {
    resume, resume_all: ReasonBody => |_| Control::Resume;
    one "/api/v1/executions/{executionId}/resume", "resumeExecution", "Resume an execution",
        "It goes on where it was paused.";
    all "/api/v1/executions/resume", "resumeExecutions", "Resume executions",
        "All that the filter finds, a page at a time; at least one filter must be given. Without `status`: those that \
         are paused. The reason is kept in the history of each.";
}

control! {
    cancel, cancel_all: CancelBody => |body| Control::Cancel { compensate: body.compensate };
    one "/api/v1/executions/{executionId}/cancel", "cancelExecution", "Cancel an execution",
        "What is at work is stopped. Completed steps that say how are undone, newest first, unless `compensate` is false: \
         then it ends at once.";
    all "/api/v1/executions/cancel", "cancelExecutions", "Cancel executions",
        "All that the filter finds, a page at a time; at least one filter must be given. Without `status`: those that \
         have not ended. The reason is kept in the history of each.";
}

/// Steers an execution; the answer says where it stands then.
pub(super) async fn steer(
    engine: &Engine,
    principal: &Principal,
    id: ExecutionId,
    control: Control,
    reason: Option<String>,
) -> Result<Response, ApiError> {
    let summary = engine.control(principal, id, control, reason).await?;
    Ok(Json(ExecutionView::from(&summary)).into_response())
}
