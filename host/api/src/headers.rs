//! What every response says to browsers and caches, whatever it is about.
//!
//! A handler that says something else is left its own word: the documentation's page has a policy of its own, and what is
//! public may be kept. Not here: which pages may call (`caller_check`).
//!
//! Responses are never compressed on the way out: the size of what mixes a secret with somebody's own words would tell
//! of the secret (BREACH). The one script that is compressed is a public file.

use axum::extract::Request;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::caller_check::{is_loopback, without_port};
use crate::peer::Peer;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

static EVERYWHERE: [(HeaderName, HeaderValue); 6] = [
    // What is said to be JSON is not to be run as a script.
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Shown as a page, an answer loads nothing, runs nothing, and stands in nobody's frame.
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Paths have ids in them.
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// A year: what lists of such hosts ask for.
static ALWAYS_SECURE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Whether the name that a request came for is one that has TLS, and is not every developer's.
///
/// Browsers know no ports here: a word about `localhost` would be about everything that runs on their machine.
pub(crate) fn is_always_secure(request: &Request) -> bool {
    let secured = request.extensions().get::<Peer>().is_some_and(|peer| peer.secured);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    secured && host.is_some_and(|host| !is_loopback(without_port(host)))
}

/// Adds what the response does not say itself. `always_secure` asks browsers never to come without TLS again.
pub(crate) fn complete(headers: &mut HeaderMap, always_secure: bool) {
    for (name, value) in &EVERYWHERE {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    if always_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, ALWAYS_SECURE.clone());
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_asked_for(host: &str, secured: bool) -> bool {
        let mut request = http::Request::builder().header("host", host).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer { secured, ..Peer::default() });
        is_always_secure(&request)
    }

    #[test]
    fn tls_for_ever_is_asked_for_over_tls_alone_and_not_for_everybodys_own_machine() {
        assert!(is_asked_for("orgata.example.com:7420", true));
        assert!(!is_asked_for("orgata.example.com:7420", false));
        for own in ["localhost:7420", "127.0.0.1", "[::1]:7420", "x.localhost"] {
            assert!(!is_asked_for(own, true), "{own}");
        }
        let mut headers = HeaderMap::new();
        complete(&mut headers, true);
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    }

    #[test]
    fn what_a_handler_says_itself_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        complete(&mut headers, false);
        assert_eq!(headers[CACHE_CONTROL], "max-age=60");
        assert!(!headers.contains_key("strict-transport-security"));
    }
}
