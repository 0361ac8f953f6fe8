//! The one shape of errors.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::ApiError;

/// Any error, everywhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// What went wrong.
    pub error: ErrorView<'a>,
}

/// What went wrong, and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView<'a> {
    /// A stable word for programs.
    #[schema(example = "PLAYBOOK_NOT_FOUND")]
    pub code: &'static str,
    /// A sentence for people.
    #[schema(example = "there is no playbook `pbj`; there are: pbj-sandwich")]
    pub message: &'a str,
    /// More for programs; what is in it depends on the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<&'a Value>,
    /// Under which the host's log has more; also in the `x-request-id` header.
    pub request_id: &'a str,
}

impl<'a> ErrorView<'a> {
    /// This error of this request.
    pub(crate) fn new(error: &'a ApiError, request_id: &'a str) -> Self {
        Self { code: error.code(), message: error.message(), details: error.details(), request_id }
    }
}
