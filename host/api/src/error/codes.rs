//! The one table from codes to statuses.

use http::StatusCode;

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
    code(
        "BAD_REQUEST",
        StatusCode::BAD_REQUEST,
        "The request cannot be understood: the message says which part.",
    ),
    code(
        "UNAUTHENTICATED",
        StatusCode::UNAUTHORIZED,
        "Who calls is not proved; `WWW-Authenticate` says how to get in.",
    ),
    code("HOST_NOT_ALLOWED", StatusCode::FORBIDDEN, "The `Host` header is not a name of this host."),
    code("FORBIDDEN", StatusCode::FORBIDDEN, "The caller may not do this; somebody else may."),
    code("ORIGIN_NOT_ALLOWED", StatusCode::FORBIDDEN, "Pages of this `Origin` may not call."),
    code("ROUTE_NOT_FOUND", StatusCode::NOT_FOUND, "There is nothing under this path."),
    code("RUNTIME_NOT_FOUND", StatusCode::NOT_FOUND, "No such runtime."),
    code("PLAYBOOK_NOT_FOUND", StatusCode::NOT_FOUND, "No such playbook in the runtime."),
    code("EXECUTION_NOT_FOUND", StatusCode::NOT_FOUND, "No such execution."),
    code("INTERVENTION_NOT_FOUND", StatusCode::NOT_FOUND, "The execution never asked this."),
    code("ROLE_NOT_FOUND", StatusCode::NOT_FOUND, "No such role in the runtime."),
    code("OPERATION_NOT_FOUND", StatusCode::NOT_FOUND, "No such operation in the runtime."),
    code("STEP_NOT_FOUND", StatusCode::NOT_FOUND, "No such step in the playbook of the execution."),
    code(
        "DRAFT_NOT_FOUND",
        StatusCode::NOT_FOUND,
        "No such draft, or no longer: drafts are kept for an hour.",
    ),
    code("KEY_NOT_FOUND", StatusCode::NOT_FOUND, "No such key."),
    code("PLUGIN_NOT_FOUND", StatusCode::NOT_FOUND, "No such plugin, or no such version of it."),
    code("SECRET_NOT_FOUND", StatusCode::NOT_FOUND, "No such secret."),
    code(
        "SESSION_NOT_FOUND",
        StatusCode::NOT_FOUND,
        "No such MCP session of this caller: initialize a new one.",
    ),
    code(
        "METHOD_NOT_ALLOWED",
        StatusCode::METHOD_NOT_ALLOWED,
        "The path exists; `Allow` says for which methods.",
    ),
    code("REQUEST_TIMEOUT", StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive."),
    code(
        "CONCURRENCY_LIMIT",
        StatusCode::CONFLICT,
        "As many executions with this concurrency key are at work as may be.",
    ),
    code("ALREADY_EXISTS", StatusCode::CONFLICT, "Something else has this name."),
    code("IDEMPOTENCY_KEY_REUSED", StatusCode::CONFLICT, "The key was used for another playbook or input."),
    code("INTERVENTION_ANSWERED", StatusCode::CONFLICT, "Somebody answered before; the first answer holds."),
    code("EXECUTION_ENDED", StatusCode::CONFLICT, "The execution has ended."),
    code("STATE_CONFLICT", StatusCode::CONFLICT, "The thing is not in a state where this can be done."),
    code(
        "OPERATION_MISSING",
        StatusCode::CONFLICT,
        "The playbook needs operations that the runtime does not offer.",
    ),
    code(
        "TOO_MANY_SUBSCRIPTIONS",
        StatusCode::CONFLICT,
        "The WebSocket connection, or the MCP session, follows as much as it may.",
    ),
    code("TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE, "The body is over the limit."),
    code(
        "UNSUPPORTED_MEDIA_TYPE",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is of another type than wanted.",
    ),
    code("INPUT_INVALID", StatusCode::UNPROCESSABLE_ENTITY, "The input does not fit the playbook's schema."),
    code(
        "RESPONSE_INVALID",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The answer does not fit the question's schema.",
    ),
    code(
        "PLAYBOOK_INVALID",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The playbook has mistakes; `details.problems` lists them.",
    ),
    code(
        "SCENARIO_INVALID",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The scenario has mistakes, or does not fit to its playbook; `details.problems` lists them.",
    ),
    code(
        "SIMULATION_ENDLESS",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The simulation came to no end within its bounds.",
    ),
    code(
        "HISTORY_INVALID",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The history cannot be one of ours; `details.seq` is the event at fault.",
    ),
    code(
        "PLUGIN_REFUSED",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The file is not a plugin that can be loaded; `details.code` says why.",
    ),
    code(
        "BUILD_FAILED",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Nothing was built of the sources; `details.problems` has the places.",
    ),
    code("UPGRADE_REQUIRED", StatusCode::UPGRADE_REQUIRED, "This path speaks WebSocket."),
    code(
        "OVERLOADED",
        StatusCode::TOO_MANY_REQUESTS,
        "Too much is under way; `Retry-After` says when to come back.",
    ),
    code(
        "RATE_LIMITED",
        StatusCode::TOO_MANY_REQUESTS,
        "This caller asks more often than it may; `Retry-After` says when to come back.",
    ),
    code(
        "INTERNAL",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The host is at fault; its log has more under the request's id.",
    ),
    code(
        "BUILD_UNAVAILABLE",
        StatusCode::NOT_IMPLEMENTED,
        "The host cannot build this; `details.hint` says what it lacks.",
    ),
    code("DRAINING", StatusCode::SERVICE_UNAVAILABLE, "The host is stopping."),
    code("STORE_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE, "The store cannot be read or written now."),
    code(
        "TIMEOUT",
        StatusCode::SERVICE_UNAVAILABLE,
        "The request took too long; what it asked for may still happen.",
    ),
];

/// The status that goes with a code.
pub(super) fn status_of(name: &str) -> StatusCode {
    let known = CODES.iter().find(|code| code.name == name);
    known.map_or(StatusCode::INTERNAL_SERVER_ERROR, |code| code.status)
}
