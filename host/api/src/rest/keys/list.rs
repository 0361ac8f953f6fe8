//! `GET /keys`: every key.

use axum::extract::State;
use orgata_engine::Engine;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::error::ErrorBody;
use crate::wire::key::KeyView;
use crate::wire::page::PageView;

/// List keys
///
/// The oldest first; those that were revoked or have expired among them. What proves a key is never shown.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "listKeys",
    tag = "keys",
    responses(
        (status = 200, description = "The keys", body = PageView<KeyView>),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(principal): Caller,
) -> Result<Json<PageView<KeyView>>, ApiError> {
    let keys = engine.list_keys(&principal)?;
    Ok(Json(PageView::whole(keys.iter().map(KeyView::from).collect())))
}
