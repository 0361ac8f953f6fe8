//! Limits of connections, and stopping.

use std::time::Duration;

use orgata_api::Settings;
use orgata_model::duration::DurationText;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Served;

#[tokio::test]
async fn stopping_says_goodbye_to_every_stream() {
    let served = Served::new(Settings::default()).await;
    let id = served.host.start("ask", json!({})).await;
    let mut client = served.connect().await;
    client.send(json!({ "type": "subscribe_execution", "executionId": id })).await;
    assert_eq!(client.next().await["type"], "subscribed");
    let mut stream = TcpStream::connect(&served.address).await.unwrap();
    let get = format!("GET /api/v1/executions/{id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(get.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    served.stop.send(()).unwrap();
    assert_eq!(u16::from(client.closed().await.code), 1001);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    drop(client);
    tokio::time::timeout(Duration::from_secs(5), served.served).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(&served.address).await.is_err());
}

#[tokio::test]
async fn a_head_that_never_ends_costs_a_connection_its_place() {
    let settings =
        Settings { header_timeout: DurationText(Duration::from_millis(200)), ..Settings::default() };
    let served = Served::new(settings).await;
    let answer = served.raw(b"GET /health HTTP/1.1\r\nhost: loc").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // So does a connection that is kept open for nothing.
    let idle = served.raw(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(idle.ends_with("{\"status\":\"ok\"}"), "{idle}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let served = Served::new(Settings::default()).await;
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let answer =
        served.raw(format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = "y".repeat(100_000);
    let answer =
        served.raw(format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n").as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let settings = Settings { body_timeout: DurationText(Duration::from_millis(200)), ..Settings::default() };
    let served = Served::new(settings).await;
    let head = "POST /api/v1/runtimes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let answer = served.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_its_place() {
    let served = Served::new(Settings { connections: 1, ..Settings::default() }).await;
    // A WebSocket keeps the place that its connection took.
    let client = served.connect().await;
    let mut second = TcpStream::connect(&served.address).await.unwrap();
    second.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read_exact(&mut byte)).await;
    assert!(early.is_err(), "it was served beyond the limit");
    drop(client);
    tokio::time::timeout(Duration::from_secs(5), second.read_exact(&mut byte)).await.unwrap().unwrap();
    assert_eq!(byte, *b"H");
}
