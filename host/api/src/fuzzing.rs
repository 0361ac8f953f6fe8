//! What fuzzers feed: frames of WebSocket clients, the heads of requests as far as we read them ourselves, and tokens.
//!
//! The long runs are in `fuzz/`, the short one below. Not part of the host: built for tests and fuzzers alone.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use http::HeaderValue;
use http::header::{HOST, ORIGIN};
use orgata_engine::{Principal, Reach};
use ring::hmac;

use crate::auth::jwt::Tokens;
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

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

static TOKENS: LazyLock<Option<Tokens>> = LazyLock::new(|| {
    let settings = serde_json::json!({
        "issuer": "https://id.example.com", "audience": "orgata", "secret": { "env": "UNUSED" },
        "claims": { "scopes": "scope" },
    });
    Some(Tokens::shared(serde_json::from_value(settings).ok()?, SECRET))
});

/// A token: as it is, which nobody signed; and header and claims, one a line, with a signature that is right.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(holder(text).is_none(), "nobody signed it");
    let (header, claims) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(who) = holder(&signed(header, claims)) {
        assert!(header.contains("HS256"), "what is not signed is not believed");
        assert!(claims.contains("exp") && claims.contains("orgata"), "it says until when and for whom");
        assert!(matches!(who.identity().reach, Reach::Environments(_)), "no token is for everything");
    }
}

fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn holder(token: &str) -> Option<Principal> {
    // A secret that is shared is there already: nothing has to be waited for.
    TOKENS.as_ref()?.holder(token).now_or_never()?.ok()
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

    #[test]
    fn no_token_breaks_its_reader_or_is_believed_without_reason() {
        let (header, claims) = include_str!("../../../fuzz/corpus/token/good").split_once('\n').unwrap();
        assert_eq!(holder(&signed(header, claims)).unwrap().name(), "ann");
        short_run::run("token", 10_000, token);
    }
}
