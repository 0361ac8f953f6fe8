//! `POST /keys`: makes a key.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use orgata_engine::Engine;

use crate::app::Caller;
use crate::auth::api_key::Secret;
use crate::error::ApiError;
use crate::extract::{Json, located};
use crate::wire::error::ErrorBody;
use crate::wire::key::{CreateKeyBody, KeyView, MadeKeyView};

/// Make a key
///
/// The answer has the key itself: it is shown this once, and the host cannot show it again. A key may do no more than
/// whoever makes it.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    operation_id = "createKey",
    tag = "keys",
    request_body = CreateKeyBody,
    responses(
        (status = 201, description = "Made", body = MadeKeyView,
            headers(("Location" = String, description = "Where it is"))),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Json(body): Json<CreateKeyBody>,
) -> Result<Response, ApiError> {
    let secret = Secret::fresh()?;
    let record = engine.create_key(&principal, body.new_key(secret.digest(), engine.now())?).await?;
    let path = format!("/api/v1/keys/{}", record.id);
    let made = MadeKeyView { key: secret.key(record.id), about: KeyView::from(&record) };
    let mut response = (StatusCode::CREATED, Json(made)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(located(response, path))
}
