//! `GET /api/docs`: the OpenAPI document, drawn for people.
//!
//! Everything on the page comes from the host itself (`assets/README.md`). The script lays itself out with
//! inline styles: those are allowed, inline scripts are not.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::app::App;

const PAGE: &str = include_str!("../../../assets/docs.html");
const STYLE: &str = include_str!("../../../assets/docs.css");
const SCRIPT: &[u8] = include_bytes!("../../../assets/rapidoc-min.js.gz");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page and what it loads. They are not part of the document that they draw.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/api/docs", get(page))
        .route("/api/docs/docs.css", get(style))
        .route("/api/docs/rapidoc-min.js", get(script))
}

async fn page() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, PAGE).into_response()
}

async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-cache")], STYLE).into_response()
}

async fn script() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        // Every browser takes it, and nothing else asks for it.
        (CONTENT_ENCODING, "gzip"),
        (CACHE_CONTROL, "max-age=86400"),
    ];
    (headers, SCRIPT).into_response()
}
