//! What a tool gives back, and how refusals become results and protocol errors.
//!
//! A tool that could not do what it was asked gives a *result* that says so, in the one shape of errors: an
//! assistant reads results and can do better. Protocol errors are for requests that no tool, resource or prompt
//! can take.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, ErrorCode, InputRequiredResult,
    Resource,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::address::Address;
use super::call::Call;
use crate::error::{ApiError, internal};

/// What a tool gives back.
#[derive(Debug)]
pub(super) enum Reply {
    /// What was asked for, and where to read on.
    Done(Value, Vec<Address>),
    /// It goes on, and can be asked for.
    Task(CreateTaskResult),
    /// Somebody must say something first.
    Input(InputRequiredResult),
}

impl Reply {
    /// A wire type.
    pub(super) fn of<T: Serialize>(value: &T) -> Result<Self, ApiError> {
        let value = serde_json::to_value(value).map_err(|error| internal(&error))?;
        Ok(Self::Done(value, Vec::new()))
    }

    /// Says where to read on.
    pub(super) fn linked(mut self, address: Address) -> Self {
        if let Self::Done(_, links) = &mut self {
            links.push(address);
        }
        self
    }
}

impl From<Reply> for CallToolResponse {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done(value, links) => Self::Complete(result(value, &links)),
            Reply::Task(task) => Self::Task(task),
            Reply::Input(input) => Self::InputRequired(input),
        }
    }
}

/// A value as a result: for programs, for clients that read text alone, and with the links behind.
pub(super) fn result(value: Value, links: &[Address]) -> CallToolResult {
    let mut content = vec![ContentBlock::text(value.to_string())];
    content.extend(links.iter().map(|address| ContentBlock::resource_link(link(address))));
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(value);
    result
}

/// A tool that did not do it, as a result: the error's JSON as text. It is not structured content, which must be of the
/// tool's output schema: clients that check it would throw the error away, and tell of the schema instead.
pub(super) fn refusal(call: &Call, error: &ApiError) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(call.error(error).to_string())])
}

/// A request that cannot be taken, as a protocol error. `data` has the one shape of errors.
pub(super) fn protocol_error(call: &Call, error: &ApiError) -> ErrorData {
    let code = match error.code() {
        "INTERNAL" | "STORE_UNAVAILABLE" | "DRAINING" | "TIMEOUT" => ErrorCode::INTERNAL_ERROR,
        code if code.ends_with("_NOT_FOUND") => ErrorCode::RESOURCE_NOT_FOUND,
        _ => ErrorCode::INVALID_PARAMS,
    };
    ErrorData::new(code, error.message().to_owned(), Some(call.error(error)))
}

/// The same for methods that name no resource: that something is not there is a wrong parameter then, in every revision.
pub(super) fn parameter_error(call: &Call, error: &ApiError) -> ErrorData {
    let error = protocol_error(call, error);
    let code =
        if error.code == ErrorCode::RESOURCE_NOT_FOUND { ErrorCode::INVALID_PARAMS } else { error.code };
    ErrorData { code, ..error }
}

/// The same where no call could be made of the request.
pub(super) fn without_call(error: &ApiError) -> ErrorData {
    ErrorData::internal_error(error.message().to_owned(), Some(json!({ "code": error.code() })))
}

/// What a resource is called, as lists and links show it.
pub(super) fn link(address: &Address) -> Resource {
    let kind = address.kind();
    let uri = address.to_string();
    let name = uri.split_once("://").map_or(uri.as_str(), |(_, path)| path).to_owned();
    Resource::new(uri, name)
        .with_title(format!("{} {}", kind.title, own_name(address)))
        .with_mime_type(kind.media_type)
}

fn own_name(address: &Address) -> String {
    match address {
        Address::Runtime(runtime) => runtime.to_string(),
        Address::Playbook(_, name) => name.to_string(),
        Address::Role(_, name) => name.to_string(),
        Address::Operation(_, name) => name.to_string(),
        Address::Execution(id) => id.to_string(),
    }
}
