//! The id under which a request is found in the log.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it, both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that a client may bring.
const MAX: usize = 128;

/// The id that the client brought, if it is one that can stand in a log; a fresh one otherwise.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(value) if is_id(value.as_bytes()) => value.clone(),
        _ => fresh(),
    }
}

fn is_id(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=MAX).contains(&bytes.len()) && bytes.iter().all(plain)
}

/// Tells the requests of this start of the host from those of every other.
static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
static COUNT: AtomicU64 = AtomicU64::new(1);

fn fresh() -> HeaderValue {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let text = format!("req_{:016x}{count:08x}", *START);
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("req_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_would_break_the_log_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("mine-1"));
        assert_eq!(of(&headers), "mine-1");
        for bad in ["", "a b", "{\"x\":1}", &"x".repeat(MAX + 1)] {
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(bad).unwrap());
            assert!(of(&headers).to_str().unwrap().starts_with("req_"), "{bad:?}");
        }
    }

    #[test]
    fn no_two_requests_have_the_same_id() {
        assert_ne!(fresh(), fresh());
    }
}
