//! `POST /executions/{id}/interventions/{interventionId}`: a person answers an open question.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{ExecutionId, InterventionId};

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::intervention::{AnswerBody, AnsweredView};

/// Answer a question
///
/// The first valid answer wins: once this answers 200 it is durable, and every later one is refused with 409. Where several
/// must approve, each of them does so once.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{executionId}/interventions/{interventionId}",
    operation_id = "answerIntervention",
    tag = "interventions",
    params(
        ("executionId" = String, Path, description = "The execution that waits"),
        ("interventionId" = String, Path, description = "The question"),
    ),
    request_body = AnswerBody,
    responses(
        (status = 200, description = "Taken", body = AnsweredView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn answer(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path((execution, intervention)): Path<(ExecutionId, InterventionId)>,
    Json(body): Json<AnswerBody>,
) -> Result<Response, ApiError> {
    let taken = engine.answer(&principal, execution, intervention, body.into()).await?;
    // The answer is taken: that its giver may not look at the execution does not undo it.
    let summary = engine.execution(&principal, execution).await.ok();
    let answered = AnsweredView::new(execution, intervention, &principal, taken, summary.as_ref());
    Ok(Json(answered).into_response())
}
