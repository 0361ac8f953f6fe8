//! `GET /metrics`: numbers for Prometheus.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::error::ApiError;
use crate::wire::error::ErrorBody;

/// The version of the text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long the store may take to say how large it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// Read the host's metrics
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "host",
    responses(
        (status = 200, description = "In the Prometheus text format", body = String, content_type = "text/plain"),
        (status = "default", description = "An error; `ROUTE_NOT_FOUND` where the host keeps no metrics", body = ErrorBody),
    )
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let render =
        app.metrics().ok_or_else(|| ApiError::new("ROUTE_NOT_FOUND", "this host keeps no metrics"))?;
    ::metrics::gauge!("orgata_executions_active").set(app.engine().active() as f64);
    // A store that cannot be read now leaves its last sizes standing; that it cannot is told elsewhere.
    if let Ok(Ok(size)) = tokio::time::timeout(PATIENCE, app.engine().store_size()).await {
        ::metrics::gauge!("orgata_store_data_bytes").set(size.data as f64);
        ::metrics::gauge!("orgata_store_free_bytes").set(size.free as f64);
        ::metrics::gauge!("orgata_store_log_bytes").set(size.log as f64);
    }
    Ok(([(CONTENT_TYPE, TEXT)], render()).into_response())
}
