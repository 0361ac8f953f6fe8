//! Taking requests apart, with our own errors, and JSON responses.
//!
//! What does not fit is told with the place and what would fit. Not here: who calls (`app`), limits of the
//! connection (`serve`).

use std::time::Duration;

use axum::body::Body;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::app::App;
use crate::error::{ApiError, internal};

/// A JSON body, coming or going.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = media_type(request.headers());
        if !is_json(kind) {
            return Err(unsupported(kind, "application/json"));
        }
        parse_json(&read_small(request, app).await?).map(Self)
    }
}

/// A JSON body that may be missing altogether, or null; then it is the type's default.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let is_json = is_json(media_type(request.headers()));
        let kind = media_type(request.headers()).to_owned();
        let bytes = read_small(request, app).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(unsupported(&kind, "application/json"));
        }
        parse_json::<Option<T>>(&bytes).map(|body| Self(body.unwrap_or_default()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        // Most answers fit without growing.
        let mut bytes = Vec::with_capacity(1024);
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => {
                let mut response = Response::new(Body::from(bytes));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => internal(&error).into_response(),
        }
    }
}

/// The response, saying where the thing is that it speaks of.
pub(crate) fn located(mut response: Response, path: String) -> Response {
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// The media type that a request says its body has, without parameters; empty when it says none.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether this media type is JSON.
pub(crate) fn is_json(kind: &str) -> bool {
    let ends = |end: &str| {
        let start = kind.len().checked_sub(end.len());
        start.and_then(|start| kind.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    kind.eq_ignore_ascii_case("application/json") || ends("+json")
}

/// The body is of a type that the endpoint does not take.
pub(crate) fn unsupported(kind: &str, wanted: &'static str) -> ApiError {
    let shown: String = kind.chars().take(100).collect();
    let got = if shown.is_empty() {
        "the request names no Content-Type".to_owned()
    } else {
        format!("the body is `{shown}`")
    };
    ApiError::new("UNSUPPORTED_MEDIA_TYPE", format!("{got}: send it as {wanted}"))
}

/// Reads JSON; mistakes are told with line and column.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::bad_request("the body is empty: send JSON"));
    }
    // As far as serde is concerned, the fields of a struct may come as a list too; every body here is an object.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::bad_request("the body does not fit: send a JSON object, not an array"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let what = if error.is_data() { "the body does not fit" } else { "the body is not valid JSON" };
        ApiError::bad_request(format!("{what}: {error}"))
            .with_details(json!({ "line": error.line(), "column": error.column() }))
    })
}

/// Reads a body of the usual size.
pub(crate) async fn read_small(request: Request, app: &App) -> Result<Bytes, ApiError> {
    let settings = app.settings();
    read(request, settings.body_bytes, settings.body_timeout.0).await
}

/// Reads a body of at most `limit` bytes that arrives within `time`.
pub(crate) async fn read(request: Request, limit: usize, time: Duration) -> Result<Bytes, ApiError> {
    let too_large = || {
        ApiError::new("TOO_LARGE", format!("the body is over the limit of {limit} bytes"))
            .with_details(json!({ "limit": limit }))
    };
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(time, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(ApiError::bad_request(format!("the body broke off: {error}"))),
        Err(_) => Err(ApiError::new("REQUEST_TIMEOUT", "the body took too long to arrive")),
    }
}

/// What the path names.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => Err(match error.into_kind() {
                ErrorKind::Message(message) | ErrorKind::DeserializeError { message, .. } => {
                    ApiError::bad_request(message)
                }
                kind => ApiError::bad_request(kind.to_string()),
            }),
            Err(other) => Err(internal(&other)),
        }
    }
}
