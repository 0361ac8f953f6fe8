//! `POST /plugins`: uploads a plugin.

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::Engine;

use crate::app::{App, Caller};
use crate::error::ApiError;
use crate::extract::{Json, located, media_type, read, unsupported};
use crate::wire::error::ErrorBody;
use crate::wire::plugin::{ComponentBody, PluginView};

/// Where it is: uploads may take longer than other requests.
pub(crate) const PATH: &str = "/api/v1/plugins";

/// The bytes of a component.
pub(crate) struct Component(Vec<u8>);

const WASM: [&str; 2] = ["application/wasm", "application/octet-stream"];

impl FromRequest<App> for Component {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = media_type(request.headers());
        if !WASM.iter().any(|wasm| kind.eq_ignore_ascii_case(wasm)) {
            return Err(unsupported(kind, "application/wasm"));
        }
        let settings = app.settings();
        let bytes = read(request, settings.upload_bytes, settings.upload_timeout.0).await?;
        if bytes.is_empty() {
            return Err(ApiError::bad_request("the body is empty: send the bytes of a component"));
        }
        Ok(Self(bytes.into()))
    }
}

/// Upload a plugin
///
/// The component is checked and compiled; then it is the current version of its plugin, and new executions
/// start on it. When it is refused, what was current stays.
#[utoipa::path(
    post,
    path = PATH,
    operation_id = "uploadPlugin",
    tag = "plugins",
    request_body(
        description = "The bytes of a component",
        content((ComponentBody = "application/wasm"), (ComponentBody = "application/octet-stream")),
    ),
    responses(
        (status = 201, description = "Loaded", body = PluginView,
            headers(("Location" = String, description = "Where it is"))),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn upload(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Component(bytes): Component,
) -> Result<Response, ApiError> {
    let plugin = engine.load_plugin(&principal, bytes).await?;
    let body = Json(PluginView::from(&*plugin));
    Ok(located((StatusCode::CREATED, body).into_response(), format!("{PATH}/{}", plugin.digest)))
}
