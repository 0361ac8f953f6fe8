//! Errors as the outside sees them: one shape, and one table from codes to statuses.
//!
//! A handler returns an [`ApiError`]; it travels in the response's extensions and becomes a body in `front`,
//! where the request's id is known. So every error has the same shape, whoever found it.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use orgata_engine::EngineError;
use orgata_engine::ports::{LoadError, StoreError};
use serde_json::{Value, json};

/// A code that clients may rely on.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The stable word.
    pub name: &'static str,
    /// The HTTP status that comes with it.
    pub status: StatusCode,
    /// When it is given.
    pub meaning: &'static str,
}

const fn code(name: &'static str, status: StatusCode, meaning: &'static str) -> Code {
    Code { name, status, meaning }
}

/// Every code there is, by status. The OpenAPI document lists it.
pub const CODES: &[Code] = &[
    code("BAD_REQUEST", StatusCode::BAD_REQUEST, "The request cannot be understood: the message says which part."),
    code("HOST_NOT_ALLOWED", StatusCode::FORBIDDEN, "The `Host` header is not a name of this host."),
    code("ORIGIN_NOT_ALLOWED", StatusCode::FORBIDDEN, "Pages of this `Origin` may not call."),
    code("ROUTE_NOT_FOUND", StatusCode::NOT_FOUND, "There is nothing under this path."),
    code("RUNTIME_NOT_FOUND", StatusCode::NOT_FOUND, "No such runtime."),
    code("PLAYBOOK_NOT_FOUND", StatusCode::NOT_FOUND, "No such playbook in the runtime."),
    code("EXECUTION_NOT_FOUND", StatusCode::NOT_FOUND, "No such execution."),
    code("INTERVENTION_NOT_FOUND", StatusCode::NOT_FOUND, "The execution never asked this."),
    code("ROLE_NOT_FOUND", StatusCode::NOT_FOUND, "No such role in the runtime."),
    code("OPERATION_NOT_FOUND", StatusCode::NOT_FOUND, "No such operation in the runtime."),
    code("PLUGIN_NOT_FOUND", StatusCode::NOT_FOUND, "No such plugin, or no such version of it."),
    code("METHOD_NOT_ALLOWED", StatusCode::METHOD_NOT_ALLOWED, "The path exists; `Allow` says for which methods."),
    code("REQUEST_TIMEOUT", StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive."),
    code("ALREADY_EXISTS", StatusCode::CONFLICT, "Something else has this name."),
    code("IDEMPOTENCY_KEY_REUSED", StatusCode::CONFLICT, "The key was used for another playbook or input."),
    code("INTERVENTION_ANSWERED", StatusCode::CONFLICT, "Somebody answered before; the first answer holds."),
    code("EXECUTION_ENDED", StatusCode::CONFLICT, "The execution has ended."),
    code("STATE_CONFLICT", StatusCode::CONFLICT, "The thing is not in a state where this can be done."),
    code("OPERATION_MISSING", StatusCode::CONFLICT, "The playbook needs operations that the runtime does not offer."),
    code("TOO_MANY_SUBSCRIPTIONS", StatusCode::CONFLICT, "The WebSocket connection follows as much as it may."),
    code("TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE, "The body is over the limit."),
    code("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of another type than wanted."),
    code("INPUT_INVALID", StatusCode::UNPROCESSABLE_ENTITY, "The input does not fit the playbook's schema."),
    code("RESPONSE_INVALID", StatusCode::UNPROCESSABLE_ENTITY, "The answer does not fit the question's schema."),
    code("PLAYBOOK_INVALID", StatusCode::UNPROCESSABLE_ENTITY, "The playbook has mistakes; `details.problems` lists them."),
    code("PLUGIN_REFUSED", StatusCode::UNPROCESSABLE_ENTITY, "The file is not a plugin that can be loaded; `details.code` says why."),
    code("UPGRADE_REQUIRED", StatusCode::UPGRADE_REQUIRED, "This path speaks WebSocket."),
    code("OVERLOADED", StatusCode::TOO_MANY_REQUESTS, "Too much is under way; `Retry-After` says when to come back."),
    code("INTERNAL", StatusCode::INTERNAL_SERVER_ERROR, "The host is at fault; its log has more under the request's id."),
    code("DRAINING", StatusCode::SERVICE_UNAVAILABLE, "The host is stopping."),
    code("STORE_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE, "The store cannot be read or written now."),
    code("TIMEOUT", StatusCode::SERVICE_UNAVAILABLE, "The request took too long; what it asked for may still happen."),
];

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

    #[must_use]
    fn retry_after(mut self, wait: Duration) -> Self {
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
        let known = CODES.iter().find(|code| code.name == self.0.code);
        known.map_or(StatusCode::INTERNAL_SERVER_ERROR, |code| code.status)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let code = error.code();
        match error {
            EngineError::Refused(refusal) => from_refusal(refusal),
            EngineError::Internal(_) | EngineError::Broken(_) | EngineError::Store(StoreError::Broken { .. }) => {
                internal(&error)
            }
            EngineError::Store(StoreError::Unavailable(_)) => {
                // What the database said may name files and hosts: it is for the log.
                tracing::error!(%error, "the store is unavailable");
                Self::new(code, "the store cannot be read or written now: try again later")
                    .retry_after(Duration::from_secs(1))
            }
            EngineError::Mismatch { ref violations, .. } => {
                Self::new(code, error.to_string()).with_details(json!({ "violations": violations }))
            }
            EngineError::BadPlaybook(ref diagnostics) => Self::new(code, error.to_string()).with_details(json!({
                "problems": diagnostics.problems,
                "report": diagnostics.render(false),
            })),
            EngineError::MissingOperations { ref missing, .. } => {
                Self::new(code, error.to_string()).with_details(json!({ "missing": missing }))
            }
            EngineError::Answered(ref first) => Self::new(code, error.to_string())
                .with_details(json!({ "response": first.response, "answeredBy": first.by, "answeredAt": first.at })),
            EngineError::Ended(status) => {
                Self::new(code, error.to_string()).with_details(json!({ "status": status.as_str() }))
            }
            EngineError::Overloaded { limit, retry_after } => Self::new(code, error.to_string())
                .with_details(json!({ "limit": limit }))
                .retry_after(retry_after),
            EngineError::Draining => Self::new(code, error.to_string()).retry_after(Duration::from_secs(1)),
            _ => Self::new(code, error.to_string()),
        }
    }
}

/// A fault of the host: told to its log, and to the client only that it happened.
pub(crate) fn internal(fault: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(error = %fault, "the host is at fault");
    ApiError::new("INTERNAL", "something went wrong in the host itself; its log says what, under this request's id")
}

fn from_refusal(refusal: LoadError) -> ApiError {
    let code = match refusal.code {
        "BUSY" => "OVERLOADED",
        "TOO_LARGE" => "TOO_LARGE",
        "UNKNOWN_PLUGIN" => "PLUGIN_NOT_FOUND",
        "NO_EARLIER_VERSION" => "STATE_CONFLICT",
        "IO" => return internal(&format_args!("{}: {}", refusal.message, refusal.causes.join(": "))),
        _ => "PLUGIN_REFUSED",
    };
    let details = json!({ "code": refusal.code, "causes": refusal.causes, "hint": refusal.hint });
    let error = ApiError::new(code, refusal.message).with_details(details);
    if code == "OVERLOADED" { error.retry_after(Duration::from_secs(1)) } else { error }
}
