//! Plain requests, and answers with the questions that stories ask of them.

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::patience::PATIENCE;

/// A client that goes to the host directly, whatever proxy the machine names.
pub(crate) fn client(key: Option<&str>) -> Client {
    // Whoever was first has set the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bearer = key.map(|key| format!("Bearer {key}").parse().expect("a key can be sent"));
    let headers: HeaderMap = bearer.into_iter().map(|bearer| (AUTHORIZATION, bearer)).collect();
    let client = Client::builder().no_proxy().timeout(PATIENCE * 3).default_headers(headers);
    client.build().expect("a plain client can be built")
}

/// A request without a body, or with one of JSON.
pub(crate) async fn send(client: &Client, method: Method, url: &str, body: Option<&Value>) -> Reply {
    let what = format!("{method} {url}");
    let request = client.request(method, url);
    let request = body.into_iter().fold(request, |request, body| request.json(body));
    Reply::read(what, request).await
}

/// What the host answered.
#[derive(Debug, Clone)]
#[must_use = "say what the answer should be: accepted(), is(status) or refused(status, code)"]
pub struct Reply {
    what: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: as JSON, or as a JSON string when it is something else, or null when there is none.
    pub body: Value,
}

impl Reply {
    /// Sends the request and reads the whole answer. For requests that `TestHost` has no word for.
    pub async fn read(what: impl Into<String>, request: reqwest::RequestBuilder) -> Self {
        let what = what.into();
        let reply = Self::try_read(what.clone(), request).await;
        reply.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// The same where the connection may break off: the host is killed in the middle.
    pub async fn try_read(
        what: impl Into<String>,
        request: reqwest::RequestBuilder,
    ) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        Ok(Self { what: what.into(), status, headers, body })
    }

    /// Any 2xx; gives the body.
    #[track_caller]
    pub fn accepted(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} was refused: {} {}",
            self.what,
            self.status,
            self.body
        );
        self.body
    }

    /// Exactly this status; gives the body.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body);
        self.body
    }

    /// Exactly this status and error code, in the one shape that errors have; gives the `error` object.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body);
        let error = &self.body["error"];
        assert_eq!(error["code"], code, "{}: {}", self.what, self.body);
        if let Err(fault) = self.is_an_error() {
            panic!("{}: {fault}: {}", self.what, self.body);
        }
        error.clone()
    }

    /// Whether it has the one shape that errors have; if not, what is wrong with it.
    pub fn is_an_error(&self) -> Result<(), &'static str> {
        let keys = |value: &Value| -> Vec<String> {
            value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
        };
        let error = &self.body["error"];
        let known = ["code", "message", "details", "requestId"];
        let told = |key: &str| error[key].as_str().is_some_and(|text| !text.is_empty());
        if keys(&self.body) != ["error"] || keys(error).iter().any(|key| !known.contains(&key.as_str())) {
            return Err("an error is `{error: {code, message, details, requestId}}` and nothing else");
        }
        if !told("code") || !told("message") {
            return Err("an error says what happened");
        }
        if !told("requestId") || error["requestId"] != self.header("x-request-id") {
            return Err("an error names its request, in the body as in the header");
        }
        if self.header("content-type") != "application/json" {
            return Err("an error is JSON, and says so");
        }
        Ok(())
    }

    /// A header as text, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
