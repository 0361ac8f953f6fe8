//! WebSocket: following executions and runtimes over one connection.
//!
//! One task reads what the client wants (`connection`), one writes (`outbox`), and one per subscription waits
//! for events (`execution`, `runtime`). Between them is one bounded queue: when the client does not read, the
//! writer waits for the socket, the queue fills, and the subscriptions wait, each with one frame in hand. An
//! execution's subscription then reads on from the store; a runtime's is told how much it missed.
//!
//! Not here: what frames look like (`wire::frame`).

mod connection;
mod execution;
mod outbox;
mod runtime;
mod subscriptions;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use http::HeaderMap;
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::rate::Counted;
use crate::request_id;
use crate::wire::error::ErrorBody;
use crate::wire::frame::{ClientFrame, ServerFrame};

use connection::Connection;

/// Where it is. Pages that can send no header come with a ticket.
pub(crate) const PATH: &str = "/api/v1/ws";

/// The endpoint.
pub(crate) fn endpoints() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(connect))
}

/// Follow executions and runtimes
///
/// A WebSocket. The client sends `ClientFrame`s, the host `ServerFrame`s, each a JSON text. A frame that cannot
/// be understood is answered by an `error` frame, and the connection stays. An execution's subscription misses
/// nothing, however slow the client: `fromSeq` replays stored events, then goes live without a gap or a repeat,
/// and ends with `unsubscribed` after the last event. A runtime's subscription begins now; a client that is too
/// slow for it is sent `lagged`. When the key or token that opened it is revoked or expires, the host closes the
/// connection with code 4401 and the reason.
#[utoipa::path(
    get,
    path = "/api/v1/ws",
    operation_id = "connect",
    tag = "live",
    params(("ticket" = Option<String>, Query, description = "A ticket of `POST /api/v1/tickets`, in place of a header")),
    responses(
        (status = 101, description = "The connection speaks WebSocket from now on",
            content((ClientFrame = "application/vnd.orgata.client-frame+json"), (ServerFrame = "application/vnd.orgata.server-frame+json"))),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
async fn connect(
    State(app): State<App>,
    Caller(principal): Caller,
    counted: Option<Extension<Counted>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|rejection| {
        ApiError::new("UPGRADE_REQUIRED", format!("this path speaks WebSocket: {}", rejection.body_text()))
    })?;
    let limit = app.settings().web_socket.frame_bytes;
    let request_id = request_id::of(&headers);
    let connection = Connection {
        app,
        principal,
        counted: counted.map(|Extension(counted)| counted),
        request_id: request_id.to_str().unwrap_or_default().to_owned(),
    };
    let span = tracing::Span::current();
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit);
    Ok(upgrade.on_upgrade(move |socket| connection.run(socket).instrument(span)))
}
