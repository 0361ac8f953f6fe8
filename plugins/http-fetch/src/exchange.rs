//! One request with its redirects, and what came of it in the playbook's words: a response or a failure.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use orgata_plugin::Failure;
use orgata_plugin_http::{Error, Request, Response, Url, send};
use serde_json::{Value, json};

use crate::{Fetched, Input};

const MAX_BODY: u32 = 1 << 20;
/// So much of an error page goes into a failure's details.
const EXCERPT: usize = 500;

pub(crate) struct Exchange<'a, M> {
    pub(crate) method: &'static str,
    /// Sent where given.
    pub(crate) idempotency_key: Option<&'a str>,
    /// How many to follow.
    pub(crate) redirects: u32,
    pub(crate) input: Input<M>,
}

impl<M> Exchange<'_, M> {
    pub(crate) fn run(self) -> Result<Fetched, Failure> {
        let mut url = Url::parse(&self.input.url).map_err(|error| failure(&error, &self.input.url))?;
        let (mut headers, body) = self.message();
        let mut left = self.redirects;
        loop {
            let response = send(&Request {
                method: self.method,
                url: &url,
                headers: &headers,
                body: &body,
                timeout: self.input.timeout_ms.map(Duration::from_millis),
                max_body: self.input.max_bytes.unwrap_or(MAX_BODY) as usize,
            });
            let response = response.map_err(|error| failure(&error, &url.to_string()))?;
            let Some(location) = redirect(&response).filter(|_| self.redirects > 0) else {
                return self.judge(response, &url);
            };
            if left == 0 {
                return Err(Failure::permanent(
                    "too-many-redirects",
                    format!("{url} leads on to {location}"),
                ));
            }
            left -= 1;
            let next = url.join(location).map_err(|error| failure(&error, location))?;
            if !next.same_origin(&url) {
                // Credentials are for the server that they were given for.
                headers.retain(|(name, _)| {
                    !matches!(name.as_str(), "authorization" | "cookie" | "proxy-authorization")
                });
            }
            url = next;
        }
    }

    /// Headers (names in lower case) and body, as they are sent.
    fn message(&self) -> (Vec<(String, String)>, Vec<u8>) {
        let mut headers: BTreeMap<String, String> = self
            .input
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        let (content_type, body) = match &self.input.body {
            None => (None, Vec::new()),
            Some(Value::String(text)) => (Some("text/plain; charset=utf-8"), text.clone().into_bytes()),
            Some(value) => (Some("application/json"), value.to_string().into_bytes()),
        };
        if let Some(content_type) = content_type {
            headers.entry("content-type".into()).or_insert_with(|| content_type.into());
        }
        if let Some(key) = self.idempotency_key {
            headers.entry("idempotency-key".into()).or_insert_with(|| key.into());
        }
        headers
            .entry("user-agent".into())
            .or_insert_with(|| concat!("orgata/", env!("CARGO_PKG_VERSION")).into());
        (headers.into_iter().collect(), body)
    }

    fn judge(&self, response: Response, url: &Url) -> Result<Fetched, Failure> {
        let status = response.status;
        if status < 400 || self.input.any_status {
            return Ok(fetched(response));
        }
        let message = format!("{} {url} gave status {status}", self.method);
        let failure = match status {
            408 | 429 | 500.. => Failure::transient("http-status", message),
            _ => Failure::permanent("http-status", message),
        };
        let excerpt: String = String::from_utf8_lossy(&response.body).chars().take(EXCERPT).collect();
        Err(failure.details(&json!({
            "status": status,
            "retry-after": response.header("retry-after"),
            "body": excerpt,
        })))
    }
}

fn redirect(response: &Response) -> Option<&str> {
    matches!(response.status, 301 | 302 | 303 | 307 | 308).then(|| response.header("location")).flatten()
}

fn fetched(response: Response) -> Fetched {
    let is_json = response.header("content-type").is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    });
    let json = is_json.then(|| serde_json::from_slice(&response.body).ok()).flatten();
    let mut headers = BTreeMap::new();
    for (name, value) in response.headers {
        headers.entry(name).and_modify(|all: &mut String| *all = format!("{all}, {value}")).or_insert(value);
    }
    let (body, base64) = text(response.body, response.truncated);
    Fetched { status: response.status, headers, body, base64, truncated: response.truncated, json }
}

/// The body as text, or else as base64. A character that `truncated` cut in half is left out.
fn text(bytes: Vec<u8>, truncated: bool) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) if truncated && error.utf8_error().error_len().is_none() => {
            let mut bytes = error.into_bytes();
            let valid = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
            bytes.truncate(valid);
            (String::from_utf8_lossy(&bytes).into_owned(), false)
        }
        Err(error) => (STANDARD.encode(error.as_bytes()), true),
    }
}

fn failure(error: &Error, url: &str) -> Failure {
    let message = format!("{url}: {error}");
    match error {
        Error::BadRequest(_) => Failure::invalid_input("bad-request", message),
        Error::Denied(_) => {
            Failure::permanent("denied", format!("{message}; grant the plugin this network host"))
        }
        Error::Unreachable(_) => Failure::transient("unreachable", message),
        Error::TimedOut(_) => Failure::transient("timed-out", message),
        Error::Untrusted(_) => Failure::permanent("untrusted", message),
        Error::Broken(_) => Failure::permanent("broken-exchange", message),
    }
}
