//! What is not there.

use http::{Method, Uri};

use crate::error::ApiError;

/// No such path.
pub(crate) async fn unknown(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(
        "ROUTE_NOT_FOUND",
        format!("there is nothing under `{path}`: /api/docs shows what there is"),
    )
}

/// The path is there, for other methods.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("`{path}` does not take {method}: the `Allow` header says what it takes");
    ApiError::new("METHOD_NOT_ALLOWED", message)
}
