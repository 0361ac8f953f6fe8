//! `GET /metrics`: numbers for Prometheus.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::error::ApiError;
use crate::wire::error::ErrorBody;

/// The version of the text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Read the host's metrics
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "host",
    responses(
        (status = 200, description = "In the Prometheus text format", body = String, content_type = "text/plain"),
        (status = 404, description = "The host keeps no metrics", body = ErrorBody),
    )
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let render =
        app.metrics().ok_or_else(|| ApiError::new("ROUTE_NOT_FOUND", "this host keeps no metrics"))?;
    ::metrics::gauge!("orgata_executions_active").set(app.engine().active() as f64);
    Ok(([(CONTENT_TYPE, TEXT)], render()).into_response())
}
