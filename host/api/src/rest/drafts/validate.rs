//! `GET /drafts/{digest}`: what a draft is, and everything that is wrong with it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use orgata_engine::Engine;
use orgata_model::{Digest, RuntimeId};
use utoipa::IntoParams;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::query::{FromQuery, Pairs, Query};
use crate::wire::draft::ValidationView;
use crate::wire::error::ErrorBody;

/// For whom.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct For {
    /// A runtime: what its playbooks would still lack is told too.
    #[param(value_type = Option<String>)]
    runtime: Option<RuntimeId>,
}

impl FromQuery for For {
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError> {
        Ok(Self { runtime: query.one("runtime")? })
    }
}

/// Validate a draft
///
/// What it offers and imports, what it would have to be granted, what loading it would change, and what is wrong with it, all
/// at once.
#[utoipa::path(
    get,
    path = "/api/v1/drafts/{digest}",
    operation_id = "validateOperation",
    tag = "drafts",
    params(("digest" = String, Path, description = "The draft"), For),
    responses(
        (status = 200, description = "What is known of it", body = ValidationView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn validate(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(digest): Path<Digest>,
    Query(For { runtime }): Query<For>,
) -> Result<Response, ApiError> {
    let validation = engine.validate_operation(&principal, digest, runtime.as_ref()).await?;
    Ok(Json(ValidationView::from(&validation)).into_response())
}
