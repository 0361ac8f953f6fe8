//! `POST /tickets`: takes a ticket for a WebSocket.

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::app::{App, Caller};
use crate::auth::tickets::GOOD_FOR;
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::error::ErrorBody;
use crate::wire::key::TicketView;

/// Take a ticket
///
/// A page in a browser can send no header when it opens a WebSocket: it takes a ticket and opens
/// `/api/v1/ws?ticket=…`. A ticket is good once, for half a minute, and for nothing else.
#[utoipa::path(
    post,
    path = "/api/v1/tickets",
    operation_id = "takeTicket",
    tag = "live",
    responses(
        (status = 201, description = "Taken", body = TicketView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn take(State(app): State<App>, Caller(principal): Caller) -> Result<Response, ApiError> {
    let ticket = app.authenticator().tickets().issue(&principal, Instant::now())?;
    let view = TicketView { ticket, expires_in_seconds: GOOD_FOR.as_secs() };
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
