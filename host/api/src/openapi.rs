//! The OpenAPI document, made from the handlers' own types.

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::rest;

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "Orgata", description = "A durable workflow host."))]
struct Base;

/// The document.
pub fn openapi() -> OpenApi {
    let (_, paths) = rest::endpoints().split_for_parts();
    let mut document = Base::openapi();
    document.merge(paths);
    document
}

/// The document as text, the same for the same source.
pub fn openapi_json() -> String {
    serde_json::to_string_pretty(&openapi()).unwrap_or_default() + "\n"
}
