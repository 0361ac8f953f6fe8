//! Calls HTTP servers from a plugin: one blocking request, over `wasi:http/outgoing-handler`.
//!
//! A guest that uses this is `effectful`. Where it may call is the host's decision, taken anew for every
//! request; a refusal is [`Error::Denied`].
//!
//! Clocks stand still in a plugin, so a timeout is handed to the host and never measured here.
//! Not here: redirects, retries (the playbook's), what a status means (the caller's).

mod error;
mod url;

use std::time::Duration;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

pub use error::Error;
pub use url::Url;

/// The host takes at most this much in one write, as the contract of `blocking-write-and-flush` says.
const WRITE: usize = 4096;
const READ: u64 = 64 * 1024;

/// What to send.
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Where to.
    pub url: &'a Url,
    /// Names and values, as they are sent.
    pub headers: &'a [(String, String)],
    /// Empty for none.
    pub body: &'a [u8],
    /// How long to wait for the connection, for the first byte, and between bytes: each of them.
    pub timeout: Option<Duration>,
    /// Reading stops after so many bytes.
    pub max_body: usize,
}

/// What came back.
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most `max_body` bytes.
    pub body: Vec<u8>,
    /// There was more than `max_body`.
    pub truncated: bool,
}

impl Response {
    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a request and reads the response.
pub fn send(request: &Request<'_>) -> Result<Response, Error> {
    let outgoing = head(request)?;
    let body = outgoing.body().map_err(|()| Error::Broken("the request's body is taken".into()))?;
    let pending = outgoing_handler::handle(outgoing, options(request.timeout)?)?;
    write(body, request.body)?;
    pending.subscribe().block();
    let response = match pending.get() {
        Some(Ok(response)) => response?,
        Some(Err(())) | None => return Err(Error::Broken("the host lost the response".into())),
    };
    read(&response, request.max_body)
}

fn head(request: &Request<'_>) -> Result<OutgoingRequest, Error> {
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if !request.body.is_empty()
        && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"))
    {
        // Else the body goes out in chunks, which some servers refuse.
        headers.push(("content-length".into(), request.body.len().to_string().into_bytes()));
    }
    let headers =
        Fields::from_list(&headers).map_err(|error| Error::BadRequest(format!("headers: {error}")))?;
    let outgoing = OutgoingRequest::new(headers);
    let bad = |part: &str| Error::BadRequest(format!("{part} is not valid in {}", request.url));
    outgoing.set_method(&method(request.method)).map_err(|()| bad("the method"))?;
    let scheme = if request.url.is_https() { Scheme::Https } else { Scheme::Http };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| bad("the scheme"))?;
    outgoing.set_authority(Some(request.url.authority())).map_err(|()| bad("the host"))?;
    outgoing.set_path_with_query(Some(request.url.path())).map_err(|()| bad("the path"))?;
    Ok(outgoing)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn options(timeout: Option<Duration>) -> Result<Option<RequestOptions>, Error> {
    let Some(timeout) = timeout else { return Ok(None) };
    let nanoseconds = Some(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
    let options = RequestOptions::new();
    options
        .set_connect_timeout(nanoseconds)
        .and_then(|()| options.set_first_byte_timeout(nanoseconds))
        .and_then(|()| options.set_between_bytes_timeout(nanoseconds))
        .map_err(|()| Error::BadRequest("the host takes no timeouts".into()))?;
    Ok(Some(options))
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), Error> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| Error::Broken("the request's stream is taken".into()))?;
        for chunk in bytes.chunks(WRITE) {
            // A server may answer and close before it has read everything: the response says why.
            if stream.blocking_write_and_flush(chunk).is_err() {
                break;
            }
        }
    }
    OutgoingBody::finish(body, None).or_else(|error| match Error::from(error) {
        // The same again: a body that was not taken to its end is the response's to explain.
        Error::Unreachable(_) => Ok(()),
        other => Err(other),
    })
}

fn read(response: &IncomingResponse, max_body: usize) -> Result<Response, Error> {
    let status = response.status();
    let headers = response.headers().entries().into_iter();
    let headers =
        headers.map(|(name, value)| (name.to_lowercase(), String::from_utf8_lossy(&value).into_owned()));
    let headers = headers.collect();
    let incoming = response.consume().map_err(|()| Error::Broken("the response's body is taken".into()))?;
    let (body, truncated) = read_body(&incoming, max_body)?;
    Ok(Response { status, headers, body, truncated })
}

fn read_body(incoming: &IncomingBody, max_body: usize) -> Result<(Vec<u8>, bool), Error> {
    let stream = incoming.stream().map_err(|()| Error::Broken("the response's stream is taken".into()))?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(bytes) => body.extend_from_slice(&bytes),
            Err(StreamError::Closed) => return Ok((body, false)),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                return Err(code.map_or_else(|| Error::Unreachable(error.to_debug_string()), Error::from));
            }
        }
        if body.len() > max_body {
            body.truncate(max_body);
            return Ok((body, true));
        }
    }
}
