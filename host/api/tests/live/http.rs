//! What HTTP leaves to the reader: requests that two readers understand differently, clients that do not read, and what
//! every response says to browsers.

use std::time::Duration;

use orgata_api::Settings;
use orgata_model::duration::DurationText;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::Served;

const SECOND: &str = "GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A request for a path, with these headers and this body, and another one behind it.
fn hiding(headers: &str, body: &str) -> String {
    format!("POST /api/v1/runtimes HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n{body}{SECOND}")
}

#[tokio::test]
async fn a_request_that_can_be_read_in_two_ways_hides_no_other() {
    let served = Served::new(Settings::default()).await;
    let chunked = "transfer-encoding: chunked\r\n";
    let cases = [
        ("both lengths", hiding(&format!("content-length: 4\r\n{chunked}"), "0\r\n\r\n")),
        ("both, the other way round", hiding(&format!("{chunked}content-length: 4\r\n"), "0\r\n\r\n")),
        ("chunks", hiding(chunked, "2\r\n{}\r\n0\r\n\r\n")),
        ("chunks by another name", hiding("transfer-encoding: xchunked\r\n", "0\r\n\r\n")),
        ("chunks inside of something", hiding("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n")),
        ("chunks twice", hiding(&format!("{chunked}transfer-encoding: identity\r\n"), "0\r\n\r\n")),
        ("two lengths", hiding("content-length: 0\r\ncontent-length: 2\r\n", "{}")),
        ("two lengths in one", hiding("content-length: 0, 2\r\n", "{}")),
        ("a signed length", hiding("content-length: +2\r\n", "{}")),
        ("a length in another base", hiding("content-length: 0x2\r\n", "{}")),
        ("a folded header", hiding("x-a: 1\r\n content-length: 2\r\n", "{}")),
        ("a space before the colon", hiding("content-length : 2\r\n", "{}")),
        ("a return alone", hiding("x-a: 1\rcontent-length: 2\r\n", "{}")),
        ("a zero", hiding("x-a: 1\0\r\ncontent-length: 2\r\n", "{}")),
        ("a chunk that is no number", hiding(chunked, "zz\r\n{}\r\n0\r\n\r\n")),
        ("a chunk of too many digits", hiding(chunked, "fffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
    ];
    for (what, bytes) in cases {
        let answer = served.raw(bytes.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{what}: {answer}");
        assert!(!answer.contains("\"ready\""), "{what}: what it hides was answered: {answer}");
        assert!(answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
    }
}

#[tokio::test]
async fn lines_that_end_in_a_newline_alone_are_one_request_or_none() {
    let served = Served::new(Settings::default()).await;
    let answer = served.raw(b"GET /health HTTP/1.1\nhost: localhost\nconnection: close\n\n").await;
    assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
}

#[tokio::test]
async fn a_header_of_the_client_never_becomes_one_of_the_host() {
    let served = Served::new(Settings::default()).await;
    for path in
        ["/api/v1/executions/x%0d%0aset-cookie:%20a=b", "/x%0d%0a%0d%0ahello", "/api/v1/runtimes?a%0d%0ab=1"]
    {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\nx-request-id: a b\r\nconnection: close\r\n\r\n"
        );
        let answer = served.raw(request.as_bytes()).await;
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("set-cookie") && !head.contains("hello"), "{path}: {head}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let settings =
        Settings { write_timeout: DurationText(Duration::from_millis(300)), ..Settings::default() };
    let served = Served::new(settings).await;
    let mut stream = TcpStream::connect(&served.address).await.unwrap();
    // Answers that nobody reads, until neither side can send any more. Each is much larger than its question.
    let request = b"GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let asking = async { while stream.write_all(request).await.is_ok() {} };
    let given_up = tokio::time::timeout(Duration::from_secs(30), asking).await;
    assert!(given_up.is_ok(), "it is still listened to");
}

#[tokio::test]
async fn every_response_tells_browsers_what_not_to_do_with_it() {
    let served = Served::new(Settings::default()).await;
    let host = &served.host;
    let made = json!({ "runtimeId": "kitchen-v1" });
    for answer in [
        host.get("/health").await,
        host.get("/api/v1/runtimes").await,
        host.get("/nowhere").await,
        host.post("/api/v1/runtimes", made).await,
        host.post("/mcp", json!({})).await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers.get(name).unwrap(), value, "{name}: {}", answer.text);
        }
        // Over plain HTTP browsers would not listen to it, and they are right.
        assert!(!answer.headers.contains_key("strict-transport-security"));
        assert!(!answer.headers.contains_key("content-encoding"));
    }
    let page = host.get("/api/docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("script-src 'self' 'unsafe"),
        "{policy}"
    );
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
}
