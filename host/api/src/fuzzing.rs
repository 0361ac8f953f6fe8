//! What fuzzers feed: frames of WebSocket clients, and the heads of requests as far as we read them ourselves.
//!
//! The long runs are in `fuzz/`, the short one below. Not part of the host: built for tests and fuzzers alone.

use axum::body::Body;
use axum::extract::Request;
use http::HeaderValue;
use http::header::{HOST, ORIGIN};

use crate::caller_check::CallerCheck;
use crate::settings::Settings;
use crate::wire::frame::ClientFrame;
use crate::{headers, request_id};

/// A frame: understood, or refused with what is wrong.
pub fn frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = serde_json::from_str::<ClientFrame>(text) {
        drop(error.to_string());
    }
}

/// The headers that are read before anything else: host, origin and id, one a line.
pub fn head(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut request = Request::new(Body::empty());
    for name in [HOST, ORIGIN, request_id::X_REQUEST_ID] {
        if let Some(value) = lines.next().and_then(|line| HeaderValue::from_bytes(line).ok()) {
            request.headers_mut().append(name, value);
        }
    }
    let id = request_id::of(request.headers());
    assert!(id.to_str().is_ok_and(|id| !id.is_empty() && !id.contains(char::is_whitespace)));
    drop((CallerCheck::new(&Settings::default()).judge(&request), headers::is_always_secure(&request)));
}

#[cfg(test)]
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_breaks_its_reader() {
        short_run::run("frame", 10_000, frame);
    }

    #[test]
    fn no_head_breaks_the_checks_of_callers() {
        short_run::run("head", 10_000, head);
    }
}
