//! Errors as the outside sees them: one shape, and one table from codes to statuses.
//!
//! A handler returns an [`ApiError`]; it travels in the response's extensions and becomes a body in `front`,
//! where the request's id is known. So every error has the same shape, whoever found it.

mod codes;
mod engine;

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use codes::status_of;
pub use codes::{CODES, Code};

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Problem>);

#[derive(Debug, Clone)]
struct Problem {
    code: &'static str,
    message: Cow<'static, str>,
    details: Option<Value>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error with a code of [`CODES`].
    pub(crate) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Problem { code, message: message.into(), details: None, retry_after: None }))
    }

    /// Part of the request cannot be understood.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("BAD_REQUEST", message)
    }

    /// The same with details for programs.
    #[must_use]
    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// The same with how long to wait before asking again.
    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The stable word.
    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for people.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// What programs may read.
    pub(crate) fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// Whole seconds after which to come back.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after.map(|wait| wait.as_secs().max(1))
    }

    /// The status that goes with the code.
    pub(crate) fn status(&self) -> StatusCode {
        status_of(self.0.code)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A fault of the host: told to its log, and to the client only that it happened.
pub(crate) fn internal(fault: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(error = %fault, "the host is at fault");
    ApiError::new(
        "INTERNAL",
        "something went wrong in the host itself; its log says what, under this request's id",
    )
}
