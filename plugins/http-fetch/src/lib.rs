//! `http-fetch`: calls HTTP servers, where the operator has granted them.
//!
//! Two operations and not one, because an operation says of itself whether doing it twice is harmless:
//! `fetch` has the methods of which RFC 9110 (9.2.2) says so, `post` has the others. Every request that may
//! change something carries the call's idempotency key.
//!
//! Not here: what is granted (the host's), retries (the playbook's).

mod exchange;

use std::collections::BTreeMap;

use orgata_plugin::{Call, Failure, JsonSchema, Operation, Plugin};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use exchange::Exchange;

orgata_plugin::export_plugin!(http_fetch);

fn http_fetch() -> Plugin {
    Plugin::new("http-fetch", env!("CARGO_PKG_VERSION"), "Calls HTTP servers that the operator has granted.")
        .operation(
            Operation::new("fetch", fetch)
                .title("Fetch a URL")
                .description(
                    "Sends a request that may be repeated without harm (GET unless said otherwise) and gives \
                     the response. GET and HEAD follow up to five redirects. A status of 400 or above is a \
                     failure unless `any-status` is set: 5xx, 408 and 429 are tried again, others are not.",
                )
                .tags(["http", "web"])
                .idempotent(),
        )
        .operation(
            Operation::new("post", post)
                .title("Post to a URL")
                .description(
                    "Sends a request that changes something (POST, or PATCH). Every attempt carries the same \
                     Idempotency-Key header, so a server that honours it acts once. Statuses are read as by \
                     `fetch`.",
                )
                .tags(["http", "web"]),
        )
}

fn fetch(call: &Call, mut input: Input<FetchMethod>) -> Result<Fetched, Failure> {
    let method = input.method.take().unwrap_or_default();
    let reads = matches!(method, FetchMethod::Get | FetchMethod::Head | FetchMethod::Options);
    Exchange {
        method: method.name(),
        idempotency_key: (!reads).then_some(&call.idempotency_key),
        redirects: if matches!(method, FetchMethod::Get | FetchMethod::Head) { 5 } else { 0 },
        input,
    }
    .run()
}

fn post(call: &Call, mut input: Input<PostMethod>) -> Result<Fetched, Failure> {
    Exchange {
        method: input.method.take().unwrap_or_default().name(),
        idempotency_key: Some(&call.idempotency_key),
        // A redirected POST is a different request: the playbook is told where to, and decides.
        redirects: 0,
        input,
    }
    .run()
}

/// What to send.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", bound = "M: Deserialize<'de>")]
#[schemars(title = "Request", bound = "M: JsonSchema")]
struct Input<M> {
    /// An absolute http or https URL.
    url: String,
    /// GET (`post`: POST), unless said otherwise.
    method: Option<M>,
    /// Names and values to send.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A text is sent as it is, anything else as JSON.
    body: Option<Value>,
    /// Milliseconds to wait for the connection, for the first byte, and between bytes.
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
    /// Bytes of the body to read; 1 MiB unless said otherwise. What is more is cut off: see `truncated`.
    max_bytes: Option<u32>,
    /// Gives the response whatever its status.
    #[serde(default)]
    any_status: bool,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, Default)]
#[serde(rename_all = "UPPERCASE")]
enum FetchMethod {
    #[default]
    Get,
    Head,
    Options,
    Put,
    Delete,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, Default)]
#[serde(rename_all = "UPPERCASE")]
enum PostMethod {
    #[default]
    Post,
    Patch,
}

/// The response.
#[derive(Serialize, JsonSchema)]
struct Fetched {
    /// Such as 200.
    #[schemars(range(min = 100, max = 599))]
    status: u16,
    /// Names are in lower case; values of one name are joined by commas.
    headers: BTreeMap<String, String>,
    /// The body: text, or base64 where `base64` says so.
    body: String,
    /// The body is not UTF-8 and was written as base64.
    base64: bool,
    /// The body was longer than `max-bytes`.
    truncated: bool,
    /// The body as a value, where its content type is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
}

impl FetchMethod {
    fn name(self) -> &'static str {
        match self {
            FetchMethod::Get => "GET",
            FetchMethod::Head => "HEAD",
            FetchMethod::Options => "OPTIONS",
            FetchMethod::Put => "PUT",
            FetchMethod::Delete => "DELETE",
        }
    }
}

impl PostMethod {
    fn name(self) -> &'static str {
        match self {
            PostMethod::Post => "POST",
            PostMethod::Patch => "PATCH",
        }
    }
}
